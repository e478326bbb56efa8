"""Number of relevant retrieved items."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ragbench.core.scores import Average
from ragbench.metrics.base import Metric
from ragbench.metrics.ranked import Floats, Ranked


@dataclass(frozen=True)
class NumRelRet(Metric):
    """Number of relevant items that were retrieved. It is defined for every query, and is 0 where nothing is relevant.

    trec_eval prints the sum over the queries. An evaluation shows the mean per query.
    Source: ``num_rel_ret`` of trec_eval.
    """

    name: ClassVar[str] = "num_rel_ret"
    average: ClassVar[Average] = "sum"
    aliases: ClassVar[tuple[str, ...]] = ("numrelret",)

    level: int = 1

    def values(self, ranked: Ranked) -> Floats:
        """Number of retrieved items with a label of at least ``level``."""
        return np.diff(ranked.relevant(self.level).bounds).astype(np.float64)

    def expected(self, ranked: Ranked) -> Floats:
        """The same value, because the order does not matter."""
        return self.values(ranked)

    @property
    def needs_level(self) -> None:
        """The metric is defined for every query."""
        return None
