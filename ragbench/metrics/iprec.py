"""Interpolated precision at a level of recall."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ragbench.core.errors import SettingError
from ragbench.metrics.base import Metric
from ragbench.metrics.ranked import Floats, Ranked


@dataclass(frozen=True)
class InterpolatedPrecision(Metric):
    """Interpolated precision at a recall level: the highest precision at any rank where recall is at least that level.

    It lies between 0 and 1, and is 0 if the ranking never reaches the level. ``iprec@0`` is the highest precision
    anywhere. The means of ``iprec@0``, ``iprec@0.1``, ... are the classic recall-precision curve, and ``11pt_avg`` is
    the average of all eleven. Recall r is reached with floor(r * R + .9) relevant items, as in trec_eval 9. For tenths
    that is the smallest whole number from r * R on, except where r * R is rounded down in binary (.7 * 3).
    Source: Manning, Raghavan and Schütze, *Introduction to Information Retrieval*, 2008, section 8.4.

    Raises:
        SettingError: the recall level is outside 0 to 1.
    """

    name: ClassVar[str] = "iprec"
    at: ClassVar[str] = "recall"
    aliases: ClassVar[tuple[str, ...]] = ("iprec_at_recall", "interpolated_precision")

    recall: float
    level: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        number = isinstance(self.recall, int | float) and not isinstance(self.recall, bool)
        if not (number and 0 <= self.recall <= 1):
            raise SettingError(f"metric {self.name}: recall={self.recall!r} must lie between 0 and 1")
        object.__setattr__(self, "recall", float(self.recall))

    def values(self, ranked: Ranked) -> Floats:
        """Highest precision from the rank on where the level of recall is reached."""
        return interpolated(ranked, self.level, self.recall)


def interpolated(ranked: Ranked, level: int, recall: float, *, nearest: bool = False) -> Floats:
    """(q,) Highest precision at any rank where recall is at least ``recall``.

    ``nearest`` rounds the number of relevant items that this takes to the nearest one, as trec_eval 10 does.
    """
    relevant = ranked.relevant(level)
    needed = np.floor(recall * relevant.total + (0.5 if nearest else 0.9))
    # Precision has its peaks at the relevant items, so no other rank needs a look.
    rows = np.flatnonzero(relevant.nth >= needed.take(relevant.query))
    value = np.zeros(len(ranked))
    np.maximum.at(value, relevant.query.take(rows), relevant.nth.take(rows) / relevant.rank.take(rows))
    return value
