"""Average precision with a geometric mean over the queries: GMAP."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ragbench.core.scores import Average
from ragbench.metrics.ap import AveragePrecision
from ragbench.metrics.base import Metric
from ragbench.metrics.ranked import Floats, Ranked

LEAST = 1e-5
"""The smallest average precision that counts, as in trec_eval: one query of 0 would make every geometric mean 0."""


@dataclass(frozen=True)
class GeometricMAP(Metric):
    """GMAP: the geometric mean of average precision, which a few bad queries pull down more than good ones pull it up.

    The value of one query is log(max(AP, 1e-5)), and the mean is shown as its exponential, between 1e-5 and 1. So is
    its interval. A difference between two systems is tested on the logarithms. Its interval is that of the ratio of
    the two means, at the level of the baseline. A query with nothing retrieved counts as 1e-5.
    Source: Robertson, "On GMAP: and other transformations", CIKM 2006; ``gm_map`` of trec_eval.
    """

    name: ClassVar[str] = "gm_map"
    average: ClassVar[Average] = "geometric"
    aliases: ClassVar[tuple[str, ...]] = ("gmap", "gm_ap")

    level: int = 1

    def values(self, ranked: Ranked) -> Floats:
        """Logarithm of average precision."""
        value: Floats = np.log(np.maximum(AveragePrecision(level=self.level).values(ranked), LEAST))
        return value
