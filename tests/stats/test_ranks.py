"""Ranks against hand arithmetic, cliques of a graph, enumeration and simulations of their coverage."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragbench.core.errors import InputError
from ragbench.stats.max_t import all_pairs, max_t
from ragbench.stats.ranks import best_shares, letters, rank_intervals


@st.composite
def pair_tests(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Means, some of them equal, and any symmetric pattern of significant pairs."""
    k = draw(st.integers(1, 9))
    means = np.array(draw(st.lists(st.sampled_from([0.1, 0.2, 0.2, 0.3, 0.5]), min_size=k, max_size=k)))
    different = np.zeros((k, k), dtype=bool)
    for i, j in itertools.combinations(range(k), 2):
        different[i, j] = different[j, i] = draw(st.booleans())
    return means, different


def cliques(alike: np.ndarray) -> set[frozenset[int]]:
    """The largest sets of systems that are all alike, by trying every set."""
    k = len(alike)
    sets = [
        frozenset(some)
        for size in range(1, k + 1)
        for some in itertools.combinations(range(k), size)
        if all(alike[i, j] for i, j in itertools.combinations(some, 2))
    ]
    return {one for one in sets if not any(one < other for other in sets)}


@given(pair_tests())
@settings(max_examples=300, deadline=None)
def test_two_systems_share_a_letter_exactly_if_they_do_not_differ(case: tuple[np.ndarray, np.ndarray]) -> None:
    means, different = case
    found = letters(means, different)
    for i, j in itertools.combinations(range(len(means)), 2):
        assert bool(set(found[i]) & set(found[j])) == (not different[i, j])
    groups = {frozenset(i for i, own in enumerate(found) if letter in own) for letter in set("".join(found))}
    assert groups == cliques(~different)
    assert "a" in found[int(np.argmax(means))]


def test_letters_of_piepho_s_kind() -> None:
    """A chain: each system differs from all but its neighbours."""
    k = 6
    apart = np.abs(np.subtract.outer(np.arange(k), np.arange(k))) > 1
    assert letters(-np.arange(k, dtype=float), apart) == ("a", "ab", "bc", "cd", "de", "e")
    assert letters(np.arange(k, dtype=float), apart) == ("e", "de", "cd", "bc", "ab", "a")
    many = letters(-np.arange(60.0), ~np.eye(60, dtype=bool))
    assert len(set(many)) == 60
    assert many[51] == "Z"
    assert many[52] == "(53)"


@given(pair_tests())
@settings(max_examples=100, deadline=None)
def test_rank_intervals_count_who_is_shown_better_or_worse(case: tuple[np.ndarray, np.ndarray]) -> None:
    means, different = case
    low, high = rank_intervals(means, np.where(different, 0.01, 0.5))
    for i in range(len(means)):
        better = sum(different[i, j] and means[j] > means[i] for j in range(len(means)))
        worse = sum(different[i, j] and means[j] < means[i] for j in range(len(means)))
        assert (low[i], high[i]) == (1 + better, len(means) - worse)


@pytest.mark.parametrize("sizes", [[1] * 9, [4] * 30, [30, 5, 5, 1, 1, 1, 1, 1, 2]])
def test_all_pairs_is_max_t(sizes: list[int]) -> None:
    draws = np.random.default_rng(1)
    clusters = np.repeat(np.arange(len(sizes)), sizes)
    values = draws.choice([0.0, 0.3, 0.5, 1.0], size=(len(clusters), 5)) + np.array([0, 0, 0.05, 0.2, 0.2])
    values[:, 4] = values[:, 3]
    first, second = np.triu_indices(5, 1)
    found = all_pairs(values, clusters, np.random.default_rng(2))
    together = max_t(values[:, second] - values[:, first], clusters, np.random.default_rng(2))
    np.testing.assert_allclose(found.p[first, second], together.p, atol=1e-12)
    np.testing.assert_array_equal(found.p, found.p.T)
    assert found.p[3, 4] == 1
    for i in range(5):
        others = [j for j in range(5) if j != i]
        own = max_t(values[:, others] - values[:, [i]], clusters, np.random.default_rng(2))
        # Fewer columns may need fewer clusters, and so other draws.
        np.testing.assert_allclose(found.p_of_each[i, others], own.p, atol=0.01)
        assert (found.p_of_each[i] <= found.p[i] + 1e-12).all()


def test_many_pairs_are_drawn_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(3).random((40, 6))
    whole = all_pairs(values, np.arange(40), np.random.default_rng(4), resamples=500)
    monkeypatch.setattr("ragbench.stats.max_t.BLOCK_CELLS", 100)
    parts = all_pairs(values, np.arange(40), np.random.default_rng(4), resamples=500)
    np.testing.assert_array_equal(whole.p, parts.p)
    np.testing.assert_array_equal(whole.p_of_each, parts.p_of_each)


def test_undefined_values_are_refused() -> None:
    with pytest.raises(InputError, match="undefined"):
        all_pairs(np.array([[0.1, np.nan], [0.2, 0.3]]), np.arange(2), np.random.default_rng(0))


def test_shares_by_enumeration() -> None:
    """All 4^4 samples of four clusters of unequal size; two systems are equal and share the first place."""
    clusters = np.array([0, 0, 1, 2, 2, 2, 3])
    values = np.random.default_rng(5).random((7, 3))
    values = np.column_stack((values, values[:, 0]))
    exact = np.zeros(4)
    for drawn in itertools.product(range(4), repeat=4):
        means = np.concatenate([values[clusters == one] for one in drawn]).mean(axis=0)
        best = means >= means.max() - 1e-12
        exact += best / best.sum() / 4**4
    found = best_shares(values, clusters, np.random.default_rng(6), resamples=20_000)
    np.testing.assert_allclose(found, exact, atol=0.015)
    assert found.sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("true", "sizes"),
    [
        (np.zeros(10), [5] * 30),
        (np.r_[np.zeros(7), 0.3, 0.5, -0.4], [5] * 30),
        (np.r_[np.zeros(7), 0.3, 0.5, -0.4], [10] * 8),
        (np.zeros(10), [60] + [3] * 20),
        (np.linspace(0, 2, 10), [5] * 30),
    ],
)
def test_the_intervals_hold_all_true_ranks(true: np.ndarray, sizes: list[int]) -> None:
    """Equal systems share their ranks. `benchmarks/several.py` measures it with more experiments."""
    rng = np.random.default_rng(7)
    clusters = np.repeat(np.arange(len(sizes)), sizes)
    first = 1 + (true[None, :] > true[:, None]).sum(axis=1)
    last = 10 - (true[None, :] < true[:, None]).sum(axis=1)
    held, experiments = 0, 120
    for _ in range(experiments):
        shared = rng.normal(size=(len(sizes), 10))[clusters]
        values = 0.2 * (0.55 * shared + 0.84 * rng.normal(size=shared.shape)) + true
        found = all_pairs(values, clusters, rng, resamples=199)
        low, high = rank_intervals(values.mean(axis=0), found.p)
        held += bool(((low <= first) & (high >= last)).all())
    assert held / experiments > 0.95 - 3 * np.sqrt(0.05 * 0.95 / experiments)
    if true[-1] == 2:  # well separated: nothing is left open
        assert (low == high).all()
