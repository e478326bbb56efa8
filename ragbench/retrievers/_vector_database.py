"""What the retrievers of vector databases share: settings, and how a collection is opened or filled.

A database is one file beside this one: a `VectorDatabase` with its settings and `connect`, and the `Client` and
`Collection` of `_database.py`.
"""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from ragbench.core.brief import brief
from ragbench.core.context import Context
from ragbench.core.documents import Chunks
from ragbench.core.errors import InputError, RagbenchError, SettingError, nearest
from ragbench.core.fingerprint import fingerprint
from ragbench.core.ledger import Ledger, first_ten
from ragbench.core.runs import Unit
from ragbench.engine import embed
from ragbench.models.embed.base import Embedder
from ragbench.plugins import EMBEDDERS, build
from ragbench.retrievers._database import Client, Collection, Rows, refusals
from ragbench.retrievers._database_index import DatabaseIndex
from ragbench.retrievers._external import one_line
from ragbench.retrievers._written_fields import Written, fields_to_write, rows_of_fields
from ragbench.retrievers.base import Retriever


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
    reserved: ClassVar[frozenset[str]] = frozenset()
    """Names of fields that the database itself uses."""

    @abstractmethod
    def connect(self) -> Client:
        """Connect to the database; see `opened`.

        Raises:
            MissingExtra: its client is not installed.
        """

    @property
    def in_memory(self) -> bool:
        """Whether the collection is lost when the process ends."""
        return False

    @property
    def embeds(self) -> bool:
        """Whether queries are embedded. A database that can search by words may not need it."""
        return True

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
        client, names = self.opened()
        try:
            filled = ""
            if self.existing:
                collection = self._theirs(client, names)
            else:
                written = fields_to_write(chunks, self.reserved, None)
                decides = [chunks.fingerprint, embedder.fingerprint()]
                if written.kinds:
                    decides.append(chunks.fields.fingerprint(written.kinds))
                name = f"{self.collection}_{fingerprint(decides)[:16]}"
                full = self._full(client, name, len(chunks)) if name in names else None
                filled = "earlier" if full else "now"
                collection = full or self.fill(client, name, chunks, written, embedder, context)
            index = DatabaseIndex(self, chunks, context, embedder, client, collection)
        except BaseException:
            client.close()
            raise
        if filled:
            index.notes["filled"] = filled
        return index

    def opened(self) -> tuple[Client, list[str]]:
        """Connect to the database, and list its collections.

        Raises:
            MissingExtra: its client is not installed.
            InputError: there is no database at the place.
        """
        client = None
        try:
            client = self.connect()
            return client, sorted(client.names())
        except Exception as error:  # each client has its own family
            if client is not None:
                client.close()
            if isinstance(error, RagbenchError):
                raise
            reason = one_line(str(error) or type(error).__name__)
            raise InputError(f"{self.database}: {self.place()} cannot be opened: {reason}. {self.hint()}") from error

    def hint(self) -> str:
        """What to check if the database cannot be opened."""
        return "Check the place, and that no other program has it open"

    def _theirs(self, client: Client, names: Sequence[str]) -> Collection:
        if self.collection not in names:
            near = nearest(self.collection, names)
            there = f"did you mean {near[0]!r}?" if near else f"it has: {first_ten(names) or 'none'}"
            raise InputError(f"{self.place()} has no collection {self.collection!r} ({there})")
        with refusals(self.database):
            return client.open(self.collection)

    def _full(self, client: Client, name: str, size: int) -> Collection | None:
        """The collection of that name, or None if an interrupted run left it without some of its items."""
        with refusals(self.database):
            collection = client.open(name)
            return collection if collection.count() == size else None

    def fill(
        self, client: Client, name: str, chunks: Chunks, written: Written, embedder: Embedder, context: Context
    ) -> Collection:
        """Write all chunks with these fields into a new collection. An older one of that name is replaced.

        Raises:
            InputError: the database refuses it.
        """
        vectors = embed(embedder, chunks.contents, "passage", context).vectors
        with refusals(self.database), context.progress(f"filling {self.database}", len(chunks)) as advance:
            if name in client.names():
                client.drop(name)
            collection = client.create(name, vectors.shape[1], written.kinds)
            for start in range(0, len(chunks), collection.batch):
                part = slice(start, min(start + collection.batch, len(chunks)))
                ids = list(chunks.ids[part])
                collection.add(Rows(ids, vectors[part], list(rows_of_fields(chunks, part, written.kinds))))
                advance(len(ids))
            collection.finish()
        return collection


@brief
@dataclass(frozen=True)
class ServerOrPath(VectorDatabase):
    """A database that is a server, or a folder or file of this machine.

    Attributes:
        url: address of a server; or
        path: folder or file of a local database.
        vector: name of the vectors, if the items of an existing collection have several.
        timeout: seconds for one call of a server.
    """

    url: str = ""
    path: Path | None = None
    vector: str = ""
    timeout: int = 30

    def check(self) -> list[str]:
        """Check that there is one place."""
        faults = super().check()
        if self.url and self.path:
            faults.append("url and path are both given; give one of them")
        elif self.existing and not self.url and (self.path is None or not self.path.exists()):
            faults.append(f"existing=true needs url, or path, where the collection is; it is {self.path}")
        return faults

    @property
    def in_memory(self) -> bool:
        """Whether there is neither a server nor a path."""
        return not self.url and self.path is None

    def place(self) -> str:
        """The address or the path."""
        return str(self.url or self.path or self.database)

    def hint(self) -> str:
        """What to check if the database cannot be opened."""
        return "Check that the server runs and the address is right" if self.url else super().hint()


@brief
@dataclass(frozen=True)
class Indexed:
    """A collection that was written.

    Attributes:
        collection: its name.
        place: the database.
        retriever: the spec that searches it.
        documents, items: how many documents and chunks it holds.
        fields: names of the metadata that its items have.
        model: spec of the embedder.
        seconds: how long it took, embedding included.
        ledger: what was skipped.
    """

    collection: str
    place: str
    retriever: str
    documents: int
    items: int
    fields: Sequence[str]
    model: str
    seconds: float
    ledger: Ledger


def write_collection(
    settings: VectorDatabase,
    chunks: Chunks,
    context: Context,
    *,
    fields: Sequence[str] | None = None,
    replace_it: bool,
) -> tuple[int, Written]:
    """Write chunks into the collection that the settings name, for users other than ragbench.

    Args:
        settings: the database.
        chunks: the chunks.
        context: progress, and the store of vectors.
        fields: the metadata to write; None for all with scalar values.
        replace_it: whether a collection of that name may be replaced.

    Returns:
        Its size, and the fields.

    Raises:
        SettingError: the collection exists and is not to be replaced, or a field cannot be written.
        InputError: the database refuses.
    """
    embedder: Embedder = build(EMBEDDERS, settings.model)
    written = fields_to_write(chunks, settings.reserved, fields)
    client, names = settings.opened()
    try:
        if settings.collection in names and not replace_it:
            raise SettingError(
                f"is not given, and {settings.place()} has a collection {settings.collection!r} already",
                option="replace",
            )
        collection = settings.fill(client, settings.collection, chunks, written, embedder, context)
        return collection.count(), written
    finally:
        client.close()
