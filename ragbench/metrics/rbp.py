"""Rank-biased precision."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ragbench.metrics.base import Metric
from ragbench.metrics.ranked import Floats, Ranked
from ragbench.metrics.tied import mean_weight


@dataclass(frozen=True)
class RBP(Metric):
    """RBP: (1 - p) * sum of p^(rank - 1) over the relevant items (in the top k).

    It models a user who continues to the next rank with probability p. `ragbench.metrics.rbp_residual` measures how
    much higher it could be.
    Source: Moffat and Zobel, "Rank-biased precision for measurement of
    retrieval effectiveness", TOIS 27(1), 2008, with binary relevance.
    """

    name: ClassVar[str] = "rbp"
    aliases: ClassVar[tuple[str, ...]] = ("rank_biased_precision",)

    p: float
    level: int = 1
    k: int | None = None

    def values(self, ranked: Ranked) -> Floats:
        """Sum of the weights of the relevant ranks."""
        relevant = ranked.relevant(self.level)
        weight: Floats = (1 - self.p) * np.power(self.p, relevant.rank - 1.0)
        if self.k:
            weight = np.where(relevant.rank <= self.k, weight, 0.0)
        return ranked.sum(relevant.query, weight)

    def expected(self, ranked: Ranked) -> Floats:
        """Sum of the mean weights of the tied groups of relevant items."""
        depth = self.k or int(ranked.retrieved.max(initial=0))
        weight = mean_weight(ranked, (1 - self.p) * np.power(self.p, np.arange(depth, dtype=np.float64)))
        return ranked.sum(ranked.query, np.where(ranked.label >= self.level, weight, 0.0))
