"""The predicted mean of a further group, against scipy, statsmodels and simulation."""

import numpy as np
import pytest
import scipy.stats
from statsmodels.stats.meta_analysis import combine_effects

from ragbench.core.errors import InputError
from ragbench.stats.prediction import contradicting, equal_means_p, further_mean

MEANS = np.array([0.11, 0.04, 0.11, 0.05, 0.02])


def test_equal_weights_give_the_usual_prediction_interval() -> None:
    found = further_mean(MEANS, np.full(5, 30.0))
    error = MEANS.std(ddof=1) * np.sqrt(1 + 1 / 5)
    assert found.interval(0.9) == pytest.approx(scipy.stats.t(4, MEANS.mean(), error).interval(0.9))
    assert found.same_sign == pytest.approx(scipy.stats.t(4, MEANS.mean(), error).sf(0))
    assert further_mean(-MEANS, np.ones(5)).same_sign == pytest.approx(found.same_sign)


def test_weights_by_hand() -> None:
    # Mean .5 * .3 + .25 * .1 + .25 * .1 = .2; squares .01 each; s^2 = 3/2 * .01; error s * sqrt(4/3).
    found = further_mean(np.array([0.3, 0.1, 0.1]), np.array([2.0, 1.0, 1.0]))
    assert (found.mean, found.error, found.df) == (pytest.approx(0.2), pytest.approx(np.sqrt(0.02)), 2)
    # More weight on the groups that agree makes the same sign likelier.
    means = np.array([0.1, 0.11, -0.05])
    assert further_mean(means, np.array([9.0, 9.0, 1.0])).same_sign > further_mean(means, np.ones(3)).same_sign


@pytest.mark.parametrize("weights", [[1, 1, 1, 1, 1], [4, 1, 1, 1, 1], [3, 2, 1], [16, 1, 1, 1, 1]])
def test_a_further_group_falls_inside_as_often_as_the_level_says(weights: list[float]) -> None:
    """A further group is like one of the groups, as likely as its weight says."""
    rng = np.random.default_rng(3)
    share = np.array(weights) / np.sum(weights)
    inside = []
    for row in rng.normal(0.02, 0.05, (4000, len(weights))):
        low, high = further_mean(row, share).interval(0.8)
        inside.append(share[(row >= low) & (row <= high)].sum())
    assert np.mean(inside) > 0.8
    if len(set(weights)) == 1:
        groups = rng.normal(0.02, 0.05, (4000, len(weights) + 1))
        ends = [further_mean(row[:-1], share).interval(0.8) for row in groups]
        further = [low <= row[-1] <= high for (low, high), row in zip(ends, groups, strict=True)]
        assert np.mean(further) == pytest.approx(0.8, abs=0.02)


def test_contradicting_groups_by_hand() -> None:
    # Weighted means (10 a + 30 b + 60 c) / 100: .05, -.08 and .1.
    means = np.array([[0.2, 0.1, 0.1], [-0.1, 0.1, 0.1], [0.1, -0.2, 0.1]])
    weights, none = np.array([10.0, 30.0, 60.0]), np.zeros(3)
    expected = [[False, True, False], [True, True, False], [False, False, False]]
    assert contradicting(means, weights, none).tolist() == expected
    assert contradicting(-means, weights, none).tolist() == expected
    assert not contradicting(means, weights, np.array([0.11, 0.11, 0.0])).any()


def test_groups_without_spread_predict_their_mean() -> None:
    found = further_mean(np.full(3, 0.25), np.ones(3))
    assert (found.interval(0.8), found.same_sign) == ((0.25, 0.25), 1.0)
    assert further_mean(np.zeros(3), np.ones(3)).same_sign == 0.5


@pytest.mark.parametrize("weights", [[1.0], [1.0, 0.0]])
def test_one_group_or_no_weight_is_refused(weights: list[float]) -> None:
    with pytest.raises(InputError):
        further_mean(np.zeros(len(weights)), np.array(weights))


def test_equal_means_is_the_test_of_a_meta_analysis() -> None:
    errors = np.array([0.02, 0.03, 0.02, 0.01, 0.02])
    oracle = combine_effects(MEANS, errors**2).test_homogeneity()
    assert equal_means_p(MEANS, errors) == pytest.approx(oracle.pvalue)
    assert equal_means_p(MEANS, np.array([0.02, 0, 0, 0, 0])) == 1.0
