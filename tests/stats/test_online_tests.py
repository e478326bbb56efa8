"""Tests of two samples against scipy, statsmodels, published examples and arithmetic by hand."""

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import NormalIndPower
from statsmodels.stats.proportion import proportions_ztest

from ragbench.stats.online.sample import Sample, cuped, linearised, ratio, sample
from ragbench.stats.online.sequential import fixed_boundary, smallest_effect, units_needed
from ragbench.stats.online.tests import (
    CONCENTRATION,
    compare_proportions,
    mann_whitney,
    relative_difference,
    sample_ratio,
    sequential_sample_ratio,
    welch,
    wilson,
    within_margin,
)


def test_newcombe_interval_is_the_published_one() -> None:
    # Newcombe 1998, table II, method 10: 56/70 against 48/80 gives .0524 to .3339, 9/10 against 3/10 .1705 to .8090.
    found = compare_proportions((48, 80), (56, 70))
    assert (found.low, found.high) == (pytest.approx(0.0524, abs=5e-5), pytest.approx(0.3339, abs=5e-5))
    found = compare_proportions((3, 10), (9, 10))
    assert (found.low, found.high) == (pytest.approx(0.1705, abs=5e-5), pytest.approx(0.8090, abs=5e-5))


def test_chi_squared_has_no_continuity_correction() -> None:
    found = compare_proportions((100, 1000), (135, 1000))
    z, p = proportions_ztest([135, 100], [1000, 1000])  # the square of the pooled z is Pearson's chi-squared
    assert found.test == "chi-squared"
    assert found.p == pytest.approx(p)
    assert z**2 == pytest.approx(2000 * (100 * 865 - 135 * 900) ** 2 / (1000 * 1000 * 235 * 1765))


def test_small_counts_get_the_exact_test() -> None:
    # The lady tasting tea with 3 of 4 right: 2 * (1 + 16) / 70.
    found = compare_proportions((1, 4), (3, 4))
    assert found.test == "Fisher's exact"
    assert found.p == pytest.approx(34 / 70)


@pytest.mark.parametrize("count", [0, 20])
def test_nobody_or_everybody_converted(count: int) -> None:
    found = compare_proportions((count, 20), (count, 20))
    assert (found.difference, found.p) == (0, 1)
    assert found.low < 0 < found.high


def test_wilson_by_hand() -> None:
    z = stats.norm.ppf(0.975)
    centre, half = (5 + z**2 / 2) / (20 + z**2), z * math.sqrt(5 * 15 / 20 + z**2 / 4) / (20 + z**2)
    assert wilson(5, 20) == pytest.approx((centre - half, centre + half))
    assert wilson(0, 0) == (0, 1)


def test_welch_is_scipys() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(5, 1, 30), rng.normal(5.5, 3, 12)
    found, scipys = welch(sample(a), sample(b)), stats.ttest_ind(b, a, equal_var=False)
    interval = scipys.confidence_interval(0.95)
    assert (found.p, found.df) == (pytest.approx(scipys.pvalue), pytest.approx(scipys.df))
    assert (found.low, found.high) == (pytest.approx(interval.low), pytest.approx(interval.high))


def test_welch_without_a_variance_is_the_permutation_test() -> None:
    found = welch(sample(np.full(4, 5.0)), sample(np.full(4, 7.0)))
    assert found.p == pytest.approx(2 / 70)  # 2 of the C(8, 4) ways are as extreme
    assert welch(sample(np.full(4, 0.1)), sample(np.full(9, 0.1))).p == 1
    alone = welch(sample(np.array([1.0])), sample(np.array([2.0, 3.0])))
    assert (alone.p, alone.low) == (1, None)


def test_mann_whitney_by_counting_pairs() -> None:
    a, b = np.array([0.0, 0, 1, 3]), np.array([0.0, 2, 4, 5, 6])
    pairs = [1.0 if y > x else 0.5 if y == x else 0.0 for x in a for y in b]
    found = mann_whitney(a, b)
    assert found is not None
    assert found.superiority == pytest.approx(np.mean(pairs))
    assert found.p == pytest.approx(stats.mannwhitneyu(a, b).pvalue)
    assert mann_whitney(a, np.array([])) is None
    same = mann_whitney(np.zeros(3), np.zeros(4))
    assert same is not None
    assert (same.superiority, same.p) == (0.5, 1)


def test_ratio_by_hand_and_against_the_bootstrap() -> None:
    y, x = np.array([1.0, 0, 3]), np.array([1.0, 2, 3])
    found = ratio(y, x)
    assert found is not None
    assert found.mean == pytest.approx(4 / 6)
    residuals = y - 4 / 6 * x  # 1/3, -4/3, 1
    assert found.variance == pytest.approx((1 / 9 + 16 / 9 + 1) / 2 / 4)
    assert residuals.sum() == pytest.approx(0)
    assert ratio(y, np.zeros(3)) is None
    assert ratio(2 * x, x) == Sample(3, 2.0, 0.0)

    rng = np.random.default_rng(2)
    x = 1.0 + rng.poisson(2, 2000)
    y = rng.binomial(x.astype(int), rng.beta(2, 5, 2000)).astype(float)  # clicks of one unit hang together
    found = ratio(y, x)
    assert found is not None
    drawn = rng.integers(0, 2000, (2000, 2000))
    booted = y[drawn].sum(axis=1) / x[drawn].sum(axis=1)
    assert found.error == pytest.approx(booted.std(), rel=0.06)
    share = y.sum() / x.sum()
    assert found.error > 1.15 * math.sqrt(share * (1 - share) / x.sum())  # events are not independent
    pieces = linearised(y, x)
    assert pieces is not None
    again = sample(pieces[1])
    assert (again.mean, again.variance) == (pytest.approx(found.mean), pytest.approx(found.variance))


def test_cuped_is_the_regression_with_variants() -> None:
    rng = np.random.default_rng(3)
    n = 4000
    variant = rng.integers(0, 2, n)
    before = rng.gamma(2, 1, n)
    y = before + rng.normal(0, 1, n) + 0.3 * variant
    found = cuped(y, before, variant)
    design = np.column_stack([np.ones(n), variant, before])
    theta = np.linalg.lstsq(design, y, rcond=None)[0][2]
    assert found.theta == pytest.approx(theta)
    inside = [np.corrcoef(y[variant == v], before[variant == v])[0, 1] ** 2 for v in (0, 1)]
    assert found.reduction == pytest.approx(np.mean(inside), abs=0.01)
    assert found.values.mean() == pytest.approx(y.mean())


def test_cuped_keeps_units_without_a_history() -> None:
    y, variant = np.arange(6.0), np.array([0, 0, 0, 1, 1, 1])
    nothing = cuped(y, np.full(6, np.nan), variant)
    assert (nothing.reduction, nothing.missing) == (0, 6)
    assert (nothing.values == y).all()
    some = cuped(y, np.array([1.0, 2, np.nan, 1, 2, 3]), variant)
    assert some.missing == 1
    assert np.isfinite(some.values).all()


def test_sample_ratio_by_hand() -> None:
    found = sample_ratio([5200, 4800], [1, 1])
    assert found.expected == (5000, 5000)
    assert found.p == pytest.approx(stats.chi2.sf(2 * 200**2 / 5000, 1))
    assert sample_ratio([9000, 1000], [90, 10]).p == pytest.approx(1)


def test_sequential_sample_ratio_is_the_ratio_of_likelihoods() -> None:
    # The Dirichlet-multinomial likelihood, over the multinomial one, by scipy.
    for counts, weights in (([520, 480], [1, 1]), ([880, 90, 30], [90, 8, 2])):
        shares = np.array(weights) / sum(weights)
        mixture = stats.dirichlet_multinomial.logpmf(counts, CONCENTRATION * shares, sum(counts))
        e = math.exp(mixture - stats.multinomial.logpmf(counts, sum(counts), shares))
        assert sequential_sample_ratio(counts, weights).p == pytest.approx(min(1, 1 / e))
    assert sequential_sample_ratio([10**7, 0], [1, 1]).p > 0
    assert sequential_sample_ratio([5], [1]).p == 1


def test_daily_looks_at_the_split() -> None:
    rng = np.random.default_rng(5)
    wrong = {sample_ratio: 0, sequential_sample_ratio: 0}
    found = 0
    for _ in range(120):
        days = rng.binomial(500, 0.1, 30).cumsum()
        for test in wrong:
            wrong[test] += any(
                test([500 * (day + 1) - small, small], [90, 10]).p < 0.05 for day, small in enumerate(days.tolist())
            )
        off = int(rng.binomial(15_000, 0.085))
        found += sequential_sample_ratio([15_000 - off, off], [90, 10]).p < 0.001
    assert wrong[sample_ratio] > 0.15 * 120
    assert wrong[sequential_sample_ratio] <= 0.05 * 120
    assert found > 0.9 * 120


def test_units_needed_are_those_of_statsmodels() -> None:
    # Cohen's d = .1, two equal groups, 80% power at .05: 1,569.8 in each.
    by_peer = 2 * NormalIndPower().solve_power(0.1, power=0.8, alpha=0.05)
    limit = fixed_boundary(0.05)
    assert units_needed(2.0, 0.1, limit) == math.ceil(by_peer) == 3140  # spread of two groups of variance 1: 2
    assert smallest_effect(2.0, by_peer, limit) == pytest.approx(0.1, rel=1e-5)
    assert units_needed(2.0, 1e-9, limit) is None


def test_relative_interval_is_that_of_the_risk_ratio() -> None:
    # Katz: log interval of (135/1000) / (100/1000).
    a, b = Sample(1000, 0.1, 0.09), Sample(1000, 0.135, 0.135 * 0.865)
    found = relative_difference(a, b, 1.959964)
    half = 1.959964 * math.sqrt((1 - 0.1) / 100 + (1 - 0.135) / 135)
    assert found == pytest.approx((0.35, 1.35 * math.exp(-half) - 1, 1.35 * math.exp(half) - 1))
    assert relative_difference(Sample(9, 0.0, 0.0), b, 1.96) is None
    assert relative_difference(a, Sample(9, 0.0, 0.0), 1.96) == (-1, None, None)


@pytest.mark.parametrize(
    ("mean", "state"), [(100.0, "kept"), (104.0, "undecided"), (106.0, "undecided"), (109.0, "broken")]
)
def test_a_relative_margin_asks_about_the_contrast(mean: float, state: str) -> None:
    control, challenger = Sample(400, 100.0, 400.0), Sample(400, mean, 400.0)
    found = within_margin(control, challenger, 0.05, relative=True, upper=True, reach=1.645)
    z = (mean - 105) / math.sqrt(1 + 1.05**2)
    assert found.p == pytest.approx(stats.norm.cdf(z))
    assert found.state == state


def test_a_margin_downwards_is_the_mirror() -> None:
    up = within_margin(Sample(50, 1.0, 2.0), Sample(60, 1.1, 2.0), 0.2, relative=False, upper=True, reach=1.6)
    down = within_margin(Sample(50, -1.0, 2.0), Sample(60, -1.1, 2.0), -0.2, relative=False, upper=False, reach=1.6)
    assert up == down
