"""The posterior against scipy's quadrature, a closed form, a Markov chain and truths drawn from the prior."""

import itertools
import math

import numpy as np
import pytest
from scipy import integrate, stats

from ragbench.core.errors import SettingError
from ragbench.stats.posterior import posterior_difference


@pytest.mark.parametrize(
    ("n", "mean", "scale", "shape"),
    [
        (12, 0.1, 0.05, "normal"), (5, 0.5, 0.01, "cauchy"), (400, 0.001, 0.05, "normal"), (400, 0.3, 0.05, "cauchy"),
        (3, 0.1, 0.5, "cauchy"), (30, 0.0, 1e-4, "normal"),
    ],
)  # fmt: skip
def test_by_quadrature(n: int, mean: float, scale: float, shape: str) -> None:
    values = mean + np.random.default_rng(0).normal(0, 0.2, n)
    found = posterior_difference(values, np.arange(n), scale=scale, rope=0.01, shape=shape, confidence=0.9)  # type: ignore[arg-type]
    assert found is not None
    center, error = values.mean(), stats.sem(values)

    def density(x: float) -> float:
        """The logarithm of prior times likelihood, without constants, which cancel."""
        prior = -((x / scale) ** 2) / 2 if shape == "normal" else -math.log1p((x / scale) ** 2)
        return float(prior - n / 2 * math.log1p(((center - x) / error) ** 2 / (n - 1)))

    steps = np.array([-50, -20, -8, -4, -2, -1, 0, 1, 2, 4, 8, 20, 50])
    marks = np.unique(np.concatenate(([-0.01, 0.01], center + error * steps, scale * steps)))
    peak = max(map(density, marks))

    def mass(low: float, high: float) -> float:
        points = [low, *(mark for mark in marks if low < mark < high), high]
        return sum(
            integrate.quad(lambda x: math.exp(density(x) - peak), a, b, limit=200, epsabs=0, epsrel=1e-9)[0]
            for a, b in itertools.pairwise(points)
        )

    total = mass(-np.inf, np.inf)
    assert found.above == pytest.approx(mass(0.01, np.inf) / total, abs=1e-5)
    assert found.within == pytest.approx(mass(-0.01, 0.01) / total, abs=1e-5)
    assert found.below == pytest.approx(mass(-np.inf, -0.01) / total, abs=1e-5)
    for end, share in ((found.low, 0.05), (found.median, 0.5), (found.high, 0.95)):
        assert mass(-np.inf, end) / total == pytest.approx(share, abs=1e-5)


def test_many_documents_and_a_normal_prior_have_a_closed_form() -> None:
    values = np.random.default_rng(1).normal(0.04, 0.5, 20_000)
    found = posterior_difference(values, np.arange(20_000), scale=0.01, rope=0.0)
    assert found is not None
    error = stats.sem(values)
    weight = 0.01**2 / (0.01**2 + error**2)
    exact = stats.norm(weight * values.mean(), np.sqrt(weight) * error)
    assert found.within == 0
    ends = exact.mean(), exact.ppf(0.025), exact.ppf(0.975)
    assert (found.median, found.low, found.high) == pytest.approx(ends, abs=1e-5)
    assert found.above == pytest.approx(exact.sf(0), abs=1e-6)


def test_by_a_markov_chain_of_mean_and_spread() -> None:
    """Queries are normal with an unknown spread (Jeffreys' prior): integrating it out gives the t likelihood."""
    rng = np.random.default_rng(2)
    values = rng.normal(0.1, 0.2, 8)
    found = posterior_difference(values, np.arange(8), scale=0.05, rope=0.02)
    assert found is not None
    draws, mean, above = 40_000, 0.0, 0
    spread = np.sum((values - values.mean()) ** 2)
    kept = []
    for _ in range(draws):  # Gibbs: variance given the mean, then the mean given the variance
        variance = (spread + 8 * (values.mean() - mean) ** 2) / rng.chisquare(8)
        precision = 8 / variance + 1 / 0.05**2
        mean = rng.normal(8 / variance * values.mean() / precision, precision**-0.5)
        above += mean > 0.02
        kept.append(mean)
    assert found.above == pytest.approx(above / draws, abs=0.02)
    np.testing.assert_allclose(
        [found.low, found.median, found.high], np.quantile(kept, [0.025, 0.5, 0.975]), atol=0.004
    )


def test_a_cauchy_prior_lets_a_large_difference_pass() -> None:
    values = np.random.default_rng(3).normal(0.4, 0.2, 100)
    normal = posterior_difference(values, np.arange(100), scale=0.02, rope=0.01)
    cauchy = posterior_difference(values, np.arange(100), scale=0.02, rope=0.01, shape="cauchy")
    assert normal is not None
    assert cauchy is not None
    assert cauchy.median > 0.98 * values.mean() > normal.median


@pytest.mark.parametrize("sizes", [[1] * 200, [5] * 30, [8] * 6, [60] + [3] * 20])
def test_probabilities_are_right_if_truths_come_from_the_prior(sizes: list[int]) -> None:
    """`benchmarks/bayesian.py` measures it with more experiments, and where the prior is wrong."""
    rng = np.random.default_rng(4)
    clusters = np.repeat(np.arange(len(sizes)), sizes)
    rows = []
    for _ in range(600):
        true = rng.normal(0, 0.05)
        noise = np.sqrt(0.3) * rng.normal(size=len(sizes))[clusters] + np.sqrt(0.7) * rng.normal(size=len(clusters))
        found = posterior_difference(true + 0.3 * noise, clusters, scale=0.05, rope=0.02)
        assert found is not None
        rows.append((true, found.above, found.within, found.low <= true <= found.high))
    true, above, within, held = np.array(rows).T
    assert above.mean() == pytest.approx((true > 0.02).mean(), abs=0.04)
    assert within.mean() == pytest.approx((np.abs(true) <= 0.02).mean(), abs=0.04)
    assert 0.9 < held.mean() < 0.98
    sure = above > 0.8
    if len(sizes) >= 30:
        assert (true > 0.02)[sure].mean() == pytest.approx(above[sure].mean(), abs=0.08)


def test_what_has_no_posterior() -> None:
    one = np.zeros(10, dtype=np.int64)
    assert posterior_difference(np.random.default_rng(5).random(10), one, scale=0.05, rope=0.01) is None
    assert posterior_difference(np.zeros(10), np.arange(10), scale=0.05, rope=0.01) is None
    assert posterior_difference(np.full(10, 0.1), np.arange(10), scale=0.05, rope=0.01) is None
    values = np.random.default_rng(6).random(10)
    with pytest.raises(SettingError, match="scale of the prior is 0"):
        posterior_difference(values, np.arange(10), scale=0, rope=0.01)
    with pytest.raises(SettingError, match="at least 0"):
        posterior_difference(values, np.arange(10), scale=1, rope=-0.01)
    with pytest.raises(SettingError, match="no prior 'flat'"):
        posterior_difference(values, np.arange(10), scale=1, rope=0, shape="flat")  # type: ignore[arg-type]


def test_undefined_differences_are_skipped() -> None:
    values = np.random.default_rng(7).normal(0.1, 0.2, 20)
    gaps = np.insert(values, 3, np.nan)
    clusters = np.insert(np.arange(20), 3, 2)
    assert posterior_difference(gaps, clusters, scale=0.05, rope=0.01) == posterior_difference(
        values, np.arange(20), scale=0.05, rope=0.01
    )
