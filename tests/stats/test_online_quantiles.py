"""Quantiles of paired values: the interval against enumeration, arithmetic by hand and simulation."""

import math

import numpy as np
import pytest
from scipy import stats

from ragbench.stats.online.quantiles import quantile_change


def test_the_limit_by_hand() -> None:
    # 20 pairs, median: shifts below 10 leave all challengers above, so the test turns where 5 of 6 pairs disagree.
    control = np.arange(20.0)
    found = quantile_change(control, control + 10, 0.5, relative=False)
    assert found.low is not None
    assert found.high is not None
    assert found.low < 10 < found.high
    assert (found.control, found.challenger, found.pairs) == (9.5, 19.5, 20)

    def p(shift: float) -> float:
        both = np.sort(np.concatenate([control + shift, control + 10]))
        level = both[19]
        wins = int(((control + 10 > level) & ~(control + shift > level)).sum())
        losses = int((~(control + 10 > level) & (control + shift > level)).sum())
        return float(stats.binomtest(wins, wins + losses, alternative="greater").pvalue) if wins else 1.0

    assert p(found.low - 1e-6) <= 0.05 < p(found.low + 1e-6)
    # The mirror: exchanging the systems turns the signs.
    mirror = quantile_change(control + 10, control, 0.5, relative=False)
    assert (mirror.low, mirror.high) == (pytest.approx(-found.high), pytest.approx(-found.low))


@pytest.mark.parametrize(
    ("share", "alpha", "fewest"), [(0.5, 0.05, 5), (0.95, 0.05, 50), (0.99, 0.05, 250), (0.95, 0.01, 70)]
)
def test_too_few_pairs_have_no_limit(share: float, alpha: float, fewest: int) -> None:
    # Five of five discordant pairs have p = 1/32, four 1/16; at .01 it takes seven.
    rng = np.random.default_rng(1)
    for n, is_known in ((fewest - 1, False), (fewest, True)):
        values = rng.permutation(np.arange(1.0, n + 1))
        found = quantile_change(values, values, share, alpha=alpha)
        assert found.fewest == fewest
        assert (found.low is not None) == (found.high is not None) == is_known


def test_a_ratio_does_not_depend_on_the_unit() -> None:
    rng = np.random.default_rng(2)
    a, b = rng.lognormal(3, 0.5, 200), rng.lognormal(3.2, 0.5, 200)
    one, other = quantile_change(a, b, 0.95), quantile_change(a / 1000, b / 1000, 0.95)
    assert (one.low, one.high) == (pytest.approx(other.low), pytest.approx(other.high))


@pytest.mark.parametrize("share", [0.5, 0.95])
@pytest.mark.parametrize("heavy", [False, True])
def test_an_unchanged_quantile_lies_in_the_interval(share: float, heavy: bool) -> None:
    rng = np.random.default_rng(3)
    missed = plain = 0
    for _ in range(200):
        shared = rng.normal(size=200)
        z = (math.sqrt(0.5) * shared + math.sqrt(0.5) * rng.normal(size=200) for _ in range(2))
        a, b = (stats.norm.sf(x) ** (-1 / 1.5) if heavy else np.exp(0.7 * x) for x in z)
        found = quantile_change(a, b, share)
        assert found.low is not None
        missed += found.low > 0
        plain += found.challenger > 1.05 * found.control
    assert missed <= 16  # 5% of 200, and two standard errors
    assert plain > 25  # one figure without an interval
