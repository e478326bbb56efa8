"""Ask a corpus by a retriever, and show the results."""

import math
import re
import sys
import traceback
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any, NamedTuple

from ragbench.answers.retrieve import Retrieved, build, retrieve
from ragbench.core.answers import Source
from ragbench.core.context import Context
from ragbench.core.documents import Chunks, Corpus
from ragbench.core.errors import InputError, RagbenchError
from ragbench.core.foreign import in_lines
from ragbench.core.runs import Query
from ragbench.corpus.boundaries import sentence_spans
from ragbench.corpus.chunk import choose_chunker, chunk
from ragbench.models.llm.roles import Models
from ragbench.view.indexes import Indexed, Indexes
from ragbench.view.library import Library
from ragbench.view.requests import Asked
from ragbench.view.sessions import Session
from ragbench.view.threads import in_thread
from ragbench.view.writing import Event, written

_WORD = re.compile(r"\w+")
_ASKING = """
about am any can could did do does from had has have how i me more most my our should than them these those was we
were what when where which who whom whose why would you your
"""
SENTENCES = 3
LONGEST = 600
"""Most characters of a sentence in an extract."""
Mark = tuple[int, int]


class Sentence(NamedTuple):
    """A sentence of an extract: the number of its source, from 1, and its text."""

    source: int
    text: str


class Words:
    """The content words of a question, by the stems of the retriever ``bm25``."""

    def __init__(self, question: str) -> None:
        import Stemmer
        from bm25s.stopwords import STOPWORDS_EN

        self._stem: Callable[[str], str] = Stemmer.Stemmer("english").stemWord
        empty = {*STOPWORDS_EN, *_ASKING.split()}
        self.stems = {self._stem(word) for word in map(str.lower, _WORD.findall(question)) if word not in empty}

    def marks(self, text: str) -> list[Mark]:
        """Return first and last character of each word that the question also has."""
        return [found.span() for found in _WORD.finditer(text) if self._stem(found.group().lower()) in self.stems]

    def shared(self, text: str) -> frozenset[str]:
        """Return the stems that a text shares with the question."""
        return frozenset(stem for word in _WORD.findall(text) if (stem := self._stem(word.lower())) in self.stems)


def extract(words: Words, sources: Sequence[Source]) -> list[Sentence]:
    """Choose the sentences that share most words with the question, in the order of the sources. Rarer words break
    ties.

    No model is asked. An extract shows where to read; it is no answer.
    """
    every: dict[str, tuple[int, frozenset[str]]] = {}
    for number, source in enumerate(sources, 1):
        for start, end in sentence_spans(source.text):
            text = source.text[start:end]
            every.setdefault(text, (number, words.shared(text)))
    in_sentences = Counter(stem for _, shared in every.values() for stem in shared)

    def weight(text: str) -> float:
        return sum(math.log(1 + len(every) / in_sentences[stem]) for stem in every[text][1])

    sharing = [text for text in every if every[text][1]]
    best = sorted(sharing, key=lambda text: (-len(every[text][1]), -weight(text), every[text][0], text))
    chosen = sorted(best[:SENTENCES], key=lambda text: every[text][0])
    return [Sentence(every[text][0], text[:LONGEST]) for text in chosen]


OWN = -1
"""Number that stands for the session's own files instead of a corpus."""
KEPT = 6
"""Most indexes to keep."""
SHOWN = 4_000
"""Most characters of a source that are shown."""
LONGEST_FAULT = 500
ROLE = "answer"


class Playground:
    """Answers questions of the page.

    Args:
        library: the corpora.
        models: the language model, if one was named.
        cache: folder of embeddings of the corpora that were given; those of uploads stay in the session's space.
    """

    def __init__(self, library: Library, models: Models | None, cache: Path) -> None:
        self._library, self.models, self._cache = library, models, cache
        self.corpora = library.settings.corpus
        self.retrievers = library.settings.retrievers
        for spec in self.retrievers:
            build(spec)
        self._indexes = Indexes(KEPT)

    @property
    def llm(self) -> str:
        """Return the name of the language model, or an empty one."""
        return self.models.options.models[ROLE] if self.models else ""

    async def ask(self, asked: Asked, session: Session) -> AsyncGenerator[Event]:
        """Yield events as they happen.

        ``stage``; ``sources``; the ``text`` of the answer as it is written, or each ``piece`` of an extract; at last
        ``done`` or ``fault``. Close the iterator when you leave early, so that the model stops.
        """
        try:
            async with aclosing(self._asked(asked, session)) as events:
                async for event in events:
                    yield event
        except RagbenchError as error:
            yield "fault", {"text": str(error)}
        except OSError as error:
            yield "fault", {"text": f"{error.strerror or error}"}
        # A retriever or a library of the model may raise anything, and a stream that just ends tells nothing.
        except Exception as error:
            sys.stderr.write(in_lines("".join(traceback.format_exception(error))))
            shown = " ".join(f"{type(error).__name__}: {error}".split())[:LONGEST_FAULT]
            yield (
                "fault",
                {"text": f"Unexpected error: {shown}. The terminal of the viewer shows the traceback."},
            )

    async def _asked(self, asked: Asked, session: Session) -> AsyncGenerator[Event]:
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
            async with aclosing(written(question, found, self.models.clients[ROLE])) as events:
                async for event in events:
                    yield event

    def _search(self, asked: Asked, question: str, spec: str, session: Session) -> tuple[Retrieved, dict[str, str]]:
        own = asked.corpus == OWN
        key = (id(session), session.version, spec) if own else (asked.corpus, spec)

        def made() -> Indexed:
            return self._own(session, spec) if own else self._given(asked.corpus, spec)

        with self._indexes.use(key, made) as one:
            queries = [Query("question", question)]
            found = retrieve(one, queries, one.corpus, one.chunks, asked.k, Context(self._cache))
        shown = {source.document_id for source in found.sources["question"]}
        return found, {id_: one.corpus.by_id[id_].title if id_ in one.corpus.by_id else "" for id_ in shown}

    def _given(self, number: int, spec: str) -> Indexed:
        one = self._library.indexed(self.corpora[number])
        return self._index(spec, one.corpus, one.chunks, self._cache)

    def _own(self, session: Session, spec: str) -> Indexed:
        with session.lock:
            documents = [document for upload in session.uploads for document in upload.documents]
        if not documents:
            raise InputError("you have no files here yet; add one, or choose another corpus")
        corpus = Corpus(tuple(documents))
        chunks, _ = chunk(corpus, choose_chunker(passages=False).chunker)
        return self._index(spec, corpus, chunks, session.space / "cache")

    def _index(self, spec: str, corpus: Corpus, chunks: Chunks, cache: Path) -> Indexed:
        return Indexed(build(spec).index(chunks, Context(cache)), spec, corpus, chunks)

    def forget(self, session: Session) -> None:
        """Close the indexes of a session's files."""
        self._indexes.drop(lambda key: isinstance(key, tuple) and key[0] == id(session))


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
