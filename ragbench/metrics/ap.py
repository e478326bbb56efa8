"""Average precision; its mean is MAP."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ragbench.metrics.base import Metric
from ragbench.metrics.ranked import Floats, Ranked
from ragbench.metrics.tied import NO_CUT, groups


@dataclass(frozen=True)
class AveragePrecision(Metric):
    """Average precision: the sum of the precision at the rank of each relevant item in the top k, divided by R.

    R counts all relevant items, retrieved or not. A measure that divides by the retrieved ones, such as the context
    precision of Ragas, is a different one.
    Source: Buckley and Voorhees, "Evaluating evaluation measure stability", SIGIR 2000.
    """

    name: ClassVar[str] = "map"
    aliases: ClassVar[tuple[str, ...]] = ("ap", "map_cut", "average_precision", "mean_average_precision")

    k: int | None = None
    level: int = 1

    def values(self, ranked: Ranked) -> Floats:
        """Sum of n / rank of the n-th relevant item, divided by R."""
        relevant = ranked.relevant(self.level)
        precision = relevant.nth / relevant.rank
        if self.k:
            precision = np.where(relevant.rank <= self.k, precision, 0.0)
        value: Floats = ranked.sum(relevant.query, precision) / np.maximum(relevant.total, 1)
        return value

    def expected(self, ranked: Ranked) -> Floats:
        """Sum of the expected precision at the ranks of tied groups, in closed form."""
        tied = groups(ranked, self.level)
        inside = tied.inside(self.k or NO_CUT)
        harmonic = np.concatenate(([0.0], np.cumsum(1 / np.arange(1, int(ranked.retrieved.max(initial=0)) + 1))))
        # Down to a relevant item at place j of its group there are before + 1 + (j - 1) * share relevant items, where
        # share is the probability that another item of the group is relevant. Its rank is above + j.
        share = (tied.relevant - 1) / np.maximum(tied.size - 1, 1)
        constant = tied.before + 1 - (tied.above + 1) * share
        harmonics = harmonic[tied.above + inside] - harmonic[np.minimum(tied.above, tied.above + inside)]
        precision = tied.relevant / tied.size * (constant * harmonics + share * inside)
        value: Floats = ranked.sum(tied.query, precision) / np.maximum(ranked.total(self.level), 1)
        return value
