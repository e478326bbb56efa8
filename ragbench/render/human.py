"""What labels of annotators add to a comparison: three estimates of each difference, beside each other."""

from collections.abc import Sequence

from ragbench.core.verdicts import HumanShare, Verdict
from ragbench.render.blocks import Block
from ragbench.render.numbers import fraction

HEAD = ("system", "model alone", "annotators alone", "both", "weight", "worth")
MEANING = (
    "model: the labels of the evaluation. both: what annotators would find on all queries, if theirs are a random part "
    "of them. weight: of the model's labels; 0 ignores them. worth: number of queries that annotators would have to "
    "label for the same precision on their own. d_z, delta, win/tie/loss, slices and examples are by the model."
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
