"""Agreement of raters: Cohen's kappa, kappa by cluster, and Krippendorff's alpha."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from ragbench.core.errors import InputError, SettingError
from ragbench.stats.agreement import WEIGHTS, Weights, clustered_kappa, cohen_kappa, krippendorff_alpha

RNG = np.random.default_rng(0)
# The example of Krippendorff 2011, "Computing Krippendorff's alpha-reliability": nominal alpha .743.
OBSERVERS = ("123321412...", "1233224125.3", ".33323422" + "51.", "1233244125" + "1.")


def rated(table: list[list[int]]) -> tuple[list[int], list[int]]:
    pairs = [(i, j) for i, row in enumerate(table) for j, n in enumerate(row) for _ in range(n)]
    return [a for a, _ in pairs], [b for _, b in pairs]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=60), st.sampled_from(WEIGHTS))
def test_the_value_is_that_of_scikit_learn(pairs: list[tuple[int, int]], weights: Weights) -> None:
    first, second = [a for a, _ in pairs], [b for _, b in pairs]
    ours = cohen_kappa(first, second, categories=range(4), weights=weights)
    if len({*first, *second}) == 1:
        assert math.isnan(ours.value)
        return
    theirs = cohen_kappa_score(first, second, labels=range(4), weights=None if weights == "none" else weights)
    assert ours.value == pytest.approx(theirs, abs=1e-12)
    assert ours.low - 1e-12 <= ours.value <= ours.high + 1e-12


def test_a_published_example() -> None:
    # Fleiss, Levin and Paik, Statistical Methods for Rates and Proportions, table 18.1: 100 subjects, three
    # diagnoses; kappa is .676.
    kappa = cohen_kappa(*rated([[75, 1, 4], [5, 4, 1], [0, 0, 10]]))
    assert kappa.value == pytest.approx(0.676, abs=5e-4)
    assert kappa.observed == pytest.approx(0.89)
    # .80 * .80 + .10 * .05 + .10 * .15
    assert kappa.expected == pytest.approx(0.66)


# statsmodels 0.15.0, `cohens_kappa(table, wt=...)`: kappa, kappa_low, kappa_upp.
STATSMODELS: list[tuple[Weights, tuple[float, float, float]]] = [
    ("none", (0.49300559552358114, 0.38179106435449167, 0.6042201266926707)),
    ("linear", (0.6488095238095238, 0.5554124922149138, 0.7422065554041338)),
    ("quadratic", (0.7838218714768883, 0.7080294053780081, 0.8596143375757686)),
]


@pytest.mark.parametrize(("weights", "expected"), STATSMODELS)
def test_the_interval_is_that_of_statsmodels(weights: Weights, expected: tuple[float, float, float]) -> None:
    first, second = rated([[22, 2, 2, 0], [5, 7, 14, 0], [0, 2, 36, 0], [0, 1, 17, 10]])
    kappa = cohen_kappa(first, second, weights=weights)
    assert (kappa.value, kappa.low, kappa.high) == pytest.approx(expected, abs=1e-6)


def test_the_interval_holds_its_level() -> None:
    # Two raters who see the truth (rate .6) with chance .85 each: kappa follows from the table of probabilities.
    truth, right = 0.6, 0.85
    both = np.array(
        [[truth * a * b + (1 - truth) * (1 - a) * (1 - b) for b in (right, 1 - right)] for a in (right, 1 - right)]
    )
    rows, columns = both.sum(axis=1), both.sum(axis=0)
    chance = float((rows * columns).sum())
    true = (float(np.trace(both)) - chance) / (1 - chance)
    rng = np.random.default_rng(3)
    covered = 0
    for _ in range(400):
        cells = rng.choice(4, size=150, p=both.ravel())
        kappa = cohen_kappa((cells // 2).tolist(), (cells % 2).tolist())
        covered += kappa.low <= true <= kappa.high
    assert 0.92 <= covered / 400 <= 0.98


def test_one_category_only_is_undefined_and_full_agreement_is_one() -> None:
    assert math.isnan(cohen_kappa(["accept"] * 5, ["accept"] * 5).value)
    assert cohen_kappa(["a", "b"], ["a", "b"]).value == 1.0
    assert cohen_kappa(["a", "b"], ["b", "a"]).value == -1.0


def test_wrong_input_is_refused_in_words() -> None:
    with pytest.raises(InputError, match="no item was rated by both"):
        cohen_kappa([], [])
    with pytest.raises(InputError, match="2 ratings, the other 1"):
        cohen_kappa([1, 2], [1])
    with pytest.raises(InputError, match="'edit'"):
        cohen_kappa(["edit"], ["accept"], categories=["accept", "reject"])
    with pytest.raises(SettingError, match="did you mean 'linear'"):
        cohen_kappa([1], [1], weights="liner")  # type: ignore[arg-type]


def test_alpha_of_the_published_example() -> None:
    units = [[row[at] for row in OBSERVERS if row[at] != "."] for at in range(12)]
    found = krippendorff_alpha(units, np.arange(12), RNG)
    assert found.value == pytest.approx(0.743, abs=5e-4)
    assert (found.items, found.ratings) == (11, 40)  # the last unit was rated once: it says nothing
    assert found.low < found.value < found.high


def test_alpha_of_complete_ratings_is_that_of_fleiss_corrected_for_size() -> None:
    inter_rater = pytest.importorskip("statsmodels.stats.inter_rater")
    votes = np.random.default_rng(3).random((60, 4)) < np.random.default_rng(4).random((60, 1))
    table = np.column_stack([votes.sum(axis=1), 4 - votes.sum(axis=1)])
    number = votes.size
    expected = 1 - (1 - inter_rater.fleiss_kappa(table)) * (number - 1) / number
    found = krippendorff_alpha(votes.tolist(), np.arange(60), RNG)
    assert found.value == pytest.approx(expected, abs=1e-12)


def test_alpha_without_two_ratings_or_categories() -> None:
    with pytest.raises(InputError, match="rated twice"):
        krippendorff_alpha([["a"], ["b"]], np.arange(2), RNG)
    assert np.isnan(krippendorff_alpha([["a", "a"], ["a", "a"]], np.arange(2), RNG).value)


def test_alpha_interval_is_wider_when_copies_share_a_cluster() -> None:
    votes = (np.random.default_rng(3).random((50, 3)) < np.random.default_rng(4).random((50, 1))).tolist()
    copied = [one for one in votes for _ in range(4)]
    alone = krippendorff_alpha(copied, np.arange(200), np.random.default_rng(1))
    together = krippendorff_alpha(copied, np.repeat(np.arange(50), 4), np.random.default_rng(1))
    assert together.high - together.low > 1.6 * (alone.high - alone.low)


def test_kappa_of_single_items_is_that_of_cohen() -> None:
    rng = np.random.default_rng(7)
    first = rng.random(500) < 0.4
    second = np.where(rng.random(500) < 0.8, first, ~first)
    value, low, high = clustered_kappa(first, second, np.arange(500), rng, resamples=4000)
    expected = cohen_kappa(first.tolist(), second.tolist())
    assert value == pytest.approx(expected.value, abs=1e-12)
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=0.012)


def test_kappa_is_undefined_where_both_say_the_same_of_all() -> None:
    same = np.ones(5, dtype=bool)
    assert all(np.isnan(part) for part in clustered_kappa(same, same, np.arange(5), RNG))


def test_what_no_resample_can_change_has_no_interval() -> None:
    yes = np.array([True, False, True, False])
    for other in (yes, np.ones(4, dtype=bool)):  # full agreement; a rater who always says yes
        value, low, high = clustered_kappa(yes, other, np.arange(4), RNG)
        assert value == pytest.approx(float((yes == other).all()))
        assert np.isnan(low)
        assert np.isnan(high)
    alpha = krippendorff_alpha([["a", "a"], ["b", "b"], ["a", "a"]], np.arange(3), RNG)
    assert alpha.value == 1
    assert np.isnan(alpha.low)
    assert np.isnan(alpha.high)
