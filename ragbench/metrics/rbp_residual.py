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
    """How much higher RBP could be: the weight of unjudged ranks, and of all ranks below the last (or below k).

    RBP lies between ``rbp`` and ``rbp + rbp_residual``; a wide gap means too few judgements.
    Source: Moffat and Zobel, TOIS 27(1), 2008, section 3.3.
    """

    name: ClassVar[str] = "rbp_residual"
    direction: ClassVar[Direction] = "none"

    p: float
    k: int | None = None

    def values(self, ranked: Ranked) -> Floats:
        """One minus the weights of the judged ranks."""
        weight: Floats = (1 - self.p) * np.power(self.p, ranked.rank - 1.0)
        if self.k:
            weight = np.where(ranked.rank <= self.k, weight, 0.0)
        return 1 - ranked.sum(ranked.query, weight)

    def expected(self, ranked: Ranked) -> Floats:
        """The same with the mean weight of each item's tied group."""
        depth = self.k or int(ranked.retrieved.max(initial=0))
        weight = mean_weight(ranked, (1 - self.p) * np.power(self.p, np.arange(depth, dtype=np.float64)))
        return 1 - ranked.sum(ranked.query, weight)

    @property
    def needs_level(self) -> None:
        """Defined for every query."""
        return None
