"""Ask a corpus by a retriever, and see what is found."""

import threading
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ragbench.answers.retrieve import Retrieved, build, retrieve
from ragbench.answers.run import Question, answer
from ragbench.answers.run import Settings as AnswerSettings
from ragbench.core.answers import Answered, Source
from ragbench.core.context import Context
from ragbench.core.documents import Chunks, Corpus
from ragbench.core.errors import InputError, RagbenchError
from ragbench.core.queries import Query
from ragbench.corpus.chunk import choose_chunker, chunk
from ragbench.models.llm.roles import Models
from ragbench.view.extract import Words, extract
from ragbench.view.library import Library
from ragbench.view.sessions import Session
from ragbench.view.threads import in_thread
from ragbench.view.wanted import Asked

OWN = -1
"""Number of the corpus of the session's own files."""
KEPT = 6
"""Indexes kept at once."""
SHOWN = 4_000
"""Characters of a source that are shown."""
ROLE = "answer"
Event = tuple[str, dict[str, Any]]


@dataclass(frozen=True, eq=False)
class _Indexed:
    """An index with its texts; in the form in which `retrieve` takes a retriever, so that it is built only once."""

    ready: Any
    name: str
    corpus: Corpus
    chunks: Chunks

    def index(self, chunks: Chunks, context: Context) -> "_Indexed":
        """The index that is there already."""
        return self

    def search(self, queries: Sequence[Query], k: int) -> Any:
        """See `ragbench.retrievers.base.Index.search`."""
        return self.ready.search(queries, k)

    def close(self) -> None:
        """It stays open for the next question."""

    def key(self) -> str:
        """The retriever's."""
        return self.name


class Playground:
    """Answers questions of the page.

    Args:
        library: the corpora that were given.
        models: the language model, if one was named.
        cache: folder of embeddings of the corpora that were given; those of uploads stay in the session's space.
    """

    def __init__(self, library: Library, models: Models | None, cache: Path) -> None:
        self._library, self.models, self._cache = library, models, cache
        self.corpora = library.settings.corpus
        self.retrievers = library.settings.retrievers
        for spec in self.retrievers:
            build(spec)
        self._indexes: OrderedDict[tuple[object, ...], _Indexed] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def llm(self) -> str:
        """Name of the language model, or empty."""
        return self.models.options.models[ROLE] if self.models else ""

    async def ask(self, asked: Asked, session: Session) -> AsyncIterator[Event]:
        """What happens, as it happens: ``stage``, ``sources``, ``piece`` of the answer, ``done``, or ``fault``."""
        try:
            async for event in self._asked(asked, session):
                yield event
        except RagbenchError as error:
            yield "fault", {"text": str(error)}
        except OSError as error:
            yield "fault", {"text": f"{error.strerror or error}"}

    async def _asked(self, asked: Asked, session: Session) -> AsyncIterator[Event]:
        question = " ".join(asked.question.split())
        if not question:
            raise InputError("write a question")
        if not (asked.corpus == OWN or asked.corpus < len(self.corpora)) or asked.retriever >= len(self.retrievers):
            raise InputError("no such corpus or retriever; load the page again")
        spec = self.retrievers[asked.retriever]
        yield "stage", {"text": f"Reading and searching with {spec} …"}
        found, titles = await in_thread(lambda: self._search(asked, question, spec, session))
        sources = found.sources["question"]
        words = Words(question)
        yield "sources", {"sources": [_shown(source, titles[source.document_id], words) for source in sources]}
        if not sources:
            yield "done", {"kind": "nothing", "text": "Nothing was found."}
        elif self.models is None:
            for sentence in extract(words, sources):
                yield "piece", {"text": sentence.text, "source": sentence.source}
            yield "done", {"kind": "extract", "text": "Extract: sentences of the sources that share most words with "
                           "the question. No language model wrote this."}  # fmt: skip
        else:
            yield "stage", {"text": f"Asking {self.llm} …"}
            for event in await self._written(question, found):
                yield event

    async def _written(self, question: str, found: Retrieved) -> list[Event]:
        assert self.models is not None
        answers, ledger = await answer(
            [Question("question", question)], found, self.models.clients[ROLE], AnswerSettings(plain=True), Context()
        )
        one: Answered = answers[0]
        if one.failure:
            raise InputError(f"{self.llm}: {one.failure}")
        numbers = {source.id: number for number, source in enumerate(one.sources, 1)}
        return [
            ("piece", {"text": one.answer, "source": None}),
            ("done", {"kind": "answer", "text": f"Written by {self.llm} from these sources; its answers come whole.",
                      "cited": [numbers[id_] for id_ in one.cited if id_ in numbers],
                      "notes": [entry.reason for entry in ledger.entries]}),
        ]  # fmt: skip

    def _search(self, asked: Asked, question: str, spec: str, session: Session) -> tuple[Retrieved, dict[str, str]]:
        own = asked.corpus == OWN
        key: tuple[object, ...] = (id(session), session.version, spec) if own else (asked.corpus, spec)
        # An index is used by one question at a time; a retriever need not be safe for more.
        with self._lock:
            if key not in self._indexes:
                self._keep(key, self._own(session, spec) if own else self._given(asked.corpus, spec))
            self._indexes.move_to_end(key)
            one = self._indexes[key]
            queries = [Query("question", question)]
            found = retrieve(one, queries, one.corpus, one.chunks, asked.k, Context(self._cache))
        shown = {source.document_id for source in found.sources["question"]}
        return found, {id_: one.corpus.by_id[id_].title if id_ in one.corpus.by_id else "" for id_ in shown}

    def _keep(self, key: tuple[object, ...], one: _Indexed) -> None:
        self._indexes[key] = one
        while len(self._indexes) > KEPT:
            self._indexes.popitem(last=False)[1].ready.close()

    def _given(self, number: int, spec: str) -> _Indexed:
        corpus, chunks = self._library.indexed(self.corpora[number])
        return self._index(spec, corpus, chunks, self._cache)

    def _own(self, session: Session, spec: str) -> _Indexed:
        with session.lock:
            documents = [document for upload in session.uploads for document in upload.documents]
        if not documents:
            raise InputError("you have no files here yet; add one, or choose another corpus")
        corpus = Corpus(tuple(documents))
        chunks, _ = chunk(corpus, choose_chunker(passages=False).chunker)
        return self._index(spec, corpus, chunks, session.space / "cache")

    def _index(self, spec: str, corpus: Corpus, chunks: Chunks, cache: Path) -> _Indexed:
        return _Indexed(build(spec).index(chunks, Context(cache)), spec, corpus, chunks)

    def forget(self, session: Session) -> None:
        """Let go of what was built of a session's files."""
        with self._lock:
            for key in [key for key in self._indexes if key[0] == id(session)]:
                self._indexes.pop(key).ready.close()

    def close(self) -> None:
        """Give back what the indexes hold."""
        for one in self._indexes.values():
            one.ready.close()
        self._indexes.clear()


def _shown(source: Source, title: str, words: Words) -> dict[str, Any]:
    text = source.text[:SHOWN]
    return {
        "id": source.id,
        "title": title,
        "text": text,
        "more": max(len(source.text) - SHOWN, 0),
        "score": source.score,
        "marks": words.marks(text),
    }
