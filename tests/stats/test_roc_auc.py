"""ROC AUC: the value of scikit-learn, the error of scipy's Brunner-Munzel test, clusters by hand, coverage."""

import numpy as np
import pytest
from scipy.stats import brunnermunzel

from ragbench.core.errors import InputError
from ragbench.stats.roc_auc import placements, roc_auc


def drawn(seed: int, n: int = 80) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    positive = rng.random(n) < 0.4
    return np.round(rng.normal(positive * 0.8), 1), positive


@pytest.mark.parametrize("seed", range(5))
def test_value_and_error_of_single_items(seed: int) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    scores, positive = drawn(seed)
    found = roc_auc(scores, positive)
    assert found.value == pytest.approx(metrics.roc_auc_score(positive, scores), abs=1e-12)
    # The statistic of Brunner and Munzel is (area - .5) over DeLong's error.
    statistic = brunnermunzel(scores[~positive], scores[positive]).statistic
    assert found.error is not None
    assert (found.value - 0.5) / found.error == pytest.approx(statistic, rel=1e-9)


def test_placements_by_hand() -> None:
    of_positive, of_negative = placements(np.array([3.0, 1.0, 2.0, 1.0]), np.array([True, True, False, False]))
    assert of_positive.tolist() == [1.0, 0.25]  # 3 is above both; 1 is below 2 and ties with 1
    assert of_negative.tolist() == [0.5, 0.75]


def test_copies_in_one_cluster_tell_nothing_new() -> None:
    scores, positive = drawn(9)
    once = roc_auc(scores, positive)
    thrice = roc_auc(np.repeat(scores, 3), np.repeat(positive, 3), np.repeat(np.arange(len(scores)), 3))
    assert thrice.error == pytest.approx(once.error)
    assert (thrice.low, thrice.high) == pytest.approx((once.low, once.high))
    assert roc_auc(np.repeat(scores, 3), np.repeat(positive, 3)).error < 0.7 * once.error


def test_clusters_against_the_formula_of_obuchowski_written_out() -> None:
    rng = np.random.default_rng(2)
    scores, positive = drawn(2)
    clusters = np.unique(rng.integers(0, 20, len(scores)), return_inverse=True)[1]
    m, n = int(positive.sum()), int((~positive).sum())
    kernel = [[float(a > b) + 0.5 * (a == b) for b in scores[~positive]] for a in scores[positive]]
    area = float(np.mean(kernel))
    sums = {}
    for label in set(clusters.tolist()):
        own = [sum(row) / n for row, c in zip(kernel, clusters[positive], strict=True) if c == label]
        other = [sum(row[j] for row in kernel) / m for j, c in enumerate(clusters[~positive].tolist()) if c == label]
        sums[label] = (sum(own) - len(own) * area, sum(other) - len(other) * area, len(own), len(other))
    c, c1, c0 = len(sums), sum(s[2] > 0 for s in sums.values()), sum(s[3] > 0 for s in sums.values())
    s10 = c1 / ((c1 - 1) * m) * sum(s[0] ** 2 for s in sums.values())
    s01 = c0 / ((c0 - 1) * n) * sum(s[1] ** 2 for s in sums.values())
    s11 = c / (c - 1) * sum(s[0] * s[1] for s in sums.values())
    expected = np.sqrt(s10 / m + s01 / n + 2 * s11 / (m * n))
    assert roc_auc(scores, positive, clusters).error == pytest.approx(expected, rel=1e-9)


def test_perfect_order_is_not_certain() -> None:
    found = roc_auc(np.arange(20.0), np.arange(20) >= 10)
    assert (found.value, found.high) == (1.0, 1.0)
    # Wilson's lower end with t on 9 degrees of freedom.
    assert found.low == pytest.approx(1 / (1 + 2.2622**2 / 10), abs=1e-4)


def test_one_cluster_of_a_kind_gives_no_interval() -> None:
    found = roc_auc(np.array([1.0, 2.0, 3.0]), np.array([True, True, False]), np.array([0, 0, 1]))
    assert (found.value, found.low, found.high, found.error) == (0.0, None, None, None)


def test_refuses_what_has_no_area() -> None:
    with pytest.raises(InputError, match="one kind"):
        roc_auc(np.array([1.0, 2.0]), np.array([True, True]))
    with pytest.raises(InputError, match="row 1 is undefined"):
        roc_auc(np.array([1.0, np.nan]), np.array([True, False]))


def test_interval_covers_under_clusters() -> None:
    rng = np.random.default_rng(5)
    truth, covered = 0.7602, 0  # of N(1, 1) against N(0, 1): Phi(1 / sqrt 2)
    runs = 300
    for _ in range(runs):
        shared = rng.normal(0, 0.6, 40)
        clusters = np.repeat(np.arange(40), 4)
        positive = rng.random(160) < 0.5
        scores = positive + shared[clusters] + rng.normal(0, 0.8, 160)
        found = roc_auc(scores, positive, clusters)
        covered += found.low <= truth <= found.high
    assert 0.91 <= covered / runs <= 0.99
