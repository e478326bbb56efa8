"""Number of relevant items."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ragbench.core.scores import Average, Direction
from ragbench.metrics.base import Metric
from ragbench.metrics.ranked import Floats, Ranked


@dataclass(frozen=True)
class NumRel(Metric):
    """Number of relevant items of the query (R), retrieved or not. It describes the judgements and not the system.

    trec_eval prints the sum over the queries. An evaluation shows the mean per query.
    Source: ``num_rel`` of trec_eval.
    """

    name: ClassVar[str] = "num_rel"
    direction: ClassVar[Direction] = "none"
    average: ClassVar[Average] = "sum"
    aliases: ClassVar[tuple[str, ...]] = ("numrel",)

    level: int = 1

    def values(self, ranked: Ranked) -> Floats:
        """R, the number of items with a label of at least ``level``."""
        return ranked.total(self.level).astype(np.float64)

    def expected(self, ranked: Ranked) -> Floats:
        """The same value, because the order does not matter."""
        return self.values(ranked)

    @property
    def needs_level(self) -> None:
        """The metric is defined for every query."""
        return None
