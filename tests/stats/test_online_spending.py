"""Planned looks against published tables, simulation and the arithmetic of one look."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ragbench.stats.online.spending import (
    Spending,
    boundaries,
    conditional_power,
    drift_for,
    repeated_p,
    spent,
    stopped,
)

FIVE = (0.2, 0.4, 0.6, 0.8, 1.0)


@pytest.mark.parametrize(
    ("spending", "published"),
    [
        # Reboussin, DeMets, Kim and Lan 2000 (ldbounds), two-sided .05, five equal looks.
        ("obf", (4.877, 3.357, 2.680, 2.290, 2.031)),
        ("pocock", (2.438, 2.427, 2.410, 2.397, 2.386)),
    ],
)
def test_boundaries_are_those_of_the_tables(spending: Spending, published: tuple[float, ...]) -> None:
    assert boundaries(FIVE, 0.05, spending) == pytest.approx(published, abs=6e-4)


def test_one_look_is_the_normal_test() -> None:
    assert boundaries([1.0], 0.05) == (pytest.approx(stats.norm.isf(0.025)),)
    assert repeated_p(2.5, [1.0]) == pytest.approx(2 * stats.norm.sf(2.5), rel=1e-3)
    drift = drift_for([1.0], [1.959964], 0.8)
    assert drift == pytest.approx(1.959964 + stats.norm.ppf(0.8), abs=1e-6)


@given(
    steps=st.lists(st.floats(0.02, 1), min_size=1, max_size=6),
    alpha=st.floats(0.01, 0.2),
    spending=st.sampled_from(["obf", "pocock"]),
)
@settings(max_examples=25, deadline=None)
def test_all_looks_together_spend_alpha(steps: list[float], alpha: float, spending: Spending) -> None:
    times = np.cumsum(steps) / sum(steps)
    limits = boundaries(times.tolist(), alpha, spending)
    # Half of it on each side.
    assert stopped(times.tolist(), limits, 0.0)[-1] == pytest.approx(alpha / 2, rel=1e-3)


@pytest.mark.parametrize("spending", ["obf", "pocock"])
def test_simulated_looks_at_uneven_times(spending: Spending) -> None:
    rng = np.random.default_rng(1)
    times = np.array([0.15, 0.4, 0.45, 1.1])  # the last look came late
    limits = boundaries(times.tolist(), 0.05, spending)
    score = np.cumsum(rng.normal(size=(100_000, 4)) * np.sqrt(np.diff(times, prepend=0)), axis=1)
    z = score / np.sqrt(times)
    assert (np.abs(z) > limits).any(axis=1).mean() == pytest.approx(0.05, abs=0.0021)
    found = np.maximum.accumulate(z + 2.5 * np.sqrt(times) > limits, axis=1).mean(axis=0)
    assert found == pytest.approx(stopped(times.tolist(), limits, 2.5), abs=0.006)


def test_an_early_end_spends_what_is_left() -> None:
    early = [0.2, 0.4, 0.9]
    assert boundaries(early, last=True)[:2] == boundaries(early)[:2]
    assert stopped(early, boundaries(early, last=True), 0.0)[-1] == pytest.approx(0.025, rel=1e-3)
    assert stopped(early, boundaries(early), 0.0)[-1] == pytest.approx(spent(0.9, 0.05) / 2, rel=1e-3)


def test_p_is_the_alpha_whose_boundary_is_met() -> None:
    for look in (2, 4, 5):
        limit = boundaries(FIVE[:look], 0.03)[-1]
        assert repeated_p(limit, FIVE[:look]) == pytest.approx(0.03, rel=2e-3)
    assert repeated_p(0.0, FIVE[:3]) == 1
    assert repeated_p(-50.0, FIVE) > 0


def test_five_looks_cost_little_power() -> None:
    # Jennison and Turnbull 2000, chapter 7: an inflation of 1.02 to 1.03 for obf and 1.2 for pocock at 80% power.
    one = (stats.norm.isf(0.025) + stats.norm.ppf(0.8)) ** 2
    inflation = {s: drift_for(FIVE, boundaries(FIVE, 0.05, s), 0.8) ** 2 / one for s in ("obf", "pocock")}
    assert 1.01 < inflation["obf"] < 1.04
    assert 1.19 < inflation["pocock"] < 1.23


def test_conditional_power_by_simulation() -> None:
    rng = np.random.default_rng(2)
    now, drift, limit = 0.6, 2.8, 2.03
    score = 0.5 * math.sqrt(now) + drift * (1 - now) + math.sqrt(1 - now) * rng.normal(size=200_000)
    assert conditional_power(0.5, now, limit, drift) == pytest.approx((score > limit).mean(), abs=0.004)
