"""Retrievers that call Python: a function of the user, or an object of another library."""

import asyncio
import inspect
import itertools
from abc import abstractmethod
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from dataclasses import field as setting
from numbers import Integral, Real
from typing import Any, ClassVar, Literal, NamedTuple

from ragbench.core.context import Context
from ragbench.core.documents import Chunks
from ragbench.core.errors import SettingError
from ragbench.core.fingerprint import fingerprint
from ragbench.core.kinds import shown_value
from ragbench.core.loop import LoopThread
from ragbench.core.runs import Query, Run
from ragbench.plugins import import_object
from ragbench.retrievers._external import Answer, Failed, OwnIdsIndex, by_rank, one_line
from ragbench.retrievers.base import Index, Ranking, Retriever

Call = Callable[[str, int], Any]
"""Takes the text of a query and a number of items, and returns results or an awaitable of them."""
Returned = Literal["auto", "chunk", "document"]
FORM = 'return [("doc1", 3.2), ("doc2", 1.4)], the best first, or ids alone'
ID_KEYS = ("id", "doc_id", "document_id", "chunk_id", "docid", "item_id", "_id")
ID_FIELDS = ("id", "id_", "node_id", "doc_id", "ref_doc_id")
SCORE_KEYS = ("score", "similarity", "relevance_score")
ASYNC_AT_ONCE = 8
RISING = 0.9
"""If the scores rise from first to last, as distances do, in more than this share of the answers, none is used."""


@dataclass(frozen=True)
class PythonRetriever(Retriever):
    """A retriever that calls an object of Python. A subclass says how.

    Attributes:
        object: import path of the object, ``module:name``. The current folder is the last place where the module is
            looked for.
        given: the object itself, from Python only.
        returns: whether it returns ids of chunks or of documents; ``auto`` looks at the first answers.
        concurrency: queries in flight at once; None for one, and for eight if it answers with coroutines.
    """

    object: str = ""
    given: Any = setting(default=None, repr=False)
    returns: Returned = "auto"
    concurrency: int | None = None

    cacheable: ClassVar[bool] = False
    needs_chunks: ClassVar[bool] = False

    what: ClassVar[str]
    """What the object is, in words, for messages."""

    @abstractmethod
    def fits(self, found: Any) -> bool:
        """Whether the object can answer queries."""

    @abstractmethod
    def call(self, found: Any, k: int) -> Call:
        """Return the function that asks the object for k items."""

    def made(self, found: Any, chunks: Chunks) -> Any:
        """The object, or what it makes if it is a factory."""
        return found

    def check(self) -> list[str]:
        """Check that there is exactly one object, or one import path that can be imported."""
        concurrency = self.concurrency
        faults = [f"concurrency is {concurrency}; it must be at least 1"] if (concurrency or 1) < 1 else []
        if bool(self.object) == (self.given is not None):
            faults.append("give either object=module:name, or in Python given=..., and not both")
        elif self.object:
            try:
                import_object(self.object)
            except SettingError as error:
                faults.append(str(error))
        elif not self.fits(self.given):
            faults.append(f"given is {shown_value(self.given)}, not {self.what}")
        return faults

    def key(self) -> str:
        """Fingerprint of the settings. An object counts by its class only, so its runs are not stored."""
        kind = "" if self.given is None else f"{type(self.given).__module__}.{type(self.given).__qualname__}"
        settings = {name: value for name, value in vars(self).items() if name != "given"}
        return fingerprint([type(self).__name__, settings, kind])

    def index(self, chunks: Chunks, context: Context) -> Index:
        """Import or use the object, or call the function that makes it.

        Raises:
            SettingError: it is an object of another kind.
        """
        found = self.made(import_object(self.object) if self.object else self.given, chunks)
        if not self.fits(found):
            raise SettingError(f"{self.object or 'it'} gives {shown_value(found)}, not {self.what}")
        return PythonIndex(self, found, chunks, context)


def made_by(factory: Any, chunks: Chunks) -> Any:
    """What a factory makes. It gets the chunks if it has a positional parameter without a default."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = inspect.signature(factory).parameters.values()
    takes_chunks = any(p.kind in kinds and p.default is inspect.Parameter.empty for p in parameters)
    return factory(chunks) if takes_chunks else factory()


class Found(NamedTuple):
    """What one call returned: for each item the ids it may have, the likeliest first, and its score if it has one."""

    ids: list[list[str]]
    scores: list[float]


class PythonIndex(OwnIdsIndex):
    """An object of Python that answers queries."""

    def __init__(self, settings: PythonRetriever, found: Any, chunks: Chunks, context: Context) -> None:
        super().__init__(chunks, "chunk" if settings.returns == "auto" else settings.returns)
        self._settings, self._object, self._progress = settings, found, context.progress
        self._decided = False
        self._loop: LoopThread | None = None
        self._asked: list[Found | Failed] = []

    def search(self, queries: Sequence[Query], k: int) -> Run:
        """Ask the object first, because its answers show whether they are chunks or documents."""
        more = max((len(query.exclude) for query in queries), default=0)
        self._asked = [read_answer(one) for one in self._ask([query.text for query in queries], k + more)]
        if not self._decided:
            self._decide()
        return super().search(queries, k)

    def rank(self, queries: Sequence[Query], k: int) -> Ranking:
        """Return what was found."""
        answers = [one if isinstance(one, Failed) else self._ranked(one) for one in self._asked]
        longest = max((len(one) for one in answers if not isinstance(one, Failed)), default=0)
        self.note_longest(longest, k)
        return self.ranking(answers)

    def _decide(self) -> None:
        """Refuse distances, and choose chunks or documents by the ids of the first answers if the user did not."""
        found = [one for one in self._asked if isinstance(one, Found)]
        long = [one.scores for one in found if len(one.scores) > 2]
        rising = sum(all(a < b for a, b in itertools.pairwise(scores)) for scores in long)
        if long and rising > RISING * len(long):
            reason = (
                f"the scores rise from {long[0][0]:g} to {long[0][-1]:g}, as distances do: return scores that are "
                "higher for better items, or ids alone, the best first"
            )
            self._asked = [Failed(reason) for _ in self._asked]
            return
        ids = [set(itertools.chain(*one.ids)) for one in found]
        chunks, documents = (sum(not some.isdisjoint(known) for some in ids) for known in self._known_ids())
        if documents > chunks and self._settings.returns == "auto":
            super().__init__(self._chunks, "document")
        self._decided = bool(ids)

    def _known_ids(self) -> tuple[Mapping[str, int], Mapping[str, int]]:
        return self._chunks.row, self._chunks.document_row

    def _ranked(self, found: Found) -> Answer:
        """Choose an id for each item: the first that the corpus has, of the right unit if there is one."""
        chunks, documents = self._known_ids()
        known = chunks if self.unit == "chunk" else documents
        ids = [next((id_ for id_ in some if id_ in known), some[0]) for some in found.ids]
        return list(zip(ids, found.scores, strict=True)) if found.scores else by_rank(list(dict.fromkeys(ids)))

    def _ask(self, texts: Sequence[str], k: int) -> list[Any]:
        """The answer to each query, or the exception."""
        call = self._settings.call(self._object, k)
        with self._progress("asking", len(texts)) as advance:

            def one(text: str) -> Any:
                try:
                    return call(text, k)
                except Exception as error:  # of the user's code: the query fails, the others go on
                    return error
                finally:
                    advance(1)

            at_once = self._settings.concurrency or 1
            if at_once == 1:
                found = [one(text) for text in texts]
            else:
                with ThreadPoolExecutor(at_once) as pool:
                    found = list(pool.map(one, texts))
        return self._awaited(found) if any(map(inspect.isawaitable, found)) else found

    def _awaited(self, found: list[Any]) -> list[Any]:
        at_once = asyncio.Semaphore(self._settings.concurrency or ASYNC_AT_ONCE)

        async def one(answer: Any) -> Any:
            async with at_once:
                try:
                    return await answer if inspect.isawaitable(answer) else answer
                except Exception as error:
                    return error

        async def every() -> list[Any]:
            return await asyncio.gather(*map(one, found))

        self._loop = self._loop or LoopThread("ragbench-python")
        work: Coroutine[Any, Any, list[Any]] = every()
        return self._loop.run(work)

    def close(self) -> None:
        """Stop the event loop, if there is one."""
        if self._loop is not None:
            self._loop.close()


def read_answer(answer: Any) -> Found | Failed:
    """Read what a call returned.

    Ids alone, pairs of id and score, a mapping from ids to scores, mappings with an id, and documents of LangChain,
    LlamaIndex and Haystack are results.
    """
    if isinstance(answer, BaseException):
        return Failed(f"{type(answer).__name__}: {one_line(str(answer))}")
    if isinstance(answer, Mapping):
        inside = next((answer[key] for key in ("documents", "results") if isinstance(answer.get(key), list)), None)
        answer = list(answer.items()) if inside is None else inside
    if answer is None or isinstance(answer, str | bytes) or not isinstance(answer, Iterable):
        return Failed(f"it returned {shown_value(answer)}; {FORM}")
    ids: list[list[str]] = []
    scores: list[float] = []
    for at, result in enumerate(answer):
        candidates, score = _read_one(result)
        if not candidates:
            return Failed(f"result {at + 1} is {one_line(repr(result))}, which has no id; {FORM}")
        ids.append(candidates)
        if score is not None:
            scores.append(score)
    if scores and len(scores) < len(ids):
        return Failed(f"{len(scores)} of {len(ids)} results have a score; all or none must")
    return Found(ids, scores)


def _read_one(result: Any) -> tuple[list[str], float | None]:
    """The ids that a result may have, and its score."""
    if isinstance(result, tuple | list) and len(result) == 2 and _is_number(result[1]):
        return _read_one(result[0])[0], float(result[1])
    if _is_id(result):
        return [str(result)], None
    if isinstance(result, Mapping):
        score: Any = next((result[key] for key in SCORE_KEYS if _is_number(result.get(key))), None)
        return _texts(result.get(key) for key in ID_KEYS), None if score is None else float(score)
    node = getattr(result, "node", result)
    metadata = getattr(node, "metadata", None) or getattr(node, "meta", None)
    held = metadata if isinstance(metadata, Mapping) else {}
    named = [held.get("id"), *(getattr(node, name, None) for name in ID_FIELDS), *(held.get(key) for key in ID_KEYS)]
    held_score: Any = getattr(result, "score", None)
    return _texts(named), float(held_score) if _is_number(held_score) else None


def _texts(ids: Iterable[Any]) -> list[str]:
    return list(dict.fromkeys(str(id_) for id_ in ids if _is_id(id_) and id_ != ""))


def _is_id(value: Any) -> bool:
    return isinstance(value, str | Integral) and value is not True and value is not False


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)
