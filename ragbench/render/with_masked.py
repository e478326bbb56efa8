"""What a masked set adds to a comparison on few human queries. Every text names the masked set beside its verdict."""

from collections.abc import Sequence
from dataclasses import asdict

from ragbench.comparison.masked_pool import masked_pool
from ragbench.core.evaluations import Estimate
from ragbench.core.verdicts import WithMasked
from ragbench.render.blocks import Block, Line
from ragbench.render.numbers import counted, p_value, with_interval
from ragbench.render.posterior import probability

HEAD = ("system", "human queries alone", "masked set predicts", "both", "P(better)", "decide like")
SURPRISE = 0.05
"""Below this p-value, human queries contradict what the masked set predicts."""


def masked_sentences(found: Sequence[WithMasked], metric: str) -> list[Line]:
    """A sentence for each comparison in the metric."""
    return [Line(masked_sentence(one), "strong") for one in found if one.metric == metric]


def masked_sentence(one: WithMasked) -> str:
    """What both kinds of queries say together, and how much the masked set adds."""
    numbers = f"{one.metric} {_estimate(one.difference, one.low, one.high)}"
    worth = f"{counted(one.queries, 'human query')}, with the masked set, decide like about {one.effective:,.0f}"
    return f"With the masked set, {_claim(one)}: {numbers}. {worth}.{_contradiction(one)}"


def _claim(one: WithMasked) -> str:
    if one.decision in ("better", "worse"):
        chance = one.better if one.decision == "better" else 1 - one.better
        return f"{one.candidate} is {one.decision} than {one.baseline} with a probability of {probability(chance)}"
    if one.decision == "equivalent":
        return f"{one.candidate} and {one.baseline} are equivalent"
    return (
        f"no difference is shown between {one.candidate} and {one.baseline} (better with a probability of "
        f"{probability(one.better)})"
    )


def _contradiction(one: WithMasked) -> str:
    if one.agreement >= SURPRISE:
        return ""
    return f" The human queries contradict the masked set (p = {p_value(one.agreement)}), so it counts for less."


def masked_blocks(found: Sequence[WithMasked], metric: str, pairs: bool) -> list[Block]:
    """Three estimates of each difference in the metric, beside each other; none without a masked set.

    Args:
        found: comparisons in all metrics.
        metric: the metric to show.
        pairs: whether to name both systems of a pair.
    """
    chosen = [one for one in found if one.metric == metric]
    if not chosen:
        return []
    first, pool = chosen[0], masked_pool()
    rows = tuple(
        (
            f"{one.candidate} - {one.baseline}" if pairs else one.candidate,
            _estimate(one.alone, one.alone_low, one.alone_high),
            _estimate(one.predicted, one.predicted_low, one.predicted_high),
            _estimate(one.difference, one.low, one.high),
            probability(one.better),
            f"{one.effective:,.0f}",
        )
        for one in chosen
    )
    title = (
        f"{metric}: {counted(first.queries, 'human query')} and {counted(first.masked_queries, 'masked query')} in "
        f"{len(first.wordings)} wordings [{first.confidence:.0%} interval]"
    )
    meaning = (
        "masked set predicts: the difference on human queries that the masked one suggests, as learned on "
        f"{len(pool.collections)} public collections. both: this prediction as the prior, human queries as data; "
        "P(better) is its probability that the system is better, not corrected for several comparisons. decide like: "
        "number of human queries with an interval as narrow, without the masked set."
    )
    return [Block(title, HEAD, rows, (meaning,))]


def masked_json(one: WithMasked) -> dict[str, object]:
    """The JSON object of a comparison by both kinds of queries."""
    return {**asdict(one), "sentence": masked_sentence(one)}


def _estimate(value: float, low: float | None, high: float | None) -> str:
    return with_interval(Estimate(value, low, high, 0), signed=True)
