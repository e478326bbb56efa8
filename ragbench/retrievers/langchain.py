"""Any LangChain retriever or vector store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from ragbench.core.context import Advance, Context
from ragbench.core.documents import Chunks
from ragbench.core.errors import SettingError
from ragbench.core.fingerprint import fingerprint
from ragbench.core.loop import LoopThread
from ragbench.core.runs import Query, Unit
from ragbench.models.secrets import refuse_secrets
from ragbench.plugins import EMBEDDERS, build, import_object
from ragbench.retrievers._external import Answer, Failed, OwnIdsIndex, by_rank, ids_by_text, one_line, words
from ragbench.retrievers._langchain_store import makes_store, open_store
from ragbench.retrievers._python import made_by
from ragbench.retrievers.base import Ranking, Retriever

if TYPE_CHECKING:
    from langchain_core.documents import Document
    from langchain_core.retrievers import BaseRetriever


@dataclass(frozen=True)
class LangChain(Retriever):
    """Ask a LangChain ``BaseRetriever`` or ``VectorStore``. The order of its documents is the ranking.

    ``object`` names, as ``module:name``, one of these:

    - a retriever or a vector store;
    - a class of vector stores, such as ``langchain_chroma:Chroma``, or a class method that opens one, such as
      ``langchain_core.vectorstores:InMemoryVectorStore.load``. It is called with ``arguments`` and with the embedder
      that ``model`` names;
    - a function that makes a retriever or a store. If it has a parameter without a default, it gets the `Chunks`
      (index their ``ids`` and ``contents``).

    The current folder is the last place where the module is looked for.

    Attributes:
        object: import path of it.
        retriever: the retriever or vector store itself, from Python only.
        arguments: arguments of the class or class method, such as ``{persist_directory: db}``.
        model: spec of the embedder that filled the store. A store that you make yourself has its own.
        id_key: metadata key of the id; ``Document.id`` is used for a document that lacks it.
        by_text: identify a document by its text instead, for a store whose ids are random.
        returns: whether these are ids of chunks or of documents.
        k_argument: name of the argument of ``invoke`` for the number of documents.
            ``auto`` uses ``k`` for vector store retrievers and no argument for
            others, which then return as many as they are configured for.
        mode: ``invoke`` asks in threads, ``ainvoke`` in an event loop.
        concurrency: queries in flight at once.
    """

    object: str = ""
    retriever: Any = field(default=None, repr=False)
    arguments: Mapping[str, Any] = field(default_factory=dict)
    model: str = "minilm"
    id_key: str = "id"
    by_text: bool = False
    returns: Unit = "chunk"
    k_argument: str = "auto"
    mode: Literal["invoke", "ainvoke"] = "invoke"
    concurrency: int = 4

    cacheable: ClassVar[bool] = False
    needs_chunks: ClassVar[bool] = False

    def check(self) -> list[str]:
        """Check that there is exactly one retriever, or one import path that can be imported, and the embedder."""
        faults = [] if self.concurrency >= 1 else [f"concurrency is {self.concurrency}; it must be at least 1"]
        if bool(self.object) == (self.retriever is not None):
            faults.append("give either object=module:name, or in Python retriever=..., and not both")
        elif self.object:
            try:
                refuse_secrets("retriever 'langchain'", self.arguments, "arguments")
                found = import_object(self.object)
                if makes_store(found):
                    build(EMBEDDERS, self.model)
                elif self.arguments:
                    faults.append("arguments are for the class of a vector store, or a class method of one")
            except SettingError as error:
                faults.append(str(error))
        elif not _is_retriever(self.retriever):
            faults.append(
                f"retriever is a {type(self.retriever).__name__}, not a LangChain BaseRetriever or VectorStore"
            )
        return faults

    def key(self) -> str:
        """Fingerprint of the settings. A retriever object counts by its class only, so its runs are not stored."""
        kind = (
            "" if self.retriever is None else f"{type(self.retriever).__module__}.{type(self.retriever).__qualname__}"
        )
        settings = {name: value for name, value in vars(self).items() if name != "retriever"}
        return fingerprint(["langchain", settings, kind])

    def index(self, chunks: Chunks, context: Context) -> "LangChainIndex":
        """Import or use the retriever, or call the function that makes it.

        Raises:
            SettingError: the object is not a LangChain retriever.
        """
        found = import_object(self.object) if self.object else self.retriever
        if makes_store(found):
            found = open_store(found, self.object, self.arguments, self.model)
        elif not _is_retriever(found) and callable(found):
            found = made_by(found, chunks)
        if not _is_retriever(found):
            raise SettingError(
                f"langchain: {self.object or 'retriever'} gives a {type(found).__name__}, "
                "not a LangChain BaseRetriever or VectorStore"
            )
        retriever = found if hasattr(found, "invoke") else found.as_retriever()
        return LangChainIndex(self, retriever, chunks, context)


def _is_retriever(value: object) -> bool:
    from langchain_core.retrievers import BaseRetriever
    from langchain_core.vectorstores import VectorStore

    return isinstance(value, BaseRetriever | VectorStore)


class LangChainIndex(OwnIdsIndex):
    """A LangChain retriever that answers queries."""

    def __init__(self, settings: LangChain, retriever: "BaseRetriever", chunks: Chunks, context: Context) -> None:
        super().__init__(chunks, settings.returns)
        self._settings, self._retriever, self._progress = settings, retriever, context.progress
        self._loop = LoopThread("ragbench-langchain") if settings.mode == "ainvoke" else None
        self._by_text = ids_by_text(chunks, settings.returns) if settings.by_text else None

    def rank(self, queries: Sequence[Query], k: int) -> Ranking:
        """Make one call per query, up to ``concurrency`` at once."""
        with self._progress("asking the LangChain retriever", len(queries)) as advance:
            found = self._ask(queries, self._wanted(k), advance)
        longest = max((len(documents) for documents in found if isinstance(documents, list)), default=0)
        self.note_longest(longest, k)
        return self.ranking([self._read(documents) for documents in found])

    def _ask(self, queries: Sequence[Query], wanted: dict[str, Any], advance: Advance) -> list[Any]:
        """Documents or the exception of each query, in order."""
        texts = [query.text for query in queries]
        config: Any = {"max_concurrency": self._settings.concurrency}
        found: list[Any] = [None] * len(texts)

        async def gather() -> None:
            async for at, documents in self._retriever.abatch_as_completed(
                texts, config, return_exceptions=True, **wanted
            ):
                found[at] = documents
                advance(1)

        if self._loop is not None:
            self._loop.run(gather())
            return found
        for at, documents in self._retriever.batch_as_completed(texts, config, return_exceptions=True, **wanted):
            found[at] = documents
            advance(1)
        return found

    def close(self) -> None:
        """Stop the event loop, if there is one."""
        if self._loop is not None:
            self._loop.close()

    def _wanted(self, k: int) -> dict[str, Any]:
        from langchain_core.vectorstores import VectorStoreRetriever

        name = self._settings.k_argument
        if name == "auto":
            name = "k" if isinstance(self._retriever, VectorStoreRetriever) else ""
        return {name: k} if name else {}

    def _read(self, found: "list[Document] | Exception") -> Answer:
        if isinstance(found, BaseException):
            return Failed(f"the retriever raised {type(found).__name__}: {one_line(str(found))}")
        ids: list[str] = []
        for document in found:
            id_ = document.metadata.get(self._settings.id_key, document.id)
            if self._by_text is not None:
                id_ = self._by_text.get(words(document.page_content), id_ or one_line(document.page_content))
            if id_ is None:
                return Failed(
                    f"a document has neither an id nor {self._settings.id_key!r} in its metadata; "
                    f"set id_key to one of its keys: {', '.join(sorted(document.metadata)) or '(it has none)'}"
                )
            ids.append(str(id_))
        return by_rank(ids)
