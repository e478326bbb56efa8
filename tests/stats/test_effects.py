"""Effect sizes, equivalence and non-inferiority against published values, statsmodels and hand arithmetic."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import mannwhitneyu
from statsmodels.stats.weightstats import ttost_paired

from ragbench.core.errors import InputError, SettingError
from ragbench.stats.effects import cliffs_delta, effect
from ragbench.stats.equivalence import non_inferior, tost

quarters = arrays(np.float64, st.integers(1, 15), elements=st.integers(0, 4).map(lambda n: n / 4))


def test_a_published_delta() -> None:
    # R's effsize, example of cliff.delta: -0.25.
    treatment = np.array([10.0, 10, 20, 20, 20, 30, 30, 30, 40, 50])
    control = np.array([10.0, 20, 30, 40, 40, 50])
    assert cliffs_delta(control, treatment) == pytest.approx(-0.25)


@settings(deadline=None)
@given(quarters, quarters)
def test_delta_is_mann_whitneys_u(first: np.ndarray, second: np.ndarray) -> None:
    u = mannwhitneyu(second, first).statistic
    assert cliffs_delta(first, second) == pytest.approx(2 * u / (len(first) * len(second)) - 1)


def test_by_hand() -> None:
    nan = float("nan")
    # Differences .5, 0 (in the last bits only), -.25, 1; pairs with a NaN are left out. Mean 1.25 / 4 = .3125,
    # squares of what is left .03515625 + .09765625 + .31640625 + .47265625 = .921875, over 3.
    found = effect(np.array([0.5, 0.3, 0.25, 0.0, nan, 1.0]), np.array([1.0, 0.1 + 0.2, 0.0, 1.0, 1.0, nan]))
    assert (found.wins, found.ties, found.losses) == (2, 1, 1)
    assert found.mean == pytest.approx(0.3125)
    assert found.d_z == pytest.approx(0.3125 / np.sqrt(0.921875 / 3))


def test_differences_that_do_not_vary_have_no_d_z() -> None:
    assert effect(np.full(5, 0.1), np.full(5, 0.3)).d_z is None
    assert effect(np.zeros(5), np.zeros(5)).d_z is None
    assert effect(np.zeros(1), np.ones(1)).d_z is None
    with pytest.raises(InputError, match="no query has a value of both"):
        effect(np.array([np.nan]), np.array([1.0]))


def test_tost_is_that_of_statsmodels() -> None:
    rng = np.random.default_rng(3)
    first, second = rng.normal(0, 1, size=(2, 60))
    found = tost(second - first, np.arange(60), 0.6)
    p = ttost_paired(second, first, -0.6, 0.6)[0]
    assert found.p == pytest.approx(p)
    assert (found.decision == "equivalent") == (p < 0.05)


@settings(deadline=None)
@given(st.integers(0, 10**6), st.floats(0.01, 0.6), st.sampled_from([0.01, 0.05, 0.2]))
def test_decision_bound_and_p_say_the_same(seed: int, margin: float, alpha: float) -> None:
    rng = np.random.default_rng(seed)
    differences, clusters = rng.normal(0, 1, size=40), np.repeat(np.arange(20), 2)
    one = non_inferior(differences, clusters, margin, alpha=alpha)
    assert (one.decision == "non-inferior") == (one.p < alpha) == (one.low is not None and one.low > -margin)
    assert (one.decision == "inferior") == (one.high is not None and one.high < -margin)
    two = tost(differences, clusters, margin, alpha=alpha)
    assert (two.decision == "equivalent") == (two.p < alpha)
    assert two.p >= one.p


def test_non_inferiority_by_hand() -> None:
    # Mean .1, standard error sqrt(.02 / 5 / 4) = .0316..., t_{4, .95} = 2.13185.
    differences = np.array([0.0, 0.1, 0.2, 0.1, 0.1])
    found = non_inferior(differences, np.arange(5), 0.02)
    error = np.sqrt(0.02 / 4 / 5)
    assert (found.mean, found.low, found.high) == pytest.approx((0.1, 0.1 - 2.1318468 * error, 0.1 + 2.1318468 * error))
    assert found.decision == "non-inferior"
    assert non_inferior(-differences, np.arange(5), 0.02).decision == "inferior"
    assert non_inferior(differences - 0.12, np.arange(5), 0.02).decision == "undecided"
    assert found.clusters == 5


def test_no_variance_and_few_clusters_are_decided_plainly() -> None:
    # An unchanged system: five queries can show it at .05 (1/32), four cannot (1/16).
    five = non_inferior(np.zeros(5), np.arange(5), 0.02)
    assert (five.decision, five.p, five.low, five.high) == ("non-inferior", 1 / 32, 0.0, 0.0)
    four = non_inferior(np.zeros(4), np.arange(4), 0.02)
    assert (four.decision, four.p, four.low) == ("undecided", 1 / 16, None)
    assert tost(np.zeros(5), np.arange(5), 0.02).decision == "equivalent"
    assert tost(np.full(5, 0.1), np.arange(5), 0.02).decision == "different"
    assert non_inferior(np.full(5, -0.1), np.arange(5), 0.02).decision == "inferior"
    for differences in (np.array([np.nan, np.nan]), np.array([0.3, np.nan])):
        found = non_inferior(differences, np.arange(2), 0.02)
        assert (found.decision, found.p, found.low, found.high) == ("undecided", 1.0, None, None)


def test_wrong_settings_are_refused() -> None:
    with pytest.raises(SettingError, match="at least 0, not -1"):
        non_inferior(np.zeros(5), np.arange(5), -1)
    with pytest.raises(SettingError, match="above 0, not 0"):
        tost(np.zeros(5), np.arange(5), 0)
    with pytest.raises(SettingError, match="alpha must lie"):
        tost(np.zeros(5), np.arange(5), 0.1, alpha=0)
    with pytest.raises(InputError, match="one list"):
        tost(np.zeros((5, 1)), np.arange(5), 0.1)
