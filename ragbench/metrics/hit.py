"""Hit@K, also called Success@K."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ragbench.metrics.base import Metric
from ragbench.metrics.ranked import Floats, Ranked
from ragbench.metrics.tied import chance_of_none, groups


@dataclass(frozen=True)
class Hit(Metric):
    """Hit@k: 1 if any relevant item is in the top k, else 0. The mean is the hit rate.

    Under ties: the probability that a relevant item is in the top k.
    Source: trec_eval 9, ``success``.
    """

    name: ClassVar[str] = "hit"
    aliases: ClassVar[tuple[str, ...]] = ("success", "hit_rate", "hits", "hitrate")

    k: int
    level: int = 1

    def values(self, ranked: Ranked) -> Floats:
        """1 where a relevant item is in the top k, else 0."""
        return (ranked.relevant(self.level).found(self.k) > 0).astype(np.float64)

    def expected(self, ranked: Ranked) -> Floats:
        """Probability that a relevant item is in the top k."""
        tied = groups(ranked, self.level)
        inside = tied.inside(self.k)
        # Only the first group with a relevant item matters, because it comes first, whole or in part.
        inside[tied.before > 0] = 0
        hit = (inside >= tied.size).astype(np.float64)
        missed = np.zeros(len(inside))
        for m, (at, chance) in enumerate(chance_of_none(tied, int(inside.max(initial=0)))):
            here = inside[at] == m
            missed[at[here]] = chance[here]
        partly = (inside > 0) & (hit == 0)
        return ranked.sum(tied.query, np.where(partly, 1 - missed, hit))
