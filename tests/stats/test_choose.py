"""The rule that chooses a test, and what the chosen tests do where there is no difference."""

import re

import numpy as np
import pytest
from scipy import stats

from ragbench.core.errors import InputError
from ragbench.stats.choose import choose_test
from ragbench.stats.paired_tests import mcnemar, paired_t, sign_flip_test
from ragbench.stats.sign_flips import EXACT_CLUSTERS

EXPERIMENTS = 2000
MORE = 10
"""So many times over, for a figure whose own error is a third as large."""
ICC = 0.3


@pytest.mark.parametrize(
    ("n", "clusters", "binary", "systems", "test", "correction", "says"),
    [
        (500, 100, False, 2, "sign-flip", "none", "500 queries come from 100 documents"),
        (500, 100, True, 2, "sign-flip", "none", "document by document"),
        (500, 500, False, 2, "sign-flip", "none", "query by query"),
        (500, 500, True, 2, "McNemar mid-p", "none", "0 or 1"),
        (90, EXACT_CLUSTERS, False, 2, "exact sign-flip", "none", "every sign of each document's"),
        (15, 15, False, 2, "exact sign-flip", "none", "every sign of each query's"),
        (30, 4, False, 2, "exact sign-flip", "none", r"p cannot fall below 0\.12"),
        (30, 1, False, 2, "exact sign-flip", "none", "come from 1 document"),
        (500, 100, False, 4, "sign-flip", "Holm", "3 comparisons with the first"),
    ],
)
def test_the_rule(n: int, clusters: int, binary: bool, systems: int, test: str, correction: str, says: str) -> None:
    choice = choose_test(n=n, clusters=clusters, binary=binary, systems=systems)
    assert (choice.test, choice.correction) == (test, correction)
    assert re.search(says, choice.reason)


def test_impossible_counts_are_refused() -> None:
    with pytest.raises(InputError, match="3 queries cannot come from 4 clusters"):
        choose_test(n=3, clusters=4, binary=False)
    with pytest.raises(InputError, match="0 queries"):
        choose_test(n=0, clusters=0, binary=False)
    with pytest.raises(InputError, match="1 system"):
        choose_test(n=3, clusters=3, binary=False, systems=1)


def without_difference(rng: np.random.Generator, documents: int, each: int, experiments: int) -> np.ndarray:
    """(documents x each, experiments) differences of mean 0 and variance 1, ICC of them the document's."""
    shared = rng.normal(0, np.sqrt(ICC), size=(documents, experiments))
    own = rng.normal(0, np.sqrt(1 - ICC), size=(documents * each, experiments))
    return np.repeat(shared, each, axis=0) + own


@pytest.mark.slow
def test_the_default_holds_its_level_with_clusters_and_a_naive_t_does_not(capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(1)
    clusters = np.repeat(np.arange(100), 5)
    assert choose_test(n=500, clusters=100, binary=False).test == "sign-flip"
    default, clustered_t, naive = [], [], []
    for _ in range(10 * MORE):
        differences = without_difference(rng, 100, 5, EXPERIMENTS // 10)
        default += list(sign_flip_test(differences, clusters, rng) < 0.05)
        clustered_t += list(paired_t(differences, clusters).p < 0.05)
        naive += list(stats.ttest_1samp(differences, 0).pvalue < 0.05)
    first = np.mean(default[:EXPERIMENTS])
    with capsys.disabled():
        print(
            f"\nfalse positives at .05: default {first:.1%} in {EXPERIMENTS:,} experiments; in {len(default):,} "
            f"default {np.mean(default):.1%}, clustered t {np.mean(clustered_t):.1%}, t on queries {np.mean(naive):.1%}"
        )
    assert 0.04 <= first <= 0.06
    assert 0.045 <= np.mean(default) <= 0.055
    assert 0.045 <= np.mean(clustered_t) <= 0.055
    # The variance of a mean is 1 + 4 * .3 = 2.2 times what the naive test takes: 2 Phi(-1.96 / sqrt(2.2)) = .186.
    assert np.mean(naive) == pytest.approx(2 * stats.norm.cdf(-1.96 / np.sqrt(2.2)), abs=0.01)


def test_few_clusters_and_rare_hits_never_reject_too_often() -> None:
    """Exact tests on coarse data stay at or below their level."""
    rng = np.random.default_rng(2)
    few = sign_flip_test(without_difference(rng, 8, 5, 1000), np.repeat(np.arange(8), 5), rng)
    # 256 assignments: the rejections at .05 are 12 of them, 4.7%.
    assert np.mean(few < 0.05) == pytest.approx(12 / 256, abs=0.02)
    hits = [mcnemar(*(rng.random((2, 120)) < 0.9).astype(float)).p for _ in range(500)]
    assert np.mean(np.array(hits) < 0.05) <= 0.05
