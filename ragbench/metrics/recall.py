"""Recall@K."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ragbench.metrics.base import Metric
from ragbench.metrics.ranked import Floats, Ranked
from ragbench.metrics.tied import expected_found


@dataclass(frozen=True)
class Recall(Metric):
    """Recall@k: relevant items in the top k, divided by R, the number of relevant items of the query.

    Source: trec_eval 9, ``recall``.
    """

    name: ClassVar[str] = "recall"
    aliases: ClassVar[tuple[str, ...]] = ("r",)

    k: int
    level: int = 1

    def values(self, ranked: Ranked) -> Floats:
        """Number found, divided by R."""
        value: Floats = ranked.relevant(self.level).found(self.k) / np.maximum(ranked.total(self.level), 1)
        return value

    def expected(self, ranked: Ranked) -> Floats:
        """Expected number found, divided by R."""
        value: Floats = expected_found(ranked, self.level, self.k) / np.maximum(ranked.total(self.level), 1)
        return value
