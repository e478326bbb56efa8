"""Kendall's tau against scipy and by hand; its interval and the ceiling on simulated systems."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import kendalltau

from ragbench.stats.agreement import kendall_interval, kendall_rows, split_halves

scores = arrays(np.float64, (4, 6), elements=st.integers(0, 4).map(float))


@given(scores, scores)
def test_rows_equal_scipy_also_with_ties(first: np.ndarray, second: np.ndarray) -> None:
    ours = kendall_rows(first, second)
    theirs = [kendalltau(a, b, variant="b").statistic for a, b in zip(first, second, strict=True)]
    np.testing.assert_allclose(ours, theirs, atol=1e-12)


def kendall(first: list[float], second: list[float]) -> float:
    return float(kendall_rows(np.array([first]), np.array([second]))[0])


def test_by_hand() -> None:
    # Of the 6 pairs of (1, 2, 3, 4) and (1, 3, 2, 4), one is turned round: (5 - 1) / 6.
    assert kendall([1.0, 2, 3, 4], [1.0, 3, 2, 4]) == pytest.approx(4 / 6)
    # A tie in one list: 5 pairs agree, none disagrees, 5 of 6 untied on one side: 5 / sqrt(6 * 5).
    assert kendall([1.0, 2, 3, 4], [1.0, 2, 2, 4]) == pytest.approx(5 / np.sqrt(30))
    # Differences in the last bits are no order.
    assert kendall([0.3, 0.1 + 0.2, 0.5], [1.0, 2, 3]) == pytest.approx(2 / np.sqrt(2 * 3))


def systems(rng: np.random.Generator, n: int, noise: float, m: int = 12) -> np.ndarray:
    return np.linspace(0, 1, m) + rng.normal(0, noise, size=(n, m))


def test_interval_is_narrow_where_nothing_varies_and_holds_the_tau() -> None:
    rng = np.random.default_rng(1)
    one = np.arange(200)
    sure = kendall_interval(systems(rng, 200, 0.01), systems(rng, 200, 0.01), (one, one), rng, resamples=200)
    assert (sure.tau, sure.low, sure.high) == pytest.approx((1.0, 1.0, 1.0))
    loose = kendall_interval(systems(rng, 200, 3.0), systems(rng, 200, 3.0), (one, one), rng, resamples=500)
    assert loose.low < loose.tau <= loose.high
    assert loose.low < sure.low


def test_clusters_widen_the_interval() -> None:
    rng = np.random.default_rng(2)
    values = np.repeat(systems(rng, 20, 1.0), 10, axis=0)
    single, grouped = np.arange(200), np.repeat(np.arange(20), 10)
    narrow = kendall_interval(values, values, (single, single), np.random.default_rng(0))
    wide = kendall_interval(values, values, (grouped, grouped), np.random.default_rng(0))
    assert wide.high - wide.low > narrow.high - narrow.low


def test_halves_agree_as_much_as_there_is_signal() -> None:
    rng = np.random.default_rng(3)
    clusters = np.arange(100)
    clear = split_halves(systems(rng, 100, 0.05), clusters, rng, splits=100)
    noise = split_halves(rng.normal(size=(100, 12)), clusters, rng, splits=100)
    assert clear.mean() > 0.95
    # Halves of one sample of pure noise move against each other: what one half has more of, the other has less of.
    assert noise.mean() < 0.3
    assert np.isnan(split_halves(rng.normal(size=(3, 4)), np.zeros(3, dtype=np.int64), rng, splits=5)).all()


def test_the_same_seed_gives_the_same_interval() -> None:
    values, clusters = systems(np.random.default_rng(4), 50, 1.0), np.arange(50)
    runs = [kendall_interval(values, values[::-1], (clusters, clusters), np.random.default_rng(9)) for _ in range(2)]
    assert runs[0] == runs[1]
