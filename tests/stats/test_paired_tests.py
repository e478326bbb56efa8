"""Paired t, Wilcoxon, sign and McNemar tests against published values of R, scipy and enumeration."""

import itertools

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar

from ragbench.core.errors import InputError
from ragbench.stats.paired_tests import McNemar, mcnemar, paired_t, sign_flip_test, sign_test, wilcoxon

SLEEP = np.array([0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]) - np.array(
    [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
)
"""R's data set ``sleep`` (Student 1908)."""


def test_the_paired_t_of_r_on_the_sleep_data() -> None:
    # R: t.test(extra ~ group, data = sleep, paired = TRUE): t = -4.0621, df = 9, p-value = 0.002833.
    found = paired_t(SLEEP[:, None], np.arange(10))
    assert (round(found.t[0], 4), round(found.df[0], 9), round(found.p[0], 6)) == (-4.0621, 9, 0.002833)
    assert not found.constant[0]


def test_clusters_give_the_t_of_statsmodels() -> None:
    rng = np.random.default_rng(2)
    clusters = np.repeat(np.arange(12), 4)
    values = rng.normal(0.3, 1, size=(len(clusters), 1))
    fit = sm.OLS(values, np.ones_like(values)).fit(cov_type="cluster", cov_kwds={"groups": clusters}, use_t=True)
    found = paired_t(values, clusters)
    assert (found.t[0], found.df[0], found.p[0]) == pytest.approx((fit.tvalues[0], 11, fit.pvalues[0]))


def test_differences_that_do_not_vary_have_the_p_of_the_exact_sign_flip() -> None:
    differences = np.c_[np.full(6, 0.1), np.zeros(6), np.full(6, -0.1), [0.5] + [np.nan] * 5, np.full(6, np.nan)]
    found = paired_t(differences, np.arange(6))
    assert found.p.tolist() == [2 / 2**6, 1.0, 2 / 2**6, 1.0, 1.0]
    np.testing.assert_array_equal(
        found.p[:3], sign_flip_test(differences[:, :3], np.arange(6), np.random.default_rng(0))
    )
    assert found.df.tolist() == pytest.approx([5, 5, 5, 0, 0])
    assert found.constant.all()
    # The t belongs to the p.
    np.testing.assert_allclose(2 * stats.t.sf(np.abs(found.t[[0, 2]]), 5), found.p[[0, 2]])
    assert found.t[0] == -found.t[2] > 0
    many = paired_t(np.ones((5000, 1)), np.arange(5000))
    assert 0 < many.p[0] < 1e-290
    assert np.isfinite(many.t[0])


@settings(deadline=None, max_examples=30)  # scipy enumerates Wilcoxon's signs
@given(st.lists(st.sampled_from([-1.0, -0.5, 0.0, 0.1, 0.5, 1.0, float("nan")]), min_size=1, max_size=9))
def test_nothing_is_ever_nan_infinite_or_zero(values: list[float]) -> None:
    column = np.array(values)
    found = paired_t(column[:, None], np.arange(len(column)))
    assert np.isfinite(found.t).all()
    for p in (found.p[0], wilcoxon(column), sign_test(column)):
        assert 0 < p <= 1


def test_the_wilcoxon_of_r() -> None:
    # R, ?wilcox.test (Hollander and Wolfe 1973, 29f): V = 40, one-sided p-value = 0.01953 = 10 / 512.
    x = np.array([1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30])
    y = np.array([0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29])
    assert wilcoxon(x - y) == pytest.approx(2 * 10 / 512)


def test_wilcoxon_and_sign_drop_ties_and_take_equal_differences_as_equal() -> None:
    # .3 - .2 and .2 - .1 differ in the last bits; equal on paper, they share a rank.
    differences = np.array([0.3 - 0.2, 0.2 - 0.1, 0.5, 0.0, 1e-16, np.nan, -0.2])
    exact = np.array([1.0, 1.0, 5.0, -2.0])
    assert wilcoxon(differences) == pytest.approx(stats.wilcoxon(exact).pvalue)
    # 3 wins, 1 loss: 2 * (1 + 4) / 16.
    assert sign_test(differences) == pytest.approx(10 / 16)
    assert wilcoxon(np.zeros(5)) == sign_test(np.zeros(5)) == sign_test(np.array([])) == 1.0
    with pytest.raises(InputError, match="difference in row 2 is infinite"):
        sign_test(np.array([0.0, 1.0, np.inf]))
    with pytest.raises(InputError, match="one list"):
        wilcoxon(np.zeros((3, 2)))


def pairs(both: int, b: int, c: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    baseline = np.repeat([1.0, 1.0, 0.0, 0.0], (both, b, c, neither))
    candidate = np.repeat([1.0, 0.0, 1.0, 0.0], (both, b, c, neither))
    return baseline, candidate


def test_published_mcnemar_tests() -> None:
    # Fagerland, Lydersen and Laake 2013, BMC Medical Research Methodology 13:91, tables 1 and 6: airway
    # hyper-responsiveness before and after a transplantation has the mid-p .039, and complaints .035.
    assert round(mcnemar(*pairs(1, 1, 7, 12)).p, 4) == 0.0391
    assert round(mcnemar(*pairs(59, 6, 16, 80)).p, 4) == 0.0347
    # Agresti, Categorical Data Analysis (1990), p. 350: approval of 1,600 people before and after; 150 went from
    # approval to disapproval, 86 the other way. R's exact2x2: exact McNemar, p-value = 3.716e-05. The mid-p has half of
    # the observed result less on each side.
    found = mcnemar(*pairs(794, 150, 86, 570))
    assert (found.b, found.c) == (150, 86)
    assert found.p + stats.binom.pmf(86, 236, 0.5) == pytest.approx(3.716e-05, rel=2e-4)


@settings(deadline=None)
@given(st.integers(0, 12), st.integers(0, 12), st.integers(0, 3))
def test_mcnemar_counts_the_observed_result_by_half(b: int, c: int, same: int) -> None:
    baseline, candidate = pairs(same, b, c, 1)
    found = mcnemar(baseline, candidate)
    assert (found.b, found.c) == (b, c)
    exact = statsmodels_mcnemar([[same, b], [c, 1]], exact=True).pvalue if b + c else 1.0
    assert found.p == pytest.approx(exact - stats.binom.pmf(b, b + c, 0.5) if b != c else 1.0)


def test_mcnemar_by_all_tosses() -> None:
    """Every outcome of eight tosses: those further from four than the observed one, and half of those as far."""
    tosses = np.array([sum(one) for one in itertools.product((0, 1), repeat=8)])
    for gained in range(9):
        distance, observed = np.abs(tosses - 4), abs(gained - 4)
        by_hand = (distance > observed).mean() + 0.5 * (distance == observed).mean() if observed else 1.0
        assert mcnemar(*pairs(2, 8 - gained, gained, 3)).p == pytest.approx(by_hand)


def test_mcnemar_of_many_losses_is_above_zero_and_of_none_is_one() -> None:
    assert 0 < mcnemar(*pairs(0, 2000, 0, 0)).p < 1e-300
    assert mcnemar(*pairs(9, 0, 0, 9)).p == 1.0


@pytest.mark.parametrize(("n", "discordant", "size"), [(50, 0.1, 0.0247), (200, 0.2, 0.0483), (300, 0.5, 0.0494)])
def test_mcnemar_nearly_uses_its_level(n: int, discordant: float, size: float) -> None:
    """The share of equal systems that it rejects, by enumeration of all tables."""
    total = 0.0
    for differing, chance in enumerate(stats.binom.pmf(range(n + 1), n, discordant)):
        gains = np.arange(differing + 1)
        # Count from one side: the rejections of the other one are as likely.
        rejected = [k for k in gains[: (differing + 1) // 2] if mcnemar(*pairs(0, differing - k, k, 0)).p < 0.05]
        total += chance * 2 * stats.binom.pmf(rejected, differing, 0.5).sum() if chance > 1e-9 else 0.0
    assert total == pytest.approx(size, abs=1e-4)


def test_mcnemar_leaves_out_undefined_pairs_and_refuses_what_is_not_zero_or_one() -> None:
    nan = float("nan")
    assert mcnemar(np.array([1.0, nan, 0.0]), np.array([0.0, 1.0, nan])) == McNemar(1, 0, 0.5)
    with pytest.raises(InputError, match=r"row 1 of the candidate is 0\.5"):
        mcnemar(np.array([1.0, 0.0]), np.array([1.0, 0.5]))
    with pytest.raises(InputError, match="same queries"):
        mcnemar(np.array([1.0, 0.0]), np.array([1.0]))


@pytest.mark.parametrize("n", [0, 1])
def test_without_two_clusters_every_test_says_one(n: int) -> None:
    values, clusters = np.full((n, 2), 0.5), np.zeros(n, dtype=np.int64)
    assert paired_t(values, clusters).p.tolist() == [1.0, 1.0]
    assert sign_flip_test(values, clusters, np.random.default_rng(0)).tolist() == [1.0, 1.0]
    assert wilcoxon(values[:, 0]) == sign_test(values[:, 0]) == 1.0
