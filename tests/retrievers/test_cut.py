"""The first k items are those of the one ranking order, however the corpus is ordered."""

import numpy as np
import pytest

from ragbench.core.context import Context
from ragbench.core.documents import Chunk, Chunks
from ragbench.core.runs import Query
from ragbench.plugins import RETRIEVERS, build
from ragbench.retrievers._cut import first_rows, nearest_rows
from ragbench.retrievers._neighbours import exact


@pytest.mark.parametrize("seed", range(20))
def test_first_rows_are_those_of_a_full_sort(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 60))
    scores = rng.integers(0, 5, n).astype(np.float32)
    ids = [f"d{i}" for i in rng.permutation(n)]
    k = int(rng.integers(1, n + 5))
    ranked = sorted((row for row in range(n) if scores[row]), key=lambda row: (scores[row], ids[row]), reverse=True)
    assert sorted(first_rows(scores, k, ids).tolist()) == sorted(ranked[:k])


@pytest.mark.parametrize("copies", [1, 40])
def test_nearest_rows_are_those_of_a_full_sort(copies: int) -> None:
    """With 40 copies of each vector, the search has to go deeper to see all equal scores."""
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(30, 16)).astype(np.float32)
    vectors = np.repeat(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), copies, axis=0)
    queries = vectors[::copies][:7] + rng.normal(size=(7, 16)).astype(np.float32) * 0.1
    ids = [f"d{i:05d}" for i in rng.permutation(len(vectors))]
    items, scores = nearest_rows(exact(vectors, "cpu").search, vectors, queries, 10, ids)
    for query, found, values in zip(queries, items.tolist(), scores, strict=True):
        true = np.einsum("ij,j->i", vectors.astype(np.float64), query.astype(np.float64)).astype(np.float32)
        expected = sorted(range(len(vectors)), key=lambda row: (true[row], ids[row]), reverse=True)[:10]
        assert found == expected
        np.testing.assert_array_equal(values, true[expected])


@pytest.mark.parametrize("spec", ["bm25", "dense"])
def test_the_order_of_the_corpus_does_not_change_a_ranking(spec: str) -> None:
    texts = [f"a {('red', 'green', 'blue')[i % 3]} tent" for i in range(60)]
    chunks = [Chunk(f"d{i:02d}", f"d{i:02d}", text, 0, len(text)) for i, text in enumerate(texts)]
    shuffled = [chunks[i] for i in np.random.default_rng(0).permutation(len(chunks))]
    query = Query("q", "a blue tent")
    runs = [
        build(RETRIEVERS, spec).index(Chunks.of(order), Context()).search([query], 10).ranking(0)
        for order in (chunks, shuffled)
    ]
    assert runs[0] == runs[1]
    assert [id_ for id_, _ in runs[0]] == [f"d{i}" for i in range(59, 29, -3)]
