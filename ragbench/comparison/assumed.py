"""How differences vary, assumed from the level of a metric before anything has run."""

from dataclasses import dataclass
from math import sqrt

from ragbench.metrics.parse import parse

CORRELATION, HIT_CORRELATION = 0.5, 0.3
"""Correlation of two different systems, such as BM25 and embeddings, in graded metrics and in hits. Two settings of one
system have about .8."""
ICC = 0.2
"""Intraclass correlation of the differences of one document."""
SPREAD = {"recall": (1.0, 0.67), "ndcg": (0.84, 0.62), "map": (0.87, 0.62), "mrr": (0.87, 0.84)}
"""Standard deviation over queries divided by the largest possible one, ``sqrt(level (1 - level))``: for queries with
one relevant document, and with several. The largest of six collections with a cut-off of 10 (docs/guides/plan.md)."""


@dataclass(frozen=True)
class Assumed:
    """The variation of a metric at an assumed level.

    Attributes:
        metric: name of the metric.
        level: mean of both systems.
        correlation: correlation of their values.
        value_sd: standard deviation of the values of one system.
        most: the largest standard deviation that values from 0 to 1 have at this level.
        binary: whether every value is 0 or 1, so that ``value_sd`` is ``most``.
    """

    metric: str
    level: float
    correlation: float
    value_sd: float
    most: float
    binary: bool

    @property
    def sd(self) -> float:
        """Standard deviation of the differences of two systems of this level."""
        return self.value_sd * sqrt(2 * (1 - self.correlation))

    @property
    def discordant(self) -> float | None:
        """Share of queries on which exactly one system succeeds; None if the metric is not 0 or 1."""
        return self.sd**2 if self.binary else None


def assume(metric: str, level: float, correlation: float | None = None, single: float | None = None) -> Assumed:
    """Assume how a metric varies.

    Values from 0 to 1 with mean p have a standard deviation of at most ``sqrt(p (1 - p))``, and hits have exactly that.
    Graded metrics have a typical share of it. Two systems of that level, with correlation r, have differences with a
    standard deviation of ``sqrt(2 (1 - r))`` times that of one. For hits this is exact: ``2 p (1 - p) (1 - r)`` of the
    queries are discordant.

    Args:
        metric: name of the metric; one without typical values takes the largest possible deviation.
        level: mean of the metric, above 0 and below 1.
        correlation: correlation of the two systems; `CORRELATION` or `HIT_CORRELATION` if None.
        single: share of the queries with one relevant document; None if unknown, which takes the larger deviation.

    Examples:
        >>> found = assume("hit@10", 0.84)
        >>> round(found.sd, 3), round(found.discordant, 3)
        (0.434, 0.188)
    """
    known = parse(metric)
    binary = known.name == "hit" or (known.name in ("p", "mrr") and getattr(known, "k", None) == 1)
    one, several = (1.0, 1.0) if binary else SPREAD.get(known.name, (1.0, 1.0))
    share = max(one, several) if single is None else single * one + (1 - single) * several
    most = sqrt(level * (1 - level))
    usual = HIT_CORRELATION if binary else CORRELATION
    chosen = usual if correlation is None else correlation
    return Assumed(str(known), level, chosen, share * most, most, binary)
