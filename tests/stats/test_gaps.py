import numpy as np
import pytest
from scipy.stats import norm, t, ttest_ind
from statsmodels.stats.proportion import proportion_confint

from ragbench.stats.gaps import group_gaps

RNG = np.random.default_rng(7)


def test_two_groups_are_welch_s_test() -> None:
    a, b = RNG.normal(0.8, 0.1, 40), RNG.normal(0.5, 0.3, 25)
    found = group_gaps(np.concatenate((a, b)), np.repeat([0, 1], [40, 25]), np.arange(65))
    welch = ttest_ind(a, b, equal_var=False).confidence_interval(0.9)
    assert found.gaps[0] == pytest.approx(a.mean() - b.mean())
    assert found.upper(0.05) == pytest.approx(welch.high)
    assert found.lower(0.1) == pytest.approx(welch.low)


def test_the_largest_pair_and_its_bounds() -> None:
    means = [0.5, 0.9, 0.2]
    values = np.concatenate([RNG.normal(mean, 0.05, 30) for mean in means])
    found = group_gaps(values, np.repeat(np.arange(3), 30), np.arange(90))
    assert found.pairs[found.largest].tolist() == [1, 2]
    at = found.largest
    reach = t.ppf(1 - 0.05 / 6, found.df[at]) * found.errors[at]
    assert found.lower(0.05) == pytest.approx(found.gaps[at] - reach)
    assert found.upper(0.05) >= found.gaps[at] + t.ppf(0.95, found.df[at]) * found.errors[at] - 1e-12


def test_a_document_in_both_groups_counts_once() -> None:
    """Queries of one document share its difficulty, which cancels in the difference of two groups."""
    document = RNG.normal(0.5, 0.2, 50)
    values = np.concatenate((document + RNG.normal(0.1, 0.02, 50), document + RNG.normal(0, 0.02, 50)))
    groups, clusters = np.repeat([0, 1], 50), np.tile(np.arange(50), 2)
    together = group_gaps(values, groups, clusters)
    assert together.errors[0] < 0.3 * group_gaps(values, groups, np.arange(100)).errors[0]


def test_groups_without_variation_still_have_bounds() -> None:
    found = group_gaps(np.full(40, 0.5), np.repeat([0, 1], 20), np.arange(40))
    assert found.gaps[0] == 0
    assert found.upper(0.05) == pytest.approx(2 * (1 - 0.05 ** (1 / 20)))
    assert found.lower(0.05) == 0


def test_rates_of_independent_queries_have_newcombe_s_interval() -> None:
    first, second = np.repeat([1.0, 0.0], [27, 3]), np.repeat([1.0, 0.0], [30, 20])
    found = group_gaps(np.concatenate((first, second)), np.repeat([0, 1], [30, 50]), np.arange(80))
    # The errors divide by n - 1, so Wilson's intervals are those of n - 1 values.
    q = t.ppf(0.95, found.df[0])
    (low_a, high_a), (low_b, high_b) = (
        proportion_confint(rate * n, n, alpha=2 * norm.sf(q), method="wilson") for rate, n in ((0.9, 29), (0.6, 49))
    )
    assert found.upper(0.05) == pytest.approx(0.3 + np.hypot(high_a - 0.9, 0.6 - low_b))
    assert found.lower(0.1) == pytest.approx(0.3 - np.hypot(0.9 - low_a, high_b - 0.6))


def test_rates_of_groups_that_are_all_hits_still_have_bounds() -> None:
    found = group_gaps(np.ones(40), np.repeat([0, 1], 20), np.arange(40))
    assert 0.05 < found.upper(0.05) < 0.2
    assert found.lower(0.05) == 0
