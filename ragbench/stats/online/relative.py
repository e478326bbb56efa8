"""A difference relative to the control."""

import math

from ragbench.stats.online.sample import Sample


def relative_difference(
    control: Sample, challenger: Sample, reach: float
) -> tuple[float, float | None, float | None] | None:
    """Compute ``challenger / control - 1`` with its interval; None if the control's mean is not above 0.

    The interval follows from the delta method for the logarithm of the ratio, ``log(b / a) -+ reach sqrt(se_a^2 / a^2 +
    se_b^2 / b^2)``. Its ends are None if the challenger's mean is not above 0.

    Args:
        control: sample of the control.
        challenger: sample of the challenger.
        reach: half the width of the interval in standard errors (1.96 for 95%).

    Source: Katz, Baptista, Azen and Pike 1978, for means in general.
    """
    if control.mean <= 0:
        return None
    change = challenger.mean / control.mean - 1
    if challenger.mean <= 0:
        return change, None, None
    spread = reach * math.hypot(control.error / control.mean, challenger.error / challenger.mean)
    if spread > 20:  # hundreds of millions of percent mean nothing, and larger values overflow
        return change, None, None
    return change, (1 + change) * math.exp(-spread) - 1, (1 + change) * math.exp(spread) - 1
