"""An A/B test on a terminal, as the documented JSON object (docs/guides/ab.md), and read back from that object."""

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragbench.comparison.ab.decide import p_text
from ragbench.comparison.ab.paired_runs import PairedResult, WatchedFigure, change_text
from ragbench.comparison.ab.results import AbResult, Decision, Mean, OutcomeResult, Recommendation
from ragbench.core.errors import InputError
from ragbench.core.options import named
from ragbench.render.blocks import Block, Cell, Line, Row, Style, notes_block, terminal
from ragbench.render.compare import compare_blocks, compare_json
from ragbench.render.records import checked, read_object

if TYPE_CHECKING:
    from rich.console import RenderableType

VERSION = 1
COMMAND = "ragbench ab --json"
MOST_DAYS = 31
"""The most rows of the table over time."""
STYLES: dict[Decision, Style] = {"promote": "good", "roll back": "bad", "go on": "open", "no verdict": "bad"}


def ab_tables(result: AbResult) -> "RenderableType":
    """The check of the split, the verdict with its reasons, notes, and every outcome."""
    return terminal(ab_blocks(result))


def ab_blocks(result: AbResult) -> list[Block]:
    """The check of the split, the verdict with its reasons, notes, and every outcome."""
    split = Line(split_line(result), "" if result.srm_ok else "bad")
    single = "" if result.final or result.looks else f"; use {named('final')} for a single look"
    notes = [*result.notes, how_decided(result) + single]
    if not result.srm_ok:
        notes.append("differences are not shown, because they mean nothing with this split; the JSON object has them")
    found = [
        Block(lines=(split,)),
        verdict_block(result.recommendation, result.variants[0].name),
        *notes_block(notes),
    ]
    if not result.srm_ok:
        return found
    if result.looks:
        found.append(_looks(result))
    for role, title in (("primary", "Decides"), ("secondary", "Secondary"), ("guardrail", "Guardrails")):
        chosen = [outcome for outcome in result.outcomes if outcome.role == role]
        if chosen:
            found.append(Block(f"{title}: {100 * (1 - result.alpha):g}% intervals"))
            found += [_outcome(outcome, "all looks" if result.looks else "any look") for outcome in chosen]
    if result.over_time:
        found.append(_over_time(result.outcomes[0], result))
    return found


def _looks(result: AbResult) -> Block:
    """The planned looks: units, boundary, error rate spent, and the chance of finding the effect by then."""
    with_chance = any(look.chance is not None for look in result.looks)
    head = ("look", "units", "boundary", "alpha spent", *(("found by then",) if with_chance else ()))
    rows = tuple(
        (
            Cell(f"{at}, now" if look.now else str(at), "strong" if look.now else ""),
            f"{look.units:,}",
            f"{look.boundary:.3f}",
            f"{look.spent:.5f}",
            *(() if look.chance is None else (f"{look.chance:.0%}",)),
        )
        for at, look in enumerate(result.looks, 1)
    )
    return Block("Planned looks: a difference counts from so many standard errors", head, rows)


def verdict_block(advice: Recommendation, control: str) -> Block:
    """The verdict in one line, and its reasons."""
    reasons = tuple(Line(reason, bullet=True) for reason in advice.reasons)
    return Block(lines=(Line(verdict_head(advice, control), STYLES[advice.decision]), *reasons))


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
    control = f"the control is {result.variants[0].name} ({result.control_why})"
    if result.final:
        return f"{control}; this is the only look, so the one-look tests decide"
    if result.looks:
        return f"{control}; the planned looks decide, so their p-values and intervals hold for all looks together"
    return f"{control}; the any-look (always-valid) tests decide, so you may look as often as you like"


def _outcome(outcome: OutcomeResult, looks: str) -> Block:
    """Three rows for each challenger: estimates, one look, any look."""
    several = len(outcome.contrasts) > 1
    difference = "points" if outcome.percent else "difference"
    head = ("variant", "control", "challenger", difference, "relative", "p, Holm" if _adjusts(outcome) else "p")
    rows: list[Row] = []
    for contrast in outcome.contrasts:
        relative, sequence = contrast.relative, contrast.sequence
        rows += [
            (
                Cell(contrast.challenger, "strong"),
                _value(outcome, outcome.control.value),
                _value(outcome, contrast.value.value),
                _difference(outcome, contrast.difference),
                "-" if relative is None else _relative(relative[0]),
                "",
            ),
            (
                "  one look",
                _interval(outcome, outcome.control),
                _interval(outcome, contrast.value),
                _range(_difference(outcome, contrast.low), _difference(outcome, contrast.high)),
                "" if relative is None else _range(_relative(relative[1]), _relative(relative[2])),
                p_text(contrast.p_adjusted),
            ),
            (
                f"  {looks}",
                "",
                "",
                _range(_difference(outcome, sequence.low), _difference(outcome, sequence.high)),
                "",
                p_text(contrast.sequence_p_adjusted),
            ),
        ]
    title = f"{outcome.name} ({outcome.kind}{', lower is better' if outcome.lower else ''})"
    if outcome.rule:
        states = ", ".join(f"{w.challenger + ' ' if several else ''}{w.state}" for w in outcome.watched)
        title += f": {outcome.rule}: {states}"
    below = [*_tests(outcome), *outcome.notes]
    if outcome.reduction is not None:
        below.append(f"CUPED removed {outcome.reduction:.1%} of the variance")
    return Block(title, head, tuple(rows), _quiet(below), level=3)


def _over_time(outcome: OutcomeResult, result: AbResult) -> Block:
    """The outcome that decides, day by day; the others are in the JSON object."""
    several = len(outcome.contrasts) > 1
    days = [one for one in result.over_time if one.outcome == outcome.name]
    variant = ("variant",) if several else ()
    head = ("day", *variant, "units", "alone", "one look", "so far", "all", "any look")
    rows = tuple(
        (
            one.day,
            *((one.challenger,) if several else ()),
            f"{one.units:,}",
            _difference(outcome, one.difference),
            _range(_difference(outcome, one.low), _difference(outcome, one.high)),
            f"{one.units_so_far:,}",
            _difference(outcome, one.so_far),
            _range(_difference(outcome, one.any_low), _difference(outcome, one.any_high)),
        )
        for one in days[-MOST_DAYS:]
    )
    below = ["each unit counts on the day it was first seen; among many days, some differ by chance"]
    if len(days) > MOST_DAYS:
        below.append(f"the last {MOST_DAYS} of {len(days):,} rows; the JSON object has all of them")
    title = f"Over time: {outcome.name}, {'points' if outcome.percent else 'difference'}"
    return Block(title, head, rows, _quiet(below), align="l" * (1 + len(variant)) + "r" * 6)


def _quiet(texts: list[str]) -> tuple[Line, ...]:
    return tuple(Line(text, "quiet", indent=2) for text in texts)


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
    """Four significant digits, without an exponent for everyday sizes: ``0.1234``, ``12.34``, ``1,234``."""
    size = abs(value)
    if value == 0:
        return "0"
    if size >= 1e9 or size < 1e-4:
        return f"{value:.2e}"
    if size >= 1000:
        return f"{value:,.0f}"
    return f"{value:.{max(0, 3 - (len(str(int(size))) if size >= 1 else 0))}f}" if size >= 0.01 else f"{value:.2g}"


def paired_tables(result: PairedResult) -> "RenderableType":
    """The verdict with its reasons, guardrails, and every metric."""
    return terminal(paired_blocks(result))


def paired_blocks(result: PairedResult) -> list[Block]:
    """The verdict with its reasons, guardrails, and every metric."""
    found = [
        Block(lines=(f"Offline A/B: {result.challenger} against {result.control}",)),
        verdict_block(result.recommendation, result.control),
    ]
    lines = []
    for watched in result.watched:
        before, after = (
            "not measured" if value is None else number_text(value) for value in (watched.control, watched.challenger)
        )
        more = "" if watched.needed is None else f"; about {watched.needed:,} timed queries would decide it"
        state = {True: "kept", False: "broken", None: "undecided"}[watched.kept]
        lines.append(
            f"Guardrail {watched.name}, {watched.rule}: {before} to {after}{change_text(watched)}: {state}{more}"
        )
    if lines:
        found.append(Block(lines=tuple(lines)))
    return found + [block for compared in result.compared for block in compare_blocks(compared)]


def paired_json(result: PairedResult) -> dict[str, Any]:
    """The JSON object of an A/B comparison of runs; each comparison as ``ragbench compare --json`` writes it."""
    return {
        "version": VERSION,
        "decision": result.recommendation.decision,
        "control": result.control,
        "challenger": result.challenger,
        "reasons": list(result.recommendation.reasons),
        "guardrails": [dataclasses.asdict(watched) for watched in result.watched],
        "comparisons": [compare_json(compared) for compared in result.compared],
    }


def ab_json(result: AbResult) -> dict[str, Any]:
    """Every field of `AbResult` under its own name; what cannot be estimated is null, not NaN."""
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


@dataclass(frozen=True)
class PairedComparison:
    """The sentences of a comparison of two runs, one for each metric."""

    sentences: tuple[str, ...] = ()


@dataclass(frozen=True)
class PairedRecord:
    """What ``ragbench ab --runs`` found, read from the object that `paired_json` makes."""

    decision: Decision
    control: str
    challenger: str
    reasons: tuple[str, ...]
    guardrails: tuple[WatchedFigure, ...]
    comparisons: tuple[PairedComparison, ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        """The sentences of all comparisons."""
        return tuple(sentence for one in self.comparisons for sentence in one.sentences)


def read_ab(given: Path | AbResult | PairedResult) -> AbResult | PairedRecord:
    """An analysis of events, or the record of a comparison of two runs.

    Args:
        given: the analysis, or a file that ``ragbench ab --json`` wrote.

    Raises:
        InputError: the file cannot be read or contains something else.
    """
    if isinstance(given, AbResult):
        return given
    if isinstance(given, PairedResult):
        return checked(PairedRecord, paired_json(given), "the test", COMMAND)
    content = read_object(given, COMMAND)
    if content.get("version") != VERSION or "decision" not in content:
        raise InputError(f"{given}: is not the output of '{COMMAND}'")
    if "comparisons" in content:
        return checked(PairedRecord, content, str(given), COMMAND)
    return checked(AbResult, content, str(given), COMMAND)
