"""Read the systems to compare: evaluations and scored answers, their folders, and run files."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol, runtime_checkable

from ragbench.core.errors import InputError, SettingError, did_you_mean
from ragbench.core.evaluations import Evaluation
from ragbench.core.judgements import Judgements
from ragbench.core.naming import split_path
from ragbench.core.options import named
from ragbench.core.scored import QueryTable, ScoredRun
from ragbench.io.arm_folders import read_arms
from ragbench.io.qrels_files import read_judgements
from ragbench.io.run_files import read_run
from ragbench.io.scored_runs import ARM_AFTER, RESULTS, read_scored
from ragbench.io.trec import read_intents
from ragbench.metrics.parse import parse_all
from ragbench.metrics.score import score


@runtime_checkable
class Scorable(Protocol):
    """What has the scores of one system: scored answers, a scored submission."""

    @property
    def scored(self) -> ScoredRun:
        """The scores."""
        ...


System = Evaluation | Scorable | ScoredRun | Path | str
"""An evaluation (all of its systems), one of its systems, scored answers, a scored submission, or the path of a
folder or run file."""
SYSTEM = (
    'an evaluation, one of its systems (evaluation["bm25"]), scored answers, or a folder as "FOLDER" or "FOLDER::ARM"; '
    "several are given one by one (*evaluation)"
)


def systems(
    given: Iterable[System], *, qrels: Path | None = None, metrics: Sequence[str] = ("ndcg@10",)
) -> tuple[ScoredRun, ...]:
    """Return every given system, in order.

    Args:
        given: objects, and references as in `read_references`.
        qrels: TREC labels for run files.
        metrics: metrics for scoring run files.

    Raises:
        InputError: a reference cannot be read, or two systems have the same name.
    """
    given = list(given)
    references = [str(one) for one in given if isinstance(one, str | Path)]
    if len(references) == len(given):
        return read_references(references, qrels=qrels, metrics=metrics)
    found: list[ScoredRun] = []
    for one in given:
        if isinstance(one, str | Path):
            found += read_references([str(one)], qrels=qrels, metrics=metrics)
        elif isinstance(one, Evaluation):
            found += one.scored
        elif isinstance(one, ScoredRun):
            found.append(one)
        else:
            found.append(one.scored)
    names = [run.name for run in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(
            f"two systems are called {twice[0]!r}; name systems of folders as FOLDER::ARM, or give the run another "
            "name (dataclasses.replace(run, name=...))"
        )
    return tuple(found)


def one_system(given: System, *, qrels: Path | None = None) -> ScoredRun:
    """Return the only system of a reference or object.

    Raises:
        InputError: there are several systems.
    """
    found = systems([given], qrels=qrels)
    if len(found) != 1:
        listed = ", ".join(run.name for run in found)
        raise InputError(f"one system is needed and this has {len(found)}: {listed}; name one of them")
    return found[0]


def read_references(
    references: Sequence[str], *, qrels: Path | None = None, metrics: Sequence[str] = ("ndcg@10",)
) -> tuple[ScoredRun, ...]:
    """Read every system that the references name, in order and with unique names.

    Systems with the same name from two folders are called ``FOLDER::ARM``, unless a reference gives them a name.

    Args:
        references: ``FOLDER`` for all systems of an evaluation, ``FOLDER::ARM`` for one, or a run file (TREC, JSON),
            which needs ``qrels``. A reference to one system may begin with ``NAME=``.
        qrels: TREC labels for run files.
        metrics: metrics for scoring run files.

    Raises:
        InputError: a reference cannot be read, or two references name the same system.
    """
    named_places = [split_path(reference, ARM_AFTER) for reference in references]
    places = [place for _, place in named_places]
    repeated = sorted({place for place in places if places.count(place) > 1})
    if repeated:
        raise InputError(f"{', '.join(repeated)} is named twice: a system cannot be compared with itself")
    given = [name for name, _ in named_places if name]
    twice = sorted({name for name in given if given.count(name) > 1})
    if twice:
        raise InputError(f"two systems are called {twice[0]!r}: give each a name of its own")
    if qrels is not None and all(Path(place.partition(ARM_AFTER)[0]).is_dir() for place in places):
        raise SettingError(
            f"is {qrels}: labels are for run files, and none is named; folders have their own", option="qrels"
        )
    files = [place for place in places if Path(place).is_file()]
    judgements = None
    if files and qrels is not None:
        diverse = any(metric.by_intent for metric in parse_all(list(metrics)))
        judgements = read_intents(qrels) if diverse else read_judgements(qrels)
    found = [(ref, run) for ref in named_places for run in _named(*ref, _read(ref[1], judgements, metrics))]
    names = [run.name for _, run in found]
    return tuple(
        run
        if names.count(run.name) == 1 or name
        else _called(run, place.partition(ARM_AFTER)[0] + ARM_AFTER + run.name)
        for (name, place), run in found
    )


def with_baseline(runs: Sequence[ScoredRun], baseline: str) -> tuple[ScoredRun, ...]:
    """Put the system of that name first.

    Raises:
        InputError: there is no such system.
    """
    first = [run for run in runs if run.name == baseline]
    if not first:
        raise SettingError(
            f"is {baseline!r}, and no system has that name{did_you_mean(baseline, [run.name for run in runs])}",
            option="baseline",
        )
    return (*first, *(run for run in runs if run.name != baseline))


def _read(reference: str, judgements: Judgements | None, metrics: Sequence[str]) -> tuple[ScoredRun, ...]:
    path = Path(reference)
    if not path.is_file():
        return tuple(run for place in places(reference) for run in read_scored(place))
    if judgements is None:
        raise InputError(f"{path}: is a file; a run file needs the labels too: give them by {named('qrels')}")
    run = read_run(path)
    scores = score(run, judgements, list(metrics))
    queries = QueryTable.of_labels(judgements)
    ranked = run.select(list(judgements.query_ids))
    return (ScoredRun(path.stem, scores, queries, ranked, judgements, failed=len(run.failures)),)


def _named(name: str, place: str, runs: tuple[ScoredRun, ...]) -> tuple[ScoredRun, ...]:
    """The systems at a place, with the name that the reference gives to the only one.

    Raises:
        InputError: there are several.
    """
    if not name:
        return runs
    if len(runs) != 1:
        listed = ", ".join(run.name for run in runs)
        raise InputError(
            f"{name}={place}: a name is for one system, and this has {len(runs)}: {listed}. Write {name}={place}::NAME"
        )
    return (_called(runs[0], name),)


def places(reference: str) -> list[str]:
    """The folders behind a reference: those of each system, if ``ragbench score`` scored several into one folder.

    Raises:
        InputError: the list of the systems is damaged.
    """
    folder, _, wanted = reference.partition(ARM_AFTER)
    arms = {} if (Path(folder) / RESULTS).exists() else read_arms(Path(folder))
    if not wanted:
        return [str(place) for place in arms.values()] or [reference]
    return [str(arms[wanted])] if wanted in arms else [reference]


def _called(run: ScoredRun, name: str) -> ScoredRun:
    return replace(run, name=name)
