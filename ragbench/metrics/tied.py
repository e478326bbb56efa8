"""Expected values under ties: the mean over all orders of items that have equal scores.

Within a group of tied items, every item is equally likely at each of the group's ranks. Sums over ranks therefore need
only the share of the group above the cut-off. Values that depend on the first relevant item are hypergeometric.

Source: McSherry and Najork, "Computing information retrieval performance
measures efficiently in the presence of tied scores", ECIR 2008.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ragbench.metrics.ranked import Floats, Ints, Ranked

NO_CUT = np.iinfo(np.int64).max
"""Stands for "no cut-off" where a number is needed."""


@dataclass(frozen=True, eq=False)
class Groups:
    """Groups of tied items with at least one relevant item, best first within a query.

    Attributes:
        query: (g,) query of the group.
        above: (g,) items of the query with a higher score.
        size: (g,) items in the group.
        relevant: (g,) relevant items in the group, at least 1.
        before: (g,) relevant items with a higher score.
    """

    query: Ints
    above: Ints
    size: Ints
    relevant: Ints
    before: Ints

    def inside(self, k: int | Ints) -> Ints:
        """(g,) Number of the group's ranks within the top k."""
        inside: Ints = np.clip(k - self.above, 0, self.size)
        return inside


def columns(ranked: Ranked) -> tuple[Ints, Ints]:
    """Return `Ranked.above` and `Ranked.tied`, which `look_through` fills with ``ties=True``."""
    if ranked.above is None or ranked.tied is None:
        raise ValueError("the run was looked through without ties")
    return ranked.above, ranked.tied


def groups(ranked: Ranked, level: int) -> Groups:
    """Return the tied groups with a relevant item."""
    above, tied = columns(ranked)
    rows = np.flatnonzero(ranked.label >= level)
    query, above, size = ranked.query[rows], above[rows], tied[rows]
    fresh = np.ones(len(rows), dtype=bool)
    fresh[1:] = (query[1:] != query[:-1]) | (above[1:] != above[:-1])
    first = np.flatnonzero(fresh)
    relevant = np.diff(np.append(first, len(rows)))
    query = query[first]
    start = ranked.relevant(level).bounds[:-1].take(query)
    return Groups(query, above[first], size[first], relevant, first - start)


def expected_found(ranked: Ranked, level: int, k: int | Ints) -> Floats:
    """(q,) Expected number of relevant items in the top k (one k, or one per query)."""
    tied = groups(ranked, level)
    cut = k if isinstance(k, int) else k.take(tied.query)
    return ranked.sum(tied.query, tied.relevant * (tied.inside(cut) / tied.size))


def mean_weight(ranked: Ranked, weight: Floats) -> Floats:
    """(h,) Expected weight of each judged row.

    Args:
        ranked: judged rows, with ties.
        weight: weight of rank 1, 2, ...; ranks beyond its end have weight 0.
    """
    above, tied = columns(ranked)
    total = np.concatenate(([0.0], np.cumsum(weight)))
    low, high = np.minimum(above, len(weight)), np.minimum(above + tied, len(weight))
    mean: Floats = (total[high] - total[low]) / tied
    return mean


def chance_of_none(tied: Groups, most: int) -> Iterator[tuple[Ints, Floats]]:
    """Iterate over m = 0, 1, ...: the groups with more than m items, and the probability that the first m are not
    relevant.

    Args:
        tied: the groups.
        most: the largest m.
    """
    at = np.arange(len(tied.query))
    chance = np.ones(len(tied.query))
    for m in range(most + 1):
        open_ = (m < tied.size[at]) & (chance > 0)
        at, chance = at[open_], chance[open_]
        if not len(at):
            return
        yield at, chance
        chance = chance * (tied.size[at] - tied.relevant[at] - m) / (tied.size[at] - m)
