"""The Bayesian reading of comparisons as a table, always with its prior."""

from collections.abc import Sequence

from ragbench.core.evaluations import Estimate
from ragbench.core.verdicts import Posterior
from ragbench.render.blocks import Block, Line
from ragbench.render.numbers import fraction, with_interval

PRIORS = {"normal": "normal(0, {})", "cauchy": "Cauchy(0, {})"}

BY_WORDING = "difference: the mean over all wordings of this kind; its interval includes the variance between wordings"
FEW = 20
"""With fewer effective documents, a probability above .8 is right less often than it says (benchmarks/bayesian.py)."""


def posterior_blocks(posteriors: Sequence[Posterior], metric: str, pairs: bool) -> list[Block]:
    """The probabilities of each difference in the metric; empty if there are none.

    Args:
        posteriors: of all metrics.
        metric: which one to show.
        pairs: whether to name both systems of a pair.
    """
    chosen = [one for one in posteriors if one.metric == metric]
    if not chosen:
        return []
    first = chosen[0]
    fewest = min(one.effective_clusters for one in chosen)
    few = (
        f"warning: {fewest:.1f} effective documents show little of their own spread, so high probabilities are too high"
    )
    prior = PRIORS[first.prior].format(fraction(first.scale))
    to = "between systems" if pairs else f"to {first.baseline}"
    rope = fraction(first.rope)
    rows = tuple(
        (
            f"{one.candidate} - {one.baseline}" if pairs else one.candidate,
            with_interval(Estimate(one.median, one.low, one.high, 0), signed=True),
            probability(one.better),
            probability(one.equivalent),
            probability(one.worse),
        )
        for one in chosen
    )
    return [
        Block(
            f"{metric}: Bayesian reading of the difference {to}, median [{first.confidence:.0%} credible interval], "
            f"prior {prior}",
            ("system", "difference", "better", "equivalent", "worse"),
            rows,
            (
                f"probabilities that the system is better by more than {rope}, differs by at most {rope}, and is worse "
                f"by more, if true differences vary as the prior {prior} says; not corrected for several comparisons",
                *([BY_WORDING] if first.wordings else []),
                *([Line(few, "warning")] if fewest < FEW else []),
            ),
        )
    ]


def probability(value: float) -> str:
    """``.034``, ``<.001`` or ``>.999``."""
    return "<.001" if value < 0.001 else ">.999" if value > 0.999 else fraction(value)
