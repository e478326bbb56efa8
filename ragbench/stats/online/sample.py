"""Summary of one variant: size, mean and variance."""

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
    """

    n: int
    mean: float
    variance: float

    @property
    def error(self) -> float:
        """Standard error of the mean; 0 if ``n`` is 0."""
        return math.sqrt(self.variance / self.n) if self.n else 0.0


def sample(values: npt.NDArray[np.float64]) -> Sample:
    """Compute mean and variance (divisor n - 1) of one value per unit.

    If all values are the same, the variance is exactly 0, without rounding errors.
    """
    if not len(values):
        return Sample(0, 0.0, 0.0)
    if values.min() == values.max():
        return Sample(len(values), float(values[0]), 0.0)
    return Sample(len(values), float(values.mean()), float(values.var(ddof=1)))
