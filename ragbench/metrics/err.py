"""Expected reciprocal rank."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ragbench.metrics.base import Metric
from ragbench.metrics.gains import Gain, shares
from ragbench.metrics.ranked import Floats, Ranked
from ragbench.metrics.running import before, running_product


@dataclass(frozen=True)
class ERR(Metric):
    """ERR: the expected reciprocal of the rank where a user who reads from the top is satisfied and stops.

    An item satisfies with probability s = gain / (gain of the highest label + 1): (2^label - 1) / 2^max_label with the
    default gain ``exp``. ERR is the sum over ranks of 1 / rank * s * the probability that no item above satisfied.
    It lies between 0 and 1, never reaches 1, and is 0 if no relevant item is in the top k.
    ``max_label`` is the highest label of the scale. Without it, it is the highest label of the judgements, so give it
    to compare sets of judgements. gdeval and ir-measures always take ``max_label=4``.
    Source: Chapelle, Metzler, Zhang and Grinspan, "Expected reciprocal rank for graded relevance", CIKM 2009.
    """

    name: ClassVar[str] = "err"
    aliases: ClassVar[tuple[str, ...]] = ("expected_reciprocal_rank",)

    k: int | None = None
    gain: Gain = "exp"
    max_label: int | None = None

    def values(self, ranked: Ranked) -> Floats:
        """Sum of 1 / rank times the probability of stopping there."""
        satisfies = shares(self.gain, self.max_label, ranked.judgements.labels, spare=1.0)
        relevant = ranked.relevant(1)
        stop = satisfies.take(ranked.label[ranked.label > 0])
        reached = before(relevant.nth, running_product(relevant.nth, 1 - stop), 1.0)
        value = stop * reached / relevant.rank
        if self.k:
            value = np.where(relevant.rank <= self.k, value, 0.0)
        return ranked.sum(relevant.query, value)
