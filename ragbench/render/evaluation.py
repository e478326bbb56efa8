"""An evaluation on a terminal, as Markdown, as JSON (docs/reference/results-json.md), and its folder."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ragbench.comparison.wordings import one_wording
from ragbench.core.evaluations import SCHEMA_VERSION, Arm, Estimate, Evaluation
from ragbench.core.fingerprint import plain
from ragbench.core.ledger import Ledger, issue_lines
from ragbench.core.scored import MEDIAN, known_intervals
from ragbench.core.scores import beside, cut_name, cut_notes, headline
from ragbench.core.steps import Steps
from ragbench.core.verdicts import Leaderboard, Verdict
from ragbench.io.checksums import with_checksums
from ragbench.io.evaluation_cards import CARD, IDENTITY, refuse_other, write_card
from ragbench.io.files import make_out, replacing, write_json_lines, write_text
from ragbench.io.inputs import ANYWHERE, INPUTS, Input, found, recorded
from ragbench.io.parsing import DAMAGED
from ragbench.io.scored_runs import (
    ATTRIBUTES,
    LATENCY,
    QUERIES,
    REPEATS,
    RESULTS,
    SCORES,
    data_files,
    write_attributes,
    write_latency,
    write_queries,
    write_repeats,
)
from ragbench.io.trec import write_qrels, write_trec_run
from ragbench.metrics.holes import hole_notes
from ragbench.metrics.parse import parse
from ragbench.render.approximate import approximate_blocks, approximate_json
from ragbench.render.blocks import Block, Cell, Line, markdown, notes_block, terminal
from ragbench.render.by_slice import slice_blocks, slices_json
from ragbench.render.holes import hole_range_blocks, holes_json
from ragbench.render.leaderboard import gain_lines, group_cells, group_key, leaderboard_block, leaderboard_json
from ragbench.render.numbers import PColumns, counted, fraction, interval, outcomes, units, with_interval
from ragbench.render.outcome import outcome_cell
from ragbench.render.repeats import repeats_json, variance_blocks
from ragbench.render.steps import steps_block, steps_json
from ragbench.render.wordings import wording_blocks, wording_claim
from ragbench.stats.repeats import FEWEST_RUNS

if TYPE_CHECKING:
    from rich.console import RenderableType

JSON = dict[str, object]
CALLS = "llm_calls"
"""The note that every system with a language model has."""
ARMS_PER_TABLE = 3
FEW_ITEMS = 3
"""Items that a note on a terminal names before it refers to the issue log."""
ISSUE_LOG = "ledger.jsonl"
SOME_FIGURES = "Other metrics, and cost (latency: one query at a time)"
FEW_CLUSTERS = 20
"""With fewer resampling units, intervals are too narrow."""


def evaluation_tables(
    evaluation: Evaluation, *, all_metrics: bool = False, out: Path | None = None
) -> "RenderableType":
    """The evaluation on one screen of a terminal: some metrics and costs, notes, and last the leaderboard with errors.

    Args:
        evaluation: what to show.
        all_metrics: whether to show all metrics and costs with their intervals, and the ranks.
        out: the folder in which the evaluation is written, to name the files with the rest.
    """
    return terminal(evaluation_blocks(evaluation) if all_metrics else _short_blocks(evaluation, out))


def evaluation_markdown(evaluation: Evaluation) -> str:
    """The leaderboard with errors, then metrics, costs and notes."""
    return markdown("Evaluation", evaluation_blocks(evaluation))


def evaluation_blocks(evaluation: Evaluation) -> list[Block]:
    """Metrics, costs, notes, ranks and leaderboard."""
    ran = [arm for arm in evaluation.arms if arm.status == "ok"]
    notes = notes_block(evaluation_notes(evaluation))
    if not ran:
        return [*notes, _without_leaderboard(evaluation)]
    ranks = [] if evaluation.leaderboard is None else [leaderboard_block(evaluation.leaderboard, key=False)]
    before, after = _asked_for(evaluation, ran)
    main = _leaderboard(evaluation, ran)
    return [_metrics(ran, _mean(evaluation)), _costs(ran), *before, *notes, *ranks, *after, main]


def _short_blocks(evaluation: Evaluation, out: Path | None) -> list[Block]:
    """What fits on one screen: without most metrics and costs, and with the ranks in a sentence."""
    ran = [arm for arm in evaluation.arms if arm.status == "ok"]
    notes = notes_block(_notes(evaluation, items=FEW_ITEMS, out=out))
    if not ran:
        return [*notes, _without_leaderboard(evaluation)]
    before, after = _asked_for(evaluation, ran)
    main, board = _leaderboard(evaluation, ran), evaluation.leaderboard
    hidden = len(ran[0].metrics) - 1 - len(_beside(ran[0]))
    where = "" if out is None else f", or see {out / 'summary.md'}"
    more = f"{counted(hidden, 'more metric')}, " if hidden else ""
    rest = Line(f"{more}intervals and all costs: --all-metrics{where}", "quiet")
    lines = (*([] if board is None else gain_lines(board)), *main.lines, rest)
    return [_some_figures(ran), *before, *notes, *after, replace(main, lines=lines)]


def _asked_for(evaluation: Evaluation, ran: Sequence[Arm]) -> tuple[list[Block], list[Block]]:
    """The tables that only some evaluations have, before and after the notes."""
    primary = headline(list(ran[0].metrics))
    described = any(arm.setup is not None and (arm.setup.named or arm.setup.notes) for arm in evaluation.arms)
    before = [
        *approximate_blocks(ran),
        *hole_range_blocks({arm.name: arm.holes for arm in ran}, columns=ARMS_PER_TABLE),
        *variance_blocks({arm.name: arm.variance for arm in ran}, primary),
        *slice_blocks([run for run in evaluation.scored if run.error is None], evaluation.by, primary),
    ]
    wordings = wording_blocks(evaluation.comparisons, primary, lambda verdict: verdict.candidate)
    steps = [steps_block(evaluation.steps)] if evaluation.steps is not None and described else []
    return before, [*wordings, *steps]


def _failed(evaluation: Evaluation) -> tuple[Line, ...]:
    return tuple(
        Line(f"error: {arm.name} did not run and has no score: {arm.error}", "bad", bullet=False)
        for arm in evaluation.failed
    )


def _without_leaderboard(evaluation: Evaluation) -> Block:
    """What is shown if no system ran."""
    return Block(lines=(f"{summary(evaluation)}.", *_failed(evaluation)), main=True)


def _leaderboard(evaluation: Evaluation, arms: Sequence[Arm]) -> Block:
    """The headline metric of each system, and its paired difference to the first system."""
    metric = headline(list(arms[0].metrics))
    scored = {arm.name: arm.scores for arm in arms if arm.scores is not None}
    title = f"{cut_name(metric, *scored.values())}, {_mean(evaluation)} [95% interval]"
    head, board = ["system", metric], evaluation.leaderboard
    head += [] if board is None else ["group"]
    found = {one.candidate: one for one in evaluation.comparisons if one.metric == metric}
    p = PColumns.of(list(found.values()))
    if evaluation.comparisons:
        title += f", and paired difference to {arms[0].name}{p.title}"
        head += ["difference", *p.head, "win/tie/loss", "outcome"]
    depends = [
        f"{wording_claim(one, one.wordings)}."
        for one in found.values()
        if one.decision == "depends on the wording" and one.wordings is not None
    ]
    rows: list[Sequence[str | Cell]] = []
    for arm in arms:
        cells: list[str | Cell] = [arm.name, with_interval(arm.metrics[metric]), *group_cells(board, arm.name)]
        one = found.get(arm.name)
        if one is not None:
            cells += [interval(one), *p.cells(one), outcomes(one), outcome_cell(one)]
        rows.append(cells)
    return Block(
        title,
        tuple(head),
        tuple(rows),
        (
            *depends,
            *p.lines(list(found.values())),
            *([] if board is None else [group_key(board)]),
            *cut_notes(scored, [metric]),
            *_failed(evaluation),
        ),
        (f"{summary(evaluation)}.",),
        main=True,
        align="l" + "r" * (len(head) - 2) + ("l" if evaluation.comparisons else "r"),
        spare=("p", "win/tie/loss", "group") if len(p.head) > 1 else ("win/tie/loss",),
    )


def _beside(arm: Arm) -> list[str]:
    return beside(list(arm.metrics), headline(list(arm.metrics)))


def _some_figures(arms: Sequence[Arm]) -> Block:
    """Means of some more metrics, with the speed of each system."""
    metrics = _beside(arms[0])
    rows = []
    for arm in arms:
        cost = arm.cost
        latency = None if cost is None else cost.latency_ms
        speed = ("-", "-") if latency is None else (f"{latency.p50:.2f}", f"{latency.p95:.2f}")
        index = "-" if cost is None else f"{cost.index_seconds:.2f}"
        rows.append((arm.name, *(fraction(arm.metrics[name].mean) for name in metrics), index, *speed))
    head = ("system", *metrics, "index s", "p50 ms", "p95 ms")
    return Block(SOME_FIGURES, head, tuple(rows), spare=tuple(reversed(metrics)))


def _metrics(arms: Sequence[Arm], mean: str) -> Block:
    scored = [arm.scores for arm in arms if arm.scores is not None]
    rows = tuple(
        (cut_name(name, *scored), *(with_interval(arm.metrics[name]) for arm in arms)) for name in arms[0].metrics
    )
    head = ("metric", *(arm.name for arm in arms))
    return Block(f"All metrics, {mean} [95% interval]", head, rows, columns=ARMS_PER_TABLE)


def _costs(arms: Sequence[Arm]) -> Block:
    """Seconds, throughput, latency of single queries and memory."""
    rows = []
    for arm in arms:
        if arm.cost is None:
            continue
        latency, qps = arm.cost.latency_ms, arm.cost.qps
        row = (
            arm.name + (" (stored)" if arm.from_store else ""),
            f"{arm.cost.index_seconds:.2f}",
            "-" if qps is None else f"{qps:,.0f}" if qps >= 10 else f"{qps:.1f}",
            *(("-",) * 3 if latency is None else (f"{ms:.2f}" for ms in (latency.p50, latency.p95, latency.p99))),
            f"{arm.cost.peak_memory_mib:,.0f}",
            "-" if arm.tie_rate is None else f"{arm.tie_rate:.1%}",
        )
        rows.append(row)
    head = ("system", "index s", "queries/s", "p50 ms", "p95 ms", "p99 ms", "peak MiB", "ties")
    return Block("Cost (latency: one query at a time)", head, tuple(rows))


def _mean(evaluation: Evaluation) -> str:
    """The name of the means in titles."""
    return "mean over documents" if _average(evaluation) == "documents" else "mean"


def _average(evaluation: Evaluation) -> object:
    settings = evaluation.manifest["settings"]
    return settings.get("average") if isinstance(settings, Mapping) else None


def summary(evaluation: Evaluation) -> str:
    """One sentence: queries, chunks, what is judged, and how intervals are resampled."""
    chunks, resampling = evaluation.manifest.get("chunks"), _resampling(evaluation)
    several = evaluation.manifest.get("chunkings")
    indexed = (
        f"{chunks['chunks']} chunks from {chunks['documents']} documents" if isinstance(chunks, dict) else "no corpus"
    )
    if isinstance(chunks, dict) and isinstance(several, Mapping):
        cut = ", ".join(f"{one['chunks']} ({chunker})" for chunker, one in several.items())
        indexed = f"{chunks['documents']} documents in chunks: {cut}"
    queries = len(evaluation.task.queries)
    by_document = "; every document counts once" if _average(evaluation) == "documents" else ""
    indexed += _filtered_by(evaluation)
    return (
        f"{queries} {'query' if queries == 1 else 'queries'}{_without_relevant(evaluation)}; {indexed}; "
        f"{evaluation.task.unit}s are judged; intervals resample {units(resampling)}{by_document}"
    )


def _filtered_by(evaluation: Evaluation) -> str:
    """The filters of the evaluation."""
    settings = evaluation.manifest.get("settings")
    if not isinstance(settings, Mapping):
        return ""
    parts = [str(settings["filter"])] if settings.get("filter") else []
    if settings.get("filter_column"):
        parts.append(f"the column {settings['filter_column']} of the queries")
    return f", filtered by {' and '.join(parts)}" if parts else ""


def _without_relevant(evaluation: Evaluation) -> str:
    """How many queries have no relevant item, at the level of each metric."""
    labels, levels = evaluation.task.judgements, dict[int, list[str]]()
    names = next((list(arm.metrics) for arm in evaluation.arms if arm.status == "ok"), [])
    for name in names:
        needed = parse(name).needs_level
        if needed is not None:
            levels.setdefault(needed, []).append(name)
    counts = {
        level: len(labels) - len(np.unique(labels.query_index[labels.labels >= level])) for level in sorted(levels)
    }
    if len(set(counts.values())) == 1 or not any(counts.values()):
        count = next(iter(counts.values()), 0)
        have = "has" if count == 1 else "have"
        return f" ({count} {have} no relevant item and {'is' if count == 1 else 'are'} not scored)" if count else ""
    parts = [
        f"{count} without a label of {level} or above are not scored by {', '.join(levels[level][:3])}"
        + (", ..." if len(levels[level]) > 3 else "")
        for level, count in counts.items()
        if count
    ]
    return f" ({'; '.join(parts)})"


def evaluation_notes(evaluation: Evaluation) -> list[str]:
    """What you need to know to read the numbers: stored parts, language models, skipped items, warnings."""
    stored = [arm.name for arm in evaluation.arms if _noted(arm, "embedded", 0)]
    notes = []
    if stored:
        notes.append(f"the index time excludes embedding, because the vectors were stored already: {', '.join(stored)}")
    both = [arm.name for arm in evaluation.arms if _noted(arm, "embedded_tokens_too", True)]
    if both:
        notes.append(f"the index time includes the token vectors that rerank uses, too: {', '.join(both)}")
    reused = [arm.name for arm in evaluation.arms if arm.from_store]
    if reused:
        notes.append(f"read from the run store, so nothing was computed again: {', '.join(reused)}")
    return [*notes, *_notes(evaluation)]


def _notes(evaluation: Evaluation, *, items: int = 10, out: Path | None = None) -> list[str]:
    """The notes about the scores; lines of the issue log name ``items`` items, and the file that has the others."""
    notes = []
    clusters = int(str(_resampling(evaluation)["clusters"]))
    if 1 < clusters < FEW_CLUSTERS:
        notes.append(
            f"warning: {clusters} resampling units are few, so intervals are too narrow "
            "(in simulations, a 95% interval covers 93% with 10 units, 86% with 5, 71% with 3)"
        )
    notes += _repeated(evaluation)
    notes += one_wording(evaluation.queries, evaluation.comparisons)
    notes += [line for arm in evaluation.arms for line in llm_lines(arm)]
    # A query without a relevant item has an entry for each level of the metrics.
    hopeless = evaluation.ledger.of("no-relevant")
    issues = []
    for reason in dict.fromkeys(entry.reason for entry in hopeless):
        issues += issue_lines((entry for entry in hopeless if entry.reason == reason), items=items)
    issues += issue_lines(one for one in evaluation.ledger.entries if one.code not in ("no-relevant", "arm-failed"))
    if out is not None and len({entry.item for entry in evaluation.ledger.entries}) > items:
        issues = [f"{line}; see {out / ISSUE_LOG}" for line in issues]
    notes += issues
    if not any(arm.holes for arm in evaluation.arms):
        scored = {arm.name: arm.scores for arm in evaluation.arms if arm.scores is not None}
        notes += hole_notes(scored, evaluation.task.judgements)
    for arm in evaluation.arms:
        notes += [f"warning: {arm.name}: {warning}" for warning in arm.warnings]
        if arm.empty:
            notes.append(f"warning: {arm.name}: {counted(arm.empty, 'query')} found nothing and scored 0")
    return notes


def _repeated(evaluation: Evaluation) -> list[str]:
    """Which systems ran several times, which once because nothing in them is random, and how many queries changed."""
    settings = evaluation.manifest["settings"]
    repeats = settings.get("repeats", 1) if isinstance(settings, Mapping) else 1
    if repeats == 1:
        return []
    several = [arm for arm in evaluation.arms if arm.repeats]
    once = [arm.name for arm in evaluation.arms if arm.status == "ok" and not arm.repeats]
    notes = []
    if several:
        changes = ", ".join(
            f"{arm.name} (the ranking changed for {counted(len(arm.changed), 'query')})" for arm in several
        )
        notes.append(f"scores are means over {repeats} runs: {changes}")
    if several and repeats < FEWEST_RUNS:
        notes.append(f"warning: {repeats} runs hardly show how runs vary, so intervals are too narrow; 3 or more do")
    if once:
        notes.append(f"ran once, because the ranking is always the same: {', '.join(once)}")
    return notes


def _resampling(evaluation: Evaluation) -> dict[str, object]:
    resampling = evaluation.manifest["resampling"]
    assert isinstance(resampling, dict)
    return resampling


def _noted(arm: Arm, name: str, value: object) -> bool:
    """Whether the system or a part of it has this note; ``embedded`` is 0 where all vectors were stored."""
    return any(key.split(".")[-1] == name and noted == value for key, noted in arm.notes.items())


def llm_lines(arm: Arm) -> Iterator[str]:
    """A line for each language model within a system; most systems have none."""
    for key in arm.notes:
        prefix, dot, last = key.rpartition(".")
        if last == CALLS:
            notes = {
                name.rpartition(".")[2]: float(value)
                for name, value in arm.notes.items()
                if name.rpartition(".")[0] == prefix and isinstance(value, int | float)
            }
            yield _llm_line(f"{arm.name}: {prefix}" if dot else arm.name, arm, notes)


def _llm_line(name: str, arm: Arm, notes: Mapping[str, float]) -> str:
    parts = [
        counted(notes[CALLS], "call"),
        f"{counted(notes.get('llm_cached', 0), 'answer')} from the cache",
        counted(notes.get("llm_tokens", 0), "token"),
    ]
    if "llm_cost" in notes:
        parts.append(f"{notes['llm_cost']:.4g} in cost")
    if arm.cost is not None and arm.cost.cost_per_query is not None:
        parts.append(f"{arm.cost.cost_per_query:.3g} a query without the cache")
    when = ", when its run was stored" if arm.from_store else ""
    line = f"{name}: language model{when}: {', '.join(parts)}"
    if "llm_ms_p50" in notes:
        line += (
            f"; p50 {notes['llm_ms_p50']:,.0f} ms, p95 {notes['llm_ms_p95']:,.0f} ms a query, not included in the "
            "latency above"
        )
    if notes.get("unchanged"):
        line += f"; unchanged: {counted(notes['unchanged'], 'query')}"
    return line


def evaluation_json(evaluation: Evaluation) -> JSON:
    """The JSON object of an evaluation."""
    found = results_json(
        evaluation.arms, evaluation.comparisons, evaluation.ledger, evaluation.manifest, evaluation.leaderboard,
        evaluation.steps,
    )  # fmt: skip
    systems = [run for run in evaluation.scored if run.error is None]
    sliced = slices_json(systems, evaluation.by, headline(list(systems[0].scores.metrics))) if systems else []
    return {**found, "slices": sliced}


def results_json(
    arms: Sequence[Arm],
    comparisons: Sequence[Verdict],
    ledger: Ledger,
    manifest: Mapping[str, object],
    leaderboard: Leaderboard | None = None,
    steps: Steps | None = None,
) -> JSON:
    """The same object from its parts, for an evaluation that is still running too."""
    return {
        "schema_version": SCHEMA_VERSION,
        "arms": [arm_json(arm) for arm in arms],
        "comparisons": [comparison_json(comparison) for comparison in comparisons],
        "leaderboard": leaderboard_json(leaderboard),
        "steps": steps_json(steps),
        "ledger": ledger.to_dict(),
        "manifest": plain(manifest),
    }


def arm_json(arm: Arm) -> JSON:
    """One system; for example, its mean is at ``arms[].metrics["ndcg@10"].mean``."""
    if arm.status == "error" or arm.cost is None:
        return {"name": arm.name, "status": "error", "error": arm.error, "setup": setup_json(arm)}
    latency = arm.cost.latency_ms
    known = {} if latency is None else known_intervals({MEDIAN: (latency.p50_low, latency.p50_high)})
    return {
        "name": arm.name,
        "status": "ok",
        "metrics": {name: asdict(value) for name, value in arm.metrics.items()},
        "directions": {} if arm.scores is None else dict(arm.scores.directions),
        "averages": {} if arm.scores is None else dict(arm.scores.averages),
        "cuts": {} if arm.scores is None else dict(arm.scores.cuts),
        "latency_ms": {} if latency is None else {name: getattr(latency, name) for name in ("p50", "p95", "p99", "n")},
        "latency_ms_intervals": {MEDIAN: interval_json(known, MEDIAN)},
        "qps": arm.cost.qps,
        "index_seconds": arm.cost.index_seconds,
        "search_seconds": arm.cost.search_seconds,
        "peak_memory_mib": arm.cost.peak_memory_mib,
        "cost_per_query": arm.cost.cost_per_query,
        "approximate": approximate_json(arm),
        "tie_rate": arm.tie_rate,
        "failed_queries": arm.failed,
        "empty_queries": arm.empty,
        "degraded_queries": len(arm.degraded),
        "holes": holes_json(arm.holes),
        "repeats": repeats_json(arm.scores, arm.variance, len(arm.changed)),
        "from_store": arm.from_store,
        "notes": plain(arm.notes),
        "warnings": list(arm.warnings),
        "setup": setup_json(arm),
    }


def setup_json(arm: Arm) -> JSON | None:
    """What a system consists of."""
    return None if arm.setup is None else asdict(arm.setup)


def interval_json(known: Mapping[str, Sequence[float]], name: str) -> list[float] | None:
    """The two ends of an interval, or None if it is unknown."""
    return list(known[name]) if name in known else None


def comparison_json(verdict: Verdict) -> JSON:
    """One paired difference."""
    ends = Estimate(verdict.difference, verdict.low, verdict.high, verdict.n)
    return {
        "baseline": verdict.baseline,
        "candidate": verdict.candidate,
        "metric": verdict.metric,
        "difference": asdict(ends),
        "p": verdict.p,
        "p_adjusted": verdict.p_adjusted,
        "decision": verdict.decision,
        "runs": None if verdict.runs is None else asdict(verdict.runs),
        "wordings": None if verdict.wordings is None else asdict(verdict.wordings),
        "wins": verdict.wins,
        "ties": verdict.ties,
        "losses": verdict.losses,
    }


def file_name(arm: str) -> str:
    """The name of a system as a file name."""
    return re.sub(r"[^A-Za-z0-9._=+-]+", "_", arm).strip("_.") or "arm"


def save_evaluation(evaluation: Evaluation, folder: Path, *, force: bool = False) -> Path:
    """Write the folder of a finished evaluation, and return it.

    Raises:
        InputError: the folder cannot be written, or holds another evaluation.
    """
    manifest = evaluation.manifest
    inputs = {name: one for name in ("corpus", "golden") if (one := found(manifest, name, ANYWHERE)) is not None}
    identity = manifest.get(IDENTITY)
    written = ReportFolder(folder, inputs, identity=identity if isinstance(identity, dict) else {}, force=force)
    for arm in evaluation.arms:
        written.arm(arm)
    written.finish(evaluation)
    return folder


class ReportFolder:
    """Writes the folder of an evaluation, system by system, so that finished systems are readable while others run.

    Args:
        folder: created if it does not exist.
        inputs: where ``corpus`` and ``golden`` come from, so that reports find them again.
        identity: fingerprints of the parts that make the evaluation the one it is, by name.
        force: whether another evaluation in the folder may be replaced.

    Raises:
        InputError: the folder cannot be created, or holds another evaluation.
    """

    def __init__(
        self,
        folder: Path,
        inputs: Mapping[str, Input] | None = None,
        *,
        identity: Mapping[str, str] | None = None,
        force: bool = False,
    ) -> None:
        make_out(folder)
        self._identity = {} if identity is None else {IDENTITY: dict(identity)}
        if identity is not None and not force:
            refuse_other(folder, identity)
        self.folder = folder
        self._inputs = {INPUTS: recorded(inputs, folder)} if inputs else {}
        self._done: list[Arm] = []
        self._names: dict[str, str] = {}

    def arm(self, arm: Arm) -> None:
        """Write a finished system and the results so far."""
        if not self._done:
            self._clear()
        self._done.append(arm)
        name = file_name(arm.name)
        while name in self._names.values():
            name += "_"
        self._names[arm.name] = name
        if arm.run is not None:
            write_trec_run(arm.run, self.folder / "runs" / f"{name}.trec", name, escape=True)
        for number, run in enumerate(arm.repeats[1:], start=2):
            write_trec_run(run, self.folder / "runs" / f"run-{number}" / f"{name}.trec", name, escape=True)
        self._scores(self._done)
        self._results(results_json(self._done, (), Ledger(), {"complete": False, "runs": self._names}))

    def _clear(self) -> None:
        """Delete the files of an earlier evaluation, so that nobody mistakes them for files of this one."""
        try:
            runs = json.loads((self.folder / RESULTS).read_text(encoding="utf-8"))["manifest"]["runs"]
            old = [f"runs/{file_name(name)}.trec" for name in runs.values()]
        except DAMAGED:
            return
        old += [f"runs/{path.parent.name}/{path.name}" for path in self.folder.glob("runs/run-*/*.trec")]
        # The results first: without them, a kill leaves no evaluation rather than half of one.
        files = ("qrels.trec", ISSUE_LOG, "summary.md", SCORES, REPEATS, QUERIES, LATENCY, ATTRIBUTES)
        for name in (RESULTS, CARD, *old, *files):
            (self.folder / name).unlink(missing_ok=True)

    def finish(self, evaluation: Evaluation) -> None:
        """Write the complete evaluation."""
        self._scores(evaluation.arms)
        write_repeats({arm.name: arm.scores for arm in evaluation.arms if arm.scores is not None}, self.folder)
        write_queries(evaluation.queries, self.folder / QUERIES)
        write_attributes(evaluation.attributes, self.folder)
        write_latency({one.name: one.query_ms for one in evaluation.scored}, self.folder)
        write_qrels(evaluation.task.judgements, self.folder / "qrels.trec", escape=True)
        write_json_lines(self.folder / ISSUE_LOG, evaluation.ledger.rows())
        write_text(self.folder / "summary.md", evaluation_markdown(evaluation))
        known = {key: value for key, value in evaluation.manifest.items() if key != INPUTS}
        manifest = {**known, **self._identity, **self._inputs, "complete": True, "runs": self._names}
        content = evaluation_json(replace(evaluation, manifest=manifest))
        self._results(with_checksums(content, self.folder, data_files(self.folder)), indent=1)
        write_card(content, self.folder)

    def _results(self, content: dict[str, object], *, indent: int | None = None) -> None:
        write_text(self.folder / RESULTS, json.dumps(content, indent=indent, ensure_ascii=False) + "\n")

    def _scores(self, arms: Sequence[Arm]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        tables = []
        for arm in arms:
            if arm.scores is None:
                continue
            ids, columns = list(arm.scores.query_ids), zip(arm.scores.metrics, arm.scores.values.T, strict=True)
            values = {name: pa.array(column, from_pandas=True) for name, column in columns}
            tables.append(pa.table({"arm": [arm.name] * len(ids), "query_id": ids, **values}))
        if tables:
            with replacing(self.folder / SCORES) as path:
                pq.write_table(pa.concat_tables(tables), path)
