"""Functions, rankings and retrievers of other libraries are systems."""

import asyncio
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import ragbench as rb
from ragbench.retrievers.function import Function

CORPUS = rb.Corpus(
    (
        rb.Document("boots", "Leather boots for rocky paths. Wax the boots after every wet walk."),
        rb.Document("tent", "A tent for two with a fly sheet. Pitch the tent against the wind."),
        rb.Document("stove", "The stove burns gas and boils a litre of water."),
        rb.Document("bag", "A down sleeping bag for ten degrees below zero."),
    )
)
GOLDEN = rb.GoldenSet(
    tuple(
        rb.GoldenItem(f"q{at}", text, evidence=(rb.Evidence(document),))
        for at, (text, document) in enumerate(
            [("wax for boots", "boots"), ("tent in the wind", "tent"), ("boil water", "stove"), ("sleeping bag", "bag")]
        )
    ),
    "camp",
)
METRICS = ["ndcg@10", "hit@1"]


def ranked(query: str, k: int) -> list[tuple[str, float]]:
    """Documents by the number of letters in words that they share with the query."""
    words = set(query.lower().split())
    scores = {one.id: float(sum(map(len, words & set(one.text.lower().rstrip(".").split())))) for one in CORPUS}
    return sorted(scores.items(), key=lambda one: (-one[1], one[0]))[:k]


async def awaited(query: str, top_k: int) -> list[str]:
    await asyncio.sleep(0)
    return [id_ for id_, _ in ranked(query, top_k)]


class Owner:
    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []

    def search(self, query: str, *, limit: int = 3) -> dict[str, float]:
        self.asked.append((query, limit))
        return dict(ranked(query, limit))


class Node:
    """As in LlamaIndex: an id of its own, and that of its document."""

    def __init__(self, document: str) -> None:
        self.node_id, self.ref_doc_id, self.metadata = f"node-{document}", document, dict[str, str]()


class Scored:
    def __init__(self, document: str, score: float) -> None:
        self.node, self.score = Node(document), score


class Llama:
    similarity_top_k = 2

    def retrieve(self, str_or_query_bundle: str) -> list[Scored]:
        return [Scored(*one) for one in ranked(str_or_query_bundle, self.similarity_top_k)]


class LlamaIndexOf:
    def as_retriever(self) -> Llama:
        return Llama()


class HayDocument:
    def __init__(self, document: str, score: float) -> None:
        self.id, self.meta, self.score = f"hash of {document}", {"id": document}, score


class Hay:
    def run(self, query: str, filters: Any = None, top_k: int | None = None) -> dict[str, list[HayDocument]]:
        return {"documents": [HayDocument(*one) for one in ranked(query, top_k or 10)]}


class HayOfEmbeddings:
    def run(self, query_embedding: list[float], top_k: int | None = None) -> dict[str, list[HayDocument]]:
        raise AssertionError


class ForeignRun:
    """As in ranx."""

    name = "theirs"

    def to_dict(self) -> dict[str, dict[str, float]]:
        return RANKINGS


RANKINGS = {item.id: dict(ranked(item.text, 10)) for item in GOLDEN}


def evaluated(systems: Any, corpus: Any = CORPUS, **more: Any) -> rb.Evaluation:
    return rb.evaluate(corpus, GOLDEN, systems, metrics=METRICS, **more)


def test_all_ways_to_give_a_ranking_give_the_same_scores(cache: Path) -> None:
    systems: Mapping[str, Any] = {
        "function": ranked,
        "lambda": lambda query, k: ranked(query, k),
        "one parameter": lambda query: ranked(query, 10),
        "one parameter n": lambda n: ranked(n, 10),
        "keyword": Owner().search,
        "coroutine": awaited,
        "ids": lambda query, k: [id_ for id_, _ in ranked(query, k)],
        "mappings": lambda query, k: [{"doc_id": id_, "score": score} for id_, score in ranked(query, k)],
        "rankings": RANKINGS,
        "lists": {query: list(row) for query, row in RANKINGS.items()},
        "run": rb.Run.from_dict(RANKINGS),
        "their run": ForeignRun(),
        "llama": Llama(),
        "llama index": LlamaIndexOf(),
        "haystack": Hay(),
    }
    expected = rb.score({item.id: {item.evidence[0].document_id: 1} for item in GOLDEN}, RANKINGS, METRICS)
    found = evaluated(systems, cache=cache)
    assert [arm.error for arm in found] == [None] * len(systems)
    for arm in found:
        assert arm.name in systems
        assert arm["hit@1"].mean == pytest.approx(expected.means()["hit@1"])
        assert arm["ndcg@10"].mean == pytest.approx(expected.means()["ndcg@10"]), arm.name


def test_systems_without_names_have_their_own(cache: Path) -> None:
    assert [arm.name for arm in evaluated([ranked, awaited, Llama(), "bm25"], cache=cache)] == [
        "ranked", "awaited", "Llama", "bm25",
    ]  # fmt: skip
    assert [arm.name for arm in evaluated(ranked, cache=cache)] == ["ranked"]
    assert [arm.name for arm in evaluated(RANKINGS, cache=cache)] == ["run"]
    assert [arm.name for arm in evaluated([ForeignRun()], cache=cache)] == ["theirs"]
    rows = [(query, item, score, "theirs") for query, row in RANKINGS.items() for item, score in row.items()]
    table = pd.DataFrame(rows, columns=["query_id", "doc_id", "score", "name"])
    assert evaluated(table, cache=cache)["run"]["hit@1"].mean == evaluated(ranked, cache=cache)[0]["hit@1"].mean


def test_functions_are_asked_for_what_the_metrics_need(cache: Path) -> None:
    owner = Owner()
    evaluated({"mine": owner.search}, cache=cache)
    assert {limit for _, limit in owner.asked} == {100}
    asked = [query for query, _ in owner.asked]
    assert asked[: len(GOLDEN)] == [item.text for item in GOLDEN]


def test_coroutines_run_side_by_side_and_inside_a_running_loop(cache: Path) -> None:
    running, most = 0, 0

    async def slow(query: str, k: int) -> list[tuple[str, float]]:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1
        return ranked(query, k)

    async def cell() -> rb.Evaluation:
        return evaluated({"slow": slow}, cache=cache)

    assert asyncio.run(cell())["slow"]["hit@1"].mean == 1.0
    assert most == len(GOLDEN)


def test_a_function_runs_in_one_thread_unless_it_is_told_otherwise(cache: Path) -> None:
    threads = set()

    def where(query: str, k: int) -> list[tuple[str, float]]:
        threads.add(threading.get_ident())
        return ranked(query, k)

    evaluated({"mine": where}, cache=cache)
    assert threads == {threading.get_ident()}
    evaluated({"mine": Function(given=where, concurrency=3)}, cache=cache)
    assert len(threads) > 1


def test_ids_of_documents_and_of_chunks_are_told_apart(cache: Path) -> None:
    chunks = rb.chunk(CORPUS, size=40)
    assert len(chunks) > len(CORPUS)
    found = evaluated({"documents": ranked, "chunks": lambda query, k: [c.id for c in chunks][:k]}, chunks, cache=cache)
    units = [arm.run.unit for arm in found if arm.run is not None]
    assert units == ["document", "document"]
    assert found["documents"]["hit@1"].mean == 1.0
    assert found["chunks"]["hit@1"].mean == 0.25
    assert evaluated({"rankings": RANKINGS}, chunks, cache=cache)["rankings"]["hit@1"].mean == 1.0


@pytest.mark.parametrize(
    ("system", "why"),
    [
        (lambda query, k: "boots", "it returned 'boots'"),
        (lambda query, k: None, "it returned None"),
        (lambda query, k: [(1.0, "boots")], "has no id"),
        (lambda query, k: [object()], "has no id"),
        (lambda query, k: [("boots", 2.0), "tent"], "1 of 2 results have a score"),
        (lambda query, k: [("boots", 1.0), ("tent", 2.0), ("bag", 3.0)], "as distances do"),
        (lambda query, k: 1 / 0, "ZeroDivisionError"),
        (lambda query, k: ["unheard of"], "the corpus has none of the chunk ids"),
    ],
)
def test_what_cannot_be_used_says_what_to_return(system: Any, why: str, cache: Path) -> None:
    arm = evaluated({"mine": system}, cache=cache)["mine"]
    assert arm.error is not None
    assert why in arm.error
    assert not arm.metrics


def test_distances_are_refused_of_a_named_unit_too(cache: Path) -> None:
    def distances(query: str, k: int) -> list[tuple[str, float]]:
        return [(id_, float(at)) for at, (id_, _) in enumerate(ranked(query, k))]

    arm = evaluated({"mine": Function(given=distances, returns="document")}, cache=cache)["mine"]
    assert arm.error is not None
    assert "as distances do" in arm.error


def test_a_failing_query_scores_zero_and_is_listed(cache: Path) -> None:
    def sometimes(query: str, k: int) -> list[tuple[str, float]]:
        if "boots" in query:
            raise ValueError("no boots")
        return ranked(query, k)

    found = evaluated({"mine": sometimes}, cache=cache)
    assert found["mine"]["hit@1"].mean == 0.75
    assert [one.item for one in found.ledger.of("query-failed")] == ["mine: q0"]


def test_what_is_no_system_is_refused_with_the_right_call(cache: Path) -> None:
    with pytest.raises(rb.SettingError, match="query_embedding=embedder"):
        evaluated({"mine": HayOfEmbeddings()}, cache=cache)
    with pytest.raises(rb.SettingError, match="a function that takes a query and k"):
        evaluated({"mine": 5}, cache=cache)
    with pytest.raises(rb.SettingError, match="bm25: it has no retriever"):
        evaluated({"bm25": {"k1": 1.2}}, cache=cache)
    with pytest.raises(rb.InputError, match=r'\{"mine": search\}'):
        evaluated(5, cache=cache)


def test_the_command_calls_a_function_too(ragbench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_search.py").write_text("def search(query, k):\n    return ['tent', 'bag'][:k]\n", encoding="utf-8")
    (tmp_path / "corpus.jsonl").write_text(
        "".join(f'{{"id": "{one.id}", "text": "{one.text}"}}\n' for one in CORPUS), encoding="utf-8"
    )
    rb.save_golden(GOLDEN, tmp_path / "golden")
    monkeypatch.chdir(tmp_path)
    done = ragbench(
        "eval", "--corpus", "corpus.jsonl", "--golden", "golden", "--retriever", "function:object=my_search:search",
        "--metric", "hit@1", "--json",
    )  # fmt: skip
    assert done.code == 0
    assert done.json["arms"][0]["metrics"]["hit@1"]["mean"] == 0.25


def test_langchain_objects_are_systems(cache: Path) -> None:
    documents = pytest.importorskip("langchain_core.documents")
    retrievers = pytest.importorskip("langchain_core.retrievers")

    class Words(retrievers.BaseRetriever):  # type: ignore[name-defined,misc]
        def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Any]:
            return [documents.Document(page_content="", metadata={"id": id_}) for id_, _ in ranked(query, 10)]

    assert evaluated({"mine": Words()}, cache=cache)["mine"]["hit@1"].mean == 1.0


def test_a_langchain_vector_store_is_a_system(cache: Path) -> None:
    embeddings = pytest.importorskip("langchain_core.embeddings")
    stores = pytest.importorskip("langchain_core.vectorstores")

    class Letters(embeddings.Embeddings):  # type: ignore[name-defined,misc]
        def embed_query(self, text: str) -> list[float]:
            return [float(text.lower().count(letter)) for letter in "abcdefghijklmnopqrstuvwxyz"]

        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            return [self.embed_query(text) for text in texts]

    store = stores.InMemoryVectorStore(Letters())
    store.add_texts([one.text for one in CORPUS], ids=[one.id for one in CORPUS])
    found = evaluated({"store": store, "retriever": store.as_retriever()}, cache=cache)
    assert [len(arm.run.item_ids) for arm in found if arm.run is not None] == [4, 4]
    assert found["store"]["ndcg@10"].mean == found["retriever"]["ndcg@10"].mean > 0.5
