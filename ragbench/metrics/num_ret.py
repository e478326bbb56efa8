"""Number of retrieved items."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ragbench.core.scores import Average, Direction
from ragbench.metrics.base import Metric
from ragbench.metrics.ranked import Floats, Ranked


@dataclass(frozen=True)
class NumRet(Metric):
    """Number of retrieved items, judged or not. It is defined for every query, and neither direction is better.

    trec_eval prints the sum over the queries. An evaluation shows the mean per query.
    Source: ``num_ret`` of trec_eval.
    """

    name: ClassVar[str] = "num_ret"
    direction: ClassVar[Direction] = "none"
    average: ClassVar[Average] = "sum"
    aliases: ClassVar[tuple[str, ...]] = ("numret",)

    def values(self, ranked: Ranked) -> Floats:
        """Number of retrieved items."""
        return ranked.retrieved.astype(np.float64)

    def expected(self, ranked: Ranked) -> Floats:
        """The same value, because the order does not matter."""
        return self.values(ranked)

    @property
    def needs_level(self) -> None:
        """The metric is defined for every query."""
        return None
