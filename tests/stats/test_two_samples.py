"""Permutations of clusters: the statistics against scipy, the level by simulation, and against an exact count."""

import itertools

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon, pdist
from scipy.stats import ks_2samp, wasserstein_distance

from ragbench.core.errors import InputError
from ragbench.stats.two_samples import (
    Features,
    earth_mover,
    jensen_shannon,
    mean_distance,
    permute_clusters,
    random_features,
    total_variation,
)


def test_the_statistics_are_those_of_scipy() -> None:
    rng = np.random.default_rng(1)
    one, other = rng.dirichlet(np.ones(7), 5), rng.dirichlet(np.ones(7), 5)
    at = np.arange(7)
    moved = [wasserstein_distance(at, at, u_weights=p, v_weights=q) for p, q in zip(one, other, strict=True)]
    assert earth_mover(one, other) == pytest.approx(moved)
    bits = [jensenshannon(p, q, base=2) ** 2 for p, q in zip(one, other, strict=True)]
    assert jensen_shannon(3 * one, other) == pytest.approx(bits)
    assert total_variation(one, other) == pytest.approx(
        [0.5 * abs(p - q).sum() for p, q in zip(one, other, strict=True)]
    )
    apart = jensen_shannon(np.array([[1.0, 0.0]]), np.array([[0.0, 2.0]]))
    assert apart == pytest.approx([1.0])
    assert jensen_shannon(np.zeros((1, 3)), np.ones((1, 3))) == pytest.approx([0.5])  # a set without any word


def test_random_features_approximate_the_gaussian_kernel() -> None:
    rng = np.random.default_rng(2)
    vectors = rng.normal(size=(60, 16)).astype(np.float32)
    found = random_features(vectors, rng, frequencies=20_000)
    width = np.median(pdist(vectors))
    kernel = np.exp(-(pdist(vectors) ** 2) / (2 * width**2))
    products = (found @ found.T)[np.triu_indices(60, 1)]
    assert np.abs(products - kernel).max() < 0.03
    # The distance of two means is then the square root of Gretton's biased estimate.
    full = np.exp(-((vectors[:, None] - vectors[None]) ** 2).sum(axis=2) / (2 * width**2))
    biased = full[:20, :20].mean() + full[20:, 20:].mean() - 2 * full[:20, 20:].mean()
    means = found[:20].mean(axis=0, keepdims=True), found[20:].mean(axis=0, keepdims=True)
    assert mean_distance(*(mean.astype(float) for mean in means))[0] == pytest.approx(np.sqrt(biased), abs=0.01)


def test_the_p_value_is_that_of_all_splits() -> None:
    """Ten clusters of unequal size, four of them in the first sample: 210 splits."""
    rng = np.random.default_rng(3)
    sizes = np.array([1.0, 2, 3, 1, 1, 4, 2, 1, 2, 3])
    sums = np.stack([sizes - (high := np.minimum(sizes, rng.integers(0, 4, 10))), high], axis=1)
    first = np.arange(10) < 4

    def value(chosen: np.ndarray) -> float:
        one, other = (sums[side].sum(axis=0) / sizes[side].sum() for side in (chosen, ~chosen))
        return round(float(abs(one - other).sum() / 2), 9)

    splits = [np.isin(np.arange(10), rows) for rows in itertools.combinations(range(10), 4)]
    exact = np.mean([value(split) >= value(first) for split in splits])
    found = permute_clusters([Features(sums, total_variation)], sizes, first, rng, permutations=9_999)
    assert found.observed[0] == pytest.approx(value(first))
    assert found.p[0] == pytest.approx(exact, abs=0.015)
    assert found.p_overall == found.p_adjusted[0] == found.p[0]


def _null(rng: np.random.Generator, permutations: int) -> float:
    """The overall p-value of two samples of sessions that share a taste, for three dependent statistics."""
    clusters = 60
    sizes = rng.integers(1, 6, clusters)
    session = np.repeat(np.arange(clusters), sizes)
    taste = rng.normal(size=clusters)[session] + 0.5 * rng.normal(size=len(session))
    classes = np.digitize(taste, [-1, 0, 1])
    one_hot = np.zeros((clusters, 4))
    np.add.at(one_hot, (session, classes), 1)
    mean = np.bincount(session, taste)[:, None]
    features = [Features(one_hot, total_variation), Features(one_hot, earth_mover), Features(mean, mean_distance)]
    first = rng.permutation(clusters) < 20
    return permute_clusters(features, sizes.astype(float), first, rng, permutations=permutations).p_overall


def test_the_common_p_value_holds_its_level() -> None:
    rng = np.random.default_rng(4)
    p = np.array([_null(rng, 199) for _ in range(600)])
    assert 0.03 <= (p <= 0.05).mean() <= 0.07
    assert ks_2samp(p, rng.random(5_000)).pvalue > 0.001


def test_a_shift_of_one_statistic_is_found() -> None:
    rng = np.random.default_rng(5)
    first = np.arange(200) < 60
    noise, shifted = rng.normal(size=(200, 1)), rng.normal(size=(200, 1)) + first[:, None]
    features = [Features(noise, mean_distance), Features(shifted, mean_distance)]
    found = permute_clusters(features, np.ones(200), first, rng, permutations=999)
    assert found.p[1] == 0.001
    assert found.p_overall == found.p_adjusted[1] <= 0.003
    assert found.p_adjusted[0] > 0.05
    assert found.adjusted(float(found.p[1])) == found.p_overall


def test_an_empty_sample_is_refused() -> None:
    with pytest.raises(InputError):
        permute_clusters([], np.ones(3), np.ones(3, dtype=bool), np.random.default_rng(0))
