"""Welch's t-test of two independent means."""

import math
from dataclasses import dataclass

from ragbench.stats.online.sample import Sample


@dataclass(frozen=True)
class Welch:
    """Challenger minus control.

    Attributes:
        difference: difference of the two means.
        low, high: interval of the difference; None if a variant has fewer than two units.
        df: Welch-Satterthwaite degrees of freedom; 0 if there is no t.
        p: two-sided p-value, in [0, 1].
        test: ``"Welch's t"``, or the reason why there is no test.
    """

    difference: float
    low: float | None
    high: float | None
    df: float
    p: float
    test: str


def welch(control: Sample, challenger: Sample, *, confidence: float = 0.95) -> Welch:
    """Two-sided test of equal means without the assumption of equal variances.

    Without a variance there is no t. Then p is 1 if the means are equal or a variant has only one unit. Otherwise it is
    the p of a permutation test of two constant samples, ``min(1, 2 / C(n + m, n))``, and the interval is the difference
    itself.

    Source: Welch 1947; p and degrees of freedom as in ``scipy.stats.ttest_ind_from_stats``.
    """
    difference = challenger.mean - control.mean
    n, m = control.n, challenger.n
    if min(n, m) < 2:
        return Welch(difference, None, None, 0.0, 1.0, "no test: a variant has fewer than two units")
    a, b = control.variance / n, challenger.variance / m
    if a + b == 0:
        p = 1.0 if difference == 0 else min(1.0, 2 * math.exp(_log_ways(n + m, n)))
        return Welch(difference, difference, difference, 0.0, p, "permutation: no value varies")
    from scipy.stats import t as student

    error = math.sqrt(a + b)
    # Shares of the whole keep tiny variances from vanishing when squared.
    share = a / (a + b)
    df = 1 / (share**2 / (n - 1) + (1 - share) ** 2 / (m - 1))
    reach = float(student.ppf(0.5 + confidence / 2, df)) * error
    p = float(2 * student.sf(abs(difference) / error, df))
    return Welch(difference, difference - reach, difference + reach, df, p, "Welch's t")


def _log_ways(total: int, chosen: int) -> float:
    """Return minus the logarithm of ``C(total, chosen)``, but no less than the logarithm of the smallest float."""
    ways = math.lgamma(total + 1) - math.lgamma(chosen + 1) - math.lgamma(total - chosen + 1)
    return max(-ways, -700.0)
