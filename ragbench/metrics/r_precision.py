"""R-precision."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ragbench.metrics.base import Metric
from ragbench.metrics.ranked import Floats, Ranked
from ragbench.metrics.tied import expected_found


@dataclass(frozen=True)
class RPrecision(Metric):
    """R-precision: the precision at rank R, where R is the number of relevant items of the query.

    Source: trec_eval 9, ``Rprec``.
    """

    name: ClassVar[str] = "rprec"
    aliases: ClassVar[tuple[str, ...]] = ("r_precision", "r_prec", "rprecision")

    level: int = 1

    def values(self, ranked: Ranked) -> Floats:
        """Relevant items in the top R, divided by R."""
        relevant = ranked.relevant(self.level)
        within = relevant.query[relevant.rank <= relevant.total.take(relevant.query)]
        value: Floats = np.bincount(within, minlength=len(ranked)) / np.maximum(relevant.total, 1)
        return value

    def expected(self, ranked: Ranked) -> Floats:
        """Expected number in the top R, divided by R."""
        total = ranked.total(self.level)
        value: Floats = expected_found(ranked, self.level, total) / np.maximum(total, 1)
        return value
