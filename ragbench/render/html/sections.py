"""The parts of the page that stand in it as HTML: verdict, leaderboard, tables, ledger, golden set, manifest."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ragbench.core.evaluations import Estimate
from ragbench.core.verdicts import Verdict
from ragbench.render.blocks import Block
from ragbench.render.compare import blocks, to_know, verdict_sentences
from ragbench.render.compare_sentences import interval
from ragbench.render.html.inputs import Evaluated, ReportData
from ragbench.render.tables import p_value, with_interval

LEDGER = 200
"""Entries of a ledger that the page lists; the file has them all."""


@dataclass(frozen=True)
class Said:
    """The verdict.

    Attributes:
        sentence: the one that matters most.
        kind: ``better``, ``worse``, ``open`` or ``single``: how to mark it.
        others: on the other systems.
        notes: what to know before believing it.
        test: which test was taken and why; empty where none was.
    """

    sentence: str
    kind: str
    others: tuple[str, ...]
    notes: tuple[str, ...]
    test: str


@dataclass(frozen=True)
class Standing:
    """One line of the leaderboard.

    Attributes:
        name: of the system.
        role: ``baseline``, ``best mean`` or empty.
        cells: one for each column after the name; empty for a system that did not run.
        error: why it did not run, or None.
    """

    name: str
    role: str
    cells: tuple[str, ...]
    error: str | None = None


@dataclass(frozen=True)
class Made:
    """How one folder came about.

    Attributes:
        folder: its name.
        command: to repeat it.
        stands_for: meaning of each placeholder in the command.
        facts: name and value.
        manifest: the whole of it, JSON.
    """

    folder: str
    command: str
    stands_for: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    manifest: str


def verdict(data: ReportData) -> Said:
    """The sentence on the system with the highest mean among those compared, and the others."""
    compared = data.compared
    notes = tuple(dict.fromkeys([*data.notes, *(to_know(compared) if compared else ()), *_warnings(data)]))
    if compared is None:
        run = data.runs[0]
        value = estimate(data.arms[run.name], data.metric)
        n = f"{value.n} queries" if value.n != 1 else "1 query"
        return Said(
            f"{run.name}: {data.metric} {with_interval(value)} on {n}. There is no second system to compare it with.",
            "single", (), notes, "",
        )  # fmt: skip
    verdicts = sorted(compared.verdicts, key=lambda one: one.decision == "not comparable")
    said = dict(zip((one.candidate for one in verdicts), verdict_sentences(compared), strict=True))
    first = max(verdicts, key=lambda one: merit(data, one.candidate_mean))
    kind = first.decision if first.decision in ("better", "worse") else "open"
    others = tuple(text for name, text in said.items() if name != first.candidate)
    return Said(said[first.candidate], kind, others, notes, compared.choice)


def contender(data: ReportData) -> str:
    """The system that the queries begin with, beside the first: the best mean of the others, or the first if alone."""
    means = {run.name: estimate(data.arms[run.name], data.metric).mean for run in data.runs[1:] or data.runs}
    return max(means, key=lambda name: merit(data, means[name]))


def merit(data: ReportData, mean: float | None) -> float:
    """How good a mean is: higher is better, whichever way the metric counts; no mean is worst."""
    if mean is None:
        return -float("inf")
    return -mean if data.runs[0].scores.direction(data.metric) == "lower" else mean


def estimate(arm: Mapping[str, Any], metric: str) -> Estimate:
    """Mean and interval as the evaluation gave them."""
    found = arm["metrics"][metric]
    return Estimate(found["mean"], found["low"], found["high"], found["n"])


def leaderboard(data: ReportData) -> tuple[tuple[str, ...], tuple[Standing, ...]]:
    """Names of the columns, and a line for each system, in the order of the report."""
    verdicts = {one.candidate: one for one in data.compared.verdicts} if data.compared else {}
    means = {run.name: estimate(data.arms[run.name], data.metric).mean for run in data.runs}
    best = _best(data, means)
    base = data.runs[0].name
    paid = any(run.cost_per_query is not None for run in data.runs)
    timed = any(run.latency_ms for run in data.runs)
    head = ["system", data.metric]
    head += [f"difference to {base}", "p", "win / tie / loss"] if verdicts else []
    head += ["median ms", "95% ms"] if timed else []
    head += ["cost per query"] if paid else []
    lines = []
    for run in data.runs:
        cells = [with_interval(estimate(data.arms[run.name], data.metric))]
        cells += _difference(verdicts.get(run.name)) if verdicts else []
        cells += [_number(run.latency_ms.get(name)) for name in ("p50", "p95")] if timed else []
        cells += ["-" if run.cost_per_query is None else f"{run.cost_per_query:.3g}"] if paid else []
        role = "baseline" if run.name == base and len(data.runs) > 1 else ""
        role = "best mean" if run.name == best else role
        lines.append(Standing(run.name, role, tuple(cells)))
    failed = [Standing(name, "", (), str(arm["error"])) for name, arm in data.arms.items() if arm["status"] != "ok"]
    return tuple(head), (*lines, *failed)


def _best(data: ReportData, means: Mapping[str, float | None]) -> str | None:
    """The system with the best mean; None where nothing is better than anything, or only one has a mean."""
    known = [name for name, mean in means.items() if mean is not None]
    if len(known) < 2 or data.runs[0].scores.direction(data.metric) == "none":
        return None
    return max(known, key=lambda name: merit(data, means[name]))


def all_metrics(data: ReportData, metrics: Sequence[str]) -> Block:
    """Every metric of every system."""
    names = [run.name for run in data.runs]
    rows = tuple((metric, *(with_interval(estimate(data.arms[name], metric)) for name in names)) for metric in metrics)
    return Block("All metrics, mean [95% interval]", ("metric", *names), rows)


def tables(data: ReportData) -> list[Block]:
    """What the comparison found, but for the first table, which is the leaderboard."""
    return [block for block in blocks(data.compared)[1:] if block.rows] if data.compared else []


def ledger(data: ReportData) -> list[tuple[str, dict[str, int], list[Mapping[str, str]], int]]:
    """Folder, counts by code, the first entries, and how many more there are."""
    found = []
    for one in data.folders:
        entries = one.content["ledger"]["entries"]
        counts = dict(sorted(one.content["ledger"]["counts"].items()))
        found.append((one.folder.name or str(one.folder), counts, entries[:LEDGER], max(len(entries) - LEDGER, 0)))
    return found


def golden_card(data: ReportData) -> tuple[tuple[tuple[str, str], ...], list[Block]]:
    """Facts of the golden set, and its make-up."""
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
        ("Queries without any", f"{evidence.count(0):,}"),
        ("Evidence", f"{spans:,} passages, {sum(len(item.evidence) for item in golden) - spans:,} whole documents"),
        ("Grades", ", ".join(map(str, grades)) or "none"),
        ("Reference answers", f"{sum(bool(item.answer) for item in golden):,}"),
    ]  # fmt: skip


def made(data: ReportData) -> list[Made]:
    """A command and a manifest for each folder."""
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
    return [f"{name}: {warning}" for name, arm in data.arms.items() for warning in arm.get("warnings", ())]


def _difference(one: Verdict | None) -> list[str]:
    if one is None:
        return ["", "", ""]
    if one.difference is None:
        return ["-", "-", "-"]
    return [interval(one), p_value(one.p_adjusted), f"{one.wins} / {one.ties} / {one.losses}"]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
