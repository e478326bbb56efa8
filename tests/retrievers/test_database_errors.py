"""What is wrong with a vector database or a collection, each for real: one error that says what to do."""

import re
import socket
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ragbench.core.context import Context
from ragbench.core.errors import InputError
from ragbench.core.runs import Query
from ragbench.models.embed.minilm import MiniLM
from ragbench.plugins import RETRIEVERS, build
from ragbench.retrievers._database import Rows
from ragbench.retrievers._vector_database import VectorDatabase
from ragbench.testing import small_corpus
from tests.retrievers.databases import DATABASES, Spec, spec_of

CORPUS = small_corpus()
QUERIES = [Query("q1", "something for a warm night")]


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Spec:
    return spec_of(request, tmp_path) | {"collection": f"stones_{uuid.uuid4().hex[:6]}"}


def made(spec: Spec, ids: list[str], vectors: Any) -> None:
    """Create a collection, and add items to it."""
    retriever: VectorDatabase = build(RETRIEVERS, spec)
    client = retriever.connect()
    collection = client.create(spec["collection"], vectors.shape[1], {})
    if ids:
        collection.add(Rows(ids, vectors, [{"chunk_id": id_, "document_id": "d", "text": "t"} for id_ in ids]))
    collection.finish()
    client.close()


def opened(spec: Spec) -> Any:
    return build(RETRIEVERS, {**spec, "existing": True, "id_field": "chunk_id"}).index(CORPUS, Context())


def test_a_collection_of_other_dimensions(database: Spec) -> None:
    made(database, ["a"], np.eye(3, dtype=np.float32)[:1])
    with pytest.raises(InputError, match=r"3 dimensions, and the embedder 'minilm' makes 384; set model="):
        opened(database)


def test_an_empty_collection(database: Spec) -> None:
    made(database, [], np.empty((0, 384), dtype=np.float32))
    with pytest.raises(InputError, match="is empty; fill it with ragbench index"):
        opened(database)


def test_a_collection_that_is_not_there(database: Spec) -> None:
    made(database, ["a"], MiniLM().encode(["a"], "passage"))
    with pytest.raises(InputError, match=rf"did you mean '{database['collection']}'\?"):
        opened({**database, "collection": f"{database['collection']}x"})
    with pytest.raises(InputError, match=r"no collection 'other' \(it has: "):
        opened({**database, "collection": "other"})


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def test_a_database_that_is_not_there(database: Spec, tmp_path: Path) -> None:
    """A server that does not answer, and a file that is no database."""
    address = {
        "qdrant": {"url": f"http://127.0.0.1:{free_port()}"},
        "milvus": {"url": f"http://127.0.0.1:{free_port()}", "timeout": 1},
        "opensearch": {"url": f"http://127.0.0.1:{free_port()}"},
        "pgvector": {"url": f"postgresql://user@127.0.0.1:{free_port()}/name"},
    }
    broken = tmp_path / "file.db"
    broken.write_text("not a database")
    places = [address[database["name"]]] if database["name"] in address else []
    places += [{"path": broken}] if "path" in database else []
    for place in places:
        said = f"{re.escape(str(place.get('path') or '127.0.0.1'))}.* cannot be opened: .*Check "
        with pytest.raises(InputError, match=said):
            opened({"name": database["name"], "collection": "stones", **place})


def chroma_l2(spec: Spec, vectors: Any) -> None:
    client = build(RETRIEVERS, spec).connect()._client
    client.create_collection(
        spec["collection"], configuration={"hnsw": {"space": "l2"}}, embedding_function=None
    ).add(ids=list(CORPUS.ids), embeddings=vectors)  # fmt: skip


def qdrant_l2(spec: Spec, vectors: Any) -> None:
    models = pytest.importorskip("qdrant_client").models
    client = build(RETRIEVERS, spec).connect()._client
    params = models.VectorParams(size=384, distance=models.Distance.EUCLID)
    client.create_collection(spec["collection"], vectors_config={"one": params, "two": params})
    client.upsert(spec["collection"], [
        models.PointStruct(id=at, vector={"one": vector.tolist()}, payload={"chunk_id": id_})
        for at, (id_, vector) in enumerate(zip(CORPUS.ids, vectors, strict=True))
    ])  # fmt: skip
    client.close()


def milvus_l2(spec: Spec, vectors: Any) -> None:
    client = build(RETRIEVERS, spec).connect()._client
    client.create_collection(
        spec["collection"], dimension=384, metric_type="L2", id_type="string", max_length=64, primary_field_name="key"
    )
    client.insert(spec["collection"], [
        {"key": id_, "vector": vector.tolist()} for id_, vector in zip(CORPUS.ids, vectors, strict=True)
    ])  # fmt: skip
    client.close()


@pytest.mark.parametrize(
    ("database", "fill", "more"),
    [("chroma", chroma_l2, {}), ("qdrant", qdrant_l2, {"vector": "one", "id_field": "chunk_id"}),
     ("milvus", milvus_l2, {})],
    indirect=["database"],
)  # fmt: skip
def test_distances_rank_as_cosine_does_and_are_named(database: Spec, fill: Any, more: Spec) -> None:
    """Vectors of unit length. A single item has a score of the same sign as many."""
    fill(database, MiniLM().encode(CORPUS.contents, "passage"))
    index = build(RETRIEVERS, {**database, "existing": True, **more}).index(CORPUS, Context())
    exact = build(RETRIEVERS, "dense").index(CORPUS, Context()).search(QUERIES, 4)
    run = index.search(QUERIES, 4)
    assert [id_ for id_, _ in run.ranking(0)] == [id_ for id_, _ in exact.ranking(0)]
    assert index.search(QUERIES, 1).ranking(0)[0][1] == pytest.approx(run.ranking(0)[0][1])
    assert index.notes["metric"] == "l2"
    index.close()


def test_vectors_that_the_items_do_not_have(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    vectors = MiniLM().encode(CORPUS.contents, "passage")
    pytest.importorskip("qdrant_client")
    spec = {"name": "qdrant", "path": tmp_path / "q", "collection": "stones"}
    qdrant_l2(spec, vectors)
    with pytest.raises(InputError, match=r"several vectors: one, two\. Set vector="):
        opened(spec)
    with pytest.raises(InputError, match=r"no vectors 'on'; did you mean 'one'"):
        opened({**spec, "vector": "on"})
    pytest.importorskip("lancedb")
    spec = {"name": "lancedb", "path": tmp_path / "l", "collection": "stones"}
    made(spec, list(CORPUS.ids), vectors)
    with pytest.raises(InputError, match=r"no vectors 'emb'"):
        opened({**spec, "vector": "emb"})
    spec = {"name": "pgvector", "url": request.getfixturevalue("postgres_url"), "collection": "stones"}
    made(spec, list(CORPUS.ids), vectors)
    with pytest.raises(InputError, match=r"no vectors 'emb'"):
        opened({**spec, "vector": "emb"})


def test_an_index_for_another_metric(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """The search would go past the index, and be neither as fast nor as inexact as in production."""
    lancedb = pytest.importorskip("lancedb")
    spec = {"name": "lancedb", "path": tmp_path / "l", "collection": "stones"}
    vectors = np.tile(MiniLM().encode(CORPUS.contents, "passage"), (30, 1))
    made(spec, [f"{at}" for at in range(len(vectors))], vectors)
    table = lancedb.connect(str(tmp_path / "l")).open_table("stones")
    table.create_index("vector", config=lancedb.index.IvfFlat(distance_type="l2", num_partitions=2))
    with pytest.raises(InputError, match="compares by l2, but metric is cosine; set metric=l2"):
        opened(spec)
    assert opened({**spec, "metric": "l2"}).notes["metric"] == "l2"
    spec = {"name": "pgvector", "url": request.getfixturevalue("postgres_url"), "collection": "Stones 2"}
    made(spec, list(CORPUS.ids), MiniLM().encode(CORPUS.contents, "passage"))
    with pytest.raises(InputError, match="compares by cosine, but metric is dot; set metric=cosine"):
        opened({**spec, "metric": "dot"})
    opened(spec).close()
