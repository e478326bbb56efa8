"""Recall of the retrieved set."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ragbench.metrics.base import Metric
from ragbench.metrics.ranked import Floats, Ranked


@dataclass(frozen=True)
class SetRecall(Metric):
    """Set recall: relevant retrieved items divided by R, whatever their order. It lies between 0 and 1.

    It is recall without a cut-off, so systems that return more items have an advantage.
    Source: ``set_recall`` of trec_eval; van Rijsbergen, *Information Retrieval*, 2nd edition, 1979, chapter 7.
    """

    name: ClassVar[str] = "set_recall"
    aliases: ClassVar[tuple[str, ...]] = ("setr", "set_r")

    level: int = 1

    def values(self, ranked: Ranked) -> Floats:
        """Relevant retrieved items divided by R."""
        relevant = ranked.relevant(self.level)
        value: Floats = np.diff(relevant.bounds) / np.maximum(relevant.total, 1)
        return value

    def expected(self, ranked: Ranked) -> Floats:
        """The same value, because the order does not matter."""
        return self.values(ranked)
