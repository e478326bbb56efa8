"""Alpha-nDCG."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ragbench.core.errors import SettingError
from ragbench.core.judgements import Intents
from ragbench.metrics.base import Metric
from ragbench.metrics.intents import intents_of, relevant_by_intent
from ragbench.metrics.ranked import Floats, Ranked


@dataclass(frozen=True)
class AlphaNDCG(Metric):
    """alpha-nDCG: nDCG that rewards new intents. An item gains (1 - alpha)^n for each intent that it is relevant to.

    n is the number of items above it that are relevant to the same intent; labels above 0 count alike. The gain is
    discounted by log2(rank + 1) and divided by that of the ideal ranking, which takes the item that gains most at each
    rank (the best ranking is NP-hard to find; ties go to the later id). It lies between 0 and 1 but for rare rankings
    that beat this ideal, and is 0 if nothing relevant is in the top k.
    It needs labels by intent (``Judgements.intents``), as in the qrels of the TREC diversity tasks.
    Source: Clarke et al., "Novelty and diversity in information retrieval evaluation", SIGIR 2008; ndeval.

    Raises:
        SettingError: alpha is outside 0 to 1.
    """

    name: ClassVar[str] = "alpha_ndcg"
    aliases: ClassVar[tuple[str, ...]] = ("alphandcg", "andcg")

    by_intent: ClassVar[bool] = True

    k: int
    alpha: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (isinstance(self.alpha, int | float) and 0 <= self.alpha <= 1):
            raise SettingError(f"metric {self.name}: alpha={self.alpha!r} must lie between 0 and 1")
        object.__setattr__(self, "alpha", float(self.alpha))

    def values(self, ranked: Ranked) -> Floats:
        """Discounted gain, divided by that of the greedy ideal ranking."""
        intents = intents_of(ranked, self)
        found = relevant_by_intent(ranked, intents)
        gain = np.power(1 - self.alpha, found.nth - 1.0) / np.log2(found.rank + 1)
        dcg = ranked.sum(found.query, np.where(found.rank <= self.k, gain, 0.0))
        ideal = self._ideal(ranked, intents)
        value: Floats = np.divide(dcg, ideal, out=np.zeros_like(dcg), where=ideal > 0)
        return value

    def _ideal(self, ranked: Ranked, intents: Intents) -> Floats:
        """(q,) Discounted gain of the greedy ranking: one step for each rank, for all queries at once."""
        judgements = ranked.judgements
        relevant = intents.labels > 0
        pair_item, pair_intent = intents.rows[relevant], intents.intent[relevant]
        ideal = np.zeros(len(ranked))
        if not len(pair_item):
            return ideal
        # Candidates by query, and those of a query in the order in which equal gains are taken.
        candidates = np.unique(pair_item)
        ids = np.array([judgements.item_ids[item] for item in judgements.items[candidates].tolist()])
        later_first = -np.unique(ids, return_inverse=True)[1]
        candidates = candidates[np.lexsort((later_first, judgements.query_index[candidates]))]
        query, segment = np.unique(judgements.query_index[candidates], return_inverse=True)
        starts = np.searchsorted(segment, np.arange(len(query)))
        place = np.zeros(len(judgements.items), dtype=np.int64)
        place[candidates] = np.arange(len(candidates))
        pair_at = place[pair_item]
        worth, left = np.ones(len(intents.names)), np.ones(len(candidates), dtype=bool)
        for rank in range(1, self.k + 1):
            gain = np.bincount(pair_at, weights=worth[pair_intent], minlength=len(candidates)) * left
            most = np.maximum.reduceat(gain, starts)
            reach = np.flatnonzero((gain == most[segment]) & (gain > 0))
            best = reach[np.unique(segment[reach], return_index=True)[1]]
            if not len(best):
                break
            ideal[query[segment[best]]] += gain[best] / np.log2(rank + 1)
            left[best] = False
            chosen = np.zeros(len(candidates), dtype=bool)
            chosen[best] = True
            worth[pair_intent[chosen[pair_at]]] *= 1 - self.alpha
        return ideal
