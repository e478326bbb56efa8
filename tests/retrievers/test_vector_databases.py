"""Vector databases, each for real: filled by ragbench, and filled by somebody else through its own client."""

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from ragbench.core.context import Context
from ragbench.core.errors import InputError, SettingError
from ragbench.core.runs import Query
from ragbench.models.embed.minilm import MiniLM
from ragbench.plugins import RETRIEVERS, build
from ragbench.retrievers import _vector_database
from ragbench.retrievers._database import Rows, Search
from ragbench.retrievers._vector_database import write_collection
from ragbench.testing import check_retriever, small_corpus
from tests.retrievers.databases import DATABASES, Spec, spec_of

QUERIES = [Query("q1", "something for a warm night"), Query("q2", "drink from a river", frozenset({"filter-8"}))]


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Spec:
    """The spec of a database on disk."""
    return spec_of(request, tmp_path)


def test_finds_what_dense_finds(database: Spec) -> None:
    corpus = small_corpus()
    found = build(RETRIEVERS, database).index(corpus, Context()).search(QUERIES, 5)
    exact = build(RETRIEVERS, "dense").index(corpus, Context()).search(QUERIES, 5)
    for at in range(2):
        assert [id_ for id_, _ in found.ranking(at)] == [id_ for id_, _ in exact.ranking(at)]
        np.testing.assert_allclose(*([s for _, s in run.ranking(at)] for run in (found, exact)), atol=1e-4)


def test_a_second_run_finds_the_collection_filled(database: Spec) -> None:
    retriever, corpus = build(RETRIEVERS, database), small_corpus()
    first = retriever.index(corpus, Context())
    found = first.search(QUERIES, 3).to_dict()
    first.close()
    second = retriever.index(corpus, Context())
    assert (first.notes["filled"], second.notes["filled"]) == ("now", "earlier")
    for id_, ranking in second.search(QUERIES, 3).to_dict().items():
        assert ranking == pytest.approx(found[id_], abs=1e-5)
    second.close()


def test_a_collection_that_was_filled_for_users_is_searched_as_it_is(database: Spec) -> None:
    """Chunks are matched by a field, by their text, or, where the database keeps ids, by its id."""
    corpus, spec = small_corpus(), {**database, "collection": f"users_{uuid.uuid4().hex[:8]}"}
    assert write_collection(build(RETRIEVERS, spec), corpus, Context(), replace_it=False)[0] == len(corpus)
    with pytest.raises(SettingError, match=r"already"):
        write_collection(build(RETRIEVERS, spec), corpus, Context(), replace_it=False)
    assert write_collection(build(RETRIEVERS, spec), corpus, Context(), replace_it=True)[0] == len(corpus)
    exact = build(RETRIEVERS, "dense").index(corpus, Context()).search(QUERIES, 4)
    for field in ({"id_field": "chunk_id"}, {"text_field": "text"}):
        index = build(RETRIEVERS, {**spec, "existing": True, **field}).index(corpus, Context())
        run = index.search(QUERIES, 4)
        assert [id_ for id_, _ in run.ranking(0)] == [id_ for id_, _ in exact.ranking(0)]
        assert "ids_not_in_corpus" not in index.notes
        index.close()
    index = build(RETRIEVERS, {**spec, "existing": True, "id_field": "document_id", "returns": "document"})
    assert index.index(corpus, Context()).search(QUERIES, 4).ranking(0)[0][0] == exact.ranking(0)[0][0].split("-")[0]


def test_what_can_be_wrong(database: Spec) -> None:
    assert "no embedder 'minilmm'" in "".join(build(RETRIEVERS, {**database, "model": "minilmm"}).check())
    assert "existing=true" in "".join(build(RETRIEVERS, {**database, "id_field": "x"}).check())
    write_collection(build(RETRIEVERS, database), small_corpus(), Context(), replace_it=True)
    index = build(RETRIEVERS, {**database, "existing": True, "id_field": "sku"}).index(small_corpus(), Context())
    with pytest.raises(InputError, match="sku"):
        index.search(QUERIES, 1)
    index.close()


def test_conforms(database: Spec) -> None:
    check_retriever(build(RETRIEVERS, database))


def qdrant_theirs(path: Path, ids: list[str], texts: list[str], vectors: Any) -> None:
    client = pytest.importorskip("qdrant_client").QdrantClient(path=str(path))
    models = __import__("qdrant_client").models
    client.create_collection(
        "theirs", vectors_config={"body": models.VectorParams(size=384, distance=models.Distance.EUCLID)}
    )
    client.upsert("theirs", [
        models.PointStruct(id=at, vector={"body": vector.tolist()}, payload={"sku": id_, "body": text})
        for at, (id_, text, vector) in enumerate(zip(ids, texts, vectors, strict=True))
    ])  # fmt: skip
    client.close()


def lancedb_theirs(path: Path, ids: list[str], texts: list[str], vectors: Any) -> None:
    emb = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1])
    table = pa.table([emb, ids, texts], ["emb", "sku", "body"])
    pytest.importorskip("lancedb").connect(str(path)).create_table("theirs", table)


@pytest.mark.parametrize(
    ("spec", "fill"),
    [
        ({"name": "qdrant", "vector": "body"}, qdrant_theirs),
        ({"name": "lancedb", "vector": "emb", "metric": "l2"}, lancedb_theirs),
    ],
)
def test_a_collection_of_another_program(spec: Spec, fill: Callable[..., None], tmp_path: Path) -> None:
    """Other names of fields, other distances, an item that the corpus lacks."""
    corpus = small_corpus()
    texts = [*corpus.texts[:6], "warm night"]
    ids = [*corpus.ids[:6], "extra"]
    fill(tmp_path / "db", ids, texts, MiniLM().encode(texts, "passage"))
    spec = {**spec, "path": tmp_path / "db", "existing": True, "collection": "theirs"}
    by_id = build(RETRIEVERS, {**spec, "id_field": "sku"}).index(corpus, Context())
    run = by_id.search(QUERIES, 100)
    assert run.lengths.tolist() == [7, 7]
    assert run.ranking(0)[0][0] == "extra"
    assert by_id.notes["ids_not_in_corpus"] == 1
    by_id.close()
    by_text = build(RETRIEVERS, {**spec, "text_field": "body"}).index(corpus, Context())
    assert {id_ for id_, _ in by_text.search(QUERIES, 100).ranking(0)} >= set(corpus.ids[:6])
    by_text.close()


def test_a_collection_is_replaced_only_once_the_chunks_are_embedded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("lancedb", reason="needs the extra lancedb")
    spec = {"name": "lancedb", "path": tmp_path / "db", "collection": "stones"}
    write_collection(build(RETRIEVERS, spec), small_corpus(), Context(), replace_it=False)

    def breaks(*_: object, **__: object) -> None:
        raise InputError("the model is gone")

    monkeypatch.setattr(_vector_database, "embed", breaks)
    with pytest.raises(InputError, match="the model is gone"):
        write_collection(build(RETRIEVERS, spec), small_corpus(), Context(), replace_it=True)
    index = build(RETRIEVERS, {**spec, "existing": True, "id_field": "chunk_id"}).index(small_corpus(), Context())
    assert index.notes["items"] == len(small_corpus())


def test_pgvector_finds_more_than_its_index_can(request: pytest.FixtureRequest) -> None:
    """HNSW finds 1,000 rows at most."""
    spec = {"name": "pgvector", "url": request.getfixturevalue("postgres_url"), "collection": "many"}
    vectors = np.random.default_rng(1).normal(size=(1100, 8)).astype(np.float32)
    client = build(RETRIEVERS, spec).connect()
    table = client.create("many", 8, {})
    ids = [f"i{at}" for at in range(1100)]
    table.add(Rows(ids, vectors, [{"chunk_id": id_, "document_id": "d", "text": "t"} for id_ in ids]))
    table.finish()
    assert [len(hits) for hits in table.search(Search(vectors[:2], 1050, []))] == [1050, 1050]
    client.close()
