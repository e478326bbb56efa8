"""Comparisons of two variants: means, ranks, shares, margins, and the check of the split."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln, ndtr, ndtri

from ragbench.stats.distributions import t_above, t_quantile
from ragbench.stats.intervals import score_ends
from ragbench.stats.online.difference import difference
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
    error = math.sqrt(a + b)
    # Shares of the whole keep tiny variances from vanishing when squared.
    share = a / (a + b)
    df = 1 / (share**2 / (n - 1) + (1 - share) ** 2 / (m - 1))
    reach = float(t_quantile(0.5 + confidence / 2, df)) * error
    p = float(2 * t_above(abs(difference) / error, df))
    return Welch(difference, difference - reach, difference + reach, df, p, "Welch's t")


def _log_ways(total: int, chosen: int) -> float:
    """Return minus the logarithm of ``C(total, chosen)``, but no less than the logarithm of the smallest float."""
    ways = math.lgamma(total + 1) - math.lgamma(chosen + 1) - math.lgamma(total - chosen + 1)
    return max(-ways, -700.0)


@dataclass(frozen=True)
class MannWhitney:
    """Challenger against control.

    Attributes:
        superiority: share of pairs of units in which the challenger's value is larger; ties count half.
        p: two-sided p-value, in [0, 1]; 1 if all values are equal.
    """

    superiority: float
    p: float


def mann_whitney(control: npt.NDArray[np.float64], challenger: npt.NDArray[np.float64]) -> MannWhitney | None:
    """Rank test of two independent samples; None if one of them is empty.

    It compares order, not means: a few large values change the mean but hardly the ranks. The p-value is exact for
        small samples without ties; otherwise it uses the normal distribution with corrections for ties and continuity.

    Source: Mann and Whitney 1947; computed by ``scipy``.
    """
    if not len(control) or not len(challenger):
        return None
    if min(control.min(), challenger.min()) == max(control.max(), challenger.max()):
        return MannWhitney(0.5, 1.0)
    from scipy.stats import mannwhitneyu

    found = mannwhitneyu(challenger, control)
    return MannWhitney(float(found.statistic) / len(control) / len(challenger), float(found.pvalue))


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

    Source: Wilson 1927.
    """
    if n == 0:
        return 0.0, 1.0
    low, high = score_ends(np.array(count / n), np.array(float(n)), float(ndtri((1 + confidence) / 2)))
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

    (a, n), (b, m) = control, challenger
    difference, converted = b / m - a / n, a + b
    (low_a, high_a), (low_b, high_b) = (wilson(*one, confidence=confidence) for one in (control, challenger))
    low = difference - math.hypot(b / m - low_b, high_a - a / n)
    high = difference + math.hypot(high_b - b / m, a / n - low_a)
    if converted in (0, n + m):
        return TwoProportions(difference, low, high, 1.0, "no test: every unit has the same value")
    table = [[a, n - a], [b, m - b]]
    if min(converted, n + m - converted) * min(n, m) / (n + m) < FEWEST_EXPECTED:
        return TwoProportions(difference, low, high, float(fisher_exact(table).pvalue), "Fisher's exact")
    return TwoProportions(difference, low, high, float(chi2_contingency(table, correction=False).pvalue), "chi-squared")


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


State = Literal["kept", "broken", "undecided"]


@dataclass(frozen=True)
class WithinMargin:
    """A one-sided test against a margin.

    Attributes:
        state: ``"kept"`` if the worst value of the one-sided interval is within the margin, ``"broken"`` if the best
            one is beyond it, else ``"undecided"``.
        p: p-value of the hypothesis that the change reaches the margin, for one look; small if the guardrail is kept.
        p_broken: p-value of the hypothesis that the change is within the margin, for one look; small if it is broken.
    """

    state: State
    p: float
    p_broken: float


def within_margin(
    control: Sample, challenger: Sample, bound: float, *, relative: bool, upper: bool, reach: float
) -> WithinMargin:
    """Non-inferiority of two independent means.

    A relative bound r tests ``b - (1 + r) a``, and an absolute one ``b - a - bound``. The variance of both is known
    without dividing one mean by another. The statistic is that of `ragbench.stats.online.difference`, and nothing is
    decided while the difference is too skewed. Without any variance, the means decide.

    Args:
        control: sample of the control, with at least one unit.
        challenger: sample of the challenger, with at least one unit.
        bound: the change at the margin: 0.05 for at most 5% more, -0.05 for at most 5% less.
        relative: whether the bound is a share of the control's mean.
        upper: whether the change must stay below the bound; else above.
        reach: standard errors between the estimate and its one-sided limits: 1.645 for one look at .05, the
            boundary of a sequence for many looks.

    Source: Fieller 1954 for the contrast; Piaggio et al. 2012 for the decision.
    """
    factor = 1 + bound if relative else 1.0
    found = difference(control, challenger, factor=factor)
    beyond = found.statistic(0.0 if relative else bound)
    if not upper:
        beyond = -beyond
    if min(control.n, challenger.n) < 2:
        return WithinMargin("undecided", 1.0, 1.0)
    if found.error == 0:
        return WithinMargin("kept", 0.0, 1.0) if beyond <= 0 else WithinMargin("broken", 1.0, 0.0)
    state: State = "kept" if beyond < -reach else "broken" if beyond > reach else "undecided"
    return WithinMargin("undecided" if found.too_skewed else state, float(ndtr(beyond)), float(ndtr(-beyond)))


@dataclass(frozen=True)
class SampleRatio:
    """Test of the units per variant.

    Attributes:
        expected: expected units per variant.
        p: p-value of the counts under the split; 1 with one variant.
    """

    expected: tuple[float, ...]
    p: float


def sample_ratio(counts: Sequence[int], weights: Sequence[float]) -> SampleRatio:
    """Compare counts with a split at one look, by a chi-squared test.

    Args:
        counts: units per variant; at least one unit in all.
        weights: the split in any unit (``1, 1`` or ``90, 10``), each above 0.

    Source: Fabijan et al. 2019 for its use in experiments; computed by ``scipy.stats.chisquare``.
    """
    from scipy.stats import chisquare

    expected = tuple(sum(counts) * weight / sum(weights) for weight in weights)
    p = 1.0 if len(counts) < 2 else float(chisquare(counts, expected).pvalue)
    return SampleRatio(expected, p)


CONCENTRATION = 1_000.0
"""Weight of the promised split in the mixture, in units: it is sharpest where shares are off by one or two points."""


def sequential_sample_ratio(counts: Sequence[int], weights: Sequence[float]) -> SampleRatio:
    """Compare counts with a split, at any number of looks.

    The mixture of multinomial distributions whose shares have a Dirichlet distribution around the promised ones,
    divided by the promised multinomial, is an e-process: while the split holds, the chance that p is ever at most alpha
    is at most alpha.

    Args:
        counts: units per variant; at least one unit in all.
        weights: the split in any unit (``1, 1`` or ``90, 10``), each above 0.

    Source: Lindon and Malek 2022.
    """
    shares = np.array(weights, dtype=np.float64) / sum(weights)
    seen, total = np.array(counts, dtype=np.float64), float(sum(counts))
    prior = CONCENTRATION * shares
    log_e = gammaln(CONCENTRATION) - gammaln(CONCENTRATION + total)
    log_e += float((gammaln(prior + seen) - gammaln(prior) - seen * np.log(shares)).sum())
    return SampleRatio(tuple((total * shares).tolist()), math.exp(min(0.0, max(-float(log_e), -700.0))))
