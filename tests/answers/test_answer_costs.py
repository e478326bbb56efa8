"""What answers took, against scipy's binomial distribution and hand arithmetic."""

import numpy as np
import pytest
from scipy.stats import binom, t

from ragbench.answers.measured import measured
from ragbench.core.answers import Answered, AnswerSet
from ragbench.stats.intervals import percentile


@pytest.mark.parametrize("n", [1, 5, 6, 7, 30, 99, 200])
def test_interval_of_the_median_covers_by_the_binomial_distribution(n: int) -> None:
    found = percentile(np.arange(1.0, n + 1), 0.5)
    assert found is not None
    assert (found.low is None) == (found.high is None) == (n < 6)
    if found.low is None or found.high is None:
        return
    # The values are their own ranks: the median lies below the k-th value where fewer than k fall under it.
    assert binom.cdf(found.low - 1, n, 0.5) <= 0.025 < binom.cdf(found.low, n, 0.5)
    assert binom.sf(found.high - 1, n, 0.5) <= 0.025 < binom.sf(found.high - 2, n, 0.5)


def answers(seconds: list[float | None], costs: list[float | None]) -> AnswerSet:
    pairs = enumerate(zip(seconds, costs, strict=True))
    return AnswerSet(tuple(Answered(f"q{i}", "", "said", seconds=s, cost=c) for i, (s, c) in pairs))


def test_cost_has_the_interval_of_its_known_values() -> None:
    given = answers([0.5, 1.5, None, 1.0], [2.1, None, 2.2, 2.6])
    latency, cost, intervals = measured(given, np.arange(4), np.random.default_rng(0), 1_000)
    assert latency["p50"] == 1000
    assert cost == pytest.approx(2.3)
    # Standard deviation of 2.1, 2.2 and 2.6 is the root of .07.
    reach = t.ppf(0.975, 2) * np.sqrt(0.07 / 3)
    assert intervals == {"cost_per_query": pytest.approx((2.3 - reach, 2.3 + reach))}
    # Nothing costs less than nothing.
    cheap = answers([None] * 10, [0.0] * 9 + [0.01])
    assert measured(cheap, np.arange(10), np.random.default_rng(0), 100)[2]["cost_per_query"][0] == 0


def test_nothing_known_has_no_interval() -> None:
    assert measured(answers([None] * 3, [None] * 3), np.arange(3), np.random.default_rng(0), 100) == ({}, None, {})
    one = measured(answers([None] * 2, [0.1, None]), np.arange(2), np.random.default_rng(0), 100)
    assert one == ({}, 0.1, {})
    assert measured(answers([1.0] * 9, [None] * 9), np.arange(9), np.random.default_rng(0), 100)[2] == {
        "p50": (1e3, 1e3)
    }
