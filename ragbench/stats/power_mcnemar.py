"""Power of McNemar's exact test."""

import numpy as np

from ragbench.core.errors import SettingError
from ragbench.stats.checks import check_share

TAIL = 1e-9
"""Numbers of discordant queries with a smaller probability are ignored."""


def mcnemar_power(n: int, discordant: float, difference: float, *, alpha: float = 0.05) -> float:
    """Power of McNemar's exact two-sided test for the difference of two rates.

    The number of discordant queries is binomial. Given that number, the number of gains is binomial too, and the test
    rejects if it is too far from one half. Summing over both makes the power exact.

    Args:
        n: number of independent queries, at least 1.
        discordant: probability that exactly one of the systems succeeds, in (0, 1].
        difference: difference of the rates, 0 to ``discordant``; a larger one counts as ``discordant``.
        alpha: level of the test.

    Raises:
        SettingError: a number is out of its range.

    Source: Miettinen 1968; Duffy 1984.
    """
    check_share(alpha, "alpha")
    if n < 1 or not 0 < discordant <= 1 or difference < 0:
        raise SettingError(
            f"a McNemar test of {n} queries, {discordant:g} of them discordant, by {difference:g} cannot be planned"
        )
    from scipy.stats import binom

    gain = min(1.0, (1 + difference / discordant) / 2)
    first, last = binom.ppf([TAIL / 2, 1 - TAIL / 2], n, discordant)
    counts = np.arange(int(first), int(last) + 1)
    # The largest k that still rejects: 2 P(X <= k) < alpha.
    limit = binom.ppf(alpha / 2, counts, 0.5) - 1
    limit += 2 * binom.cdf(limit + 1, counts, 0.5) < alpha
    rejects = binom.cdf(limit, counts, gain) + binom.cdf(limit, counts, 1 - gain)
    return float(min(1.0, (binom.pmf(counts, n, discordant) * np.where(limit >= 0, rejects, 0.0)).sum()))
