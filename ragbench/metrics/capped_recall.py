"""Recall@K, capped by the largest number of items that k ranks can hold."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ragbench.metrics.base import Metric
from ragbench.metrics.ranked import Floats, Ranked
from ragbench.metrics.tied import expected_found


@dataclass(frozen=True)
class CappedRecall(Metric):
    """Relevant items in the top k, divided by min(k, R). It can reach 1 even if R is above k.

    Source: Thakur et al., "BEIR", NeurIPS 2021 (``R_cap@k``).
    """

    name: ClassVar[str] = "capped_recall"
    aliases: ClassVar[tuple[str, ...]] = ("recall_cap", "r_cap", "recall_capped")

    k: int
    level: int = 1

    def values(self, ranked: Ranked) -> Floats:
        """Number found, divided by min(k, R)."""
        value: Floats = ranked.relevant(self.level).found(self.k) / self._reach(ranked)
        return value

    def expected(self, ranked: Ranked) -> Floats:
        """Expected number found, divided by min(k, R)."""
        return expected_found(ranked, self.level, self.k) / self._reach(ranked)

    def _reach(self, ranked: Ranked) -> Floats:
        return np.clip(ranked.total(self.level), 1, self.k).astype(np.float64)
