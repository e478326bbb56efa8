from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from ragbench.core.context import Context
from ragbench.core.documents import Chunks
from ragbench.core.errors import ArmError
from ragbench.core.runs import Query, Run
from ragbench.retrievers.base import Index, Ranking
from ragbench.retrievers.hybrid import Hybrid, HybridIndex, scaled


@dataclass
class Fixed(Index):
    """Always the same scores for the same query."""

    scores: dict[str, dict[str, float]]

    def __init__(self, chunks: Chunks, scores: dict[str, dict[str, float]]) -> None:
        super().__init__(chunks.ids)
        self.scores, self.row = scores, chunks.row

    def rank(self, queries: Sequence[Query], k: int) -> Ranking:
        width = max(len(self.scores[q.id]) for q in queries)
        items = np.full((len(queries), width), -1, dtype=np.int32)
        scores = np.zeros((len(queries), width), dtype=np.float32)
        for i, query in enumerate(queries):
            for j, (id_, score) in enumerate(self.scores[query.id].items()):
                items[i, j], scores[i, j] = self.row[id_], score
        return Ranking(items, scores)


def fused(shelf: Chunks, first: dict[str, float], second: dict[str, float], **settings: object) -> dict[str, float]:
    parts: list[Index] = [Fixed(shelf, {"q": first}), Fixed(shelf, {"q": second})]
    index = HybridIndex(Hybrid(**settings), parts, shelf.ids)  # type: ignore[arg-type]
    return index.search([Query("q", "any")], 10).to_dict()["q"]


def test_reciprocal_ranks_are_added(shelf: Chunks) -> None:
    found = fused(shelf, {"tent": 9, "tarp": 5, "bed": 1}, {"tarp": 0.9, "lead": 0.8})
    expected = {"tarp": 1 / 62 + 1 / 61, "tent": 1 / 61, "lead": 1 / 62, "bed": 1 / 63}
    assert found == pytest.approx(expected)
    assert list(found) == ["tarp", "tent", "lead", "bed"]


def test_weights_and_constant(shelf: Chunks) -> None:
    found = fused(shelf, {"tent": 9, "tarp": 5}, {"tarp": 1}, weights=(2.0, 1.0), rrf_k=1)
    assert found == pytest.approx({"tent": 2 / 2, "tarp": 2 / 3 + 1 / 2})


def test_min_max_scaling(shelf: Chunks) -> None:
    found = fused(shelf, {"tent": 10, "tarp": 5, "bed": 0}, {"tarp": 3, "bed": 3}, fusion="minmax")
    # tent 1; tarp .5 + 1 (constant list); bed 0 + 1
    assert found == pytest.approx({"tarp": 1.5, "tent": 1.0, "bed": 1.0})


def test_z_scores_with_absent_items_at_the_lowest(shelf: Chunks) -> None:
    found = fused(shelf, {"tent": 4, "tarp": 2, "bed": 0}, {"lead": 7}, fusion="zscore")
    deviation = np.std([4, 2, 0])
    assert found == pytest.approx({"tent": 4 / deviation, "tarp": 2 / deviation, "bed": 0.0, "lead": 0.0})


def test_exclusions_apply_within_each_part(shelf: Chunks) -> None:
    parts: list[Index] = [Fixed(shelf, {"q": {"tent": 9, "tarp": 5}}), Fixed(shelf, {"q": {"tent": 1, "lead": 0.5}})]
    run = HybridIndex(Hybrid(), parts, shelf.ids).search([Query("q", "any", frozenset({"tent"}))], 10)
    # with tent out, tarp and lead are first in their lists
    assert run.to_dict()["q"] == pytest.approx({"tarp": 1 / 61, "lead": 1 / 61})


def test_scaling_leaves_empty_rankings_alone() -> None:
    run = Run.of(["a", "b", "c"], [0, 0, 2], [0, 1, 1], [4.0, 2.0, 5.0], ["x", "y"])
    assert scaled(run, "minmax").tolist() == [1.0, 0.0, 1.0]
    assert len(scaled(Run.of(["a"], [], [], [], ["x"]), "zscore")) == 0


def test_every_fault_is_named() -> None:
    faults = Hybrid(of=("bm25:k1=-1", "nothing"), weights=(1.0,), depth=0).check()
    assert len(faults) == 4


def test_key_depends_on_the_parts() -> None:
    assert Hybrid(of=("bm25", "dense")).key() != Hybrid(of=("bm25:k1=1.5", "dense")).key()


def test_it_runs_on_real_parts(shelf: Chunks) -> None:
    run = Hybrid().index(shelf, Context()).search([Query("q", "something to sleep in when camping")], 3)
    assert {item for item, _ in run.ranking(0)} & {"tent", "tarp"}


def test_it_is_kept_only_if_every_part_may_be() -> None:
    assert Hybrid().cacheable
    assert not Hybrid(of=("bm25", "http:url=http://127.0.0.1:9/search")).cacheable


def test_the_unit_is_that_of_the_parts(shelf: Chunks, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text('{"q": {"tent": 2.0, "tarp": 1.0}}', encoding="utf-8")
    documents = f"run:path={path},returns=document"
    index = Hybrid(of=(documents, documents)).index(shelf, Context())
    run = index.search([Query("q", "any")], 5)
    assert (run.unit, [item for item, _ in run.ranking(0)]) == ("document", ["tent", "tarp"])
    with pytest.raises(ArmError, match="cannot be fused"):
        Hybrid(of=(documents, "bm25")).index(shelf, Context())


@pytest.mark.parametrize("fusion", ["rrf", "minmax", "zscore"])
def test_a_ranking_does_not_depend_on_what_other_queries_leave_out(shelf: Chunks, fusion: str) -> None:
    index = Hybrid(fusion=fusion, depth=2).index(shelf, Context())  # type: ignore[arg-type]
    one, other = Query("q", "a light to run with at night"), Query("r", "rain", frozenset({"tent", "tarp", "bed"}))
    assert index.search([one, other], 2).ranking(0) == index.search([one], 2).ranking(0)


def test_a_longer_ranking_begins_as_the_shorter_one(shelf: Chunks) -> None:
    for fusion in ("rrf", "minmax", "zscore"):
        index = Hybrid(fusion=fusion, depth=3).index(shelf, Context())  # type: ignore[arg-type]
        query = Query("q", "a light tent for rain and a dog")
        short = [item for item, _ in index.search([query], 3).ranking(0)]
        long = [item for item, _ in index.search([query], 8).ranking(0)]
        assert long[:3] == short
        assert len(long) == len(set(long)) == 8
