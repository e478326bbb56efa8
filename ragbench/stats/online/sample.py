"""Summaries of the values of one variant: means, ratios of totals, and values adjusted by CUPED."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Sample:
    """Summary of one variant's values, one per unit.

    Attributes:
        n: number of units.
        mean: the estimate, a mean or a ratio of means; 0 if ``n`` is 0.
        variance: variance of one unit, so that ``variance / n`` is the variance of the estimate; 0 if ``n`` is below 2.
        third: third central moment of one unit, the mean cube of the deviations.
    """

    n: int
    mean: float
    variance: float
    third: float = 0.0

    @property
    def error(self) -> float:
        """Standard error of the mean; 0 if ``n`` is 0."""
        return math.sqrt(self.variance / self.n) if self.n else 0.0


def sample(values: npt.NDArray[np.float64]) -> Sample:
    """Compute mean, variance (divisor n - 1) and third central moment of one value per unit.

    If all values are the same, the variance is exactly 0, without rounding errors.
    """
    if not len(values):
        return Sample(0, 0.0, 0.0)
    if values.min() == values.max():
        return Sample(len(values), float(values[0]), 0.0)
    mean = float(values.mean())
    return Sample(len(values), mean, *_spread(values - mean))


def smoothed_rate(rate: Sample) -> Sample:
    """Return a sample of 0 and 1 with the variance of one more success and one more failure.

    A count of 0 has no variance of its own.

    Args:
        rate: sample of values 0 and 1.
    """
    share = (rate.mean * rate.n + 1) / (rate.n + 2)
    variance = share * (1 - share)
    return Sample(rate.n, rate.mean, variance, variance * (1 - 2 * share))


def ratio(numerators: npt.NDArray[np.float64], denominators: npt.NDArray[np.float64]) -> Sample | None:
    """Compute ``sum(y) / sum(x)`` of one variant, with its delta-method variance; None if ``sum(x)`` is 0.

    The variance per unit is ``sum((y - R x)^2) / (n - 1) / mean(x)^2``. Only units must be independent; the events of a
    unit may depend on each other.

    Args:
        numerators: (n,) total of each unit.
        denominators: (n,) total of each unit, none below 0.

    Source: Deng, Knoblich and Lu 2018.
    """
    pieces = linearised(numerators, denominators)
    if pieces is None:
        return None
    estimate, values = pieces
    variance, third = _spread(values - estimate)
    # A ratio that is the same in every unit has variance 0, without rounding errors.
    flat = variance <= (1e-12 * abs(estimate)) ** 2
    return Sample(len(values), estimate, *((0.0, 0.0) if flat else (variance, third)))


def _spread(deviations: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Return the variance and the third central moment."""
    n = len(deviations)
    squares = np.square(deviations)
    return (float(squares.sum()) / (n - 1) if n > 1 else 0.0), float(squares @ deviations) / n


def linearised(
    numerators: npt.NDArray[np.float64], denominators: npt.NDArray[np.float64]
) -> tuple[float, npt.NDArray[np.float64]] | None:
    """Return the ratio R, and (n,) values ``R + (y - R x) / mean(x)`` with mean R and the variance of the ratio.

    Source: Budylin, Drutsa, Katsev and Tsoy 2018.
    """
    total = float(denominators.sum())
    if total <= 0:
        return None
    estimate = float(numerators.sum()) / total
    values: npt.NDArray[np.float64] = (numerators - estimate * denominators) * (len(denominators) / total)
    values += estimate
    return estimate, values


@dataclass(frozen=True)
class Cuped:
    """An outcome without the part that the pre-period explains.

    Attributes:
        values: (n,) ``y - theta (x - mean(x))``, without NaN.
        theta: slope of y on x within variants.
        reduction: share of the variance within variants that was removed, 0 to 1.
        missing: number of units without a pre-period value, which are not adjusted.
    """

    values: npt.NDArray[np.float64]
    theta: float
    reduction: float
    missing: int


def cuped(values: npt.NDArray[np.float64], before: npt.NDArray[np.float64], variants: npt.NDArray[np.int64]) -> Cuped:
    """Adjust one value per unit by one pre-period value per unit.

    The slope is computed within variants, ``theta = cov(y, x) / var(x)``, so that an effect does not leak into it.
    Assignment does not depend on x, so the difference of the means keeps its expectation, and its variance shrinks by
    the squared correlation. A constant or missing x changes nothing.

    Args:
        values: (n,) the outcome.
        before: (n,) the pre-period value, NaN for a unit without one.
        variants: (n,) the variant, 0 to v - 1.

    Source: Deng, Xu, Kohavi and Walker 2013.
    """
    known = ~np.isnan(before)
    missing = int((~known).sum())
    if known.any():
        x = np.where(known, before, before[known].mean())
        x -= x.mean()
    if not known.any() or not np.ptp(x) > 0:
        return Cuped(values, 0.0, 0.0, missing)
    y_inside, x_inside = _inside(values, variants), _inside(x, variants)
    theta = float(x_inside @ y_inside) / float(x_inside @ x_inside)
    all_y = float(y_inside @ y_inside)
    y_inside -= theta * x_inside
    reduction = 1 - float(y_inside @ y_inside) / all_y if all_y > 0 else 0.0
    adjusted: npt.NDArray[np.float64] = values - theta * x
    return Cuped(adjusted, theta, max(reduction, 0.0), missing)


def _inside(values: npt.NDArray[np.float64], variants: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return the deviations from the mean of each unit's variant."""
    counts = np.maximum(np.bincount(variants), 1)
    means = np.bincount(variants, weights=values) / counts
    deviations: npt.NDArray[np.float64] = values - means[variants]
    return deviations
