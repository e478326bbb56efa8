"""trec_eval's measures with a gain for each relevance label: ndcg, dcg, ndcg_rel, Rndcg, G and rbp.

Gains may be given for each label, also for 0, and may be negative; a label without one gains itself. Each function here
scores one query, because these measures walk down the ranking and the ideal one side by side.

Source: trec_eval 10, ``gain_init.c`` and the files of the measures.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ragbench.metrics.ranked import Floats, Ranked

PERSISTENCE = 0.9
Given = Mapping[str, float]


@dataclass(frozen=True, eq=False)
class Walk:
    """The gains of one query.

    Attributes:
        found: (n,) gain of each retrieved item, in their order.
        ideal: (r,) positive gains of the judged items, highest first.
        relevant: number of relevant items.
        most, least: the highest and the lowest gain of any label, and 0.
    """

    found: Floats
    ideal: Floats
    relevant: int
    most: float
    least: float

    @property
    def dcg(self) -> Floats:
        """(n + 1,) DCG of the first 0, 1, ... items."""
        return _cumulated(self.found)

    @property
    def ideal_dcg(self) -> Floats:
        """(r + 1,) DCG of the first 0, 1, ... items of the ideal ranking."""
        return _cumulated(self.ideal)


def _cumulated(gain: Floats) -> Floats:
    return np.concatenate(([0.0], np.cumsum(gain / np.log2(np.arange(2, len(gain) + 2)))))


def by_query(ranked: Ranked, level: int, given: Given, value: Callable[[Walk], float]) -> Floats:
    """(q,) Value of each query."""
    judged = ranked.judgements
    bounds = np.concatenate(([0], np.cumsum(np.bincount(ranked.query, minlength=len(ranked)))))
    total = ranked.total(level)
    found = np.zeros(len(ranked))
    for query in range(len(ranked)):
        labels = judged.labels[judged.offsets[query] : judged.offsets[query + 1]]
        table = _table(int(labels.max(initial=0)), given)
        rows = slice(int(bounds[query]), int(bounds[query + 1]))
        row, label = ranked.rank[rows], ranked.label[rows]
        gain = np.zeros(int(ranked.retrieved[query]))
        gain[row[label >= 0] - 1] = table[label[label >= 0]]
        ideal = np.sort(table[labels[labels >= 0]])[::-1]
        walk = Walk(gain, ideal[ideal > 0], int(total[query]), max(0.0, table.max()), min(0.0, table.min()))
        found[query] = value(walk)
    return found


def _table(largest: int, given: Given) -> Floats:
    """Gain by label; labels that were given and do not occur are part of the scale."""
    levels = {int(name): gain for name, gain in given.items() if name.lstrip("+-").isdigit()}
    table = np.arange(max([largest, *levels]) + 1, dtype=np.float64)
    table[largest + 1 :] = 0.0
    for level, gain in levels.items():
        if level >= 0:
            table[level] = gain
    return table


def ndcg(walk: Walk) -> float:
    """DCG divided by the ideal DCG."""
    return float(walk.dcg[-1] / walk.ideal_dcg[-1]) if len(walk.ideal) else 0.0


def dcg(walk: Walk) -> float:
    """DCG."""
    return float(walk.dcg[-1])


def ideal_dcg(walk: Walk) -> float:
    """Ideal DCG."""
    return float(walk.ideal_dcg[-1])


def ndcg_rel(walk: Walk) -> float:
    """Mean of nDCG at the ranks of items with a gain; a missed one has the nDCG at the end."""
    if not len(walk.ideal):
        return 0.0
    at = np.flatnonzero(walk.found > 0) + 1
    ideal = walk.ideal_dcg
    total = float((walk.dcg[at] / ideal[np.minimum(at, len(walk.ideal))]).sum())
    total += (len(walk.ideal) - len(at)) * float(walk.dcg[-1] / ideal[-1])
    return total / len(walk.ideal) if total > 0 else 0.0


def rndcg(walk: Walk) -> float:
    """Mean of nDCG at the ranks where the ideal gain falls, and at the end."""
    if not len(walk.ideal) or not walk.relevant:
        return 0.0
    falls = np.flatnonzero(np.diff(walk.ideal)) + 1
    at: npt.NDArray[np.int64] = np.append(falls, len(walk.ideal))
    values = walk.dcg[np.minimum(at, len(walk.found))] / walk.ideal_dcg[at]
    if len(walk.found) > len(walk.ideal) + 1:
        values = np.append(values, walk.dcg[-1] / walk.ideal_dcg[-1])
    return float(values.mean())


def g(walk: Walk) -> float:
    """Sum of gain / log2(2 + cost - gain so far), divided by the ideal gain."""
    if not len(walk.ideal):
        return 0.0
    cost = np.ones(len(walk.found))
    shared = min(len(walk.found), len(walk.ideal))
    cost[:shared] = np.maximum(walk.ideal[:shared], 1.0)
    at = np.flatnonzero(walk.found)
    spent = (np.cumsum(cost) - np.cumsum(walk.found))[at]
    return float((walk.found[at] / np.log2(2 + spent)).sum() / walk.ideal.sum())


def rbp(persistence: float) -> Callable[[Walk], float]:
    """Rank-biased precision with gains scaled to 0 to 1."""

    def value(walk: Walk) -> float:
        gain = walk.found
        if walk.least < 0 or walk.most > 1:
            gain = np.where(gain != 0, (gain - walk.least) / (walk.most - walk.least), 0.0)
        return float((1 - persistence) * (gain * persistence ** np.arange(len(gain))).sum())

    return value
