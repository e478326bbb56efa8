"""The corrected gain of the best system against scipy's truncated normal, and simulations of bias and coverage."""

import numpy as np
import pytest
from scipy import optimize, stats

from ragbench.core.errors import InputError
from ragbench.stats.clusters import clustered_covariance, standard_errors
from ragbench.stats.winner import winners_gain


def by_scipy(means: np.ndarray, covariance: np.ndarray, alpha: float) -> tuple[float, float, float]:
    """Andrews, Kitagawa and McCloskey's hybrid estimate and interval for known normal covariance.

    The truncation is found by moving the best difference and looking whether it is still the best, and not by formula.
    """
    best = int(np.argmax(means))
    error = np.sqrt(covariance[best, best])
    slopes = covariance[:, best] / error**2

    def still_best(at: float) -> bool:
        moved = means + slopes * (at - means[best])
        return at >= 0 and bool(np.argmax(np.round(moved, 12)) == best)

    def edge(direction: float) -> float:
        far = means[best] + direction * 50 * error
        if still_best(far):
            return far
        near = means[best]
        for _ in range(100):
            middle = (near + far) / 2
            near, far = (middle, far) if still_best(middle) else (near, middle)
        return float(near)

    low, high = edge(-1), edge(1)
    reach = stats.norm.isf(alpha / 10 / 2 / len(means))

    def lower_quantile(true: float) -> float:
        first, last = max((low - true) / error, -reach), min((high - true) / error, reach)
        return float(stats.truncnorm.cdf((means[best] - true) / error, first, last))

    def solve(share: float) -> float:
        ends = means[best] - reach * error * 0.999999, means[best] + reach * error * 0.999999
        return float(optimize.brentq(lambda true: lower_quantile(true) - share, *ends))

    level = (alpha - alpha / 10) / (1 - alpha / 10)
    return solve(0.5), solve(1 - level / 2), solve(level / 2)


@pytest.mark.parametrize("seed", range(6))
def test_many_documents_give_the_published_method(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 40_000
    mix = rng.normal(size=(5, 5))
    values = rng.normal(size=(n, 5)) @ mix + rng.normal(0, 0.01, size=5)
    found = winners_gain(values, np.arange(n), confidence=0.9)
    means, covariance, df = clustered_covariance(values[:, 1:] - values[:, :1], np.arange(n))
    assert df == pytest.approx(n - 1)
    if found is None:
        assert means.max() <= 0
        return
    assert found.winner == 1 + np.argmax(means)
    assert found.measured == pytest.approx(means.max())
    corrected, low, high = by_scipy(means, covariance, 0.1)
    assert (found.corrected, found.low, found.high) == pytest.approx((corrected, low, high), abs=2e-4)


def test_the_covariance_is_that_of_the_standard_errors() -> None:
    rng = np.random.default_rng(1)
    clusters = np.repeat(np.arange(6), [9, 1, 2, 3, 3, 1])
    values = rng.normal(size=(19, 3))
    means, covariance, df = clustered_covariance(values, clusters)
    np.testing.assert_allclose(np.sqrt(np.diag(covariance)), standard_errors(values, clusters))
    np.testing.assert_allclose(means, values.mean(axis=0))
    both = clustered_covariance(np.column_stack((values, values[:, 0] + values[:, 1])), clusters)[1]
    assert both[3, 3] == pytest.approx(covariance[0, 0] + covariance[1, 1] + 2 * covariance[0, 1])
    assert 1 < df < 5


def test_a_clear_winner_keeps_its_gain() -> None:
    rng = np.random.default_rng(2)
    values = rng.normal(size=(200, 8)) + np.r_[np.zeros(7), 2.0]
    found = winners_gain(values, np.arange(200))
    assert found is not None
    difference = values[:, 7] - values[:, 0]
    assert found.corrected == pytest.approx(found.measured) == pytest.approx(difference.mean())
    alone = stats.t.interval(0.95, 199, difference.mean(), stats.sem(difference))
    assert found.low == pytest.approx(alone[0], abs=0.01)
    assert found.high == pytest.approx(alone[1], abs=0.01)


def test_a_close_second_pulls_the_gain_down() -> None:
    """The nearer the second system comes, the less is left of the gain."""
    rng = np.random.default_rng(3)
    noise = rng.normal(0, 0.2, size=(100, 3))
    noise -= noise.mean(axis=0)
    left = []
    for second in (0.0, 0.04, 0.07, 0.09, 0.099):
        found = winners_gain(noise + np.array([0, 0.1, second]), np.arange(100))
        assert found is not None
        assert found.low < found.corrected < found.measured < found.high
        left.append(found.corrected)
    assert left == sorted(left, reverse=True)
    assert left[-1] < left[0] - 0.02


def test_a_copy_of_a_system_changes_nothing() -> None:
    """The copy wins with the system, so it was no rival; only the simultaneous interval has one gain more."""
    values = np.random.default_rng(4).normal(0.5, 0.2, size=(80, 4)) + np.array([0, 0.05, 0.1, 0])
    one = winners_gain(values, np.arange(80))
    two = winners_gain(np.column_stack((values, values[:, 2])), np.arange(80))
    assert one is not None
    assert two is not None
    assert (two.winner, two.corrected) == (one.winner, pytest.approx(one.corrected, abs=1e-3))
    assert two.low == pytest.approx(one.low, abs=5e-3)


def test_without_anything_to_correct() -> None:
    values = np.random.default_rng(5).random((30, 3))
    assert winners_gain(values, np.zeros(30, dtype=np.int64)) is None
    assert winners_gain(np.column_stack((values[:, 0], values[:, 1:] - 1)), np.arange(30)) is None
    assert winners_gain(np.column_stack((values[:, 0], values[:, 0] + 0.1)), np.arange(30)) is None
    with pytest.raises(InputError, match="baseline"):
        winners_gain(values[:, :1], np.arange(30))
    values[3, 1] = np.nan
    with pytest.raises(InputError, match="undefined"):
        winners_gain(values, np.arange(30))


@pytest.mark.parametrize("rate", [0.6, 0.97])
def test_hits_tie_often_and_are_covered(rate: float) -> None:
    """Means of hits are multiples of 1 / n. Without their steps, the interval covers .74 to .86."""
    rng = np.random.default_rng(8)
    clusters, bar = np.repeat(np.arange(40), 5), stats.norm.ppf(rate)
    above, held = [], []
    for _ in range(250):
        common = np.sqrt(0.5) * rng.normal(size=(40, 1))[clusters] + np.sqrt(0.5) * rng.normal(size=(200, 1))
        values = (np.sqrt(0.7) * common + np.sqrt(0.3) * rng.normal(size=(200, 8)) < bar).astype(float)
        found = winners_gain(values, clusters)
        if found is not None:
            above.append(found.corrected > 0)
            held.append(found.low <= 0 <= found.high)
    assert np.mean(held) > 0.92
    assert 0.38 < np.mean(above) < 0.68


def test_exact_ties_for_the_first_place_have_finite_ends() -> None:
    rng = np.random.default_rng(6)
    values = rng.random((40, 4))
    values[:, 3] = values[::-1, 2]  # other values, the same mean
    values[:, 2:] += 0.3
    found = winners_gain(values, np.arange(40))
    assert found is not None
    assert np.isfinite([found.corrected, found.low, found.high]).all()
    assert found.low <= found.corrected < found.measured


@pytest.mark.parametrize(
    ("true", "sizes"),
    [(np.zeros(8), [5] * 40), (np.r_[np.zeros(7), 0.04], [5] * 40), (np.r_[-0.2, np.zeros(7)], [10] * 8)],
)
def test_the_median_is_right_and_the_interval_covers(true: np.ndarray, sizes: list[int]) -> None:
    """`benchmarks/winners.py` measures it with more experiments and more layouts."""
    rng = np.random.default_rng(7)
    clusters = np.repeat(np.arange(len(sizes)), sizes)
    above, naive, held = [], [], []
    for _ in range(250):
        own = np.sqrt(0.3) * rng.normal(size=(len(sizes), 8))[clusters]
        values = 0.2 * (own + np.sqrt(0.7) * rng.normal(size=own.shape)) + true
        found = winners_gain(values, clusters)
        if found is not None:
            gain = true[found.winner] - true[0]
            above.append(found.corrected > gain)
            naive.append(found.measured > gain)
            held.append(found.low <= gain <= found.high)
    assert 0.4 < np.mean(above) < 0.6
    assert np.mean(naive) > 0.7
    assert np.mean(held) > 0.91
