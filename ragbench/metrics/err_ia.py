"""Intent-aware expected reciprocal rank."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ragbench.metrics.base import Metric
from ragbench.metrics.gains import Gain, shares
from ragbench.metrics.intents import intents_of, relevant_by_intent
from ragbench.metrics.ranked import Floats, Ranked
from ragbench.metrics.running import before, running_product


@dataclass(frozen=True)
class IntentAwareERR(Metric):
    """ERR-IA: the mean of `ragbench.metrics.err` over the intents of the query that something is relevant to.

    All intents are equally likely. It lies between 0 and 1, below 1, and is 0 if nothing relevant is in the top k.
    ndeval divides it by the largest value that labels of 0 and 1 allow, .5 * sum of .5^(r - 1) / r over the ranks to k.
    It needs labels by intent (``Judgements.intents``), as in the qrels of the TREC diversity tasks.
    Source: Chapelle, Ji, Liao, Velipasaoglu, Lai and Wu, "Intent-based diversification of web search results",
    Information Retrieval 14(6), 2011; Agrawal et al., WSDM 2009, for the mean over intents.
    """

    name: ClassVar[str] = "err_ia"
    aliases: ClassVar[tuple[str, ...]] = ("erria",)

    by_intent: ClassVar[bool] = True

    k: int | None = None
    gain: Gain = "exp"
    max_label: int | None = None

    def values(self, ranked: Ranked) -> Floats:
        """Sum over intents of ERR, divided by their number."""
        intents = intents_of(ranked, self)
        found = relevant_by_intent(ranked, intents)
        stop = shares(self.gain, self.max_label, intents.labels, spare=1.0).take(found.label)
        reached = before(found.nth, running_product(found.nth, 1 - stop), 1.0)
        value = stop * reached / found.rank
        if self.k:
            value = np.where(found.rank <= self.k, value, 0.0)
        mean: Floats = ranked.sum(found.query, value) / np.maximum(found.total, 1)
        return mean
