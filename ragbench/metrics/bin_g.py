"""Binary G."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ragbench.metrics.base import Metric
from ragbench.metrics.ranked import Floats, Ranked


@dataclass(frozen=True)
class BinG(Metric):
    """binG: the sum over the relevant retrieved items of 1 / log2(2 + n), divided by R.

    n is the number of items above it that are not relevant, judged or not. So a relevant item costs nothing to those
    below it, unlike in nDCG. binG lies between 0 and 1; it is 1 if all relevant items come first.
    Source: Chris Buckley's ``binG`` of trec_eval (2008), which calls it experimental.
    """

    name: ClassVar[str] = "bing"
    aliases: ClassVar[tuple[str, ...]] = ("bin_g",)

    level: int = 1

    def values(self, ranked: Ranked) -> Floats:
        """Sum of 1 / log2(2 + not relevant items above), divided by R."""
        relevant = ranked.relevant(self.level)
        gain = 1 / np.log2(2 + relevant.rank - relevant.nth)
        value: Floats = ranked.sum(relevant.query, gain) / np.maximum(relevant.total, 1)
        return value
