"""The retriever ``opensearch`` against a server that follows the documentation."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from ragbench.core.context import Context
from ragbench.core.errors import InputError
from ragbench.core.filters import Filter
from ragbench.core.runs import Query
from ragbench.models.embed.minilm import MiniLM
from ragbench.plugins import RETRIEVERS, build
from ragbench.retrievers._vector_database import write_collection
from ragbench.testing import small_corpus
from tests.retrievers.opensearch_server import Server, opensearch

pytest.importorskip("opensearchpy", reason="needs the extra opensearch")
CORPUS = small_corpus()
QUERY = Query("q1", "a light tent for two people")
NAME = {"name": "opensearch", "collection": "stones"}


@pytest.fixture
def server() -> Iterator[Server]:
    with opensearch() as found:
        yield found


@pytest.fixture
def filled(server: Server) -> dict[str, Any]:
    spec = {**NAME, "url": server.url}
    write_collection(build(RETRIEVERS, spec), CORPUS, Context(), replace_it=False)
    return {**spec, "existing": True, "id_field": "chunk_id"}


def ranked(spec: dict[str, Any], query: Query = QUERY, k: int = 20) -> list[tuple[str, float]]:
    retriever = build(RETRIEVERS, spec)
    assert retriever.check() == []
    index = retriever.index(CORPUS, Context())
    found = index.search([query], k).ranking(0)
    index.close()
    return found


def shared(id_: str) -> int:
    """Words that a chunk shares with the query, in its title or in its text."""
    row = CORPUS.row[id_]
    title = CORPUS.titles[int(CORPUS.document_index[row])]
    words = set(QUERY.text.split())
    return max(
        len(words & set(text.lower().replace(",", " ").replace(".", " ").split()))
        for text in (title, CORPUS.texts[row])
    )


def test_words_are_searched_without_a_vector(server: Server, filled: dict[str, Any]) -> None:
    found = ranked({**filled, "mode": "text"})
    assert [score for _, score in found] == [shared(id_) for id_, _ in found]
    assert found[0][1] > 1
    requests = [json.loads(raw) for _, path, raw in server.asked if path.endswith("_search")]
    assert all("knn" not in json.dumps(one) for one in requests)


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
def test_hybrid_is_the_weighted_mean_of_scaled_scores(filled: dict[str, Any], weight: float) -> None:
    def scaled(mode: str) -> dict[str, float]:
        found = dict(ranked({**filled, "mode": mode}, k=20))
        low, high = min(found.values()), max(found.values())
        return {id_: max((score - low) / (high - low), 0.001) for id_, score in found.items()}

    words, vectors = scaled("text"), scaled("vector")
    wanted = {id_: (1 - weight) * words.get(id_, 0.0) + weight * vectors.get(id_, 0.0) for id_ in {*words, *vectors}}
    found = dict(ranked({**filled, "mode": "hybrid", "vector_weight": weight}, k=20))
    assert found == pytest.approx(wanted, abs=1e-5)


def test_hybrid_by_a_pipeline_of_the_server(server: Server, filled: dict[str, Any]) -> None:
    spec = {**filled, "mode": "hybrid"}
    with pytest.raises(InputError, match=r"OpenSearch refuses: .*without a normalization processor"):
        ranked({**spec, "pipeline": "none_such"})
    server.store.pipelines["ours"] = [0.7, 0.3]
    assert ranked({**spec, "pipeline": "ours"}) == ranked({**spec, "vector_weight": 0.3})


@pytest.mark.parametrize("mode", ["vector", "text", "hybrid"])
def test_filters_in_each_mode(filled: dict[str, Any], mode: str) -> None:
    document = CORPUS.document_ids[0]
    query = QUERY._replace(filter=Filter.parse(f"document_id={document}"))
    allowed = {id_ for id_, at in zip(CORPUS.ids, CORPUS.document_index.tolist(), strict=True) if at == 0}
    found = {id_ for id_, _ in ranked({**filled, "mode": mode}, query)}
    assert found
    assert found <= allowed


def test_an_alias_is_a_collection(server: Server, filled: dict[str, Any]) -> None:
    server.store.aliases["live"] = "stones"
    assert ranked({**filled, "collection": "live"}) == ranked(filled)
    with pytest.raises(InputError, match=r"it has: live, stones\)"):
        ranked({**filled, "collection": "other"})


def test_a_password(server: Server, filled: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    server.password = ("reader", "se:cret")
    with pytest.raises(InputError, match=r"cannot be opened: .*401.*Check .*OPENSEARCH_PASSWORD"):
        ranked(filled)
    monkeypatch.setenv("OPENSEARCH_USER", "reader")
    monkeypatch.setenv("OPENSEARCH_PASSWORD", "se:cret")
    assert ranked(filled)


def test_signed_requests(server: Server, filled: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("boto3", reason="needs the extra aws")
    server.secret = ("AKIDEXAMPLE", "wJalrXUtnFEMI")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI")
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    assert ranked({**filled, "region": "eu-west-1"})
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "other")
    with pytest.raises(InputError, match=r"403.*region"):
        ranked({**filled, "region": "eu-west-1"})


def test_an_answer_of_some_shards_only_is_an_error(server: Server, filled: dict[str, Any]) -> None:
    server.failed_shards = 1
    with pytest.raises(InputError, match="from only a part of index 'stones'"):
        ranked(filled)


def test_an_index_of_others_that_compares_by_l2(server: Server) -> None:
    vectors = MiniLM().encode(list(CORPUS.texts), "passage")
    method = {"name": "hnsw", "engine": "faiss", "space_type": "l2"}
    kinds = {"v": {"type": "knn_vector", "dimension": vectors.shape[1], "method": method}}
    server.store.create("theirs", {"settings": {"index": {"knn": True}}, "mappings": {"properties": kinds}})
    server.store.visible["theirs"] = {
        id_: {"v": vector.tolist()} for id_, vector in zip(CORPUS.ids, vectors, strict=True)
    }
    index = build(RETRIEVERS, {**NAME, "url": server.url, "collection": "theirs", "existing": True}).index(
        CORPUS, Context()
    )
    assert index.notes["metric"] == "l2"
    found = index.search([QUERY], 3).ranking(0)
    index.close()
    asked = MiniLM().encode([QUERY.text], "query")[0]
    wanted = {id_: 1 / (1 + ((asked - vector) ** 2).sum()) for id_, vector in zip(CORPUS.ids, vectors, strict=True)}
    assert [score for _, score in found] == pytest.approx(sorted(wanted.values(), reverse=True)[:3], abs=1e-5)
    assert dict(found) == pytest.approx({id_: wanted[id_] for id_, _ in found}, abs=1e-5)


def test_fields_that_are_analysed_cannot_be_filtered_by(server: Server, filled: dict[str, Any]) -> None:
    index = build(RETRIEVERS, filled).index(CORPUS, Context())
    assert [index._collection.kind(one) for one in ("text", "title", "embedding", "none")] == [
        "analysed text", "text", "knn_vector", None,
    ]  # fmt: skip
    index.close()


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"url": "localhost:9200"}, "needs url"), ({"url": "https://a:b@host"}, "OPENSEARCH_PASSWORD"),
        ({"vector_weight": 1.5}, "from 0 to 1"), ({"pipeline": "x"}, "mode=hybrid"), ({"search_in": []}, "search_in"),
        ({"concurrency": 0}, "at least 1"), ({"service": "aoss"}, "existing=true"),
    ],
)  # fmt: skip
def test_settings_that_cannot_work(settings: dict[str, Any], says: str) -> None:
    assert says in build(RETRIEVERS, {**NAME, "url": "http://localhost:1", **settings}).check()[0]
