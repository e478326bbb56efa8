"""Max-t by sign flips against enumeration, one-column tests, and simulations of its errors."""

import itertools

import numpy as np
import pytest
from scipy import optimize

from ragbench.core.errors import InputError, SettingError
from ragbench.stats.max_t import max_t
from ragbench.stats.paired_tests import sign_flip_test

nan = float("nan")


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def stepped_by_hand(sums: np.ndarray) -> np.ndarray:
    """Westfall and Young's steps, one column and one assignment at a time."""
    scale = np.sqrt((sums**2).sum(axis=0))
    observed = np.abs(sums.sum(axis=0)) / scale
    order = np.argsort(-observed)
    adjusted, running = np.ones(len(order)), 0.0
    for step, column in enumerate(order):
        rest = order[step:]
        signs = itertools.product((1, -1), repeat=len(sums))
        reached = [(np.abs(np.array(s) @ sums[:, rest]) / scale[rest]).max() >= observed[column] - 1e-9 for s in signs]
        running = max(running, float(np.mean(reached)))
        adjusted[column] = running
    return adjusted


@pytest.mark.parametrize("seed", range(4))
def test_p_by_hand(seed: int) -> None:
    draws = np.random.default_rng(seed)
    clusters = np.array([0, 0, 1, 2, 3, 3, 3, 4, 5, 6])
    values = draws.choice([-0.5, 0.0, 0.25, 1.0], size=(10, 4))
    sums = np.array([values[clusters == c].sum(axis=0) for c in range(7)])
    found = max_t(values, clusters, rng())
    assert found.exact
    np.testing.assert_allclose(found.p, stepped_by_hand(sums))
    sampled = max_t(np.tile(values, (4, 1)), np.concatenate([clusters + 7 * i for i in range(4)]), rng())
    assert not sampled.exact
    assert sampled.assignments == 10_000


def test_one_column_is_the_sign_flip_test() -> None:
    draws = np.random.default_rng(5)
    clusters = np.repeat(np.arange(12), 3)
    values = draws.normal(0.3, 1, size=(36, 1))
    assert max_t(values, clusters, rng()).p[0] == pytest.approx(sign_flip_test(values, clusters, rng())[0])
    many = draws.normal(0.1, 1, size=(90, 1))
    assert max_t(many, np.arange(90), rng()).p[0] == sign_flip_test(many, np.arange(90), rng())[0]


def test_the_interval_of_one_column_holds_what_the_test_keeps() -> None:
    """The ends of an interval are the means at which the quantile is reached; clusters are of unequal size."""
    draws = np.random.default_rng(6)
    sizes = draws.integers(1, 6, size=14)
    clusters = np.repeat(np.arange(14), sizes)
    values = draws.normal(0.2, 1, size=(len(clusters), 1))
    found = max_t(values, clusters, rng())
    sums = np.bincount(clusters, weights=values[:, 0])

    def statistic(mean: float) -> float:
        rest = sums - sizes * mean
        return abs(rest.sum()) / np.sqrt((rest**2).sum())

    quantile = statistic(found.low[0])
    assert statistic(found.high[0]) == pytest.approx(quantile)
    signs = np.array(list(itertools.product((1, -1), repeat=14)))
    largest = 0.0
    for shifted in (sums, sums - sizes * values.mean()):
        drawn = np.abs(signs @ shifted) / np.sqrt((shifted**2).sum())
        kept = [value for value in np.unique(drawn) if (drawn >= value - 1e-12).mean() >= 0.05]
        largest = max(largest, *kept)
    assert quantile == pytest.approx(largest)
    low = optimize.brentq(lambda mean: statistic(mean) - largest, -5, values.mean())
    assert found.low[0] == pytest.approx(low)


def test_an_interval_without_zero_has_a_small_p() -> None:
    draws = np.random.default_rng(8)
    for _ in range(40):
        values = draws.normal(draws.normal(0, 0.3, size=6), 1, size=(40, 6))
        found = max_t(values, np.arange(40), rng(), resamples=499)
        excluded = (found.low > 0) | (found.high < 0)
        assert (found.p[excluded] < 0.05).all()


def test_same_seed_same_result_and_nothing_from_nothing() -> None:
    draws = np.random.default_rng(9)
    values = draws.normal(size=(50, 3))
    values[4, 1] = nan
    first, second = (max_t(values, np.arange(50), np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(first.p, second.p)
    np.testing.assert_array_equal(first.low, second.low)
    for empty in (np.zeros((5, 2)), np.full((5, 2), nan), np.zeros((0, 2))):
        found = max_t(empty, np.arange(len(empty)), rng())
        assert found.p.tolist() == [1.0, 1.0]
        assert np.isinf(found.low).all()
    assert max_t(np.zeros((5, 0)), np.arange(5), rng()).p.size == 0


def test_too_few_clusters_or_one_that_has_nearly_all_have_no_interval() -> None:
    draws = np.random.default_rng(10)
    assert np.isinf(max_t(draws.normal(size=(5, 2)), np.arange(5), rng()).high).all()
    sizes = np.array([200, *[2] * 20])
    found = max_t(draws.normal(size=(240, 2)), np.repeat(np.arange(21), sizes), rng(), resamples=499)
    assert np.isinf(found.high).all()
    assert np.isfinite(max_t(draws.normal(size=(40, 2)), np.arange(40), rng(), resamples=499).high).all()


def systems(kind: str, draws: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values of ten systems, the cluster of each row, and the true means."""
    sizes = {"few": [10] * 8, "dominant": [60] + [3] * 20}.get(kind, [5] * 24)
    clusters = np.repeat(np.arange(len(sizes)), sizes)
    true, spread = np.zeros(10), np.full(10, 0.2)
    if kind == "near":
        true[7:], spread = [0.3, 0.6, -0.4], np.r_[np.full(7, 0.02), 0.3, 0.3, 0.3]
    shared = draws.normal(size=(len(sizes), 10))[clusters]
    noise = spread * (0.55 * shared + 0.83 * draws.normal(size=(len(clusters), 10)))
    if kind == "ties":
        noise *= draws.random(noise.shape) < 0.1
    return draws.random((len(clusters), 1)) + noise + true, clusters, true


@pytest.mark.parametrize("kind", ["equal", "near", "few", "dominant", "ties"])
def test_errors_of_all_pairs_of_ten_systems(kind: str) -> None:
    """Any false positive, and any interval without its true mean, at .05 within four standard errors."""
    draws = np.random.default_rng(11)
    first, second = np.triu_indices(10, 1)
    wrong, missed, experiments = 0, 0, 150
    for _ in range(experiments):
        values, clusters, true = systems(kind, draws)
        found = max_t(values[:, second] - values[:, first], clusters, draws, resamples=199)
        difference = true[second] - true[first]
        wrong += bool((found.p[difference == 0] < 0.05).any())
        missed += bool(((found.low > difference) | (found.high < difference)).any())
    error = 4 * np.sqrt(0.05 * 0.95 / experiments)
    assert wrong / experiments <= 0.05 + error
    assert missed / experiments <= 0.05 + error


def test_what_it_refuses() -> None:
    with pytest.raises(InputError, match="difference in row 1, column 0 is infinite"):
        max_t(np.array([[0.0], [np.inf]]), np.arange(2), rng())
    with pytest.raises(SettingError, match="at least 1, not 0"):
        max_t(np.zeros((3, 2)), np.arange(3), rng(), resamples=0)
