"""CUPED: remove from an outcome what pre-experiment data predict of it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


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
