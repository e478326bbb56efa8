"""AP correlation and rank-biased overlap against published values, enumeration and hand arithmetic."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ragbench.core.errors import InputError, SettingError
from ragbench.stats.rbo import rbo, rbo_interval, rbo_rows
from ragbench.stats.tau_ap import tau_ap, tau_ap_interval, tau_ap_rows

# Data and symmetric tau_AP of the tests of the R package ircor (Urbano).
IRCOR = [
    (
        [0.897, 0.372, 0.908, 0.898, 0.661, 0.062, 0.177, 0.384, 0.498, 0.992],
        [0.82, 0.406, 0.817, 0.953, 0.673, 0.073, 0.364, 0.547, 0.589, 0.988],
        0.8333,
    ),
    (
        [0.266, 0.573, 0.202, 0.945, 0.629, 0.206, 0.687, 0.77, 0.718, 0.38],
        [0.263, 0.843, 0.728, 0.928, 0.08, 0.114, 0.467, 0.641, 0.973, 0.644],
        0.2880,
    ),
    (
        [0.185, 0.573, 0.944, 0.129, 0.468, 0.553, 0.761, 0.405, 0.976, 0.445],
        [0.845, 0.272, 0.275, 0.924, 0.605, 0.334, 0.162, 0.872, 0.018, 0.25],
        -0.668,
    ),
]

# rbo 0.1.3, RankingSimilarity(first, second).rbo_ext(p).
RBO = [
    ("abcdefg", "bacxd", 0.5, 0.471875),
    ("abcdefg", "bacxd", 0.9, 0.750555),
    ("abcdefg", "bacxd", 0.98, 0.790820408),
    ("zxyab", "abxyz", 0.5, 0.15104166666666666),
    ("zxyab", "abxyz", 0.9, 0.737775),
    ("abc", "bacdefgh", 0.9, 0.9),
]

grades = arrays(np.float64, 4, elements=st.integers(0, 3).map(float))


@pytest.mark.parametrize(("first", "second", "expected"), IRCOR)
def test_the_values_of_ircor(first: list[float], second: list[float], expected: float) -> None:
    assert tau_ap(np.array(first), np.array(second)) == pytest.approx(expected, abs=5e-5)


def one_way(ranked: tuple[int, ...], by: tuple[int, ...]) -> float:
    place = {system: rank for rank, system in enumerate(by)}
    shares = [sum(place[above] < place[ranked[i]] for above in ranked[:i]) / i for i in range(1, len(ranked))]
    return 2 * sum(shares) / (len(ranked) - 1) - 1


def orders(scores: np.ndarray) -> list[tuple[int, ...]]:
    """Every ranking that the scores allow."""
    return [
        order
        for order in itertools.permutations(range(len(scores)))
        if all(scores[a] >= scores[b] for a, b in itertools.pairwise(order))
    ]


@settings(deadline=None)
@given(grades, grades)
def test_ties_are_the_mean_over_all_their_orders(first: np.ndarray, second: np.ndarray) -> None:
    pairs = itertools.product(orders(first), orders(second))
    expected = np.mean([(one_way(a, b) + one_way(b, a)) / 2 for a, b in pairs])
    assert tau_ap(first, second) == pytest.approx(expected, abs=1e-12)


def test_a_swap_at_the_top_costs_more() -> None:
    straight = np.array([5.0, 4, 3, 2, 1])
    assert tau_ap(straight, straight) == pytest.approx(1)
    assert tau_ap(straight, -straight) == pytest.approx(-1)
    # Swapped first two: rank 2 has 0 of 1 right, the others all: 2 / 4 * 3 - 1. Last two: 2 / 4 * (3 + 3 / 4) - 1.
    assert tau_ap(straight, np.array([4.0, 5, 3, 2, 1])) == pytest.approx(0.5)
    assert tau_ap(straight, np.array([5.0, 4, 3, 1, 2])) == pytest.approx(0.875)
    assert tau_ap(np.zeros(4), np.zeros(4)) == pytest.approx(0)


@pytest.mark.parametrize(("first", "second", "p", "expected"), RBO)
def test_rbo_is_that_of_the_rbo_package(first: str, second: str, p: float, expected: float) -> None:
    assert rbo(first, second, p=p) == pytest.approx(expected)
    assert rbo(second, first, p=p) == pytest.approx(expected)


def test_rbo_with_ties_as_published() -> None:
    # README of julian-urbano/sigir2024-rbo (Corsi and Urbano 2024): RBO^w at p = .95 is .7068257.
    first = ["red", frozenset({"blue", "green"}), "yellow", "pink"]
    second = [frozenset({"blue", "red"}), "white", frozenset({"yellow", "black", "purple"}), "green"]
    assert rbo(first, second, p=0.95) == pytest.approx(0.7068257, abs=5e-8)


def test_rbo_by_hand_and_at_its_ends() -> None:
    # Agreements 0 and 1 at depths 1 and 2: .5 / .5 * (0 * .5 + 1 * .25) + 1 * .25.
    assert rbo("ab", "ba", p=0.5) == pytest.approx(0.5)
    assert rbo("abcd", "efgh") == 0
    assert rbo("abcd", "abcd") == pytest.approx(1)
    assert rbo("abcdefg", "ab") == pytest.approx(1)


@settings(deadline=None)
@given(grades, grades, st.floats(0.05, 0.95))
def test_rows_of_scores_are_the_lists_they_stand_for(first: np.ndarray, second: np.ndarray, p: float) -> None:
    lists = [
        [frozenset(np.flatnonzero(side == score).tolist()) for score in sorted(set(side), reverse=True)]
        for side in (first, second)
    ]
    assert rbo_rows(first[None], second[None], p=p)[0] == pytest.approx(rbo(*lists, p=p))


def test_intervals_hold_the_value_and_widen_with_clusters() -> None:
    rng = np.random.default_rng(2)
    values = np.repeat(np.linspace(0, 1, 8) + rng.normal(0, 1, size=(20, 8)), 6, axis=0)
    other = np.linspace(0, 1, 8) + rng.normal(0, 0.3, size=(60, 8))
    single, grouped, sixty = np.arange(120), np.repeat(np.arange(20), 6), np.arange(60)
    for interval, rows in ((tau_ap_interval, tau_ap_rows), (rbo_interval, rbo_rows)):
        narrow = interval(values, other, (single, sixty), np.random.default_rng(0), resamples=500)
        wide = interval(values, other, (grouped, sixty), np.random.default_rng(0), resamples=500)
        assert narrow.tau == wide.tau == pytest.approx(rows(values.mean(0)[None], other.mean(0)[None])[0])
        assert wide.low < wide.tau <= wide.high
        assert wide.high - wide.low > narrow.high - narrow.low
        assert wide == interval(values, other, (grouped, sixty), np.random.default_rng(0), resamples=500)


def test_wrong_input_is_refused() -> None:
    rng, one = np.random.default_rng(0), (np.arange(2), np.arange(2))
    with pytest.raises(InputError, match="'a' twice"):
        rbo("aba", "abc")
    with pytest.raises(InputError, match="the second list is empty"):
        rbo("a", "")
    with pytest.raises(InputError, match="the first list has an empty tie"):
        rbo([frozenset()], "a")
    with pytest.raises(SettingError, match="persistence p of RBO"):
        rbo("a", "a", p=1)
    with pytest.raises(InputError, match="1 and 1 systems"):
        tau_ap(np.array([1.0]), np.array([1.0]))
    with pytest.raises(InputError, match="undefined"):
        tau_ap(np.array([1.0, np.nan]), np.array([1.0, 2.0]))
    for interval in (tau_ap_interval, rbo_interval):
        with pytest.raises(InputError, match="2 and 3 systems"):
            interval(np.zeros((2, 2)), np.zeros((2, 3)), one, rng)
        with pytest.raises(InputError, match="row 1 has an undefined value"):
            interval(np.zeros((2, 2)), np.array([[0.0, 1], [np.nan, 1]]), one, rng)
