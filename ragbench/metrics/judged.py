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
    """Judged items in the top k, relevant or not, over k, also where fewer than k were retrieved.

    It says how far the other metrics can be trusted: what is not judged counts
    as not relevant there. Defined for every query. ir-measures divides a short
    list by its own length instead.
    """

    name: ClassVar[str] = "judged"
    direction: ClassVar[Direction] = "none"

    k: int

    def values(self, ranked: Ranked) -> Floats:
        """Judged items in the top k, over k."""
        value: Floats = np.bincount(ranked.query[ranked.rank <= self.k], minlength=len(ranked)) / self.k
        return value

    def expected(self, ranked: Ranked) -> Floats:
        """Expected number in the top k, over k."""
        return ranked.sum(ranked.query, mean_weight(ranked, np.ones(self.k))) / self.k

    @property
    def needs_level(self) -> None:
        """Defined for every query."""
        return None
