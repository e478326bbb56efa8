"""Chroma, for real: in memory, on disk and a collection made by someone else."""

import numpy as np
import pytest

from ragbench.core.context import Context
from ragbench.core.runs import Query
from ragbench.models.embed.minilm import MiniLM
from ragbench.plugins import RETRIEVERS, build
from ragbench.testing import check_retriever, small_corpus

chromadb = pytest.importorskip("chromadb", reason="needs the extra chroma")
QUERIES = [Query("q1", "something for a warm night"), Query("q2", "drink from a river", frozenset({"filter-8"}))]


def test_finds_what_dense_finds() -> None:
    corpus = small_corpus()
    found = build(RETRIEVERS, "chroma").index(corpus, Context()).search(QUERIES, 5)
    exact = build(RETRIEVERS, "dense").index(corpus, Context()).search(QUERIES, 5)
    for at in range(2):
        assert [id_ for id_, _ in found.ranking(at)] == [id_ for id_, _ in exact.ranking(at)]
        scores = [[s for _, s in run.ranking(at)] for run in (found, exact)]
        np.testing.assert_allclose(*scores, atol=1e-5)


def test_a_second_run_finds_the_collection_filled(tmp_path) -> None:
    retriever = build(RETRIEVERS, {"name": "chroma", "path": tmp_path / "db"})
    corpus = small_corpus()
    first, second = retriever.index(corpus, Context()), retriever.index(corpus, Context())
    assert (first.notes["filled"], second.notes["filled"]) == ("now", "earlier")
    assert first.search(QUERIES, 3).to_dict() == second.search(QUERIES, 3).to_dict()


def test_an_existing_collection_is_searched_as_it_is(tmp_path) -> None:
    corpus = small_corpus()
    client = chromadb.PersistentClient(str(tmp_path), settings=chromadb.config.Settings(anonymized_telemetry=False))
    theirs = client.create_collection("theirs", embedding_function=None)
    theirs.add(ids=[*corpus.ids[:6], "extra"], embeddings=MiniLM().encode([*corpus.texts[:6], "warm night"], "passage"))
    retriever = build(RETRIEVERS, {"name": "chroma", "path": tmp_path, "existing": True, "collection": "theirs"})
    index = retriever.index(corpus, Context())
    run = index.search(QUERIES, 100)
    assert run.lengths.tolist() == [7, 7]
    assert run.ranking(0)[0][0] == "extra"
    assert index.notes["ids_not_in_corpus"] == 1
    assert theirs.count() == 7


def test_what_can_be_wrong() -> None:
    assert "needs path" in build(RETRIEVERS, "chroma:existing=true").check()[0]
    assert "no embedder 'minilmm'" in build(RETRIEVERS, "chroma:model=minilmm").check()[0]


def test_conforms() -> None:
    check_retriever(build(RETRIEVERS, "chroma"))
