"""Skewed values and unequal variants: the statistic, its limits, and its error rate where Welch's fails."""

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ragbench.stats.online.difference import MOST_ADDED, Difference, difference
from ragbench.stats.online.sample import Sample, sample
from ragbench.stats.online.sequential import always_valid
from ragbench.stats.online.tests import within_margin

Array = npt.NDArray[np.float64]


def orders(rng: np.random.Generator, n: int, bought: float = 0.05) -> Array:
    return np.where(rng.random(n) < bought, rng.lognormal(0, 1, n), 0.0)


def test_equal_variants_have_the_statistic_of_welch() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.lognormal(0, 1, 300), rng.lognormal(0.2, 2, 300)
    found = difference(sample(a), sample(b))
    assert found.skewness == 0
    assert found.statistic() == pytest.approx(stats.ttest_ind(b, a, equal_var=False).statistic)


def test_unequal_rates_have_the_error_of_the_score_test() -> None:
    # 2 of 100 against 100 of 900: the score test pools the two rates, here by their variances within the variants.
    few, many = Sample(100, 0.02, 0.02 * 0.98), Sample(900, 1 / 9, 8 / 81)
    within = (99 * 0.02 * 0.98 + 899 * 8 / 81) / 998
    assert difference(many, few).error == pytest.approx(math.sqrt(within * (1 / 100 + 1 / 900)))
    assert difference(many, few).error > math.hypot(few.error, many.error)


def test_skewness_is_that_of_repeated_differences() -> None:
    rng = np.random.default_rng(2)
    pool = rng.exponential(1, 100_000)
    found = difference(sample(pool[:360]), sample(pool[360:400]))
    # Exponential values have skewness 2, so the difference has 2 (1/40^2 - 1/360^2) / (1/40 + 1/360)^1.5.
    expected = 2 * (1 / 40**2 - 1 / 360**2) / (1 / 40 + 1 / 360) ** 1.5
    drawn = rng.exponential(1, (100_000, 40)).mean(axis=1) - rng.exponential(1, (100_000, 360)).mean(axis=1)
    assert stats.skew(drawn) == pytest.approx(expected, abs=0.03)
    big = difference(sample(pool[:90_000]), sample(pool[90_000:]))
    assert big.skewness * math.sqrt(100_000 / 400) == pytest.approx(expected, rel=0.1)
    assert found.skewness > 0 > difference(sample(pool[:40]), sample(pool[40:400])).skewness


@given(estimate=st.floats(-5, 5), error=st.floats(0.01, 10), skewness=st.floats(-0.99, 0.99), reach=st.floats(1.2, 8))
def test_the_statistic_at_a_limit_is_the_reach(estimate: float, error: float, skewness: float, reach: float) -> None:
    found = Difference(estimate, error, skewness)
    low, high = found.limits(reach)
    assert low < estimate < high
    assert (found.statistic(low), found.statistic(high)) == (pytest.approx(reach), pytest.approx(-reach))


def test_the_tail_counts_in_hand_arithmetic() -> None:
    # Hall: 4 + .6 * 16 / 3 + .36 * 64 / 27 + .1; Cornish and Fisher: 4 + .3 * 15 / 6 with the skewness kept to .3.
    found = Difference(4.0, 1.0, 0.6)
    assert found.statistic() == pytest.approx(4 + 3.2 + 0.36 * 64 / 27 + 0.1)
    assert found.statistic(8.0) == pytest.approx(-(4 + MOST_ADDED * 15 / 6))
    assert Difference(-4.0, 1.0, -0.6).statistic() == pytest.approx(-found.statistic())


def test_nothing_is_decided_on_a_few_large_values() -> None:
    rng = np.random.default_rng(3)
    control, challenger = sample(orders(rng, 9_900)), sample(np.zeros(100))
    found = difference(control, challenger)
    assert found.too_skewed
    assert always_valid(found, (9_900, 100)).p == 1
    assert within_margin(control, challenger, -0.1, relative=True, upper=False, reach=1.6).state == "undecided"


def ever(control: Array, challenger: Array, *, welch: bool) -> bool:
    """Whether any of 30 looks is significant."""
    for look in range(1, 31):
        a, b = (sample(values[: len(values) * look // 30]) for values in (control, challenger))
        found = difference(a, b)
        if welch:
            found = Difference(found.estimate, math.hypot(a.error, b.error), 0.0)
        if always_valid(found, (a.n, b.n)).p < 0.05:
            return True
    return False


def test_a_tenth_of_the_units_and_95_percent_zeros() -> None:
    rng = np.random.default_rng(4)
    experiments = [(orders(rng, 8_100), orders(rng, 900)) for _ in range(250)]
    wrong = [np.mean([ever(*pair, welch=welch) for pair in experiments]) for welch in (True, False)]
    assert wrong[0] > 0.08
    assert wrong[1] <= 0.04
    # The correction finds more of the challengers that are better, in spite of the larger error.
    better = [(orders(rng, 8_100), orders(rng, 900, 0.085)) for _ in range(100)]
    power = [np.mean([ever(*pair, welch=welch) for pair in better]) for welch in (True, False)]
    assert power[1] > power[0] + 0.2
