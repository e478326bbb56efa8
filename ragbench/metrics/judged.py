"""Judged@K."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ragbench.core.scores import Direction
from ragbench.metrics.base import Metric
from ragbench.metrics.ranked import Floats, Ranked
from ragbench.metrics.tied import mean_weight


@dataclass(frozen=True)
class Judged(Metric):
    """Judged@k: judged items in the top k, relevant or not, divided by k, even if fewer than k were retrieved.

    It shows how far to trust the other metrics, where unjudged items count as not relevant. It is defined for every
    query. ir-measures divides a short list by its own length instead.
    """

    name: ClassVar[str] = "judged"
    direction: ClassVar[Direction] = "none"

    k: int

    def values(self, ranked: Ranked) -> Floats:
        """Judged items in the top k, divided by k."""
        value: Floats = np.bincount(ranked.query[ranked.rank <= self.k], minlength=len(ranked)) / self.k
        return value

    def expected(self, ranked: Ranked) -> Floats:
        """Expected number in the top k, divided by k."""
        return ranked.sum(ranked.query, mean_weight(ranked, np.ones(self.k))) / self.k

    @property
    def needs_level(self) -> None:
        """The metric is defined for every query."""
        return None
