"""The sections of the page that are HTML: verdict, leaderboard, tables, issue log, golden set, manifest."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ragbench.comparison.steps import steps_of
from ragbench.core.evaluations import Estimate
from ragbench.core.scores import cut_notes
from ragbench.core.verdicts import Verdict
from ragbench.render.blocks import Block, Cell, Row, strong
from ragbench.render.by_slice import slice_blocks
from ragbench.render.compare import difference_blocks, verdict_sentences
from ragbench.render.compare import notes as compare_notes
from ragbench.render.html.inputs import Evaluated, ReportData
from ragbench.render.leaderboard import group_cells, group_key
from ragbench.render.numbers import PColumns, counted, interval, outcomes, with_interval
from ragbench.render.repeats import variance_blocks
from ragbench.render.steps import steps_block
from ragbench.stats.clusters import cluster_index
from ragbench.stats.repeats import components_of

MOST_ISSUES = 200
"""Most entries of an issue log that the page lists; ``ledger.jsonl`` has all of them."""


@dataclass(frozen=True)
class PageVerdict:
    """The verdict of the page.

    Attributes:
        sentence: the verdict on the system with the best mean.
        kind: ``better``, ``worse``, ``open`` or ``single``: how to mark it.
        others: the verdicts on the other systems.
        notes: what you need to know to judge it.
        test: which test was used and why; empty if none was.
    """

    sentence: str
    kind: str
    others: tuple[str, ...]
    notes: tuple[str, ...]
    test: str

    @property
    def warnings(self) -> int:
        """Number of notes that are warnings."""
        return sum(note.startswith("warning: ") for note in self.notes)


@dataclass(frozen=True)
class Issues:
    """The issue log of a folder.

    Attributes:
        folder: its name.
        counts: the number of entries by code.
        table: the first entries.
        more: how many entries the table does not list.
    """

    folder: str
    counts: Mapping[str, int]
    table: Block
    more: int


@dataclass(frozen=True)
class Made:
    """How the evaluation in one folder was made.

    Attributes:
        folder: its name.
        command: repeats it.
        stands_for: the meaning of each placeholder in the command.
        facts: names and values.
        manifest: the whole manifest as JSON.
    """

    folder: str
    command: str
    stands_for: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    manifest: str


def verdict(data: ReportData) -> PageVerdict:
    """Return the verdict on the compared system with the best mean, and the other verdicts."""
    compared = data.compared
    notes = tuple(dict.fromkeys([*data.notes, *(compare_notes(compared) if compared else ()), *_warnings(data)]))
    if compared is None:
        run = data.runs[0]
        value = estimate(data.arms[run.name], data.metric)
        n = counted(value.n, "document" if data.settings.average == "documents" else "query")
        return PageVerdict(
            f"{run.name}: {data.metric} {with_interval(value)} on {n}. There is no second system to compare it with.",
            "single", (), notes, "",
        )  # fmt: skip
    verdicts = sorted(compared.verdicts, key=lambda one: one.decision == "not comparable")
    sentences = dict(zip((one.candidate for one in verdicts), verdict_sentences(compared), strict=True))
    first = max(verdicts, key=lambda one: merit(data, one.candidate_mean))
    kind = first.decision if first.decision in ("better", "worse") else "open"
    others = tuple(text for name, text in sentences.items() if name != first.candidate)
    return PageVerdict(sentences[first.candidate], kind, others, notes, compared.choice)


def merit(data: ReportData, mean: float | None) -> float:
    """Convert a mean so that higher is better for every metric, and no mean is worst."""
    if mean is None:
        return -float("inf")
    return -mean if data.runs[0].scores.direction(data.metric) == "lower" else mean


def estimate(arm: Mapping[str, Any], metric: str) -> Estimate:
    """Return mean and interval as the evaluation reported them."""
    found = arm["metrics"][metric]
    return Estimate(found["mean"], found["low"], found["high"], found["n"])


def ranked(data: ReportData) -> list[str]:
    """Return the systems that ran, the best mean first; without a direction, in the order of the report."""
    names = [run.name for run in data.runs]
    if data.runs[0].scores.direction(data.metric) == "none":
        return names
    return sorted(names, key=lambda name: -merit(data, estimate(data.arms[name], data.metric).mean))


def leaderboard(data: ReportData) -> Block:
    """Return a row per system, the best mean first; systems that did not run come last."""
    verdicts = {one.candidate: one for one in data.compared.verdicts} if data.compared else {}
    means = {run.name: estimate(data.arms[run.name], data.metric).mean for run in data.runs}
    best = _best(data, means)
    base = data.runs[0].name
    paid = any(run.cost_per_query is not None for run in data.runs)
    timed = any(run.latency_ms for run in data.runs)
    board = None if data.compared is None else data.compared.leaderboard
    head = ["system", data.metric, *([] if board is None else ["group"])]
    p = PColumns.of(list(verdicts.values()), data.settings.correction)
    head += [f"difference to {base}", *p.head, "win / tie / loss"] if verdicts else []
    head += ["p50 ms", "p95 ms"] if timed else []
    head += ["cost per query"] if paid else []
    rows: list[Row] = []
    by_name = {run.name: run for run in data.runs}
    for run in (by_name[name] for name in ranked(data)):
        cells = [with_interval(estimate(data.arms[run.name], data.metric)), *group_cells(board, run.name)]
        cells += _difference(verdicts.get(run.name), p) if verdicts else []
        cells += [_number(run.latency_ms.get(name)) for name in ("p50", "p95")] if timed else []
        cells += ["-" if run.cost_per_query is None else f"{run.cost_per_query:.3g}"] if paid else []
        if run.name == best:
            rows.append((Cell(run.name, "strong", "best mean"), *strong(cells)))
        else:
            rows.append((Cell(run.name, tag="baseline" if run.name == base and len(data.runs) > 1 else ""), *cells))
    rows += [(name, Cell(f"did not run: {error}", "bad")) for name, error in failed(data).items()]
    title = "Mean over documents" if data.settings.average == "documents" else "Mean"
    title += " with its 95% interval"
    counts = {estimate(data.arms[run.name], data.metric).n for run in data.runs}
    if len(counts) == 1:
        title += f", {counted(counts.pop(), 'document' if data.settings.average == 'documents' else 'query')}"
    if data.compared:
        title += f"; differences are paired{p.title}"
    key = () if board is None else (group_key(board),)
    return Block(title, tuple(head), tuple(rows), (*p.lines(list(verdicts.values())), *key))


def failed(data: ReportData) -> dict[str, str]:
    """Return the reason for each system that did not run."""
    return {name: str(arm["error"]) for name, arm in data.arms.items() if arm["status"] != "ok"}


def _best(data: ReportData, means: Mapping[str, float | None]) -> str | None:
    """Return the system with the best mean; None without a direction, or with fewer than two means."""
    known = [name for name, mean in means.items() if mean is not None]
    if len(known) < 2 or data.runs[0].scores.direction(data.metric) == "none":
        return None
    return max(known, key=lambda name: merit(data, means[name]))


def all_metrics(data: ReportData, metrics: Sequence[str]) -> Block:
    """Return every metric of every system."""
    names = [run.name for run in data.runs]
    rows = tuple((metric, *(with_interval(estimate(data.arms[name], metric)) for name in names)) for metric in metrics)
    mean = "mean over documents" if data.settings.average == "documents" else "mean"
    return Block(f"All metrics, {mean} [95% interval]", ("metric", *names), rows)


def tables(data: ReportData) -> list[Block]:
    """Return the tables of the comparison without the first, which the leaderboard replaces, and those by attribute."""
    own = [block for block in difference_blocks(data.compared)[1:] if block.rows] if data.compared else []
    return [*own, *slice_blocks(data.runs, tuple(data.runs[0].attributes), data.metric)]


def steps(data: ReportData) -> list[Block]:
    """Return the systems step by step if the user gave them names or notes."""
    setups = {name: arm.get("setup") or {} for name, arm in data.arms.items()}
    described = any(one.get("named") or one.get("notes") for one in setups.values())
    if data.compared is None or not described:
        return []
    means = {run.name: estimate(data.arms[run.name], data.metric).mean for run in data.runs}
    found = steps_of(
        data.runs, data.metric, data.settings.for_verdicts, to_first=data.compared.verdicts, means=means,
        notes={name: str(one.get("notes", "")) for name, one in setups.items()},
    )  # fmt: skip
    return [steps_block(found)]


def variance(data: ReportData) -> list[Block]:
    """Return where the variance of the metric comes from if the only system ran several times.

    For several systems, the tables of the comparison have it.
    """
    run = data.runs[0]
    if data.compared is not None:
        return []
    scores = run.scores.select(metrics=(data.metric,))
    return variance_blocks({run.name: components_of(scores, cluster_index(run.queries.units))}, data.metric)


def issues(data: ReportData) -> list[Issues]:
    """Return the issue log of each folder."""
    found = []
    for one in data.folders:
        entries = one.content["ledger"]["entries"]
        name = one.folder.name or str(one.folder)
        columns = ("item", "stage", "code", "reason")
        rows = tuple(tuple(str(entry[column]) for column in columns) for entry in entries[:MOST_ISSUES])
        table = Block(f"Issue log of {name}", columns, rows, align="llll")
        counts = dict(sorted(one.content["ledger"]["counts"].items()))
        found.append(Issues(name, counts, table, max(len(entries) - MOST_ISSUES, 0)))
    return found


def golden_card(data: ReportData) -> tuple[tuple[tuple[str, str], ...], list[Block]]:
    """Return facts about the golden set, and its composition."""
    queries, manifest = data.runs[0].queries, data.folders[0].manifest
    known = manifest.get("golden", {})
    facts = [("Name", str(known.get("name", "-"))), ("Queries", f"{len(queries):,}")]
    resampling = manifest.get("resampling")
    if isinstance(resampling, dict):
        facts.append(("Resampled by", f"{resampling['unit']} ({resampling['clusters']:,})"))
    if data.golden is not None:
        facts += _golden_facts(data)
    facts.append(("Fingerprint", str(known.get("fingerprint", "-"))))
    made = []
    for title, column in (("type", queries.types), ("language", queries.columns.get("language", ()))):
        shares = Counter(str(value) for value in column if value not in (None, ""))
        if len(shares) > 1:
            rows = tuple((name, f"{n:,}", f"{n / len(queries):.0%}") for name, n in shares.most_common(20))
            made.append(Block(f"Queries by {title}", (title, "queries", "share"), rows))
    return tuple(facts), made


def _golden_facts(data: ReportData) -> list[tuple[str, str]]:
    golden = data.golden
    assert golden is not None
    evidence = [sum(e.grade > 0 for e in item.evidence) for item in golden]
    grades = sorted({e.grade for item in golden for e in item.evidence})
    spans = sum(not e.whole for item in golden for e in item.evidence)
    return [
        ("Relevant evidence per query", f"{sum(evidence) / len(evidence):.2f} on average, {max(evidence)} at most"),
        ("Queries without relevant evidence", f"{evidence.count(0):,}"),
        ("Evidence", f"{spans:,} passages, {sum(len(item.evidence) for item in golden) - spans:,} whole documents"),
        ("Grades", ", ".join(map(str, grades)) or "none"),
        ("Reference answers", f"{sum(bool(item.answer) for item in golden):,}"),
    ]  # fmt: skip


def made(data: ReportData) -> list[Made]:
    """Return the command and the manifest of each folder."""
    from ragbench.render.html.command import command

    found = []
    for one in data.folders:
        inputs = data.texts.inputs.get(next(iter(one.arms.values()), ""), {})
        line, stands_for = command(one, inputs)
        found.append(
            Made(
                one.folder.name or str(one.folder), line, stands_for, _facts(one),
                json.dumps(one.manifest, indent=2, ensure_ascii=False),
            )
        )  # fmt: skip
    return found


def _facts(one: Evaluated) -> tuple[tuple[str, str], ...]:
    manifest = one.manifest
    facts = []
    if isinstance(chunks := manifest.get("chunks"), dict):
        facts.append(("Indexed", f"{chunks['chunks']:,} chunks of {chunks['documents']:,} documents"))
    if isinstance(judged := manifest.get("judgements"), dict):
        facts.append(("Judged", f"{judged['unit']}s"))
    if manifest.get("judge"):
        facts.append(("Judge", str(manifest["judge"])))
    if isinstance(versions := manifest.get("versions"), dict):
        facts.append(("Versions", ", ".join(f"{name} {number}" for name, number in sorted(versions.items()))))
    return tuple(facts)


def _warnings(data: ReportData) -> list[str]:
    cut = cut_notes({run.name: run.scores for run in data.runs})
    return [
        *(f"warning: {name}: {warning}" for name, arm in data.arms.items() for warning in arm.get("warnings", ())),
        *(f"note: {line}" for line in cut),
    ]


def _difference(one: Verdict | None, p: PColumns) -> list[str]:
    if one is None:
        return [""] * (2 + len(p.head))
    if one.difference is None:
        return ["-"] * (2 + len(p.head))
    return [interval(one), *p.cells(one), outcomes(one, " / ")]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
