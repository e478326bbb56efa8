"""The residual of rank-biased precision."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ragbench.core.scores import Direction
from ragbench.metrics.base import Metric
from ragbench.metrics.ranked import Floats, Ranked
from ragbench.metrics.tied import mean_weight


@dataclass(frozen=True)
class RBPResidual(Metric):
    """RBP residual: how much higher RBP could be if all unjudged items were relevant.

    It is the weight of the unjudged ranks and of all ranks below the last one (or below k). RBP lies between ``rbp``
    and ``rbp + rbp_residual``; a wide gap means too few judgements.
    Source: Moffat and Zobel, TOIS 27(1), 2008, section 3.3.
    """

    name: ClassVar[str] = "rbp_residual"
    direction: ClassVar[Direction] = "none"

    p: float
    k: int | None = None

    def values(self, ranked: Ranked) -> Floats:
        """1 minus the weights of the judged ranks."""
        weight: Floats = (1 - self.p) * np.power(self.p, ranked.rank - 1.0)
        if self.k:
            weight = np.where(ranked.rank <= self.k, weight, 0.0)
        return 1 - ranked.sum(ranked.query, weight)

    def expected(self, ranked: Ranked) -> Floats:
        """1 minus the mean weights of the tied groups of judged items."""
        depth = self.k or int(ranked.retrieved.max(initial=0))
        weight = mean_weight(ranked, (1 - self.p) * np.power(self.p, np.arange(depth, dtype=np.float64)))
        return 1 - ranked.sum(ranked.query, weight)

    @property
    def needs_level(self) -> None:
        """The metric is defined for every query."""
        return None
