"""P@K."""

from dataclasses import dataclass
from typing import ClassVar

from ragbench.metrics.base import Metric
from ragbench.metrics.ranked import Floats, Ranked
from ragbench.metrics.tied import expected_found


@dataclass(frozen=True)
class Precision(Metric):
    """Precision@k: relevant items in the top k, divided by k, even if fewer than k were retrieved.

    Source: trec_eval 9, ``P``.
    """

    name: ClassVar[str] = "p"
    aliases: ClassVar[tuple[str, ...]] = ("precision", "prec")

    k: int
    level: int = 1

    def values(self, ranked: Ranked) -> Floats:
        """Number found, divided by k."""
        value: Floats = ranked.relevant(self.level).found(self.k) / self.k
        return value

    def expected(self, ranked: Ranked) -> Floats:
        """Expected number found, divided by k."""
        return expected_found(ranked, self.level, self.k) / self.k
