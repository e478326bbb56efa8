"""Tables of an A/B analysis, 80 columns wide."""

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ragbench.comparison.ab.decide import p_text
from ragbench.comparison.ab.paired_runs import PairedResult, WatchedFigure
from ragbench.comparison.ab.results import AbResult, Decision, Mean, OutcomeResult, Recommendation
from ragbench.core.errors import InputError
from ragbench.render.compare import compare_json, compare_tables
from ragbench.render.evaluation import checked, read_object

MOST_DAYS = 31
"""Lines of the table over time."""
STYLES = {"promote": "bold green", "roll back": "bold red", "go on": "bold yellow", "no verdict": "bold red"}


def ab_tables(result: AbResult) -> RenderableType:
    """The check of the split, the verdict with its reasons, notes, and every outcome."""
    parts: list[RenderableType] = [Text(split_line(result), style="" if result.srm_ok else "bold red"), Text()]
    parts += verdict_lines(result.recommendation, result.variants[0].name)
    parts += [Text(), *(_bullet(note, "yellow") for note in result.notes)]
    parts.append(_bullet(how_decided(result)))
    if not result.srm_ok:
        parts.append(_bullet("differences are not shown, for they mean nothing on this split; --json has them"))
        return Group(*parts)
    for role, title in (("primary", "Decides"), ("secondary", "Secondary"), ("guardrail", "Guardrails")):
        chosen = [outcome for outcome in result.outcomes if outcome.role == role]
        if chosen:
            parts.append(Text())
            parts.append(Text(f"{title}: {100 * (1 - result.alpha):g}% intervals", style="bold"))
            parts += [part for outcome in chosen for part in outcome_table(outcome, result)]
    if result.over_time:
        parts += _over_time(result.outcomes[0], result)
    return Group(*parts)


def verdict_lines(advice: Recommendation, control: str) -> list[RenderableType]:
    """The verdict in one line, and its reasons."""
    head = Text(verdict_head(advice, control), style=STYLES[advice.decision])
    return [head, *(_bullet(reason) for reason in advice.reasons)]


def verdict_head(advice: Recommendation, control: str) -> str:
    """The verdict in one line."""
    return {
        "promote": f"Verdict: promote {advice.variant}",
        "roll back": f"Verdict: roll back, keep {control}",
        "go on": "Verdict: go on, not decided yet",
        "no verdict": "No verdict",
    }[advice.decision]


def split_line(result: AbResult) -> str:
    """``Split holds: control 5,020, treatment 4,980; expected 5,000 each; p = .69``."""
    seen = ", ".join(f"{v.name} {v.units:,}" for v in result.variants)
    expected = {round(v.expected) for v in result.variants}
    said = (
        f"{expected.pop():,} each" if len(expected) == 1 else ", ".join(f"{v.expected:,.0f}" for v in result.variants)
    )
    head = "Split holds" if result.srm_ok else "SAMPLE RATIO MISMATCH"
    return f"{head}: {seen}; expected {said}; p {_equals(result.srm_p)}"


def how_decided(result: AbResult) -> str:
    """Which test decides, and why."""
    control = f"control: {result.variants[0].name} ({result.control_why})"
    if result.final:
        return f"{control}; this is the only look (--final), so the one-look tests decide"
    return (
        f"{control}; the any-look (always-valid) tests decide, so looking often does no harm; --final for a single look"
    )


def outcome_table(outcome: OutcomeResult, result: AbResult) -> list[RenderableType]:
    """Three lines per challenger: estimates, one look, any look."""
    several = len(outcome.contrasts) > 1
    table = Table(box=None, padding=(0, 1), pad_edge=False, header_style="dim")
    table.add_column(Text("variant"), overflow="fold")
    difference = "points" if outcome.percent else "difference"
    for name in ("control", "challenger", difference, "relative", "p, Holm" if _adjusts(outcome) else "p"):
        table.add_column(Text(name), justify="right", overflow="fold")
    for contrast in outcome.contrasts:
        relative = contrast.relative
        table.add_row(
            Text(contrast.challenger, style="bold"), _value(outcome, outcome.control.value),
            _value(outcome, contrast.value.value), _difference(outcome, contrast.difference),
            "-" if relative is None else _relative(relative[0]), "",
        )  # fmt: skip
        table.add_row(
            Text("  one look"), _interval(outcome, outcome.control), _interval(outcome, contrast.value),
            _range(_difference(outcome, contrast.low), _difference(outcome, contrast.high)),
            "" if relative is None else _range(_relative(relative[1]), _relative(relative[2])),
            p_text(contrast.p_adjusted),
        )  # fmt: skip
        sequence = contrast.sequence
        table.add_row(
            Text("  any look"), "", "",
            _range(_difference(outcome, sequence.low), _difference(outcome, sequence.high)), "",
            p_text(contrast.sequence_p_adjusted),
        )  # fmt: skip
    head = Text.assemble((outcome.name, "bold"), f" ({outcome.kind}{', lower is better' if outcome.lower else ''})")
    if outcome.rule:
        states = ", ".join(f"{w.challenger + ' ' if several else ''}{w.state}" for w in outcome.watched)
        head.append(f": {outcome.rule}: {states}", style="bold")
    notes = [*_tests(outcome), *outcome.notes]
    if outcome.reduction is not None:
        notes.append(f"CUPED took {outcome.reduction:.1%} of the variance out")
    return [Text(), head, table, *(Padding(Text(note, style="dim"), (0, 0, 0, 2)) for note in notes)]


def _over_time(outcome: OutcomeResult, result: AbResult) -> list[RenderableType]:
    """The outcome that decides, day by day; the others are in the JSON."""
    several = len(outcome.contrasts) > 1
    days = [one for one in result.over_time if one.outcome == outcome.name]
    table = Table(box=None, padding=(0, 1), pad_edge=False, header_style="dim")
    for name in ("day", *(("variant",) if several else ()), "units", "alone", "one look", "so far", "all", "any look"):
        table.add_column(Text(name), justify="left" if name in ("day", "variant") else "right", overflow="fold")
    for one in days[-MOST_DAYS:]:
        table.add_row(
            one.day, *((Text(one.challenger),) if several else ()), f"{one.units:,}",
            _difference(outcome, one.difference),
            _range(_difference(outcome, one.low), _difference(outcome, one.high)),
            f"{one.units_so_far:,}", _difference(outcome, one.so_far),
            _range(_difference(outcome, one.any_low), _difference(outcome, one.any_high)),
        )  # fmt: skip
    unit = "points" if outcome.percent else "difference"
    notes = ["units by the day on which they were first seen; of many single days, some lie apart by chance"]
    if len(days) > MOST_DAYS:
        notes.append(f"the last {MOST_DAYS} of {len(days):,} lines; --json has them all")
    head = Text.assemble("Over time: ", (outcome.name, "bold"), f", {unit}", style="bold")
    return [Text(), head, table, *(Padding(Text(note, style="dim"), (0, 0, 0, 2)) for note in notes)]


def _tests(outcome: OutcomeResult) -> list[str]:
    lines = []
    for contrast in outcome.contrasts:
        line = f"{contrast.challenger}: {contrast.test}"
        if contrast.rank_p is not None and contrast.superiority is not None:
            line += f"; Mann-Whitney p {_equals(contrast.rank_p)}, larger in {contrast.superiority:.1%} of pairs"
        lines.append(line)
    return lines


def _equals(p: float) -> str:
    text = p_text(p)
    return text.replace("<", "< ") if text[0] == "<" else f"= {text}"


def _adjusts(outcome: OutcomeResult) -> bool:
    return any(c.p != c.p_adjusted or c.sequence.p != c.sequence_p_adjusted for c in outcome.contrasts)


def _bullet(text: str, style: str = "") -> RenderableType:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=3, justify="right")
    grid.add_column(overflow="fold")
    grid.add_row("-", Text(text, style=style))
    return grid


def _value(outcome: OutcomeResult, value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value * 100:.2f}%" if outcome.percent else number_text(value)


def _difference(outcome: OutcomeResult, value: float | None) -> str:
    if value is None:
        return "-"
    if outcome.percent:
        return f"{value * 100:+.2f}"
    text = number_text(value)
    return text if value < 0 else f"+{text}"


def _relative(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value * 100:+.1f}%" if abs(value) < 100 else f"{value * 100:+.2g}%"


def _interval(outcome: OutcomeResult, mean: Mean) -> str:
    return _range(_value(outcome, mean.low), _value(outcome, mean.high))


def _range(low: str, high: str) -> str:
    if low == high == "-":
        return "-"
    return f"{low.removesuffix('%')}, {high}"


def number_text(value: float) -> str:
    """Four digits that count, no exponent for everyday sizes: ``0.1234``, ``12.34``, ``1,234``."""
    size = abs(value)
    if value == 0:
        return "0"
    if size >= 1e9 or size < 1e-4:
        return f"{value:.2e}"
    if size >= 1000:
        return f"{value:,.0f}"
    return f"{value:.{max(0, 3 - (len(str(int(size))) if size >= 1 else 0))}f}" if size >= 0.01 else f"{value:.2g}"


VERSION = 1


def paired_tables(result: PairedResult) -> RenderableType:
    """The verdict with its reasons, guardrails, and every metric."""
    parts: list[RenderableType] = [Text(f"Offline A/B: {result.challenger} against {result.control}"), Text()]
    parts += [*verdict_lines(result.recommendation, result.control), Text()]
    for watched in result.watched:
        figures = [
            "not measured" if value is None else number_text(value) for value in (watched.control, watched.challenger)
        ]
        state = {True: "kept", False: "broken", None: "undecided"}[watched.kept]
        parts.append(Text(f"Guardrail {watched.name}, {watched.rule}: {figures[0]} to {figures[1]}: {state}"))
    return Group(*parts, *(compare_tables(compared) for compared in result.compared))


def paired_json(result: PairedResult) -> dict[str, Any]:
    """Plain objects; each comparison as ``ragbench compare --json`` writes it."""
    return {
        "version": VERSION,
        "decision": result.recommendation.decision,
        "control": result.control,
        "challenger": result.challenger,
        "reasons": list(result.recommendation.reasons),
        "guardrails": [
            {"name": w.name, "rule": w.rule, "control": w.control, "challenger": w.challenger, "kept": w.kept}
            for w in result.watched
        ],
        "comparisons": [compare_json(compared) for compared in result.compared],
    }


def ab_json(result: AbResult) -> dict[str, Any]:
    """Every field of `AbResult` under its own name; what cannot be estimated is null, never NaN."""
    found: dict[str, Any] = _finite(dataclasses.asdict(result))
    if result.plan is not None:
        found["plan"] |= {"more_units": result.plan.more, "days": _finite(result.plan.days)}
    return {"version": VERSION, "decision": result.recommendation.decision} | found


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


COMMAND = "ragbench ab --json"


@dataclass(frozen=True)
class PairedComparison:
    """What a comparison of two runs says, a sentence for each metric."""

    sentences: tuple[str, ...] = ()


@dataclass(frozen=True)
class PairedRecord:
    """What ``ragbench ab --runs`` found, as `ragbench.render.ab.paired_json` writes it."""

    decision: Decision
    control: str
    challenger: str
    reasons: tuple[str, ...]
    guardrails: tuple[WatchedFigure, ...]
    comparisons: tuple[PairedComparison, ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        """Of all comparisons."""
        return tuple(sentence for one in self.comparisons for sentence in one.sentences)


def read_ab(given: Path | AbResult | PairedResult) -> AbResult | PairedRecord:
    """An analysis of events, or the record of one of two runs.

    Args:
        given: the analysis, or a file of ``ragbench ab --json``.

    Raises:
        InputError: the file cannot be read, or is something else.
    """
    if isinstance(given, AbResult):
        return given
    if isinstance(given, PairedResult):
        return checked(PairedRecord, paired_json(given), "the test", COMMAND)
    content = read_object(given, COMMAND)
    if content.get("version") != VERSION or "decision" not in content:
        raise InputError(f"{given}: is no outcome of '{COMMAND}'")
    if "comparisons" in content:
        return checked(PairedRecord, content, str(given), COMMAND)
    return checked(AbResult, content, str(given), COMMAND)
