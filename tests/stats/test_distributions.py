import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from ragbench.stats.distributions import coin_p, t_above, t_quantile
from ragbench.stats.multiple import benjamini_hochberg, holm


@given(st.floats(1e-9, 1 - 1e-9), st.integers(1, 10**6))
def test_quantiles_of_t_are_those_of_scipy_stats(share, df):
    assert float(t_quantile(share, df)) == pytest.approx(stats.t.ppf(share, df), rel=1e-9, abs=1e-12)


@given(st.floats(-300, 300), st.integers(1, 10**6))
def test_tails_of_t_are_those_of_scipy_stats(t, df):
    assert float(t_above(t, df)) == pytest.approx(stats.t.sf(t, df), rel=1e-9, abs=1e-300)


def test_columns_have_their_own_degrees_of_freedom():
    # Published table: t at .975 is 12.706, 2.228 and 1.984 on 1, 10 and 100.
    assert t_quantile(0.975, np.array([1, 10, 100])) == pytest.approx([12.706, 2.228, 1.984], abs=5e-4)


@given(st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_a_fair_coin_is_the_exact_binomial_test(tossed):
    heads, n = tossed
    # Below 1e-290, scipy's sum of probabilities underflows before the exact value does.
    assert coin_p(heads, n) == pytest.approx(stats.binomtest(heads, n).pvalue, rel=1e-9, abs=1e-290)


def test_a_fair_coin_by_hand():
    # 1 of 5: (1 + 5) of 32 on either side. 2 of 4 cannot be less extreme.
    assert coin_p(1, 5) == pytest.approx(12 / 32)
    assert coin_p(2, 4) == 1.0
    assert coin_p(0, 0) == 1.0
    assert 0 < coin_p(0, 100_000) < 1e-300


@pytest.mark.slow
def test_corrections_are_those_of_statsmodels():
    rng = np.random.default_rng(0)
    for k in (1, 2, 3, 5, 8, 13, 21, 34, 55, 89):
        drawn = rng.uniform(size=k) ** 4
        for values in (drawn, drawn.round(1)):  # the second has ties, zeros and ones
            assert holm(values) == pytest.approx(multipletests(values, method="holm")[1], abs=1e-12)
            assert benjamini_hochberg(values) == pytest.approx(multipletests(values, method="fdr_bh")[1], abs=1e-12)


def test_no_test_needs_no_correction():
    assert holm(np.array([])).shape == (0,)
    assert benjamini_hochberg(np.array([])).shape == (0,)
