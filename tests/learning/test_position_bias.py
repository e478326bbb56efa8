"""The position bias that is estimated is the one that a simulation planted."""

from datetime import datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from ragbench.core.errors import InputError
from ragbench.core.search_log import LoggedSearch, SearchLog
from ragbench.golden.seeds import distinct_queries
from ragbench.io.search_logs import read_search_log
from ragbench.learning.interactions import Interactions, interactions
from ragbench.learning.propensities import propensities, share_moved

LATER = datetime(2100, 1, 1)
K = 10


def simulated(*, eta: float, noise: float, queries: int = 300, searches: int = 20, random_share: float = 0.0,
              seed: int = 0) -> Interactions:  # fmt: skip
    """Clicks of users who look at position k with probability k^-eta, and click what they look at and want.

    The ranking depends on relevance, with noise that differs between searches.
    """
    rng = np.random.default_rng(seed)
    columns: list[tuple[npt.NDArray[np.int64], ...]] = []
    places = np.arange(1, K + 1)
    session = 0
    for query in range(queries):
        attractive = rng.choice((0.6, 0.3, 0.05), p=(0.15, 0.15, 0.7), size=15)
        base = attractive * 3 + rng.normal(0, 0.7, 15)
        for _ in range(int(rng.integers(searches // 2, searches * 2))):
            shown = np.argsort(-(base + rng.normal(0, noise, 15)))[:K]
            random = rng.random() < random_share
            if random:
                shown = rng.permutation(shown)
            clicked = rng.random(K) < places**-eta * attractive[shown]
            session += 1
            own = (np.full(K, query), query * 15 + shown, places, clicked, np.full(K, random), np.full(K, session))
            columns.append(tuple(one.astype(np.int64) for one in own))
    query, item, place, clicked, random, visit = np.concatenate(columns, axis=1)
    acted = np.stack([clicked, np.zeros_like(clicked), np.zeros_like(clicked)], axis=1).astype(bool)
    ids = [str(n) for n in range(queries * 15)]
    return Interactions(ids, ids, query, item, place, acted, random.astype(bool), visit, SearchLog(()).ledger)


def estimated(found: Interactions, method: str) -> npt.NDArray[np.float64]:
    return propensities(found, method, rng=np.random.default_rng(1)).values  # type: ignore[arg-type]


@pytest.mark.parametrize("eta", [0.5, 1.0])
def test_expectation_maximisation_recovers_the_planted_bias(eta: float) -> None:
    truth = np.arange(1, K + 1) ** -eta
    found = simulated(eta=eta, noise=0.5)
    assert np.abs(estimated(found, "em") - truth).max() < 0.08
    # The click rates themselves mix the bias with relevance.
    naive = np.bincount(found.position, found.clicked)[1:] / np.bincount(found.position)[1:]
    assert np.abs(naive / naive[0] - truth).max() > 0.12


def test_pages_in_random_order_recover_the_planted_bias_with_a_sound_interval() -> None:
    truth = np.arange(1, K + 1) ** -0.8
    covered = []
    for seed in range(8):
        found = simulated(eta=0.8, noise=0.0, random_share=0.5, seed=seed)
        bias = propensities(found, "auto", rng=np.random.default_rng(seed))
        assert bias.method == "randomised"
        assert np.abs(bias.values - truth).max() < 0.12
        assert bias.impressions.sum() == found.randomised.sum() < len(found)
        covered.append((bias.low[1:] <= truth[1:]) & (truth[1:] <= bias.high[1:]))
    assert np.mean(covered) > 0.85  # of 72 intervals of 95%


def test_a_ranking_that_never_changes_is_reported() -> None:
    assert share_moved(simulated(eta=1.0, noise=0.0, queries=40)) == 0
    assert share_moved(simulated(eta=1.0, noise=0.5, queries=40)) > 0.9


def test_the_log_of_the_shop(sample_data: Path) -> None:
    """Its card says: a customer looks at position k with probability k^-0.8; 15% of the pages are in random order."""
    log = read_search_log(sample_data / "shop" / "log.csv")
    found = interactions(log, distinct_queries(log).of_search, LATER)
    truth = np.arange(1, 11) ** -0.8
    random = propensities(found, "auto", rng=np.random.default_rng(0))
    assert random.method == "randomised"
    assert ((random.low <= truth) & (truth <= random.high)).sum() >= 8
    assert np.abs(estimated(found, "em") - truth).max() < 0.1
    assert estimated(found, "none").tolist() == [1.0] * 10


def test_without_random_pages_they_cannot_be_asked_for() -> None:
    found = simulated(eta=1.0, noise=0.5, queries=10)
    assert propensities(found, "auto", rng=np.random.default_rng(0)).method == "em"
    with pytest.raises(InputError, match="randomised=NAME"):
        propensities(found, "randomised", rng=np.random.default_rng(0))


def test_deep_positions_without_a_click_have_no_zero() -> None:
    searches = [LoggedSearch(f"l:{n}", f"query {n % 3}", f"s{n}", results=("a", "b", "c", "d"), clicks=("a",) * (n % 2))
                for n in range(60)]  # fmt: skip
    log = SearchLog(tuple(searches))
    found = interactions(log, [search.query for search in searches], LATER)
    for method in ("em", "none"):
        assert (estimated(found, method) > 0).all()
