"""Precision of the retrieved set."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ragbench.metrics.base import Metric
from ragbench.metrics.ranked import Floats, Ranked


@dataclass(frozen=True)
class SetPrecision(Metric):
    """Set precision: relevant retrieved items divided by all retrieved items, whatever their order.

    It lies between 0 and 1, and is 0 if nothing was retrieved. It suits systems that return a set, and lists that end
    by a threshold; for a list that always has the same length it is precision at that length.
    Source: ``set_P`` of trec_eval; van Rijsbergen, *Information Retrieval*, 2nd edition, 1979, chapter 7.
    """

    name: ClassVar[str] = "set_p"
    aliases: ClassVar[tuple[str, ...]] = ("setp", "set_precision")

    level: int = 1

    def values(self, ranked: Ranked) -> Floats:
        """Relevant retrieved items divided by retrieved items."""
        found = np.diff(ranked.relevant(self.level).bounds)
        value: Floats = found / np.maximum(ranked.retrieved, 1)
        return value

    def expected(self, ranked: Ranked) -> Floats:
        """The same value, because the order does not matter."""
        return self.values(ranked)
