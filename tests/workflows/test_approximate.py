"""Approximate indexes judged against exact search, beside counts by hand and by sets."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import faiss
import numpy as np
import pytest

import ragbench as rb
from ragbench.core.context import Context
from ragbench.core.documents import Chunk, Chunks
from ragbench.core.errors import InputError
from ragbench.core.runs import Query
from ragbench.models.embed.base import Embedder, TextKind
from ragbench.render.evaluation import evaluation_json, evaluation_markdown
from ragbench.retrievers._neighbours import Approximation, FaissIndex, approximate
from ragbench.retrievers.base import Index, Ranking, Retriever
from ragbench.workflows.approximate import ExactAnswers, recall

TEXTS = ["red apples", "blue sky", "a tent", "a lamp", "running shoes", "a kettle", "green tea", "old maps"]


def unit_vectors(n: int, seed: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(n, 24)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


class Numbered(Embedder):
    """The vector of a text that is a number."""

    def __init__(self, vectors: np.ndarray) -> None:
        self.vectors, self.asked = vectors, 0

    def fingerprint(self) -> str:
        return "numbered"

    def encode(self, texts: Sequence[str], kind: TextKind, advance: object = None) -> np.ndarray:
        self.asked += 1
        if "unknown" in texts:
            raise InputError("no vector for 'unknown'")
        return self.vectors[[int(text) for text in texts]]


class Approximate(Index):
    def __init__(self, approximation: Approximation, parts: Sequence[Index] = ()) -> None:
        super().__init__([f"{row}" for row in range(len(approximation.vectors))])
        self.approximation, self.parts = approximation, parts

    def rank(self, queries: Sequence[Query], k: int) -> Ranking:
        items = np.arange(min(k, len(self.item_ids)), dtype=np.int32)
        return Ranking(np.tile(items, (len(queries), 1)), np.tile(-items.astype(np.float32), (len(queries), 1)))


def test_recall_is_the_share_that_sets_have_in_common() -> None:
    vectors, queries = unit_vectors(3000, 0), unit_vectors(40, 1)
    rows = approximate(vectors, "HNSW4,Flat", {"efConstruction": 8, "efSearch": 4}, seed=0).search(queries, 20)[1]
    products = queries @ vectors.T
    order = np.argsort(-products, axis=1)
    exact = np.sort(products, axis=1)[:, ::-1][:, :20]
    for k in (1, 10, 20):
        common = np.mean([len(set(a[:k]) & set(b[:k])) / k for a, b in zip(rows, order, strict=True)])
        assert recall(vectors, queries, rows, exact, k) == pytest.approx(common, abs=1e-12)
    assert 0.05 < recall(vectors, queries, rows, exact, 10) < 0.95


def test_an_item_that_ties_with_the_last_one_is_found_and_a_missing_one_is_not() -> None:
    vectors = np.array([[1, 0], [0.6, 0.8], [0.6, 0.8], [0, 1]], dtype=np.float32)
    query, exact = np.array([[1, 0]], dtype=np.float32), np.array([[1, 0.6]], dtype=np.float32)
    found = {rows: recall(vectors, query, np.array([rows]), exact, 2) for rows in ((0, 1), (0, 2), (2, -1), (3, 0))}
    assert found == {(0, 1): 1.0, (0, 2): 1.0, (2, -1): 0.5, (3, 0): 0.5}


def test_exact_search_is_shared_by_indexes_of_the_same_vectors() -> None:
    vectors = unit_vectors(2000, 0)
    embedder = Numbered(vectors)
    factories = {"IVF20,Flat": {"nprobe": 1}, "HNSW16,Flat": {"efConstruction": 40, "efSearch": 64}}
    made = [approximate(vectors, factory, settings, seed=0) for factory, settings in factories.items()]
    inner, outer = (Approximate(Approximation(embedder, "chunks", vectors, one, 0.5)) for one in made)
    outer.parts = (inner,)
    queries = [Query(f"{row}", f"{row}") for row in range(1500)]
    first, second = ExactAnswers(queries, seed=3).judge(outer, 100)
    assert embedder.asked == 1
    assert first.exact_speed == second.exact_speed
    assert (first.index, second.index) == ("faiss HNSW16,Flat", "faiss IVF20,Flat")
    assert first.queries == 1000  # a sample
    assert set(first.recall) == {10, 100}
    assert second.recall[100] < second.recall[10] < 1
    for found, neighbours in ((first, made[1]), (second, made[0])):
        assert found.index_bytes == len(faiss.serialize_index(neighbours._index))
        assert found.exact_bytes == vectors.nbytes
        assert min(found.speed.batch_qps, found.speed.single_qps) > 0


def test_threads_are_given_back() -> None:
    vectors = unit_vectors(50, 0)
    before = faiss.omp_get_max_threads()
    index = Approximate(Approximation(Numbered(vectors), "", vectors, approximate(vectors, "HNSW8,Flat", {}, 0), 0))
    ExactAnswers([Query("1", "1")], 0).judge(index, 5)
    assert faiss.omp_get_max_threads() == before


@pytest.fixture
def shelf() -> tuple[Chunks, rb.GoldenSet]:
    chunks = Chunks.of([Chunk(f"d{row}", f"d{row}", text, 0, len(text)) for row, text in enumerate(TEXTS)])
    items = (rb.GoldenItem("q1", "fruit", evidence=(rb.Evidence("d0"),)),
             rb.GoldenItem("q2", "camping", evidence=(rb.Evidence("d2"),)))  # fmt: skip
    return chunks, rb.GoldenSet(items, "shelf")


def test_an_evaluation_reports_approximate_indexes_also_from_its_store(
    shelf: tuple[Chunks, rb.GoldenSet], tmp_path: Path
) -> None:
    systems = ["dense", "dense:index_type=hnsw", 'hybrid:of=["bm25","dense:index_type=ivf"]']
    first, again = (rb.evaluate(*shelf, systems, cache=tmp_path, resamples=200) for _ in range(2))
    assert [arm.from_store for arm in again.arms] == [True] * 3
    assert [arm.approximate for arm in again.arms] == [arm.approximate for arm in first.arms]
    assert [len(arm.approximate) for arm in first.arms] == [0, 1, 1]
    (hnsw,) = json.loads(json.dumps(evaluation_json(first)))["arms"][1]["approximate"]
    assert hnsw["recall"] == {"recall@8": 1.0}
    assert (hnsw["vectors"], hnsw["queries"], hnsw["depth"]) == (8, 2, 8)
    assert {"build_seconds", "index_bytes", "exact_bytes"} < set(hnsw)
    assert {"batch_qps", "single_qps", "threads"} == set(hnsw["speed"]) == set(hnsw["exact_speed"])
    markdown = evaluation_markdown(first)
    assert "| recall@8 |" in markdown
    assert "| exact search |" in markdown


@dataclass(frozen=True)
class Rewritten(Retriever):
    """Searches other texts than the queries, which the table of vectors lacks."""

    cacheable: ClassVar[bool] = False

    def index(self, chunks: Chunks, context: Context) -> Index:
        vectors = unit_vectors(len(chunks), 0)
        built = approximate(vectors, "HNSW8,Flat", {}, seed=0)
        assert isinstance(built, FaissIndex)
        index = Approximate(Approximation(Numbered(vectors), "", vectors, built, 0.1))
        index.item_ids = chunks.ids
        return index


def test_a_system_that_cannot_be_compared_keeps_its_scores_and_says_why(shelf: tuple[Chunks, rb.GoldenSet]) -> None:
    chunks, golden = shelf
    items = (rb.GoldenItem("q1", "unknown", evidence=(rb.Evidence("d0"),)), *golden.items[1:])
    (arm,) = rb.evaluate(chunks, rb.GoldenSet(items, "shelf"), [Rewritten()], resamples=200).arms
    assert arm.status == "ok"
    assert arm.approximate == ()
    assert any("no vector for 'unknown'" in warning for warning in arm.warnings)
