"""What a reference on the command line names: arms of an evaluation, or a run file scored now."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ragbench.core.errors import InputError, did_you_mean
from ragbench.core.scored import QueryTable, ScoredRun
from ragbench.io.run_files import read_run
from ragbench.io.scored_runs import ARM_AFTER, read_scored
from ragbench.io.trec import read_qrels
from ragbench.metrics.score import score


def read_references(
    references: Sequence[str], *, qrels: Path | None = None, metrics: Sequence[str] = ("ndcg@10",)
) -> tuple[ScoredRun, ...]:
    """Every system that the references name, in their order, each with a name of its own.

    Arms of one name from two folders are called ``FOLDER::ARM``.

    Args:
        references: ``FOLDER`` for all arms of an evaluation, ``FOLDER::ARM`` for
            one, or a run file (TREC, JSON), which needs ``qrels``.
        qrels: TREC labels for run files.
        metrics: what run files are scored with.

    Raises:
        InputError: a reference cannot be read, or names the same system as another.
    """
    repeated = sorted({reference for reference in references if references.count(reference) > 1})
    if repeated:
        raise InputError(f"{', '.join(repeated)} is named twice: a system cannot be compared with itself")
    if qrels is not None and all(Path(reference.partition(ARM_AFTER)[0]).is_dir() for reference in references):
        raise InputError(f"--qrels {qrels}: labels are for run files, and none is named; folders have their own")
    found = [(ref, run) for ref in references for run in _read(ref, qrels, metrics)]
    names = [run.name for _, run in found]
    return tuple(
        run if names.count(run.name) == 1 else _called(run, ref.partition(ARM_AFTER)[0] + ARM_AFTER + run.name)
        for ref, run in found
    )


def with_baseline(runs: Sequence[ScoredRun], baseline: str) -> tuple[ScoredRun, ...]:
    """The systems with the one of that name first.

    Raises:
        InputError: there is none.
    """
    first = [run for run in runs if run.name == baseline]
    if not first:
        raise InputError(
            f"--baseline {baseline}: no system has that name{did_you_mean(baseline, [r.name for r in runs])}"
        )
    return (*first, *(run for run in runs if run.name != baseline))


def _read(reference: str, qrels: Path | None, metrics: Sequence[str]) -> tuple[ScoredRun, ...]:
    path = Path(reference)
    if not path.is_file():
        return read_scored(reference)
    if qrels is None:
        raise InputError(f"{path}: is a file; a run file needs the labels too: --qrels FILE")
    run, judgements = read_run(path), read_qrels(qrels)
    scores = score(run, judgements, list(metrics))
    ids = list(judgements.query_ids)
    blank = [""] * len(ids)
    queries = QueryTable(ids, blank, blank, ids)
    return (ScoredRun(path.stem, scores, queries, run.select(ids), judgements, failed=len(run.failures)),)


def _called(run: ScoredRun, name: str) -> ScoredRun:
    return replace(run, name=name)
