"""The page's columns against the same, worked out query by query."""

import numpy as np
import pytest

from ragbench.core.judgements import Judgements
from ragbench.core.runs import Run
from ragbench.core.scored import QueryTable, ScoredRun
from ragbench.core.scores import Scores
from ragbench.render.html.rankings import DEPTH, NOT_JUDGED, RELEVANT, Packed, pack_rankings

QUERIES = [f"q{i}" for i in range(30)]


def system(name: str, seed: int, judged: dict[str, dict[str, int]], chunks: str = "one") -> ScoredRun:
    rng = np.random.default_rng(seed)
    rankings = {
        id_: {f"i{n}": float(rng.random()) for n in rng.choice(90, int(rng.integers(0, 50)), replace=False)}
        for id_ in QUERIES
    }
    table = QueryTable(QUERIES, QUERIES, [""] * 30, QUERIES)
    scores = Scores(QUERIES, ("ndcg@10",), np.zeros((30, 1)))
    manifest = {"chunks": {"fingerprint": chunks}}
    run = Run.from_dict(rankings)
    return ScoredRun(name, scores, table, run, Judgements.from_dict(judged), manifest=manifest)


def labels(seed: int) -> dict[str, dict[str, int]]:
    rng = np.random.default_rng(seed)
    return {
        id_: {f"i{n}": int(rng.integers(-1, 4)) for n in rng.choice(120, int(rng.integers(0, 60)), replace=False)}
        for id_ in QUERIES
    }


def shown(packed: Packed, place: int) -> list[list[tuple[str, int]]]:
    arrays, ids = packed.arrays, packed.items.ids
    ends = np.cumsum(arrays[f"count:{place}"].astype(int)).tolist()
    pairs = list(zip(arrays[f"item:{place}"].tolist(), arrays[f"label:{place}"].tolist(), strict=True))
    return [[(ids[item], label) for item, label in pairs[a:b]] for a, b in zip([0, *ends], ends, strict=False)]


@pytest.mark.parametrize("seed", range(5))
def test_items_labels_and_first_relevant(seed: int) -> None:
    judged = labels(seed)
    runs = [system("a", seed, judged), system("b", seed + 100, judged)]
    packed = pack_rankings(runs)
    assert packed.group == (0, 0)
    assert len(set(packed.items.ids)) == len(packed.items.ids)
    for place, run in enumerate(runs):
        assert run.run is not None
        rankings = [[item for item, _ in run.run.ranking(row)] for row in range(30)]
        expected = [
            [(item, judged[id_].get(item, NOT_JUDGED)) for item in ranking[:DEPTH]]
            for id_, ranking in zip(QUERIES, rankings, strict=True)
        ]
        assert shown(packed, place) == expected
        first = [
            next((rank for rank, item in enumerate(ranking, 1) if judged[id_].get(item, 0) > 0), 0)
            for id_, ranking in zip(QUERIES, rankings, strict=True)
        ]
        assert packed.arrays[f"first:{place}"].tolist() == first


def test_what_is_to_be_found_best_grade_first() -> None:
    judged = labels(1)
    packed = pack_rankings([system("a", 1, judged)])
    totals = [sum(label > 0 for label in judged[id_].values()) for id_ in QUERIES]
    assert packed.arrays["relevant_total:0"].tolist() == totals
    assert packed.arrays["relevant_count:0"].tolist() == [min(total, RELEVANT) for total in totals]
    grades = packed.arrays["relevant_grade:0"].tolist()
    at = 0
    for id_, total in zip(QUERIES, totals, strict=True):
        count = min(total, RELEVANT)
        assert grades[at : at + count] == sorted((g for g in judged[id_].values() if g > 0), reverse=True)[:count]
        at += count
    named = [packed.items.ids[row] for row in packed.arrays["relevant_item:0"]]
    assert all(packed.items.best[packed.items.ids.index(id_)] == 0 for id_ in named)


def test_items_of_other_chunks_are_other_items() -> None:
    judged = labels(2)
    packed = pack_rankings([system("a", 2, judged), system("b", 2, judged, chunks="two")])
    assert packed.group == (0, 1)
    assert len(packed.items.ids) == 2 * len(set(packed.items.ids))
    assert set(packed.items.owner) == {0, 1}


def test_a_system_without_judgements_or_rankings() -> None:
    run = system("a", 3, labels(3))
    bare = ScoredRun("b", run.scores, run.queries)
    unjudged = ScoredRun("c", run.scores, run.queries, run.run, manifest=run.manifest)
    packed = pack_rankings([bare, unjudged])
    assert packed.group == (-1, 0)
    assert "item:0" not in packed.arrays
    assert set(packed.arrays["label:1"].tolist()) == {NOT_JUDGED}
    assert set(packed.arrays["first:1"].tolist()) == {0}
