"""The difference of two means with an error and a statistic that hold for skewed values and unequal variants.

Give a tenth of the users a challenger, and measure an order value that is 0 for 95% of them. In an unlucky start the
challenger has hardly an order: its mean is too low, and so is its variance. The difference then looks many standard
errors below 0, and a test that is repeated often finds such a moment. Three things prevent this here.

- The standard error is the larger of Welch's, from each variant's own variance, and the pooled one, which takes the
  spread of the small variant from the large one too.
- The difference in standard errors is corrected for the skewness of the difference, as an Edgeworth expansion says.
  Towards the long tail it counts more, because an outlier there also raises its own standard error. Without this
  part the larger standard error would cost most of the power.
- Where the skewness of the difference is 1 or more, nothing is decided, because the expansion does not hold.

With variants of equal size the skewness cancels, and this is Welch's statistic.

It fails where the two variants have distributions of different shape that the data cannot show yet: a challenger whose
orders are five times as rare and five times as large as the control's, with 10% of the users, has the same mean and was
still called worse in 9% of simulated experiments. It also fails where the variance is infinite.

Source: Hall 1992, On the removal of skewness by transformation; Zhou and Dinh 2005 for two samples; the pooled variance
is that of the score test of two rates.
"""

import math
from dataclasses import dataclass

from ragbench.stats.online.sample import Sample

MOST_SKEWED = 1.0
"""No decision while the difference is this skewed."""
MOST_ADDED = 0.3
"""The largest skewness that is used to count more against the long tail. A larger value gains power for roll-backs, and
errs in 8% where a challenger's values are 2.5 times as rare and as large as the control's (5% with this value)."""


@dataclass(frozen=True)
class Difference:
    """Challenger minus control.

    Attributes:
        estimate: difference of the two means.
        error: its standard error; 0 without a variance.
        skewness: skewness of the difference if both variants have one distribution; 0 with equal sizes.
    """

    estimate: float
    error: float
    skewness: float

    @property
    def too_skewed(self) -> bool:
        """Whether the skewness is too large to decide anything."""
        return abs(self.skewness) >= MOST_SKEWED

    def statistic(self, truth: float = 0.0) -> float:
        """Compute how far the estimate is from ``truth``, as a standard normal deviate, corrected for skewness.

        Args:
            truth: the hypothetical difference.
        """
        if self.error == 0:
            return math.copysign(math.inf, self.estimate - truth) if self.estimate != truth else 0.0
        z = (self.estimate - truth) / self.error
        a, size = min(abs(self.skewness), MOST_SKEWED), abs(z)
        if z * self.skewness > 0:
            size = _towards_tail(size, a)
        elif self.skewness:
            size = max(0.0, _against_tail(size, min(a, MOST_ADDED)))
        return math.copysign(size, z)

    def limits(self, reach: float) -> tuple[float, float]:
        """Compute the lowest and the highest difference whose `statistic` is at most ``reach``.

        Args:
            reach: half the width of the interval in standard errors if nothing is skewed, above 1.
        """
        a = min(abs(self.skewness), MOST_SKEWED)
        towards, against = _undo_towards_tail(reach, a), _undo_against_tail(reach, min(a, MOST_ADDED))
        # The true difference lies below the estimate where the estimate errs upwards.
        below, above = (towards, against) if self.skewness > 0 else (against, towards)
        return self.estimate - below * self.error, self.estimate + above * self.error


def difference(control: Sample, challenger: Sample, *, factor: float = 1.0) -> Difference:
    """Compare two means: ``challenger - factor * control``.

    Args:
        control: sample of the control, with at least one unit.
        challenger: sample of the challenger, with at least one unit.
        factor: 1, or what the control is multiplied by for a relative margin.
    """
    n, m = control.n, challenger.n
    estimate = challenger.mean - factor * control.mean
    own = math.hypot(challenger.error, factor * control.error)
    if min(n, m) < 2 or own == 0:
        return Difference(estimate, own, 0.0)
    variance = ((n - 1) * factor**2 * control.variance + (m - 1) * challenger.variance) / (n + m - 2)
    pooled = math.sqrt(variance * (1 / n + 1 / m))
    third = (n * factor**3 * control.third + m * challenger.third) / (n + m)
    skewness = third * (1 / m**2 - 1 / n**2) / pooled**3
    return Difference(estimate, max(own, pooled), skewness)


def _towards_tail(z: float, a: float) -> float:
    """Hall's monotone transformation of a studentised statistic."""
    return z + a * z * z / 3 + a * a * z**3 / 27 + a / 6


def _undo_towards_tail(reach: float, a: float) -> float:
    if a < 1e-9:
        return reach
    return 3 / a * (math.cbrt(1 + a * (reach - a / 6)) - 1)


def _against_tail(z: float, a: float) -> float:
    """The expansion of Cornish and Fisher for a statistic with a pooled error."""
    return z + a * (z * z - 1) / 6


def _undo_against_tail(reach: float, a: float) -> float:
    if a < 1e-9:
        return reach
    return 3 / a * (math.sqrt(1 + 2 / 3 * a * (reach + a / 6)) - 1)
