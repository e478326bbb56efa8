"""Intervals and tests against scipy, exact enumeration and simulation."""

import itertools

import numpy as np
import pytest
from scipy import stats

from ragbench.core.errors import InputError, SettingError
from ragbench.stats.bootstrap import bootstrap_means
from ragbench.stats.clusters import cluster_index, cluster_totals
from ragbench.stats.paired_tests import sign_flip_test
from ragbench.stats.sign_flips import EXACT_CLUSTERS, SLAB_GROUPS


def test_singleton_clusters_give_scipys_percentile_bootstrap() -> None:
    values = np.random.default_rng(5).beta(2, 3, size=(120, 1))
    low, high = bootstrap_means(values, np.arange(120), np.random.default_rng(0), resamples=20_000)
    reference = stats.bootstrap(
        (values[:, 0],), np.mean, method="percentile", n_resamples=20_000, rng=np.random.default_rng(1)
    ).confidence_interval
    assert low[0] == pytest.approx(reference.low, abs=0.002)
    assert high[0] == pytest.approx(reference.high, abs=0.002)


def test_two_clusters_give_the_quantiles_of_their_three_resamples() -> None:
    # AA (mean 0, 1/4), AB (mean .25, 1/2), BB (mean 1, 1/4): the ends of a 95% interval are 0 and 1
    values = np.array([[0.0], [0.0], [0.0], [1.0]])
    low, high = bootstrap_means(values, np.array([0, 0, 0, 1]), np.random.default_rng(0), resamples=4000)
    assert (low[0], high[0]) == (0.0, 1.0)
    low, high = bootstrap_means(
        values, np.array([0, 0, 0, 1]), np.random.default_rng(0), resamples=4000, confidence=0.4
    )
    assert (low[0], high[0]) == (0.25, 0.25)


def test_undefined_values_take_no_part() -> None:
    values = np.array([[1.0, np.nan], [0.0, np.nan], [np.nan, np.nan], [1.0, np.nan]])
    low, high = bootstrap_means(values, np.arange(4), np.random.default_rng(0), resamples=500)
    assert 0 <= low[0] <= 2 / 3 <= high[0] <= 1
    assert np.isnan(low[1])
    assert np.isnan(high[1])


def test_same_seed_same_interval() -> None:
    values = np.random.default_rng(1).random((50, 3))
    first = bootstrap_means(values, np.arange(50), np.random.default_rng(7), resamples=200)
    again = bootstrap_means(values, np.arange(50), np.random.default_rng(7), resamples=200)
    np.testing.assert_array_equal(first, again)


def exact_by_hand(sums: np.ndarray) -> float:
    observed = abs(sums.sum())
    outcomes = [abs(np.dot(signs, sums)) >= observed - 1e-12 for signs in itertools.product((1, -1), repeat=len(sums))]
    return float(np.mean(outcomes))


@pytest.mark.parametrize("seed", range(5))
def test_few_clusters_are_enumerated_exactly(seed: int) -> None:
    rng = np.random.default_rng(seed)
    differences = rng.choice([0.0, 0.5, -0.5, 1.0, 0.25], size=(20, 2))
    clusters = np.sort(rng.integers(0, 9, size=20))
    clusters = cluster_index([str(c) for c in clusters])
    p = sign_flip_test(differences, clusters, np.random.default_rng(0))
    sums, _ = cluster_totals(differences, clusters)
    for column in range(2):
        assert p[column] == pytest.approx(exact_by_hand(sums[:, column]))


def test_many_clusters_agree_with_scipy() -> None:
    differences = np.random.default_rng(3).normal(0.12, 1, size=(200, 1))
    p = sign_flip_test(differences, np.arange(200), np.random.default_rng(0), resamples=20_000)
    reference = stats.permutation_test(
        (differences[:, 0],), np.mean, permutation_type="samples", n_resamples=20_000, rng=np.random.default_rng(1)
    ).pvalue
    assert p[0] == pytest.approx(reference, abs=0.012)


def test_no_difference_has_p_one_and_p_is_never_zero() -> None:
    assert sign_flip_test(np.zeros((30, 2)), np.arange(30), np.random.default_rng(0)).tolist() == [1.0, 1.0]
    sure = sign_flip_test(np.ones((60, 1)), np.arange(60), np.random.default_rng(0), resamples=999)
    assert sure[0] == pytest.approx(1 / 1000)
    few = sign_flip_test(np.ones((EXACT_CLUSTERS, 1)), np.arange(EXACT_CLUSTERS), np.random.default_rng(0))
    assert few[0] == pytest.approx(2 / 2**EXACT_CLUSTERS)


def test_clustered_queries_are_not_taken_for_independent() -> None:
    """Five queries per document that always agree: the clustered test must not see five times the evidence."""
    rng = np.random.default_rng(11)
    rejected_naive = rejected_clustered = 0
    for _ in range(200):
        differences = np.repeat(rng.normal(size=40), 5)[:, None]
        clusters = np.repeat(np.arange(40), 5)
        rejected_naive += sign_flip_test(differences, np.arange(200), rng, resamples=400)[0] < 0.05
        rejected_clustered += sign_flip_test(differences, clusters, rng, resamples=400)[0] < 0.05
    assert rejected_clustered / 200 < 0.1  # .05 and its simulation error
    assert rejected_naive / 200 > 0.3


def test_one_cluster_has_no_interval() -> None:
    low, high = bootstrap_means(
        np.array([[0.2, 1.0], [0.4, np.nan], [np.nan, 0.0]]), np.array([0, 0, 1]), np.random.default_rng(0)
    )
    assert np.isnan([low[0], high[0]]).all()
    assert (low[1], high[1]) == (0, 1)


def test_columns_are_tested_apart_exactly_or_by_resampling() -> None:
    """A column with few clusters that differ is enumerated, whatever the others are."""
    rng = np.random.default_rng(8)
    rare = np.zeros(60)
    rare[[3, 17, 20, 41]] = [0.5, 0.25, 1.0, -0.25]
    p = sign_flip_test(np.c_[rng.normal(size=60), rare, np.zeros(60)], np.arange(60), rng, resamples=50)
    assert p[1] == pytest.approx(exact_by_hand(rare[rare != 0]))
    assert p[2] == 1.0
    assert (p[0] * 51) == pytest.approx(round(p[0] * 51))


def test_the_largest_exact_case_equals_its_convolution() -> None:
    """Sums of signed whole numbers have a known distribution: polynomial products."""
    sums = np.arange(1, EXACT_CLUSTERS + 1, dtype=float)
    signs = np.where(np.arange(EXACT_CLUSTERS) % 3 == 0, -1, 1)
    ways = np.array([1.0])
    for size in sums.astype(int):
        ways = np.convolve(ways, np.r_[1.0, np.zeros(2 * size - 1), 1.0])
    totals = np.arange(len(ways)) - sums.sum()
    expected = ways[np.abs(totals) >= abs((signs * sums).sum())].sum() / ways.sum()
    p = sign_flip_test((signs * sums)[:, None], np.arange(EXACT_CLUSTERS), np.random.default_rng(0))
    assert p[0] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("c", [21, 64, 1001, 8 * SLAB_GROUPS + 3])
def test_drawn_signs_follow_the_distribution_of_the_total(c: int) -> None:
    """All differences +1 or -1: the number of changed signs is binomial, whatever the blocks and bytes."""
    differences = np.where(np.arange(c) < c // 2 + round(0.8 * c**0.5), 1.0, -1.0)
    p = sign_flip_test(differences[:, None], np.arange(c), np.random.default_rng(1), resamples=40_000)
    expected = stats.binomtest(int((differences > 0).sum()), c).pvalue
    assert p[0] == pytest.approx(expected, abs=4 * np.sqrt(expected / 40_000))


def test_wrong_input_is_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match="difference in row 0, column 1 is infinite"):
        sign_flip_test(np.array([[0.0, np.inf]]), np.array([0]), rng)
    with pytest.raises(SettingError, match="resamples must be at least 1"):
        bootstrap_means(np.zeros((2, 1)), np.arange(2), rng, resamples=0)
    with pytest.raises(SettingError, match="confidence must lie"):
        bootstrap_means(np.zeros((2, 1)), np.arange(2), rng, confidence=1.0)
