"""Effect sizes of a paired comparison."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ragbench.core.errors import InputError
from ragbench.core.scores import Direction
from ragbench.stats.checks import check_pairs
from ragbench.stats.paired_tests import TIE


@dataclass(frozen=True)
class Effect:
    """Effect sizes of a difference.

    Attributes:
        mean: mean of candidate minus baseline.
        d_z: mean divided by the standard deviation of the differences; None if they do not vary.
        cliffs_delta: probability that a random query of the candidate scores higher than a random query of the
            baseline, minus the probability that it scores lower; -1 to 1.
        wins, ties, losses: queries on which the candidate is better, equal or worse. For a metric without direction:
            higher, equal or lower.
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
    """Compute effect sizes of paired values. Values closer than 1e-12 are equal.

    Args:
        baseline: (n,) value per query, NaN where undefined.
        candidate: (n,) value of the candidate. Pairs with a NaN are skipped.
        direction: which values are better. It decides what a win is and changes no other figure.

    Raises:
        InputError: shapes differ, a value is infinite, or no pair is left.

    Source: Cohen 1988 for d_z; Cliff 1993 for delta.
    """
    check_pairs(baseline, candidate)
    kept = ~(np.isnan(baseline) | np.isnan(candidate))
    if not kept.any():
        raise InputError("no query has a value of both systems: there is no effect to compute")
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
