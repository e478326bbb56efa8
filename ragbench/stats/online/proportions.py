"""Shares of units: Wilson's interval, and the comparison of two shares."""

from dataclasses import dataclass

FEWEST_EXPECTED = 5.0
"""If any of the four cells has a smaller expected count, the exact test is used (Cochran's rule)."""


@dataclass(frozen=True)
class TwoProportions:
    """Challenger minus control.

    Attributes:
        difference: difference of the two shares.
        low, high: Newcombe's interval of the difference.
        p: two-sided p-value, in [0, 1]; 1 if no unit or every unit converted.
        test: ``"chi-squared"`` or ``"Fisher's exact"``.
    """

    difference: float
    low: float
    high: float
    p: float
    test: str


def wilson(count: int, n: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of one share; (0, 1) without a unit.

    Source: Wilson 1927; computed by ``statsmodels``.
    """
    if n == 0:
        return 0.0, 1.0
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(count, n, alpha=1 - confidence, method="wilson")
    return float(low), float(high)


def compare_proportions(
    control: tuple[int, int], challenger: tuple[int, int], *, confidence: float = 0.95
) -> TwoProportions:
    """Compare two shares by Pearson's chi-squared test without continuity correction, or by Fisher's exact test for
    small counts.

    The interval is Newcombe's hybrid of the two Wilson intervals. It stays within -1 and 1, and its width is above 0
    even if a count is 0.

    Args:
        control: (units that converted, units), with at least one unit.
        challenger: the same for the challenger.
        confidence: confidence of the interval.

    Source: Pearson 1900; Fisher 1922; Newcombe 1998, method 10; Cochran 1954
    for the limit of 5 expected.
    """
    from scipy.stats import chi2_contingency, fisher_exact
    from statsmodels.stats.proportion import confint_proportions_2indep

    (a, n), (b, m) = control, challenger
    low, high = confint_proportions_2indep(b, m, a, n, method="newcomb", compare="diff", alpha=1 - confidence)
    difference = b / m - a / n
    converted = a + b
    # Rounding must not move the end of an interval to the wrong side of its estimate.
    low, high = min(float(low), difference), max(float(high), difference)
    if converted in (0, n + m):
        return TwoProportions(difference, low, high, 1.0, "no test: every unit has the same value")
    table = [[a, n - a], [b, m - b]]
    if min(converted, n + m - converted) * min(n, m) / (n + m) < FEWEST_EXPECTED:
        return TwoProportions(difference, low, high, float(fisher_exact(table).pvalue), "Fisher's exact")
    return TwoProportions(difference, low, high, float(chi2_contingency(table, correction=False).pvalue), "chi-squared")
