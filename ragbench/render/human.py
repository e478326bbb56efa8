"""What labels of annotators add to a comparison: three estimates of each difference, beside each other."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from ragbench.core.annotations import LabelSheet
from ragbench.core.verdicts import HumanShare, Verdict
from ragbench.render.blocks import Block
from ragbench.render.numbers import counted, fraction

HEAD = ("system", "model alone", "annotators alone", "both", "weight", "effective sample")
MEANING = (
    "model: the labels of the evaluation. both: what annotators would find on all queries, if theirs are a random part "
    "of them, or drawn as their sheet says. weight: of the model's labels; 0 ignores them. effective sample: number of "
    "random queries that annotators would have to label for the same precision on their own. d_z, delta, win/tie/loss, "
    "slices and examples are by the model."
)


def human_blocks(verdicts: Sequence[Verdict], metric: str) -> list[Block]:
    """A table for one metric; none without labels of annotators."""
    found = [(one, one.human) for one in verdicts if one.metric == metric and one.human is not None]
    if not found:
        return []
    first, share = found[0]
    title = f"{metric}: annotators labelled {share.queries} of {first.n} queries [{first.confidence:.0%} interval]"
    rows = tuple(_row(verdict, share) for verdict, share in found)
    return [Block(title, HEAD, rows, (MEANING,))]


def human_phrase(verdict: Verdict) -> str:
    """The labels behind a verdict, for its sentence; empty without labels of annotators."""
    share = verdict.human
    if share is None:
        return ""
    return f", {share.queries} of them labelled by annotators (worth {share.effective:,.0f})"


def sheet_line(sheet: LabelSheet, path: Path | None) -> str:
    """Where the labels are that would help most, and what they are worth."""
    by = f"by {sheet.measured:,} labels of both kinds" if sheet.measured else "if a quarter of the labels are random"
    where = f"; see {path}" if path is not None else ""
    return (
        f"The labels that would help most: {counted(sheet.items, 'item')} of {counted(sheet.queries, 'query')}, worth "
        f"about {sheet.worth:,.0f} random queries {by}{where}"
    )


def sheet_json(sheet: LabelSheet) -> dict[str, object]:
    """The JSON object of the labels to give next."""
    return {
        "metric": sheet.metric,
        "systems": list(sheet.systems),
        "queries": sheet.queries,
        "items": sheet.items,
        "worth": sheet.worth,
        "measured": sheet.measured,
        "rows": [asdict(row) for row in sheet.rows],
    }


def _row(verdict: Verdict, share: HumanShare) -> tuple[str, ...]:
    return (
        verdict.candidate,
        _estimate(share.model, share.model_low, share.model_high),
        _estimate(share.alone, share.alone_low, share.alone_high),
        _estimate(verdict.difference, verdict.low, verdict.high),
        f"{share.weight:.2f}",
        f"{share.effective:,.0f} queries",
    )


def _estimate(value: float | None, low: float | None, high: float | None) -> str:
    if value is None or low is None or high is None:
        return fraction(value, signed=True)
    return f"{fraction(value, signed=True)} [{fraction(low, signed=True)}, {fraction(high, signed=True)}]"
