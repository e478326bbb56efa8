"""Finish an evaluation by comparing its systems, and read one back from its folder."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, TypeVar

from ragbench.comparison.compare import CompareSettings, compare_metrics
from ragbench.comparison.leaderboard import leaderboard
from ragbench.comparison.steps import steps_of
from ragbench.core.errors import InputError
from ragbench.core.evaluations import (
    ApproximateSearch,
    Arm,
    Cost,
    Estimate,
    Evaluation,
    Latency,
    SearchSpeed,
    Setup,
)
from ragbench.core.judgements import EvaluationTask
from ragbench.core.ledger import Ledger, LedgerEntry
from ragbench.core.runs import Query, Run
from ragbench.core.scored import MEDIAN, ScoredRun
from ragbench.core.scores import Components, HoleRange, Scores, headline
from ragbench.io.checksums import FILES, sound
from ragbench.io.inputs import ANYWHERE, INPUTS, moved
from ragbench.io.parsing import as_written
from ragbench.io.scored_runs import ARM_AFTER, RESULTS, WITHOUT_RANKINGS, read_scored
from ragbench.io.trec import read_trec_run
from ragbench.metrics.settings import tie_cut
from ragbench.stats.repeats import changed_queries

T = TypeVar("T")
OF_FOLDER = ("complete", "runs", FILES, INPUTS)
"""Keys of a manifest that describe the files of its folder, not the evaluation."""


def with_comparisons(found: Evaluation, settings: CompareSettings) -> Evaluation:
    """Compare each system with the first: all metrics, the leaderboard and the steps. One system has none."""
    runs = [run for run in found.scored if run.error is None]
    if len(runs) < 2:
        return found
    metrics = runs[0].scores.metrics
    settings, metric = replace(settings, metrics=metrics), headline(metrics)
    board = leaderboard(runs, metric, settings.for_verdicts)
    found = replace(found, comparisons=compare_metrics(runs, settings), leaderboard=board)
    means = {arm.name: arm.metrics[metric].mean for arm in found.arms if arm.status == "ok"}
    notes = {arm.name: arm.setup.notes for arm in found.arms if arm.setup is not None}
    steps = steps_of(found.scored, metric, settings.for_verdicts, to_first=found.comparisons, means=means, notes=notes)
    return replace(found, steps=steps)


def query_results(run: Run, scores: Scores, cut: int) -> list[object]:
    """Return the top of the ranking and the scores of each query, for comparing runs."""
    return [([item for item, _ in run.ranking(at)[:cut]], values.tobytes()) for at, values in enumerate(scores.values)]


def read_evaluation(folder: Path | str) -> Evaluation:
    """Read the evaluation that ``ragbench eval --out`` or `Evaluation.save` wrote.

    Everything is as it was, apart from the chunks, which are not in the folder. The comparisons are computed again,
    from the same values with the same seed.

    Args:
        folder: the folder.

    Raises:
        InputError: the folder has no finished evaluation of retrievers, or a file is missing or broken.

    Examples:
        >>> evaluation = rb.load_evaluation("reports/example")
        >>> evaluation
        Evaluation(198 queries; ndcg@10: bm25:stem=false 0.590, bm25 0.661)
        >>> evaluation["bm25"]["hit@5"].n
        196
    """
    written, _, arm = str(folder).partition(ARM_AFTER)
    if arm:
        raise InputError(f"{folder}: is one system; write load_evaluation({written!r})[{arm!r}]")
    place = Path(written)
    runs = read_scored(place)
    content: dict[str, Any] = json.loads((place / RESULTS).read_text(encoding="utf-8"))
    manifest = content["manifest"]
    if manifest.get("kind") in WITHOUT_RANKINGS:
        kind = manifest["kind"]
        raise InputError(f"{folder}: holds scores of {kind}, not of rankings; read its systems with load_run")
    with as_written(place, f"evaluate again with --out {place}"):
        return _evaluation(place, content, runs)


def _evaluation(place: Path, content: Mapping[str, Any], runs: Sequence[ScoredRun]) -> Evaluation:
    manifest, settings = content["manifest"], content["manifest"]["settings"]
    ledger = Ledger(tuple(LedgerEntry(**entry) for entry in content["ledger"]["entries"]))
    ran = next((run for run in runs if run.error is None), None)
    if ran is None or ran.judgements is None:
        raise InputError(f"{place}: none of its systems ran: {'; '.join(f'{run.name}: {run.error}' for run in runs)}")
    queries = tuple(Query(id_, text) for id_, text in zip(ran.queries.ids, ran.queries.texts, strict=True))
    inputs = {INPUTS: moved(manifest, place, ANYWHERE)} if INPUTS in manifest else {}
    kept = {key: value for key, value in manifest.items() if key not in OF_FOLDER}
    found = Evaluation(
        arms=tuple(_arm(place, arm, run, manifest, ledger) for arm, run in zip(content["arms"], runs, strict=True)),
        comparisons=(),
        ledger=ledger,
        manifest={**kept, **inputs},
        task=EvaluationTask(queries, ran.judgements, manifest["judgements"]["unit"], Ledger()),
        chunks=None,
        queries=ran.queries,
        by=tuple(one["by"] for one in content.get("slices", ())),
        attributes=ran.attributes,
    )
    compare = CompareSettings(average=settings["average"], seed=settings["seed"], resamples=settings["resamples"])
    return with_comparisons(found, compare)


def _arm(place: Path, arm: Mapping[str, Any], run: ScoredRun, manifest: Mapping[str, Any], ledger: Ledger) -> Arm:
    setup = None if arm.get("setup") is None else _made(Setup, arm["setup"])
    if run.error is not None:
        return Arm(run.name, "error", run.error, setup=setup)
    start = f"{run.name}: "
    degraded = {
        one.item.removeprefix(start): one.reason for one in ledger.of("query-degraded") if one.item.startswith(start)
    }
    repeats = _repeats(place, run, manifest)
    variance = (arm.get("repeats") or {}).get("variance", {})
    return Arm(
        name=run.name,
        status="ok",
        run=run.run,
        scores=run.scores,
        metrics={name: Estimate(**value) for name, value in arm["metrics"].items()},
        cost=_cost(arm, run),
        tie_rate=arm["tie_rate"],
        failed=arm["failed_queries"],
        empty=arm["empty_queries"],
        degraded=degraded,
        from_store=arm["from_store"],
        notes=arm["notes"],
        warnings=tuple(arm["warnings"]),
        repeats=repeats,
        changed=_changed(run, repeats, manifest["settings"]["k"]),
        variance={
            name: replace(_made(Components, one), negative=tuple(one["negative"])) for name, one in variance.items()
        },
        holes={name: HoleRange(**one) for name, one in arm.get("holes", {}).items()},
        setup=setup,
        approximate=tuple(_approximate(one) for one in arm.get("approximate", ())),
    )


def _cost(arm: Mapping[str, Any], run: ScoredRun) -> Cost:
    times = arm["latency_ms"]
    low, high = run.intervals.get(MEDIAN, (None, None))
    latency = None
    if times:
        latency = Latency(times["p50"], times["p95"], times["p99"], times["n"], low, high, run.query_ms)
    return Cost(
        arm["index_seconds"], arm["search_seconds"], arm["qps"], latency, arm["peak_memory_mib"], arm["cost_per_query"]
    )


def _approximate(stored: Mapping[str, Any]) -> ApproximateSearch:
    recall = {int(name.partition("@")[2]): value for name, value in stored["recall"].items()}
    speeds = {key: SearchSpeed(**stored[key]) for key in ("speed", "exact_speed")}
    return ApproximateSearch(**{**stored, **speeds, "recall": recall})


def _repeats(place: Path, run: ScoredRun, manifest: Mapping[str, Any]) -> tuple[Run, ...]:
    """Read the rankings of every run of a system that ran several times."""
    if run.scores.repeats is None or run.run is None:
        return ()
    found = [run.run]
    for number in range(2, len(run.scores.repeats) + 1):
        path = sound(place, f"runs/run-{number}/{manifest['runs'][run.name]}.trec", manifest)
        found.append(read_trec_run(path, unit=run.run.unit, unescape=True).select(run.queries.ids))
    return tuple(found)


def _changed(run: ScoredRun, repeats: Sequence[Run], k: Sequence[int]) -> tuple[str, ...]:
    if run.scores.repeats is None:
        return ()
    values = [replace(run.scores, values=judged[0], repeats=None) for judged in run.scores.repeats]
    each = [query_results(one, scores, tie_cut(k)) for one, scores in zip(repeats, values, strict=True)]
    return tuple(run.queries.ids[at] for at in changed_queries(each))


def _made(cls: type[T], values: Mapping[str, Any]) -> T:
    """Make an object from the keys that are its fields."""
    names = {field.name for field in fields(cls)}  # type: ignore[arg-type]
    return cls(**{name: value for name, value in values.items() if name in names})
