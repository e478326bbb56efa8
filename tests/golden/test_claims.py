"""What a set claims about pairs of settings, beside human queries: by hand, and against numpy."""

from dataclasses import replace

import numpy as np
import pytest

from ragbench.core.context import generator
from ragbench.golden.claims import Claims, PerQuery, claims_of


def per_query(means: list[float], n: int = 200, seed: int = 0, wordings: int = 1, by_wording: float = 0.0) -> PerQuery:
    """Settings with these means. In every second wording, the last setting gains by_wording, elsewhere it loses it."""
    rng = np.random.default_rng(seed)
    values = np.array(means) + rng.normal(0, 0.02, (n, len(means)))
    labels = np.array([f"w{i % wordings}" for i in range(n)])
    values[:, -1] += np.where(np.arange(n) % wordings % 2 == 0, by_wording, -by_wording)
    return PerQuery(values, np.arange(n), labels)


def counts(found: Claims) -> tuple[int, int, int, int]:
    return found.confirmed, found.contradicted, found.open, found.missed


def compared(ours: PerQuery, theirs: PerQuery) -> Claims:
    return claims_of(ours, theirs, generator(0, "test"))


def test_claims_are_counted_by_pair() -> None:
    people = per_query([0.2, 0.4, 0.6], seed=1)
    assert counts(compared(per_query([0.2, 0.4, 0.6]), people)) == (3, 0, 0, 0)
    assert counts(compared(per_query([0.6, 0.4, 0.2]), people)) == (0, 3, 0, 0)
    assert counts(compared(per_query([0.4, 0.2, 0.6]), people)) == (2, 1, 0, 0)
    flat = replace(people, values=np.zeros((200, 3)))
    assert counts(compared(people, flat)) == (0, 0, 3, 0)
    assert counts(compared(per_query([0.4, 0.4 + 1e-9, 0.6], 3), people))[3] >= 1


def test_a_difference_that_changes_with_the_wording_is_no_claim() -> None:
    people = per_query([0.2, 0.4, 0.6], seed=1)
    steady = per_query([0.2, 0.4, 0.6], 600, wordings=5)
    assert counts(compared(steady, people)) == (3, 0, 0, 0)
    varied = per_query([0.2, 0.4, 0.6], 600, wordings=5, by_wording=0.5)
    assert counts(compared(varied, people)) == (1, 0, 0, 2)
    # With one wording, nothing can be said about others.
    alone = replace(varied, wordings=np.full(600, "w"))
    assert compared(alone, people).confirmed == 3


def test_the_slope_is_that_of_least_squares_over_all_pairs() -> None:
    rng = np.random.default_rng(4)
    ours, theirs = (per_query(rng.uniform(0.2, 0.8, 6).tolist(), seed=seed) for seed in (2, 3))
    found = compared(ours, theirs)
    pairs = [(i, j) for i in range(6) for j in range(i + 1, 6)]
    x, y = (np.array([one.values.mean(axis=0)[[i, j]] @ [-1, 1] for i, j in pairs]) for one in (ours, theirs))
    oracle = np.linalg.lstsq(x[:, None], y, rcond=None)[0][0]
    assert found.slope == pytest.approx(oracle)
    assert found.residual == pytest.approx(np.sqrt(((y - oracle * x) ** 2).mean()))
    assert found.slope_low < found.slope < found.slope_high


def test_the_interval_of_the_slope_holds_the_true_slope() -> None:
    """Differences on human queries are .6 of those on the set, over noise between queries."""
    held = []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        means = rng.uniform(0.3, 0.5, 8)
        ours = PerQuery(means + rng.normal(0, 0.2, (150, 8)), np.arange(150), np.full(150, ""))
        theirs = PerQuery(0.6 * means + rng.normal(0, 0.2, (150, 8)), np.arange(150), np.full(150, ""))
        found = claims_of(ours, theirs, generator(seed, "test"))
        held.append(found.slope_low <= 0.6 <= found.slope_high)
    assert np.mean(held) >= 0.88
