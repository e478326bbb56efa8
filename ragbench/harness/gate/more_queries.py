"""How many more queries would decide a rule that is inconclusive."""

from math import ceil, log

from ragbench.harness.gate.bounds import Bounds

POWER = 0.8
"""How often so many queries are enough, if the value stays as measured."""
HOPELESS = 100
"""With more than so many times the queries, nothing is promised."""


def more_queries(bounds: Bounds, bound: float, below: float, above: float) -> int | None:
    """Further queries, like these and from as many documents each, until the interval leaves the bound.

    ``n' = n ((z_{1-a} + z_power) se / |mean - bound|)^2``, on the side where the
    mean lies. Where all values are 1, the number of units whose all being 1
    would be unlikely below the floor.

    Args:
        bounds: what is known now.
        bound: what the rule asks.
        below: chance of error of the lower end.
        above: the same of the upper.

    Returns:
        None where the mean lies so near the bound that no number is of use, or nothing is known.

    Source: the sample size of a one-sided test, as in Cohen 1988.
    """
    if bounds.mean is None or bounds.error is None:
        return None
    gap = abs(bounds.mean - bound)
    if bounds.error == 0:
        needed = _all_alike(bounds.mean, bound, below, above)
        return None if needed is None else max(1, ceil((needed - bounds.clusters) * bounds.n / bounds.clusters))
    if gap == 0:
        return None
    from scipy.stats import norm

    chance = below if bounds.mean > bound else above
    reach = float(norm.isf(chance) + norm.ppf(POWER)) * bounds.error
    times = (reach / gap) ** 2
    return max(1, ceil((times - 1) * bounds.n)) if times <= HOPELESS else None


def _all_alike(mean: float, bound: float, below: float, above: float) -> int | None:
    if mean == 1 and 0 < bound < 1:
        return ceil(log(below) / log(bound))
    if mean == 0 and 0 < bound < 1:
        return ceil(log(above) / log(1 - bound))
    return None
