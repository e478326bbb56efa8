"""Agreement of several raters, kappa by cluster, and how much clustered items are worth."""

import numpy as np
import pytest

from ragbench.core.errors import InputError
from ragbench.stats.agreement import clustered_kappa, cohen_kappa, krippendorff_alpha
from ragbench.stats.clusters import effective_size

RNG = np.random.default_rng(0)
# The example of Krippendorff 2011, "Computing Krippendorff's alpha-reliability": nominal alpha .743.
OBSERVERS = ("123321412...", "1233224125.3", ".33323422" + "51.", "1233244125" + "1.")


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


def test_effective_size() -> None:
    values = np.array([1.0] * 30 + [0.0] * 20)
    assert effective_size(values, np.arange(50)) == pytest.approx(49)  # p (1 - p) over s^2 / n
    copies = effective_size(np.repeat(values, 3), np.repeat(np.arange(50), 3))
    assert copies == pytest.approx(49)
    assert effective_size(np.ones(12), np.repeat(np.arange(4), 3)) == 4
    spread = np.tile([1.0, 0.0], 25)
    assert effective_size(spread, np.repeat(np.arange(25), 2)) == 25  # all clusters alike: each counts as one


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
