"""A Qdrant collection, searched with the vectors of a ragbench embedder."""

import os
import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ragbench.core.errors import MissingExtra
from ragbench.core.filters import Clause, Kind
from ragbench.retrievers._database import Client, Collection, Hit, Rows, Schemaless, Search, Space, field_of, vector_of
from ragbench.retrievers._vector_database import ServerOrPath

KEY = "QDRANT_API_KEY"
"""The environment variable of the key."""
PAGE = 10_000
"""Items that are read at once."""


@dataclass(frozen=True)
class Qdrant(ServerOrPath):
    """Nearest neighbours in Qdrant: a server, a folder, or in memory.

    ``url`` is the address of a server, such as ``http://localhost:6333``, and ``path`` the folder of a local database.
    Without either, the collection is in memory. A folder and a collection in memory are searched exactly, a server by
    its HNSW index. The key of a server comes from the environment variable ``QDRANT_API_KEY``.
    """

    database: ClassVar[str] = "Qdrant"

    def connect(self) -> "QdrantDatabase":
        """Connect to the server, or open the folder."""
        try:
            from qdrant_client import QdrantClient
        except ImportError as error:
            raise MissingExtra("retriever 'qdrant'", "qdrant") from error
        if self.url:
            key = os.environ.get(KEY) or None
            client = QdrantClient(url=self.url, api_key=key, timeout=self.timeout, check_compatibility=False)
        else:
            client = QdrantClient(path=str(self.path)) if self.path else QdrantClient(location=":memory:")
        return QdrantDatabase(client, self.vector)


class QdrantDatabase(Client):
    """A Qdrant server or folder."""

    def __init__(self, client: Any, vector: str) -> None:
        self._client, self._vector = client, vector

    def names(self) -> list[str]:
        """The collections."""
        return [one.name for one in self._client.get_collections().collections]

    def open(self, name: str) -> Collection:
        """Open a collection."""
        return QdrantCollection(self._client, name, self._vector)

    def create(self, name: str, dimensions: int, fields: Mapping[str, Kind]) -> Collection:
        """Create a collection with one vector without a name. Qdrant has no schema."""
        from qdrant_client import models

        vectors = models.VectorParams(size=dimensions, distance=models.Distance.COSINE)
        self._client.create_collection(name, vectors_config=vectors)
        return QdrantCollection(self._client, name, "")

    def drop(self, name: str) -> None:
        """Delete a collection."""
        self._client.delete_collection(name)

    def close(self) -> None:
        """Close the connection, and unlock the folder."""
        self._client.close()


class QdrantCollection(Schemaless):
    """A Qdrant collection. Its ids are numbers or UUIDs."""

    def __init__(self, client: Any, name: str, vector: str) -> None:
        super().__init__()
        self._client, self._name, self._vector = client, name, vector
        self._sign = 1.0

    def space(self) -> Space:
        """The vectors, by the configuration of the collection."""
        known = self._client.get_collection(self._name).config.params.vectors or {}
        if isinstance(known, dict):
            self._vector = vector_of(self._vector, sorted(known), self._name)
            known = known[self._vector]
        metric = {"cosine": "cosine", "dot": "dot", "euclid": "l2", "manhattan": "l1"}[known.distance.lower()]
        space = Space(known.size, metric)
        self._sign = space.sign
        return space

    def count(self) -> int:
        """The number of items."""
        return int(self._client.count(self._name, exact=True).count)

    def cells(self, field: str) -> Iterable[object]:
        """The value of a field of each item, page by page."""
        offset: Any = None
        while True:
            points, offset = self._client.scroll(
                self._name, limit=PAGE, offset=offset, with_payload=[_path(field)], with_vectors=False
            )
            for point in points:
                yield (point.payload or {}).get(field)
            if offset is None:
                return

    def search(self, asked: Search) -> list[list[Hit]]:
        """The k nearest items. Distances count as negative scores."""
        vectors, k, fields, clauses, _ = asked
        from qdrant_client import models

        wanted: Any = list(fields) if fields else False
        only = models.Filter(must=[_condition(clause) for clause in clauses]) if clauses else None
        using = self._vector or None
        requests = [
            models.QueryRequest(query=vector.tolist(), limit=k, with_payload=wanted, using=using, filter=only)
            for vector in np.asarray(vectors)
        ]
        answers = self._client.query_batch_points(self._name, requests=requests)
        return [
            [Hit(str(one.id), self._sign * one.score, field_of(one.payload or {}, fields)) for one in answer.points]
            for answer in answers
        ]

    def add(self, rows: Rows) -> None:
        """Add items under UUIDs that are made from their ids."""
        from qdrant_client import models

        points = [
            models.PointStruct(id=str(uuid.uuid5(uuid.NAMESPACE_URL, id_)), vector=vector.tolist(), payload=dict(known))
            for id_, vector, known in zip(rows.ids, np.asarray(rows.vectors), rows.fields, strict=True)
        ]
        self._client.upsert(self._name, points=points, wait=True)


def _path(field: str) -> str:
    """A field as a path of Qdrant, where a dot leads into an object."""
    return field if re.fullmatch(r"[A-Za-z0-9_-]+", field) else f'"{field}"'


def _condition(clause: Clause) -> Any:
    from qdrant_client import models

    key = _path(clause.field)
    if clause.kind == "text":  # always `in`, since Qdrant does not order texts
        return models.FieldCondition(key=key, match=models.MatchAny(any=[str(value) for value in clause.values]))
    if clause.kind == "boolean":
        either = [models.MatchValue(value=bool(value)) for value in clause.values]
        return models.Filter(should=[models.FieldCondition(key=key, match=one) for one in either])
    ranges = {
        "in": [{"gte": value, "lte": value} for value in clause.values],
        "!=": [{"lt": clause.values[0]}, {"gt": clause.values[0]}],
        "<": [{"lt": clause.values[0]}], "<=": [{"lte": clause.values[0]}],
        ">": [{"gt": clause.values[0]}], ">=": [{"gte": clause.values[0]}],
    }[clause.operator]  # fmt: skip
    return models.Filter(
        should=[models.FieldCondition(key=key, range=models.Range.model_validate(one)) for one in ranges]
    )
