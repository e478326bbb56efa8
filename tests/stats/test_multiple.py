"""Holm, Benjamini-Hochberg and the randomised Tukey test against published values and enumeration."""

import itertools

import numpy as np
import pytest

from ragbench.core.errors import InputError, SettingError
from ragbench.stats.multiple import FEW, benjamini_hochberg, holm, randomised_tukey
from ragbench.stats.paired_tests import sign_flip_test

# Benjamini and Hochberg 1995, section 4: fifteen ordered p-values of a trial.
TRIAL = np.array(
    [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.324, 0.4262, 0.5719, 0.6528, 0.759, 1.0]
)


def test_the_trial_of_benjamini_and_hochberg() -> None:
    # Their procedure rejects the four smallest at .05, Bonferroni's and Holm's three.
    assert int((benjamini_hochberg(TRIAL) <= 0.05).sum()) == 4
    assert int((holm(TRIAL) <= 0.05).sum()) == 3


def test_by_hand() -> None:
    p = np.array([0.04, 0.01, 0.03])
    # Holm: 3 * .01, max(.03, 2 * .03), max(.06, .04); BH: 3 * .01, min(3 / 2 * .03, .04), .04.
    np.testing.assert_allclose(holm(p), [0.06, 0.03, 0.06])
    np.testing.assert_allclose(benjamini_hochberg(p), [0.04, 0.03, 0.04])
    assert holm(np.array([])).tolist() == []
    with pytest.raises(InputError, match="p-value 1 is nan"):
        holm(np.array([0.5, np.nan]))
    with pytest.raises(InputError, match=r"p-value 0 is 1\.5"):
        benjamini_hochberg(np.array([1.5]))


def every_permutation(sums: np.ndarray) -> np.ndarray:
    """(s, s) share of all assignments of labels whose range reaches the distance of a pair."""
    systems = sums.shape[1]
    totals = sums.sum(axis=0)
    distances = np.abs(totals[:, None] - totals[None, :])
    ranges = [
        np.ptp(sum(row[list(order)] for row, order in zip(sums, orders, strict=True)))
        for orders in itertools.product(itertools.permutations(range(systems)), repeat=len(sums))
    ]
    return np.mean([spread >= distances - 1e-12 for spread in ranges], axis=0)


@pytest.mark.parametrize("seed", range(3))
def test_tukey_agrees_with_all_permutations(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.choice([0.0, 0.25, 0.5, 1.0], size=(7, 3))
    clusters = np.array([0, 0, 1, 2, 3, 3, 3])
    sums = np.array([values[clusters == c].sum(axis=0) for c in range(4)])
    found = randomised_tukey(values, clusters, rng, resamples=20_000)
    # Four standard errors of a share of 20,000.
    np.testing.assert_allclose(found, every_permutation(sums), atol=4 * np.sqrt(0.25 / 20_000))
    np.testing.assert_array_equal(found, found.T)


def test_two_systems_are_the_sign_flip_test() -> None:
    rng = np.random.default_rng(5)
    values = rng.normal([0, 0.2], 1, size=(90, 2))
    clusters = np.repeat(np.arange(45), 2)
    flips = sign_flip_test(values[:, 1:] - values[:, :1], clusters, rng, resamples=40_000)[0]
    found = randomised_tukey(values, clusters, rng, resamples=40_000)
    assert found[0, 1] == pytest.approx(flips, abs=0.015)
    assert 0.01 < flips < 0.99


@pytest.mark.parametrize("systems", [5, FEW + 1])
def test_few_and_many_systems_agree_with_all_orders_of_two_clusters(systems: int) -> None:
    rng = np.random.default_rng(9)
    values = rng.random((2, systems))
    # The range depends only on how the second cluster's order stands to the first's.
    ranges = np.array([np.ptp(values[0] + values[1][list(o)]) for o in itertools.permutations(range(systems))])
    totals = values.sum(axis=0)
    distances = np.abs(totals[:, None] - totals[None, :])
    expected = (ranges[:, None, None] >= distances - 1e-12).mean(axis=0)
    found = randomised_tukey(values, np.arange(2), rng, resamples=20_000)
    np.testing.assert_allclose(found, expected, atol=4 * np.sqrt(0.25 / 20_000))
    assert expected.min() < 0.9


def test_tukey_is_never_zero_and_one_for_the_same_system() -> None:
    rng = np.random.default_rng(6)
    base = rng.random(40)
    values = np.c_[base, base, base + 5]
    values[3, 0] = np.nan
    found = randomised_tukey(values, np.arange(40), rng, resamples=999)
    assert found[0, 1] == 1.0
    assert found[0, 2] == found[1, 2] == 1 / 1000
    assert (np.diag(found) == 1).all()
    assert (randomised_tukey(np.full((5, 3), 0.2), np.arange(5), rng, resamples=9) == 1).all()
    assert (randomised_tukey(np.full((5, 3), np.nan), np.arange(5), rng, resamples=9) == 1).all()
    again = [randomised_tukey(values, np.arange(40), np.random.default_rng(3), resamples=99) for _ in range(2)]
    np.testing.assert_array_equal(*again)


def test_tukey_holds_all_pairs_together() -> None:
    """Five equal systems: the smallest of ten p-values must not fall below .05 more often than that."""
    rng = np.random.default_rng(7)
    rejected = [
        randomised_tukey(rng.normal(size=(30, 1)) + rng.normal(size=(30, 5)), np.arange(30), rng, resamples=199).min()
        <= 0.05
        for _ in range(300)
    ]
    assert np.mean(rejected) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 300)


def test_tukey_refuses_one_system_and_no_resamples() -> None:
    with pytest.raises(InputError, match="no pair"):
        randomised_tukey(np.zeros((3, 1)), np.arange(3), np.random.default_rng(0))
    with pytest.raises(SettingError, match="at least 1, not 0"):
        randomised_tukey(np.zeros((3, 2)), np.arange(3), np.random.default_rng(0), resamples=0)
