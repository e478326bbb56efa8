"""A gate on a terminal, as Markdown, JUnit XML and JSON, and baselines on a terminal."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ragbench.comparison.gate.counts import COUNTED
from ragbench.comparison.gate.result import DIFFERENCES, SHOWN_SHARE, Decided, Gate, Outcome
from ragbench.core.errors import InputError
from ragbench.core.scored import ScoredRun
from ragbench.core.scores import headline
from ragbench.io.baselines import Baseline
from ragbench.render.blocks import Block, Cell, Line, Style, markdown, notes_block, terminal
from ragbench.render.junit import JunitCase, Tag, junit
from ragbench.render.numbers import fraction, interval, p_value
from ragbench.render.records import checked, read_object

if TYPE_CHECKING:
    from rich.console import RenderableType


class WithRules(Protocol):
    """A gate, or the record of a gate."""

    @property
    def decided(self) -> tuple[Decided, ...]:
        """Every rule, in the order written."""


DEFAULT_NOTE = "no rules were given, so the default rule applies: ndcg@10 may lose at most .02 against the baseline"


def number(decided: Decided, value: float | None, *, signed: bool = False) -> str:
    """``.661``, ``-.003``, ``12.3 ms``, ``1.08 x``, ``2 queries``; ``-`` where there is none."""
    if value is None:
        return "-"
    if decided.unit == COUNTED:
        return "1 query" if value == 1 else f"{value:,.0f} queries"
    if decided.kind == "ratio":
        return f"{value:.3f} x"
    if not decided.unit:
        return fraction(value, signed=signed)
    text = f"{value:.3g}" if abs(value) < 100 else f"{value:,.0f}"
    return text if decided.unit == "a query" else f"{text} {decided.unit}"


def value_with_interval(decided: Decided) -> str:
    """``-.003 [-.009, +.001]``."""
    signed = decided.kind in DIFFERENCES
    text = number(decided, decided.value, signed=signed)
    if not decided.unit and decided.value is not None and text == fraction(decided.bound, signed=signed):
        text = f"{decided.value:+.5f}" if signed else f"{decided.value:.5f}"  # which side of the bound must be seen
    if decided.low is None or (decided.high is None and decided.kind != "ratio"):
        return text
    low, high = (
        number(decided, end, signed=signed).removesuffix(f" {decided.unit}") for end in (decided.low, decided.high)
    )
    return f"{text} [{low}, {high}]"


def bound(decided: Decided) -> str:
    """``>= .950``, ``<= 1.5 x``, ``> .000``."""
    strict = "" if decided.kind == "superiority" else "="
    shown = number(decided, decided.bound, signed=decided.kind in ("margin", "gain"))
    return f"{'>' if decided.at_least else '<'}{strict} {shown}"


def room(decided: Decided) -> str:
    """How far the value is from changing the outcome: ``.012``; with ``-.004``, .004 is missing for a pass."""
    if not decided.unit and decided.room is not None and 0 < abs(decided.room) < 0.0005:
        return "<.001" if decided.room > 0 else ">-.001"
    return number(decided, decided.room)


def rule_name(decided: Decided) -> str:
    """The name of the rule, and whether it is a guard."""
    return f"{decided.name} (guard)" if decided.role == "guard" else decided.name


def against(gate: Gate) -> str:
    """One line: the two systems, and the number of queries."""
    candidate = gate.candidate
    queries = len(candidate.queries)
    units = len(set(candidate.queries.units))
    size = f"{queries} queries" + (f" from {units} documents" if units < queries else "")
    if gate.baseline is None:
        return f"candidate {candidate.name}, no baseline; {size}"
    return f"candidate {candidate.name} against baseline {gate.baseline.name}; {size}"


def chances(gate: Gate) -> str:
    """The error rates that the intervals keep."""
    rules = gate.rules
    runs = "of runs" if rules.gates == 1 else f"of series of {rules.gates:,} gates"
    return (
        f"if no rule is broken, the rules with an interval fail in at most {rules.false_alarms:.3g} {runs}, taken "
        f"together; if one of them is broken, it passes in about {rules.false_passes:.3g} of runs"
    )


def shown(gate: WithRules) -> list[Decided]:
    """The rules that the table lists; `reasons` reports slices with too few queries in one line."""
    return [one for one in gate.decided if one.outcome != "skipped"]


def reasons(gate: WithRules) -> list[tuple[str, str]]:
    """Outcome and reason of every rule that did not pass."""
    found = [(one.outcome, f"{one.name}: {one.reason}") for one in shown(gate) if one.outcome != "pass"]
    small: dict[str, list[str]] = {}
    for one in gate.decided:
        if one.outcome == "skipped":
            small.setdefault(one.name.removesuffix(f" ({one.slice})"), []).append(f"{one.slice} ({one.n})")
    found += [("skipped", f"{name}: too few queries to decide: {', '.join(parts)}") for name, parts in small.items()]
    return list(dict.fromkeys(found))


def comparisons(gate: Gate) -> list[str]:
    """What `ragbench compare` says of each margin, and the error rates of the gate's own interval."""
    found = []
    for one in shown(gate):
        verdict = one.comparison
        if verdict is None or verdict.difference is None:
            continue
        said = f"{one.name}: ragbench compare gives {interval(verdict)}"
        if verdict.low is not None:
            said += f" ({verdict.confidence:.0%} interval)"
        p = p_value(verdict.p)
        said += f", p < {p[1:]}" if p.startswith("<") else f", p = {p}"
        if one.low_error is not None and one.high_error is not None:
            said += (
                f"; the true value lies below the gate's interval with a chance of {one.low_error:.2g}, and above it "
                f"with a chance of {one.high_error:.2g}"
            )
        found.append(said)
    return found


def seen(gate: Gate) -> str:
    """What the queries could have shown: ``a true loss of .060 in ndcg@10 would have failed in 4 of 5 runs``.

    Every rule on a difference says it, and slices of one rule say it as a range; without such rules, the first floor or
    ceiling does. Empty if no rule is estimated.
    """
    estimated = [one for one in shown(gate) if one.catches is not None]
    found: dict[tuple[str, str], list[float]] = {}
    for one in estimated:
        # A rule that asks for a gain may also refuse a small gain, which is no loss.
        if one.kind in DIFFERENCES and one.catches is not None and one.catches >= 0:
            start = f" from {one.anchor}" if one.anchor else ""
            where = f" ({one.slice.partition('=')[0]})" if one.slice else ""
            size = "loss" if one.at_least else "rise" if one.kind != "margin" else "gain"
            found.setdefault((size, f"in {one.metric}{start}{where}"), []).append(one.catches)
    sizes = [f"a true {size} of {_span(values)} {where}" for (size, where), values in found.items()]
    if not sizes:
        scores = [one for one in estimated if one.kind in ("floor", "ceiling") and not one.slice]
        sizes = [f"a true {one.metric} of {fraction(one.catches)}" for one in scores][:1]
    if not sizes:
        return ""
    return f"what it could see: {' or '.join(sizes)} would have failed in 4 of 5 runs with these queries"


def wanted(gate: WithRules) -> list[str]:
    """The true improvement that would have passed in four of five runs, for each open rule that asks for one."""
    found = []
    for one in shown(gate):
        if one.outcome != "inconclusive" or one.would_pass is None:
            continue
        if one.kind == "ratio":
            size = f"a true ratio of {one.would_pass:.3f}"
        else:
            size = f"a true {'gain' if one.at_least else 'fall'} of {fraction(one.would_pass)}"
        found.append(f"{one.name}: {size} would have passed in 4 of 5 runs with these queries")
    return found


def counts(gate: WithRules) -> list[str]:
    """What the counted queries show of all such queries, for each rule on a count."""
    found = []
    for one in shown(gate):
        if one.cases is None or one.value is None:
            continue
        most = round(one.bound)
        no_more = "none of them counts" if not most else f"at most {most} of them {'counts' if most == 1 else 'count'}"
        needed = f"{one.cases:,} independent queries show at most {SHOWN_SHARE:.0%}, if {no_more}"
        if one.share_high is None or one.high_error is None:
            said = f"too few independent queries for a bound; {needed}"
        else:
            said = f"at most {one.share_high:.1%} of such queries (wrong in {one.high_error:.0%} of runs); {needed}"
        found.append(f"{one.name}: {round(one.value)} of {one.n:,}; {said}")
    return found


def _span(values: Sequence[float]) -> str:
    low, high = fraction(min(values)), fraction(max(values))
    return low if low == high else f"{low} to {high}"


def notes(gate: Gate) -> list[str]:
    """The notes of the gate, and whether it used the default rule."""
    return [*gate.notes, *([] if gate.rules.source else [DEFAULT_NOTE])]


STYLES: dict[str, Style] = {"pass": "good", "fail": "bad", "inconclusive": "open", "skipped": "quiet"}
HEAD = ("outcome", "rule", "value [interval]", "bound", "to turn")


def gate_table(gate: Gate) -> "RenderableType":
    """The verdict first, then every rule, then why rules did not pass."""
    return terminal(gate_blocks(gate))


def gate_markdown(gate: Gate) -> str:
    """The same for a pull request."""
    return markdown(f"Gate: {gate.outcome}", gate_blocks(gate), level=2)


def gate_blocks(gate: Gate) -> list[Block]:
    """The verdict, every rule, why rules did not pass, and notes."""
    rows = tuple(
        (Cell(one.outcome, STYLES[one.outcome]), rule_name(one), value_with_interval(one), bound(one), room(one))
        for one in shown(gate)
    )
    why = tuple(Line(text, STYLES[outcome], bullet=False) for outcome, text in reasons(gate))
    return [
        Block(lines=(Line(gate.sentence, STYLES[gate.outcome]), *verdict_lines(gate), against(gate))),
        Block(head=HEAD, rows=rows, align="llrrr"),
        *([Block(lines=why)] if why else []),
        *([Block(lines=tuple(shares))] if (shares := [*wanted(gate), *counts(gate)]) else []),
        *([Block(lines=tuple(comparisons(gate)))] if comparisons(gate) else []),
        *notes_block(notes(gate)),
        Block(lines=(Line(chances(gate), "quiet"),)),
    ]


def verdict_lines(gate: Gate) -> list[str]:
    """What an inconclusive outcome does, and what the queries could have shown."""
    return [line for line in (gate.notice, seen(gate)) if line]


SCHEMA_VERSION = 1


def gate_json(gate: Gate) -> dict[str, object]:
    """The JSON object of a gate; every number is finite or null."""
    return {
        "schema_version": SCHEMA_VERSION,
        "outcome": gate.outcome,
        "exit_code": gate.exit_code,
        "sentence": gate.sentence,
        "inconclusive": gate.rules.inconclusive,
        "blocks": gate.blocks,
        "notice": gate.notice,
        "could_see": seen(gate),
        "baseline": None if gate.baseline is None else _system(gate.baseline),
        "candidate": _system(gate.candidate),
        "false_alarms": gate.rules.false_alarms,
        "gates": gate.rules.gates,
        "false_passes": gate.rules.false_passes,
        "rules": [asdict(one) for one in gate.decided],
        "notes": notes(gate),
    }


def _system(run: ScoredRun) -> dict[str, object]:
    prints = {
        name: part.get("fingerprint")
        for name in ("golden", "chunks", "judgements")
        if isinstance(part := run.manifest.get(name), Mapping)
    }
    return {
        "name": run.name,
        "queries": len(run.queries),
        "units": len(set(run.queries.units)),
        "failed": run.failed,
        "fingerprints": prints,
    }


SUITE = "ragbench gate"
TAGS: Mapping[str, Tag] = {"fail": "failure", "skipped": "skipped"}


def gate_junit(gate: Gate) -> bytes:
    """JUnit XML in UTF-8: a failed rule is a failure, and a small slice is skipped.

    An inconclusive rule is an error if it blocks, skipped if it is let through with a notice, and passes if it counts
    as a pass.
    """
    return junit(SUITE, [_case(gate, one) for one in gate.decided])


def _tag(gate: Gate, one: Decided) -> Tag:
    if one.outcome != "inconclusive":
        return TAGS.get(one.outcome, "")
    asked = gate.rules.inconclusive
    if asked == "neutral" or (one.role == "guard" and asked == "fail"):
        return "error" if one.unmeasured else "skipped"
    return "error" if asked == "fail" else ""


def _case(gate: Gate, one: Decided) -> JunitCase:
    numbers = f"{value_with_interval(one)}, asked {bound(one)}, to turn {room(one)}"
    return JunitCase(
        one.name, f"gate.{gate.candidate.name}", _tag(gate, one), f"{one.outcome}: {one.reason}", one.outcome, numbers,
        f"{numbers} ({one.method or 'nothing computed'})",
    )  # fmt: skip


FILE = "gate.json"


@dataclass(frozen=True)
class System:
    """One side of a gate.

    Attributes:
        name: of the system.
        queries: how many.
        fingerprints: of golden set, chunks and judgements.
    """

    name: str
    queries: int
    fingerprints: Mapping[str, str | None]


@dataclass(frozen=True)
class GateRecord:
    """What a gate decided, without the scores behind it.

    The attributes are those of `ragbench.comparison.gate.result.Gate`.
    """

    outcome: Outcome
    sentence: str
    baseline: System | None
    candidate: System
    rules: tuple[Decided, ...]
    notes: tuple[str, ...]

    @property
    def decided(self) -> tuple[Decided, ...]:
        """Every rule, in the order written."""
        return self.rules


def read_gate(given: Path | Gate) -> GateRecord:
    """The record of a gate.

    Args:
        given: a gate, the file of ``ragbench gate --json``, or the folder of ``--out``.

    Raises:
        InputError: the file cannot be read or contains something else.
    """
    if isinstance(given, Gate):
        return _record(gate_json(given), "the gate")
    path = given / FILE if given.is_dir() else given
    return _record(read_object(path, "ragbench gate --json"), str(path))


def _record(content: Mapping[str, Any], where: str) -> GateRecord:
    if content.get("schema_version") != SCHEMA_VERSION or "rules" not in content:
        raise InputError(f"{where}: is not the output of 'ragbench gate --json'")
    return checked(GateRecord, content, where, "ragbench gate --json")


def baseline_json(baseline: Baseline) -> dict[str, object]:
    """The JSON object of a baseline."""
    return {
        "name": baseline.name,
        "arm": baseline.arm,
        "folder": str(baseline.folder),
        "metrics": baseline.metrics,
        "manifest": baseline.manifest,
    }


def baseline_line(baseline: Baseline) -> str:
    """``main  bm25  ndcg@10 .661 [.611, .710]  shop, 198 queries``."""
    metric = headline(list(baseline.metrics))
    golden = baseline.manifest["golden"]
    queries = f"{golden['name']}, {golden['queries']} queries"
    return f"{baseline.name}  {baseline.arm}  {metric} {_value(baseline, metric)}  {queries}"


def baseline_text(baseline: Baseline) -> str:
    """Everything that decides whether a run can be compared with the baseline."""
    manifest = baseline.manifest
    golden, chunks, settings = manifest["golden"], manifest.get("chunks"), manifest["settings"]
    corpus = (
        "none, run files alone"
        if chunks is None
        else f"{chunks['chunks']} chunks of {chunks['documents']} documents, fingerprint {chunks['fingerprint']}"
    )
    lines = [
        f"{baseline.name}: {baseline.arm}, in {baseline.folder}",
        f"golden set  {golden['name']}, {golden['queries']} queries, fingerprint {golden['fingerprint']}",
        f"corpus      {corpus}",
        f"judged      {manifest['judgements']['unit']}s, fingerprint {manifest['judgements']['fingerprint']}",
        f"settings    {', '.join(f'{key}={value}' for key, value in settings.items())}",
        f"versions    {', '.join(f'{key} {value}' for key, value in manifest['versions'].items())}",
        "",
        *(f"{metric:<12}{_value(baseline, metric)}" for metric in baseline.metrics),
    ]
    return "\n".join(lines)


def _value(baseline: Baseline, metric: str) -> str:
    found = baseline.metrics[metric]
    return f"{fraction(found['mean'])} [{fraction(found['low'])}, {fraction(found['high'])}]"
