"""The contract of a vector database: a `Client` is a connection, and a `Collection` can be filled and searched."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ragbench.core.errors import InputError, RagbenchError, did_you_mean
from ragbench.core.filters import Cell, Clause, Kind
from ragbench.retrievers._external import one_line

CHUNK, DOCUMENT, TITLE, TEXT = "chunk_id", "document_id", "title", "text"
OWN = (CHUNK, DOCUMENT, TITLE, TEXT)
"""The fields of every item that ragbench writes. They hold text."""
Vectors = npt.NDArray[np.float32]


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


class Search(NamedTuple):
    """Queries that are sent in one call.

    Attributes:
        vectors: (q, d) float32, vectors of the queries. (q, 0) if the settings do not embed them.
        k: how many items.
        fields: fields of the items to return.
        clauses: what the items must match. Each has at least one value, and its values are of the kind of its field.
        texts: the q queries.
    """

    vectors: Vectors
    k: int
    fields: Sequence[str]
    clauses: Sequence[Clause] = ()
    texts: Sequence[str] = ()


class Rows(NamedTuple):
    """Items to write.

    Attributes:
        ids: ids of chunks.
        vectors: (n, d) float32.
        fields: the values of each. A field without a value is absent.
    """

    ids: Sequence[str]
    vectors: Vectors
    fields: Sequence[Mapping[str, Cell]]

    def column(self, name: str) -> list[Cell | None]:
        """The values of one field."""
        return [one.get(name) for one in self.fields]


class Space(NamedTuple):
    """How the vectors of a collection are compared.

    Attributes:
        dimensions: numbers in a vector.
        metric: ``cosine``, ``dot``, ``l2`` or ``l1``, or the database's own name of another.
    """

    dimensions: int
    metric: str

    @property
    def sign(self) -> float:
        """Factor that makes a higher score mean a more similar item: -1 for distances."""
        return -1.0 if self.metric in ("l2", "l1") else 1.0


class Collection(ABC):
    """A collection, or what the database calls it: a table, a class, an index."""

    batch: int = 1000
    """The most items that one call of `add` takes."""

    @abstractmethod
    def count(self) -> int:
        """The number of items."""

    @abstractmethod
    def space(self) -> Space:
        """The vectors. Only asked of a collection that is not empty.

        Raises:
            InputError: the collection has no such vectors, or their index uses another metric than the settings.
        """

    @abstractmethod
    def kind(self, field: str) -> Kind | str | None:
        """The kind of a field, or the name of its type if that is no kind. None if there is no such field."""

    @abstractmethod
    def search(self, asked: Search) -> list[list[Hit]]:
        """The k best items for each query, among those that match all clauses."""

    @abstractmethod
    def add(self, rows: Rows) -> None:
        """Add items."""

    def finish(self) -> None:  # noqa: B027 - most databases have nothing to do here
        """Called once after the last `add`, for example to build an index."""


class Schemaless(Collection):
    """A collection whose items may have any fields. Their kinds are those of the values.

    The database cannot compare texts with ``<`` and ``!=``, so `search` gets ``in`` for texts only.
    """

    def __init__(self) -> None:
        self._seen: dict[str, tuple[Kind | str | None, list[str]]] = {}

    @abstractmethod
    def cells(self, field: str) -> Iterable[object]:
        """The value of a field of each item, or None."""

    def kind(self, field: str) -> Kind | str | None:
        """The kind of all values. They are read once."""
        return self._read(field)[0]

    def texts(self, field: str) -> list[str]:
        """The distinct texts in a field. They are read once."""
        return self._read(field)[1]

    def _read(self, field: str) -> tuple[Kind | str | None, list[str]]:
        if field not in self._seen:
            cells = {(type(cell), cell) for cell in self.cells(field) if type(cell) in _KINDS}
            self._seen[field] = kind_of(cell for _, cell in cells), [cell for _, cell in cells if isinstance(cell, str)]
        return self._seen[field]


_KINDS: Mapping[type, Kind] = {str: "text", bool: "boolean", int: "number", float: "number"}


def kind_of(values: Iterable[object]) -> Kind | str | None:
    """The kind of the values, or the kinds joined by "and". Lists, objects and None have none."""
    return " and ".join(sorted({_KINDS[type(value)] for value in values if type(value) in _KINDS})) or None


class Client(ABC):
    """A connection to a database."""

    @abstractmethod
    def names(self) -> list[str]:
        """The collections."""

    @abstractmethod
    def open(self, name: str) -> Collection:
        """Open a collection that exists."""

    @abstractmethod
    def create(self, name: str, dimensions: int, fields: Mapping[str, Kind]) -> Collection:
        """Create a collection for vectors compared by cosine.

        Args:
            name: its name.
            dimensions: numbers in a vector.
            fields: kinds of the metadata that its items will have, besides the fields of every item.
        """

    @abstractmethod
    def drop(self, name: str) -> None:
        """Delete a collection."""

    def close(self) -> None:  # noqa: B027 - some have nothing to close
        """Close the connection."""


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


def vector_of(asked: str, known: Sequence[str], collection: str) -> str:
    """The name of the vectors of a collection: the one that was asked for, or else the only one.

    Raises:
        InputError: there is none of that name, or several and none was asked for.
    """
    if asked in known:
        return asked
    if asked:
        raise InputError(f"collection {collection!r} has no vectors {asked!r}{did_you_mean(asked, known)}; set vector=")
    if len(known) != 1:
        several = f"several vectors: {', '.join(known)}. Set vector= to one of them" if known else "no vectors"
        raise InputError(f"collection {collection!r} has {several}")
    return known[0]


def field_of(values: Mapping[str, Any], fields: Sequence[str]) -> dict[str, object]:
    """The fields of an item that were asked for."""
    return {name: values[name] for name in fields if values.get(name) is not None}
