"""Effect sizes of a paired comparison."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ragbench.core.errors import InputError
from ragbench.core.scores import Direction
from ragbench.stats.checks import check_pairs
from ragbench.stats.ranks import TIE


@dataclass(frozen=True)
class Effect:
    """How large a difference is.

    Attributes:
        mean: mean of candidate minus baseline.
        d_z: the mean over the standard deviation of the differences; None where they do not vary.
        cliffs_delta: chance that a query of the candidate scores higher than one of the
            baseline, less the chance that it scores lower, the two drawn apart; -1 to 1.
        wins, ties, losses: queries on which the candidate is better, equal, worse; where neither is better, has
            more, as much, less.
    """

    mean: float
    d_z: float | None
    cliffs_delta: float
    wins: int
    ties: int
    losses: int


def effect(
    baseline: npt.NDArray[np.float64], candidate: npt.NDArray[np.float64], direction: Direction = "higher"
) -> Effect:
    """Effect sizes of paired values; values closer than 1e-12 are equal.

    Args:
        baseline: (n,) value per query, NaN where undefined.
        candidate: (n,) the same of the candidate. Pairs with a NaN take no part.
        direction: which values are better; it says what a win is, and changes no other figure.

    Raises:
        InputError: shapes differ, an infinite value, or no pair is left.

    Source: Cohen 1988 for d_z; Cliff 1993 for delta.
    """
    check_pairs(baseline, candidate)
    kept = ~(np.isnan(baseline) | np.isnan(candidate))
    if not kept.any():
        raise InputError("no query has a value of both: there is no effect to work out")
    baseline, candidate = baseline[kept], candidate[kept]
    difference = candidate - baseline
    difference[np.abs(difference) < TIE] = 0.0
    mean = float(difference.mean())
    spread = float(difference.std(ddof=1)) if len(difference) > 1 else 0.0
    d_z = mean / spread if spread > TIE * float(np.abs(difference).max()) else None
    gain = -difference if direction == "lower" else difference
    return Effect(
        mean,
        d_z,
        cliffs_delta(baseline, candidate),
        int((gain > 0).sum()),
        int((gain == 0).sum()),
        int((gain < 0).sum()),
    )


def cliffs_delta(baseline: npt.NDArray[np.float64], candidate: npt.NDArray[np.float64]) -> float:
    """``(#(candidate_i > baseline_j) - #(candidate_i < baseline_j)) / (n * k)`` over all pairs i, j.

    Args:
        baseline: (n,) without NaN.
        candidate: (k,) without NaN.

    Source: Cliff 1993.
    """
    ordered = np.sort(baseline)
    below = np.searchsorted(ordered, candidate - TIE, side="left")
    above = len(ordered) - np.searchsorted(ordered, candidate + TIE, side="right")
    return float((below - above).mean() / len(ordered))
