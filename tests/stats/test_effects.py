"""Effect sizes, equivalence and non-inferiority against published values, statsmodels and hand arithmetic."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import mannwhitneyu
from statsmodels.stats.proportion import proportion_confint
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


def test_tost_of_varied_differences_is_nearly_that_of_statsmodels() -> None:
    rng = np.random.default_rng(3)
    first, second = rng.uniform(0, 1, size=(2, 400))
    found = tost(second - first, np.arange(400), 0.06)
    p = ttost_paired(second, first, -0.06, 0.06)[0]
    assert found.p == pytest.approx(p, rel=0.1)
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


def test_bounds_by_hand() -> None:
    # 100 queries, 4 of which lose everything. Mean -.04, sum of squared deviations 3.84, divided by 99 and 100.
    differences = np.r_[-np.ones(4), np.zeros(96)]
    variance = 3.84 / 99 / 100
    # Third moment, with the factor (100/99)^1.5 of the adjusted residuals: 4 (-.96)^3 + 96 .04^3 = -3.5328.
    skew = 3.5328 * (100 / 99) ** 1.5 / 100**3 / variance
    t = 1.6603911560169928  # t_{99, .95}
    found = non_inferior(differences, np.arange(100), 0.02)
    assert found.low == pytest.approx(-0.04 - t**2 / 2 * skew - t * (variance + (t / 200) ** 2) ** 0.5)
    # No gain was seen, but none is needed to call a loss a loss.
    assert found.high == pytest.approx(-0.04 + t * variance**0.5)
    assert found.decision == "undecided"
    assert non_inferior(differences, np.arange(100), 0.2).decision == "non-inferior"
    assert tost(np.zeros(100), np.arange(100), 0.1).high == pytest.approx(1 - 0.05 ** (1 / 100))


def test_rare_losses_have_nearly_wilsons_bound() -> None:
    for lost in (1, 3, 8):
        differences = np.r_[-np.ones(lost), np.zeros(400 - lost)]
        ours = non_inferior(differences, np.arange(400), 0.02).low
        assert ours == pytest.approx(-proportion_confint(lost, 400, alpha=0.1, method="wilson")[1], rel=0.02)


@pytest.mark.parametrize("queries", [20, 50, 100, 150, 200])
@pytest.mark.parametrize(("losses", "gains", "others"), [(0.02, 0.0, 0.0), (0.04, 0.02, 0.0), (0.02, 0.0, 0.1)])
def test_a_loss_at_the_margin_passes_rarely(queries: int, losses: float, gains: float, others: float) -> None:
    rng = np.random.default_rng(queries)
    passed = 0
    for _ in range(600):
        chance = rng.random(queries)
        rest = np.where(chance > 1 - gains, 1.0, others * rng.normal(size=queries))
        differences = np.where(chance < losses, -1.0, rest)
        passed += non_inferior(differences, np.arange(queries), losses - gains).decision == "non-inferior"
    # .06, and three standard errors of 600 samples.
    assert passed / 600 < 0.06 + 0.03


def test_no_difference_and_few_clusters_are_undecided() -> None:
    assert tost(np.zeros(5), np.arange(5), 0.001).decision == "undecided"
    fifty = tost(np.zeros(50), np.arange(50), 0.02)
    assert (fifty.decision, fifty.p) == ("undecided", pytest.approx(0.98**50))
    # .98^149 is the first power of .98 under .05.
    assert tost(np.zeros(148), np.arange(148), 0.02).decision == "undecided"
    assert tost(np.zeros(149), np.arange(149), 0.02).decision == "equivalent"
    assert non_inferior(np.full(60, -0.1), np.arange(60), 0.02).decision == "inferior"
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
