"""A difference that borrows from a proxy, against scipy's quadrature, closed forms, and truths drawn from the prior."""

import numpy as np
import pytest
from scipy import integrate, stats

from ragbench.core.errors import InputError
from ragbench.stats.borrowing import Proxy, Transfer, borrowed_difference
from ragbench.stats.posterior import TPrior, chance_of_data, t_posterior

LEARNED = Transfer(slope=1.1, slope_variance=0.2, spread=0.02, df=4.0, variance_ratio=0.6, variance_df=6.0)


def test_a_proxy_counts_its_groups_equally() -> None:
    values = np.array([0.1, 0.3, 0.5, 0.5, 0.5, 0.5])
    proxy = Proxy.of(values, np.array([0, 0, 1, 1, 1, 1]))
    assert proxy.mean == pytest.approx((0.2 + 0.5) / 2)
    assert proxy.variance == pytest.approx((0.02 + 0.0) / 2)


@pytest.mark.parametrize(
    ("shift", "proxy"), [(0.1, Proxy(0.05, 0.09)), (-0.3, Proxy(0.2, 0.04)), (0.0, Proxy(0.0, 1.0))]
)
def test_by_quadrature(shift: float, proxy: Proxy) -> None:
    few = shift + np.random.default_rng(0).normal(0, 0.2, 15)
    found = borrowed_difference(few, np.arange(15), proxy, LEARNED, confidence=0.9)
    assert found is not None
    # The error of the mean: 14 degrees of freedom of the queries' own, and 6 of the proxy's.
    squared = (14 * few.var(ddof=1) + 6 * 0.6 * proxy.variance) / 20 / 15
    assert (found.mean, found.error**2, found.df) == pytest.approx((few.mean(), squared, 20))
    center, scale = 1.1 * proxy.mean, np.sqrt(0.02 * proxy.variance + 0.2 * proxy.mean**2)
    prior = stats.t(4, center, scale)

    def density(x: float) -> float:
        return float(prior.pdf(x) * stats.t.pdf((found.mean - x) / found.error, 20))

    def mass(low: float, high: float) -> float:
        return float(integrate.quad(density, low, high, points=[center, few.mean()], limit=500, epsabs=1e-12)[0])

    total = mass(-5, 5)
    assert found.posterior.above == pytest.approx(mass(0, 5) / total, abs=1e-5)
    for end, share in ((found.posterior.low, 0.05), (found.posterior.median, 0.5), (found.posterior.high, 0.95)):
        assert mass(-5, end) / total == pytest.approx(share, abs=1e-5)
    alone = stats.t(20, found.mean, found.error).interval(0.9)
    width = (alone[1] - alone[0]) / (found.posterior.high - found.posterior.low)
    assert found.effective == pytest.approx(15 * width**2, rel=1e-4)


def test_a_normal_prior_and_many_degrees_of_freedom_add_precisions() -> None:
    found = t_posterior(0.1, 0.02, 1e7, TPrior(0.04, 0.03))
    weight = 0.03**2 / (0.03**2 + 0.02**2)
    exact = stats.norm(weight * 0.1 + (1 - weight) * 0.04, np.sqrt(weight) * 0.02)
    assert (found.low, found.median, found.high) == pytest.approx(exact.ppf([0.025, 0.5, 0.975]), abs=1e-5)


def test_the_agreement_is_the_prior_predictive_tail() -> None:
    prior = TPrior(0.05, 0.04, 4.0)
    rng = np.random.default_rng(1)
    drawn = 0.05 + 0.04 * rng.standard_t(4, 400_000) + 0.03 * rng.standard_t(12, 400_000)
    for seen in (0.06, 0.16, -0.1):
        tail = (drawn > seen).mean()
        assert chance_of_data(seen, 0.03, 12, prior) == pytest.approx(2 * min(tail, 1 - tail), abs=0.006)


def test_the_prior_gives_way_where_the_queries_contradict_it() -> None:
    """Against 60 clear queries, a wrong proxy moves the estimate by less than their standard error."""
    few = 0.2 + np.random.default_rng(2).normal(0, 0.2, 60)
    wrong = borrowed_difference(few, np.arange(60), Proxy(-0.1, 0.04), LEARNED)
    assert wrong is not None
    assert abs(wrong.posterior.median - few.mean()) < wrong.error
    assert wrong.posterior.above > 0.999
    assert wrong.agreement < 0.05
    right = borrowed_difference(few, np.arange(60), Proxy(0.18, 0.04), LEARNED)
    assert right is not None
    assert right.agreement > 0.5
    assert right.effective > wrong.effective


def test_ten_queries_without_a_difference_do_not_promise_that_there_is_none() -> None:
    found = borrowed_difference(np.zeros(10), np.arange(10), Proxy(0.05, 0.04), LEARNED)
    assert found is not None
    assert found.error == pytest.approx(np.sqrt(6 * 0.6 * 0.04 / 15 / 10))
    assert found.posterior.high > 0.03
    assert borrowed_difference(np.zeros(10), np.arange(10), Proxy(0.0, 0.0), LEARNED) is None


def test_documents_count_and_not_queries() -> None:
    """Four copies of each query are worth as much as one."""
    few = np.random.default_rng(3).normal(0.05, 0.2, 12)
    once = borrowed_difference(few, np.arange(12), Proxy(0.05, 0.04), LEARNED)
    copies = borrowed_difference(np.repeat(few, 4), np.repeat(np.arange(12), 4), Proxy(0.05, 0.04), LEARNED)
    assert once is not None
    assert copies is not None
    assert copies.posterior == once.posterior


def test_one_document_and_undefined_values_are_refused() -> None:
    with pytest.raises(InputError, match="two documents"):
        borrowed_difference(np.ones(5), np.zeros(5, dtype=np.int64), Proxy(0.05, 0.04), LEARNED)
    with pytest.raises(InputError, match="infinite"):
        borrowed_difference(np.array([0.1, np.inf]), np.arange(2), Proxy(0.05, 0.04), LEARNED)


def test_intervals_hold_truths_from_the_prior() -> None:
    """Half of the differences are ties and the rest is skewed, as in nDCG; 20 queries."""
    rng, held, runs = np.random.default_rng(4), 0, 400
    proxy = Proxy(0.05, 0.05)
    prior = LEARNED.prior(proxy)
    for truth in prior.center + prior.scale * rng.standard_t(4, runs):
        noise = np.where(rng.random(20) < 0.5, 0.0, rng.exponential(0.2, 20) - 0.2)
        found = borrowed_difference(truth + noise, np.arange(20), proxy, LEARNED)
        assert found is not None
        held += found.posterior.low <= truth <= found.posterior.high
    assert 0.92 <= held / runs <= 0.99
