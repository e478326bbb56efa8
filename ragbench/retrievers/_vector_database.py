"""What the retrievers of vector databases share: settings, filling a collection, and whose ids come back.

A database is one file beside this one: a `VectorDatabase` with its settings and `connect`, a `Client`, and a
`Collection`.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from ragbench.core.context import Context
from ragbench.core.documents import Chunks
from ragbench.core.errors import InputError, RagbenchError, SettingError
from ragbench.core.fingerprint import fingerprint
from ragbench.core.ledger import Ledger, first_ten
from ragbench.core.runs import Query, Unit
from ragbench.engine import embed
from ragbench.models.embed.base import Embedder
from ragbench.plugins import EMBEDDERS, build
from ragbench.retrievers._external import OwnIdsIndex, one_line
from ragbench.retrievers.base import Ranking, Retriever

QUERIES_PER_CALL = 256
CHUNK, DOCUMENT, TITLE, TEXT = "chunk_id", "document_id", "title", "text"
"""The fields of what ragbench writes into a collection."""


class Hit(NamedTuple):
    """One item that a database found.

    Attributes:
        id: its id in the database.
        score: higher is better.
        fields: the fields that were asked for, as far as the item has them.
    """

    id: str
    score: float
    fields: Mapping[str, object] = {}


class Rows(NamedTuple):
    """Items to write.

    Attributes:
        ids: ids of chunks.
        vectors: (n, d) float32.
        fields: the fields of each.
    """

    ids: Sequence[str]
    vectors: npt.NDArray[np.float32]
    fields: Sequence[Mapping[str, str]]


class Collection(ABC):
    """A collection, or what the database calls it: a table, a class, an index."""

    batch: int = 1000
    """The most items that one call of `add` takes."""

    @abstractmethod
    def count(self) -> int:
        """The number of items."""

    @abstractmethod
    def search(self, vectors: npt.NDArray[np.float32], k: int, fields: Sequence[str]) -> list[list[Hit]]:
        """The k nearest items of each vector, with these fields of each."""

    @abstractmethod
    def add(self, rows: Rows) -> None:
        """Add items."""

    def finish(self) -> None:  # noqa: B027 - most databases have nothing to do here
        """Called once after the last `add`, for example to build an index."""


class Client(ABC):
    """A connection to a database."""

    @abstractmethod
    def names(self) -> list[str]:
        """The collections."""

    @abstractmethod
    def open(self, name: str) -> Collection:
        """Open a collection that exists."""

    @abstractmethod
    def create(self, name: str, dimensions: int) -> Collection:
        """Create a collection for vectors compared by cosine."""

    @abstractmethod
    def drop(self, name: str) -> None:
        """Delete a collection."""

    def close(self) -> None:  # noqa: B027 - some have nothing to close
        """Close the connection."""


@dataclass(frozen=True)
class VectorDatabase(Retriever):
    """A collection of a vector database, searched with the vectors of a ragbench embedder.

    Without ``existing``, the chunks are written to a collection whose name ends in the fingerprint of chunks and
    model, so a second run finds it filled. With ``existing``, your own collection is searched as it is and nothing is
    added.

    Attributes:
        collection: name of the collection.
        existing: search the collection as it is.
        model: spec of the embedder. For an existing collection, name the embedder that filled it.
        returns: whether the ids of an existing collection are of chunks or of documents.
        id_field: field of an existing collection that holds these ids; empty for the ids of the database.
        text_field: field of an existing collection that holds the text. An item is then the chunk (or document) with
            the same text, whatever its id.
    """

    collection: str = "ragbench"
    existing: bool = False
    model: str = "minilm"
    returns: Unit = "chunk"
    id_field: str = ""
    text_field: str = ""

    # Approximate indexes are built by several threads, and two builds may differ.
    cacheable: ClassVar[bool] = False
    database: ClassVar[str]
    """Its name in messages."""

    @abstractmethod
    def connect(self) -> Client:
        """Connect to the database.

        Raises:
            MissingExtra: its client is not installed.
            InputError: there is no database at the place.
        """

    def place(self) -> str:
        """Where the database is, for messages."""
        return self.database

    def check(self) -> list[str]:
        """Check that the embedder exists, and that the settings go together."""
        faults = [
            f"{name} is for existing=true; what ragbench writes itself needs none"
            for name in ("id_field", "text_field")
            if getattr(self, name) and not self.existing
        ]
        if self.id_field and self.text_field:
            faults.append("id_field and text_field are both given; give one of them")
        if self.returns == "document" and not self.existing:
            faults.append("returns=document is for existing=true; what is added here are chunks")
        try:
            build(EMBEDDERS, self.model)
        except SettingError as error:
            faults.append(str(error))
        return faults

    def key(self) -> str:
        """Fingerprint of the settings and of the embedder that ``model`` names."""
        return fingerprint([self, build(EMBEDDERS, self.model).fingerprint()])

    def index(self, chunks: Chunks, context: Context) -> "DatabaseIndex":
        """Open the collection, and fill it unless it exists.

        Raises:
            InputError: there is no such collection, or the database refuses it.
        """
        embedder: Embedder = build(EMBEDDERS, self.model)
        client = self.connect()
        try:
            if self.existing:
                collection, filled = self._theirs(client), None
            else:
                name = f"{self.collection}_{fingerprint([chunks.fingerprint, embedder.fingerprint()])[:16]}"
                collection, filled = self.filled(client, name, chunks, embedder, context)
            index = DatabaseIndex(self, chunks, context, embedder, client, collection)
        except BaseException:
            client.close()
            raise
        if filled is not None:
            index.notes["filled"] = "earlier" if filled else "now"
        return index

    def _theirs(self, client: Client) -> Collection:
        with refusals(self.database):
            names = sorted(client.names())
        if self.collection not in names:
            there = first_ten(names) if names else "none"
            raise InputError(f"{self.place()} has no collection {self.collection!r} (it has: {there})")
        with refusals(self.database):
            return client.open(self.collection)

    def filled(
        self, client: Client, name: str, chunks: Chunks, embedder: Embedder, context: Context
    ) -> tuple[Collection, bool]:
        """The collection of that name with all chunks, and whether it was full before.

        Raises:
            InputError: the database refuses it.
        """
        with refusals(self.database):
            if name in client.names():
                collection = client.open(name)
                if collection.count() == len(chunks):
                    return collection, True
                client.drop(name)  # left by a run that was broken off
        vectors = embed(embedder, chunks.contents, "passage", context).vectors
        with refusals(self.database), context.progress(f"filling {self.database}", len(chunks)) as advance:
            collection = client.create(name, vectors.shape[1])
            for start in range(0, len(chunks), collection.batch):
                part = slice(start, min(start + collection.batch, len(chunks)))
                ids = list(chunks.ids[part])
                collection.add(Rows(ids, vectors[part], list(_fields(chunks, part))))
                advance(len(ids))
            collection.finish()
        return collection, False


def _fields(chunks: Chunks, part: slice) -> Iterator[dict[str, str]]:
    for at in range(part.start, part.stop):
        document = int(chunks.document_index[at])
        yield {
            CHUNK: chunks.ids[at], DOCUMENT: chunks.document_ids[document], TITLE: chunks.titles[document],
            TEXT: chunks.texts[at],
        }  # fmt: skip


@contextmanager
def refusals(database: str) -> Iterator[None]:
    """Name the database in its errors, which are of several families.

    Raises:
        InputError: the block failed.
    """
    try:
        yield
    except RagbenchError:
        raise
    except Exception as error:
        raise InputError(f"{database} refuses: {one_line(str(error) or type(error).__name__)}") from error


class DatabaseIndex(OwnIdsIndex):
    """A collection that answers queries."""

    def __init__(
        self,
        settings: VectorDatabase,
        chunks: Chunks,
        context: Context,
        embedder: Embedder,
        client: Client,
        collection: Collection,
    ) -> None:
        super().__init__(chunks, settings.returns)
        self._settings, self._embedder, self._progress = settings, embedder, context.progress
        self._client, self._collection = client, collection
        with refusals(settings.database):
            self._size = collection.count()
        if self._size == 0:
            raise InputError(f"the {settings.database} collection {settings.collection!r} is empty")
        self.notes["items"] = self._size
        own = "" if settings.existing else CHUNK
        self._field = settings.text_field or settings.id_field or own
        self._by_text = _by_text(chunks, settings.returns) if settings.text_field else None

    def rank(self, queries: Sequence[Query], k: int) -> Ranking:
        """The items nearest to each query's vector."""
        vectors = self._embedder.encode([query.text for query in queries], "query")
        fields = [self._field] if self._field else []
        answers: list[list[tuple[str, float]]] = []
        name = self._settings.database
        with self._progress(f"asking {name}", len(queries)) as advance, refusals(name):
            for start in range(0, len(queries), QUERIES_PER_CALL):
                batch = vectors[start : start + QUERIES_PER_CALL]
                found = self._collection.search(batch, min(k, self._size), fields)
                answers += [[(self._id(hit), hit.score) for hit in hits] for hits in found]
                advance(len(batch))
        return self.ranking(answers)

    def _id(self, hit: Hit) -> str:
        if not self._field:
            return hit.id
        value = hit.fields.get(self._field)
        if value is None:
            raise InputError(
                f"item {hit.id!r} of collection {self._settings.collection!r} has no field {self._field!r}"
            )
        if self._by_text is None:
            return str(value)
        return self._by_text.get(_words(str(value)), hit.id)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()


def _words(text: str) -> str:
    return " ".join(text.split())


def _by_text(chunks: Chunks, unit: Unit) -> dict[str, str]:
    """Id by text, regardless of white space; of equal texts, the first. A chunk counts with and without its title."""
    found: dict[str, str] = {}
    documents = chunks.document_index.tolist()
    for row, (id_, text, whole) in enumerate(zip(chunks.ids, chunks.texts, chunks.contents, strict=True)):
        known = id_ if unit == "chunk" else chunks.document_ids[documents[row]]
        found.setdefault(_words(text), known)
        found.setdefault(_words(whole), known)
    return found


@dataclass(frozen=True)
class Indexed:
    """A collection that was written.

    Attributes:
        collection: its name.
        place: the database.
        retriever: the spec that searches it.
        documents, items: how many documents and chunks it holds.
        model: spec of the embedder.
        seconds: how long it took, embedding included.
        ledger: what was skipped.
    """

    collection: str
    place: str
    retriever: str
    documents: int
    items: int
    model: str
    seconds: float
    ledger: Ledger


def write_collection(settings: VectorDatabase, chunks: Chunks, context: Context, *, replace_it: bool) -> int:
    """Write chunks into the collection that the settings name, for users other than ragbench. Returns its size.

    Raises:
        SettingError: the collection exists and is not to be replaced.
        InputError: the database refuses.
    """
    embedder: Embedder = build(EMBEDDERS, settings.model)
    client = settings.connect()
    try:
        with refusals(settings.database):
            there = settings.collection in client.names()
            if there and replace_it:
                client.drop(settings.collection)
        if there and not replace_it:
            raise SettingError(
                f"is not given, and {settings.place()} has a collection {settings.collection!r} already",
                option="replace",
            )
        collection, _ = replace(settings, existing=False).filled(client, settings.collection, chunks, embedder, context)
        return collection.count()
    finally:
        client.close()


def field_of(values: Mapping[str, Any], fields: Sequence[str]) -> dict[str, object]:
    """The fields of an item that were asked for."""
    return {name: values[name] for name in fields if values.get(name) is not None}
