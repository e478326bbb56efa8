"""Looking often: the fixed test fails, the sequence does not."""

import math

import numpy as np
import numpy.typing as npt
import pytest
from scipy import optimize

from ragbench.stats.online.difference import Difference
from ragbench.stats.online.sequential import FEWEST_UNITS, always_valid, boundary, units_needed

LOOK_EVERY, LOOKS, EXPERIMENTS = 100, 50, 600


def peeking(draw: str, effect: float, rng: np.random.Generator) -> tuple[bool, bool, bool]:
    """One experiment: ever rejected by the fixed test, by the sequence; ever left the true effect out."""
    n = LOOK_EVERY * LOOKS
    arm = rng.integers(0, 2, n)
    if draw == "rate":
        y = (rng.random(n) < 0.05 + effect * arm).astype(float)
    elif draw == "orders":
        y = np.where(rng.random(n) < 0.05, rng.lognormal(3, 1, n), 0.0)
    else:
        y = rng.normal(effect * arm, 1)
    at = np.arange(LOOK_EVERY - 1, n, LOOK_EVERY)
    sizes = [np.cumsum(arm == v)[at] for v in (0, 1)]
    means = [np.cumsum(y * (arm == v))[at] / size for v, size in zip((0, 1), sizes, strict=True)]
    squares = [np.cumsum(y * y * (arm == v))[at] / size for v, size in zip((0, 1), sizes, strict=True)]
    error: npt.NDArray[np.float64] = np.sqrt(
        sum((q - m * m) / size for q, m, size in zip(squares, means, sizes, strict=True))
    )
    apart = means[1] - means[0]
    fixed = bool((np.abs(apart) > 1.96 * error).any())
    found = [
        always_valid(Difference(d, e, 0.0), (int(a), int(b))) for d, e, a, b in zip(apart, error, *sizes, strict=True)
    ]
    missed = any(f.low is not None and f.high is not None and not f.low <= effect <= f.high for f in found)
    return fixed, any(f.p < 0.05 for f in found), missed


@pytest.mark.parametrize("draw", ["normal", "rate", "orders"])
def test_peeking_breaks_the_fixed_test_and_not_the_sequence(draw: str) -> None:
    rng = np.random.default_rng(7)
    outcomes = np.array([peeking(draw, 0.0, rng) for _ in range(EXPERIMENTS)])
    fixed, sequence, missed = outcomes.mean(axis=0)
    print(f"{draw}: {LOOKS} looks reject in {fixed:.1%} (fixed test) and {sequence:.1%} (sequence) of null experiments")
    assert fixed > 0.2
    assert sequence < 0.05
    assert missed < 0.05


def test_the_sequence_covers_a_true_effect_at_every_look() -> None:
    rng = np.random.default_rng(8)
    assert np.mean([peeking("normal", 0.2, rng)[2] for _ in range(300)]) < 0.05


def test_p_is_the_level_whose_interval_ends_at_zero() -> None:
    found = always_valid(Difference(0.3, 0.1, 0.0), (2000, 2100), horizon=5000)

    def low(alpha: float) -> float:
        interval = always_valid(Difference(0.3, 0.1, 0.0), (2000, 2100), horizon=5000, alpha=alpha)
        assert interval.low is not None
        return interval.low

    assert found.p == pytest.approx(optimize.brentq(low, 1e-6, 0.9), rel=1e-6)


def test_the_mixture_is_a_martingale_in_hand_arithmetic() -> None:
    # N rho^2 = x; p = 1 / Lambda with the normal mixture Lambda = (1 + x)^-1/2 exp(z^2 x / 2 (1 + x)).
    rho2 = (2 * math.log(20) + math.log(1 + 2 * math.log(20))) / 10_000
    x, z = 6000 * rho2, 4.0
    expected = math.sqrt(1 + x) * math.exp(-(z**2) * x / (2 * (1 + x)))
    assert always_valid(Difference(4.0, 1.0, 0.0), (3000, 3000)).p == pytest.approx(expected)


def test_it_is_tightest_at_the_horizon() -> None:
    widths = {n: boundary(n, horizon=10_000) / math.sqrt(n) * math.sqrt(10_000) for n in (9_000, 10_000, 11_000)}
    assert boundary(10_000) == pytest.approx(1.55 * 1.96, rel=0.002)
    for n in (1_000, 100_000):
        # tuned to this n, the sequence is narrower there than the one tuned to 10,000
        assert boundary(n, horizon=n) < boundary(n, horizon=10_000)
    assert widths[9_000] > widths[10_000] > widths[11_000]  # more units, narrower intervals


def test_nothing_is_decided_before_there_are_enough_units() -> None:
    assert always_valid(Difference(5.0, 0.1, 0.0), (FEWEST_UNITS - 1, 10_000)).p == 1
    assert always_valid(Difference(5.0, 0.0, 0.0), (500, 500)).low is None
    assert always_valid(Difference(1e6, 1.0, 0.0), (500, 500)).p > 0


def test_units_needed_with_the_sequence_have_the_power_they_promise() -> None:
    needed = units_needed(2.0, 0.15, lambda units: boundary(units), power=0.8)
    assert needed is not None
    rng = np.random.default_rng(9)
    error = 2.0 / math.sqrt(needed)
    half = needed // 2
    found = [always_valid(Difference(d, error, 0.0), (half, half)).p < 0.05 for d in rng.normal(0.15, error, 4000)]
    assert np.mean(found) == pytest.approx(0.8, abs=0.02)
