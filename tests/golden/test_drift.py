"""Drift of queries: the planted drift of the shop's log, topics, and reweighted golden sets by simulation."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

import ragbench as rb
from ragbench.core.errors import InputError
from ragbench.core.scored import QueryTable, ScoredRun
from ragbench.core.scores import Scores
from ragbench.core.search_log import LoggedSearch, SearchLog
from ragbench.golden.drift.drift import drift
from ragbench.golden.drift.queries import Both
from ragbench.golden.drift.reweigh import reweigh
from ragbench.golden.drift.topics import group, merged, nearest
from ragbench.stats.clusters import cluster_index

MAY = datetime(2026, 5, 4)
APRIL = datetime(2026, 4, 6)


def log_of(*sessions: Sequence[str], name: str = "log") -> SearchLog:
    return SearchLog(
        tuple(LoggedSearch(f"{n}", text, f"s{n}") for n, texts in enumerate(sessions) for text in texts), name
    )


def test_the_planted_drift_is_found(sample_data: Path) -> None:
    log = rb.read_search_log(sample_data / "shop" / "log.csv")
    found = rb.drift(log, log, reference_until=MAY, since=MAY, permutations=499)
    assert found.drifted
    assert found.p <= 0.02
    planted = next(topic for topic in found.topics if topic.new)
    assert "paddle" in planted.name
    assert any("paddle board" in text.lower() for text in planted.examples)
    assert planted.reference < 0.001 < 0.08 < planted.current
    types = {one.name: one for one in found.aspects}["types"]
    assert types.p_adjusted <= 0.02
    assert types.shares["question"][1] > 2 * types.shares["question"][0]
    assert types.shares["keyword"][1] < 0.7 * types.shares["keyword"][0]


@pytest.mark.parametrize(("until", "since", "end"), [
    (APRIL, APRIL, MAY), (datetime(2026, 4, 20), datetime(2026, 4, 20), MAY),
    (datetime(2026, 3, 23), datetime(2026, 3, 23), datetime(2026, 4, 13)),
])  # fmt: skip
def test_the_weeks_before_do_not_drift(sample_data: Path, until: datetime, since: datetime, end: datetime) -> None:
    log = rb.read_search_log(sample_data / "shop" / "log.csv")
    found = rb.drift(log, log, reference_until=until, since=since, until=end, permutations=299)
    assert not found.drifted
    assert not found.topics
    assert found.covered.mean > 0.95  # type: ignore[operator]


def test_the_golden_set_lacks_the_new_topic(sample_data: Path) -> None:
    shop = sample_data / "shop"
    before, after = (rb.drift(shop, shop / "log.csv", **period) for period in ({"until": MAY}, {"since": MAY}))
    assert [topic.new for topic in after.topics] == [True]
    assert "board" in after.topics[0].name
    assert not before.topics
    assert before.searches[0] == after.searches[0] == 198


def test_sessions_and_repetitions_do_not_inflate() -> None:
    reference = log_of(*([f"query {n}"] for n in range(30)))
    once = log_of(*([f"query {n}"] for n in range(30, 60)))
    often = log_of(*([f"query {n}"] * 5 for n in range(30, 60)))
    both, more = Both.of(reference, once), Both.of(reference, often)
    assert (both.sizes == more.sizes).all()
    assert more.repeated == 120
    # One user who searches for a hundred things is one session.
    one_user = Both.of(reference, log_of([f"thing {n}" for n in range(100)]))
    vectors = np.eye(len(one_user.texts), dtype=np.float32)
    with pytest.raises(InputError, match="one session"):
        drift(reference, reference, one_user, vectors)


def test_spellings_count_as_one_text() -> None:
    both = Both.of(log_of(["Led strip"], ["tent"]), log_of(["LED STRIP!", "led  strip"], ["kettle"]))
    assert list(both.texts) == ["Led strip", "tent", "kettle"]
    assert both.in_reference.tolist() == [1, 1, 0]
    assert both.in_current.tolist() == [1, 0, 1]
    assert both.has_sessions


def test_topics_are_groups_of_similar_vectors() -> None:
    rng = np.random.default_rng(0)
    centres = np.eye(8, dtype=np.float32)[:5]
    truth = rng.integers(0, 5, 2_000)
    vectors = centres[truth] + rng.normal(scale=0.1, size=(2_000, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    found = group(vectors, rng.integers(1, 9, 2_000), 0.5)
    pairs = {(a, b) for a, b in zip(truth.tolist(), found.tolist(), strict=True)}
    assert len(pairs) == 5
    assert nearest(vectors[:3], vectors) == pytest.approx([1, 1, 1], abs=1e-5)
    assert merged([centres[0], centres[0] + centres[1], centres[2]], 0.6) == [[0, 1], [2]]
    assert merged([], 0.5) == []


def system(name: str, values: npt.NDArray[np.float64], units: Sequence[str]) -> ScoredRun:
    ids = [f"q{n}" for n in range(len(values))]
    scores = Scores(ids, ("ndcg@10",), values[:, None])
    return ScoredRun(name, scores, QueryTable(ids, ids, [""] * len(ids), units))


def circle(share: float, n: int, rng: np.random.Generator) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Vectors of two topics, and which of them are of the first."""
    first = rng.random(n) < share
    vectors = np.where(first[:, None], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]) + rng.normal(scale=0.1, size=(n, 3))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), first


def test_reweighted_means_are_those_of_the_live_mix() -> None:
    """The golden set has 80% of an easy topic, the live queries 20%; the truth is .2 * .8 + .8 * .4 = .48."""
    rng, held, held_difference, golden = np.random.default_rng(1), 0, 0, []
    for _ in range(200):
        vectors, easy = circle(0.8, 300, rng)
        live, _ = circle(0.2, 400, rng)
        units = [f"d{n}" for n in rng.integers(0, 120, 300)]
        effect = rng.normal(scale=0.1, size=120)[cluster_index(units) % 120]
        one = np.where(easy, 0.8, 0.4) + effect + rng.normal(scale=0.1, size=300)
        other = one + np.where(easy, 0.1, -0.1) + rng.normal(scale=0.1, size=300)
        found = reweigh(
            [system("one", one, units), system("other", other, units)], "ndcg@10", vectors, live, np.arange(400),
            np.repeat(np.arange(200), 2), 0.5,
        )  # fmt: skip
        assert found.covered == 1
        assert found.effective < 300
        first, second = found.systems
        golden.append(first.golden)
        held += first.live.low <= 0.48 <= first.live.high  # type: ignore[operator]
        held_difference += second.difference.low <= -0.06 <= second.difference.high  # type: ignore[union-attr,operator]
    assert np.mean(golden) == pytest.approx(0.72, abs=0.01)
    assert 0.9 <= held / 200 <= 0.995
    assert 0.9 <= held_difference / 200 <= 1.0


def test_weights_that_rest_on_few_queries_are_refused() -> None:
    rng = np.random.default_rng(2)
    vectors, _ = circle(0.97, 200, rng)
    live, _ = circle(0.0, 300, rng)
    values = rng.random(200)
    found = reweigh([system("one", values, [f"d{n}" for n in range(200)])], "ndcg@10", vectors, live, np.arange(300),
                    np.arange(300), 0.5)  # fmt: skip
    assert found.effective < 30
    assert "at least 30" in found.refused
    assert not found.systems
    far = np.tile(np.array([0.0, 0.0, 1.0], np.float32), (50, 1))
    none = reweigh([system("one", values, [f"d{n}" for n in range(200)])], "ndcg@10", vectors, far, np.arange(50),
                   np.arange(50), 0.9)  # fmt: skip
    assert (none.covered, none.effective) == (0, 0)
    assert none.refused
