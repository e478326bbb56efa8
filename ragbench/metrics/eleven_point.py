"""Eleven-point average precision."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ragbench.metrics.base import Metric
from ragbench.metrics.iprec import interpolated
from ragbench.metrics.ranked import Floats, Ranked


@dataclass(frozen=True)
class ElevenPoint(Metric):
    """11-point average: the mean of interpolated precision at the recall levels 0, .1, ..., 1. It lies between 0 and 1.

    See `ragbench.metrics.iprec`.
    Source: ``11pt_avg`` of trec_eval; Manning, Raghavan and Schütze, 2008, section 8.4.
    """

    name: ClassVar[str] = "11pt_avg"
    aliases: ClassVar[tuple[str, ...]] = ("eleven_point", "11_pt_avg")

    level: int = 1

    def values(self, ranked: Ranked) -> Floats:
        """Mean of eleven interpolated precisions."""
        points: Floats = np.mean([interpolated(ranked, self.level, tenth / 10) for tenth in range(11)], axis=0)
        return points
