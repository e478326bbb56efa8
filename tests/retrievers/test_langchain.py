"""The langchain retriever with LangChain's own retrievers."""

import asyncio
import hashlib
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.retrievers import BaseRetriever
from langchain_core.vectorstores import InMemoryVectorStore

from ragbench.core.context import Context
from ragbench.core.documents import Chunks
from ragbench.core.errors import SettingError
from ragbench.core.runs import Query
from ragbench.models.embed.minilm import MiniLM
from ragbench.plugins import RETRIEVERS, build
from ragbench.retrievers._langchain_store import as_embeddings
from ragbench.retrievers.langchain import LangChain
from ragbench.testing import check_retriever, small_corpus


class Words(Embeddings):
    """A bag of hashed words: deterministic, and near where words are shared."""

    def embed_query(self, text: str) -> list[float]:
        vector = np.full(256, 1e-3)
        for word in text.lower().split():
            vector[hashlib.blake2b(word.encode(), digest_size=1).digest()[0]] += 1
        return vector.tolist()

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [self.embed_query(text) for text in texts]


def store(chunks: Chunks) -> InMemoryVectorStore:
    filled = InMemoryVectorStore(Words())
    filled.add_documents(
        [
            Document(text, metadata={"id": id_, "source": chunk.document_id})
            for id_, text, chunk in zip(chunks.ids, chunks.contents, chunks, strict=True)
        ]
    )
    return filled


def make_retriever(chunks: Chunks) -> BaseRetriever:
    """What a user's module has for ``object=module:make_retriever``."""
    return store(chunks).as_retriever()


def make_without_chunks(k: int = 2) -> BaseRetriever:
    return store(small_corpus()).as_retriever(search_kwargs={"k": k})


def make_nothing() -> str:
    return "not a retriever"


READY = store(small_corpus()).as_retriever()
QUERY = Query("q1", "light tent for two people")


def search(retriever: LangChain, queries, k: int = 5):
    assert retriever.check() == []
    index = retriever.index(small_corpus(), Context())
    try:
        return index.search(queries, k), index
    finally:
        index.close()


@pytest.mark.parametrize("mode", ["invoke", "ainvoke"])
def test_the_order_is_that_of_langchain(mode) -> None:
    expected = [d.metadata["id"] for d in store(small_corpus()).similarity_search(QUERY.text, k=7)]
    run, index = search(LangChain(retriever=READY, mode=mode), [QUERY], k=7)
    assert [id_ for id_, _ in run.ranking(0)] == expected
    assert run.tie_rate(7) == 0.0
    assert "longest_answer" not in index.notes


@pytest.mark.parametrize("name", ["make_retriever", "make_without_chunks", "READY"])
def test_by_import_path(name) -> None:
    retriever = build(RETRIEVERS, f"langchain:object={__name__}:{name}")
    run, _ = search(retriever, [QUERY], k=3)
    assert run.ranking(0)[0][0] == "tent-2"


def test_import_paths_that_lead_nowhere() -> None:
    for path, said in (
        ("nosuch_module:x", "cannot import 'nosuch_module'"),
        (f"{__name__}:make_retreiver", "did you mean 'make_retriever'"),
        ("justamodule", "write module:name"),
    ):
        assert said in LangChain(object=path).check()[0]
    with pytest.raises(SettingError, match="gives a str"):
        LangChain(object=f"{__name__}:make_nothing").index(small_corpus(), Context())


def test_a_module_in_the_current_folder_is_found(tmp_path, monkeypatch) -> None:
    (tmp_path / "my_own_search.py").write_text(f"from {__name__} import make_retriever\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    assert LangChain(object="my_own_search:make_retriever").check() == []


def test_exactly_one_way_to_name_it() -> None:
    assert "either" in LangChain().check()[0]
    assert "either" in LangChain(object="a:b", retriever=READY).check()[0]
    assert "not a LangChain BaseRetriever" in LangChain(retriever="bm25").check()[0]


class Fixed(BaseRetriever):
    """Gives the same documents to everyone; slow or broken if asked to be."""

    documents: list[Document]

    def _get_relevant_documents(self, query, *, run_manager):
        if query == "bad":
            raise ValueError("the store\nis down")
        time.sleep(0.05)
        return [*self.documents, Document(str(threading.get_ident()), id="thread")]


def test_the_documents_own_id_stands_in_for_a_missing_key() -> None:
    fixed = Fixed(documents=[Document("x", id="own"), Document("y", id="own2", metadata={"id": 12})])
    run, index = search(LangChain(retriever=fixed), [QUERY], k=5)
    assert [id_ for id_, _ in run.ranking(0)] == ["own", "12", "thread"]
    assert index.notes["longest_answer"] == 3


def test_no_id_anywhere_is_a_failure_that_lists_the_keys() -> None:
    fixed = Fixed(documents=[Document("x", metadata={"source": "a", "page": 1})])
    run, _ = search(LangChain(retriever=fixed), [QUERY])
    assert "page, source" in run.failures["q1"]


def test_an_exception_fails_its_query_only() -> None:
    queries = [Query("a", "good"), Query("b", "bad"), Query("c", "good")]
    run, _ = search(LangChain(retriever=Fixed(documents=[])), queries)
    assert run.failures == {"b": "the retriever raised ValueError: the store is down"}
    assert run.lengths.tolist() == [1, 0, 1]


def test_queries_run_at_once() -> None:
    queries = [Query(f"q{n}", "x") for n in range(16)]
    start = time.perf_counter()
    search(LangChain(retriever=Fixed(documents=[]), concurrency=8), queries)
    assert time.perf_counter() - start < 16 * 0.05


def test_works_inside_a_running_loop() -> None:
    async def notebook() -> None:
        run, _ = search(LangChain(retriever=READY, mode="ainvoke"), [QUERY])
        assert run.ranking(0)

    asyncio.run(notebook())


def test_documents_by_another_key() -> None:
    run, _ = search(LangChain(retriever=READY, id_key="source", returns="document"), [QUERY], k=12)
    assert run.unit == "document"
    assert run.ranking(0)[0][0] == "tent"
    assert len(run.ranking(0)) == 9
    assert run.repeated == 0


@pytest.mark.parametrize("mode", ["invoke", "ainvoke"])
def test_conforms(mode) -> None:
    check_retriever(LangChain(object=f"{__name__}:make_retriever", mode=mode))
    check_retriever(LangChain(retriever=READY, mode=mode))


def saved(folder: Path, corpus: Chunks) -> Path:
    """A store that another program filled with the default embedder, under random ids."""
    filled = InMemoryVectorStore(as_embeddings(MiniLM()))
    pairs = zip(corpus.ids, corpus.contents, strict=True)
    filled.add_documents([Document(text, metadata={"key": id_}) for id_, text in pairs])
    filled.dump(str(folder / "store.json"))
    return folder / "store.json"


LOAD = "langchain:object=langchain_core.vectorstores:InMemoryVectorStore.load"


@pytest.mark.parametrize("ids", ["id_key=key", "by_text=true"])
def test_a_store_by_the_name_of_its_class_finds_what_dense_finds(ids, tmp_path) -> None:
    spec = f"{LOAD},arguments={{path: {saved(tmp_path, small_corpus())}}},{ids}"
    run, index = search(build(RETRIEVERS, spec), [QUERY], k=6)
    exact = build(RETRIEVERS, "dense").index(small_corpus(), Context()).search([QUERY], 6)
    assert [id_ for id_, _ in run.ranking(0)] == [id_ for id_, _ in exact.ranking(0)]
    assert "ids_not_in_corpus" not in index.notes


def test_a_chroma_of_langchain_by_name(tmp_path) -> None:
    chroma = pytest.importorskip("langchain_chroma", reason="needs langchain-chroma").Chroma
    corpus = small_corpus()
    theirs = chroma("theirs", as_embeddings(MiniLM()), persist_directory=str(tmp_path / "db"))
    theirs.add_texts([*corpus.contents, "an extra text"], ids=[*corpus.ids, "extra"])
    arguments = f"{{persist_directory: {tmp_path / 'db'}, collection_name: theirs}}"
    run, index = search(
        build(RETRIEVERS, f"langchain:object=langchain_chroma:Chroma,arguments={arguments}"), [QUERY], 20
    )
    found = [id_ for id_, _ in run.ranking(0) if id_ != "extra"]
    exact = build(RETRIEVERS, "dense").index(corpus, Context()).search([QUERY], 20)
    assert found == [id_ for id_, _ in exact.ranking(0)]
    assert index.notes["ids_not_in_corpus"] == 1


def test_a_store_itself_and_a_function_that_makes_one() -> None:
    expected = [d.metadata["id"] for d in store(small_corpus()).similarity_search(QUERY.text, k=4)]
    for retriever in (LangChain(retriever=store(small_corpus())), LangChain(object=f"{__name__}:store")):
        run, _ = search(retriever, [QUERY], 4)
        assert [id_ for id_, _ in run.ranking(0)] == expected


def test_what_is_wrong_with_a_store(tmp_path) -> None:
    path = saved(tmp_path, small_corpus())
    for spec, says in (
        (f"{LOAD},arguments={{path: {path}}},model=minilmm", "no embedder 'minilmm'"),
        (f"{LOAD},arguments={{path: {path}, api_key: abc}}", "looks like a key"),
        (f"langchain:object={__name__}:store,arguments={{a: 1}}", "arguments are for the class"),
    ):
        assert says in build(RETRIEVERS, spec).check()[0]
    for spec, says in (
        (f"{LOAD},arguments={{pth: {path}}}", "cannot be opened with arguments=.*pth"),
        (f"{LOAD},arguments={{path: {tmp_path / 'none.json'}}}", "none.json"),
        (f"langchain:object={__name__}:NoEmbedder", "has no parameter for an embedder"),
    ):
        with pytest.raises(SettingError, match=says):
            build(RETRIEVERS, spec).index(small_corpus(), Context())


class NoEmbedder(InMemoryVectorStore):
    def __init__(self) -> None:
        super().__init__(Words())
