"""Normalised discounted cumulative gain."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from ragbench.metrics.base import Metric
from ragbench.metrics.gains import Gain, gain_of_labels
from ragbench.metrics.ranked import Floats, Ranked
from ragbench.metrics.tied import mean_weight


@dataclass(frozen=True)
class NDCG(Metric):
    """nDCG: DCG divided by the DCG of the best possible ranking, both cut off at k.

    DCG = sum of gain / log2(rank + 1). The gain is the label (``linear``, as in trec_eval), 2^label - 1 (``exp``), or
    yours for each label: ``ndcg(gain=0,1,3)@10`` gives label 2 a gain of 3. Labels of 0 and below gain nothing.
    The ideal ranking consists of all positive judgements, not only of as many as were retrieved. Under ties, every item
    has the mean discount of its group, as in scikit-learn.
    Sources: Järvelin and Kekäläinen, TOIS 20(4), 2002; ``exp``: Burges et al., ICML 2005.
    """

    name: ClassVar[str] = "ndcg"
    aliases: ClassVar[tuple[str, ...]] = ("ndcg_cut",)

    k: int | None = None
    gain: Gain = "linear"

    def values(self, ranked: Ranked) -> Floats:
        """DCG divided by the ideal DCG."""
        rows = np.flatnonzero((ranked.label > 0) & (ranked.rank <= self.k) if self.k else ranked.label > 0)
        rank = ranked.rank.take(rows)
        gain = self._gain(ranked.label.take(rows))
        dcg = ranked.sum(ranked.query.take(rows), gain * discount(int(rank.max(initial=1))).take(rank - 1))
        return self._normalised(dcg, ranked)

    def expected(self, ranked: Ranked) -> Floats:
        """DCG with the mean discount of each item's tied group, divided by the ideal DCG."""
        depth = self.k or int(ranked.retrieved.max(initial=1))
        gain = self._gain(np.maximum(ranked.label, 0))
        return self._normalised(ranked.sum(ranked.query, gain * mean_weight(ranked, discount(depth))), ranked)

    def _normalised(self, dcg: Floats, ranked: Ranked) -> Floats:
        query, rank, label = ranked.ideal
        if self.k:
            rows = np.flatnonzero(rank <= self.k)
            query, rank, label = query.take(rows), rank.take(rows), label.take(rows)
        ideal = ranked.sum(query, self._gain(label) * discount(int(rank.max(initial=1))).take(rank - 1))
        value: Floats = np.divide(dcg, ideal, out=np.zeros_like(dcg), where=ideal > 0)
        return value

    def _gain(self, label: npt.NDArray[np.signedinteger]) -> Floats:
        return gain_of_labels(self.gain, int(label.max(initial=0))).take(label)


def discount(depth: int) -> Floats:
    """Return the weights of ranks 1 to ``depth``."""
    weight: Floats = 1 / np.log2(np.arange(2, depth + 2))
    return weight
