"""Reciprocal rank; its mean is MRR."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ragbench.metrics.base import Metric
from ragbench.metrics.ranked import Floats, Ranked
from ragbench.metrics.tied import NO_CUT, chance_of_none, groups


@dataclass(frozen=True)
class ReciprocalRank(Metric):
    """Reciprocal rank: 1 / rank of the first relevant item, or 0 if there is none (in the top k).

    Without ``k`` it is trec_eval's ``recip_rank``.
    Source: Kantor and Voorhees, "The TREC-5 confusion track", Information Retrieval 2, 2000.
    """

    name: ClassVar[str] = "mrr"
    aliases: ClassVar[tuple[str, ...]] = ("rr", "recip_rank", "reciprocal_rank", "mean_reciprocal_rank")

    k: int | None = None
    level: int = 1

    def values(self, ranked: Ranked) -> Floats:
        """1 / rank of the first relevant item."""
        relevant = ranked.relevant(self.level)
        value = np.zeros(len(ranked))
        found = np.flatnonzero(np.diff(relevant.bounds))
        rank = relevant.rank.take(relevant.bounds[:-1].take(found))
        value[found] = (rank <= (self.k or NO_CUT)) / rank
        return value

    def expected(self, ranked: Ranked) -> Floats:
        """Sum over ranks of 1 / rank times the probability that the first relevant item is there."""
        tied = groups(ranked, self.level)
        first = np.flatnonzero(tied.before == 0)
        value = np.zeros(len(tied.query))
        for m, (at, none) in enumerate(chance_of_none(tied, int(tied.size[first].max(initial=0)))):
            # The first relevant item is at place m + 1 of its group: no item before it is relevant, and it is.
            rank = tied.above[at] + m + 1
            here = none * tied.relevant[at] / (tied.size[at] - m)
            value[at] += np.where(rank <= (self.k or NO_CUT), here / rank, 0.0)
        return ranked.sum(tied.query[first], value[first])
