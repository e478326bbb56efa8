"""A Chroma collection, searched with the vectors of a ragbench embedder."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from ragbench.core.errors import MissingExtra
from ragbench.core.filters import Clause, Kind
from ragbench.retrievers._database import Client, Collection, Hit, Rows, Schemaless, Search, Space, field_of
from ragbench.retrievers._vector_database import VectorDatabase

PAGE = 10_000
"""Items that are read at once."""


@dataclass(frozen=True)
class Chroma(VectorDatabase):
    """Nearest neighbours in Chroma's HNSW index, which is approximate.

    Attributes:
        path: folder of a persistent Chroma; None keeps the collection in memory.

    Source: Malkov and Yashunin 2018 for HNSW.
    """

    path: Path | None = None

    database: ClassVar[str] = "Chroma"

    def check(self) -> list[str]:
        """Check that an existing collection has a folder."""
        faults = super().check()
        if self.existing and (self.path is None or not self.path.is_dir()):
            faults.insert(0, f"existing=true needs path, the folder of the collection; it is {self.path}")
        return faults

    @property
    def in_memory(self) -> bool:
        """Whether there is no folder."""
        return self.path is None

    def place(self) -> str:
        """The folder."""
        return str(self.path or self.database)

    def connect(self) -> "ChromaClient":
        """Open the folder, or a database in memory."""
        try:
            import chromadb
            from chromadb.config import Settings
        except ImportError as error:
            raise MissingExtra("retriever 'chroma'", "chroma") from error
        settings = Settings(anonymized_telemetry=False)
        if self.path is None:
            return ChromaClient(chromadb.EphemeralClient(settings=settings))
        return ChromaClient(chromadb.PersistentClient(str(self.path), settings=settings))


class ChromaClient(Client):
    """A Chroma database."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def names(self) -> list[str]:
        """The collections."""
        return [found.name for found in self._client.list_collections()]

    def open(self, name: str) -> Collection:
        """Open a collection. Its own embedding function is not used."""
        return ChromaCollection(self._client.get_collection(name, embedding_function=None), self._batch())

    def create(self, name: str, dimensions: int, fields: Mapping[str, Kind]) -> Collection:
        """Create a collection; Chroma takes the dimensions from the first vector, and has no schema."""
        settings = {"configuration": {"hnsw": {"space": "cosine"}}, "embedding_function": None}
        return ChromaCollection(self._client.create_collection(name, **settings), self._batch())

    def drop(self, name: str) -> None:
        """Delete a collection."""
        self._client.delete_collection(name)

    def _batch(self) -> int:
        return int(self._client.get_max_batch_size())


class ChromaCollection(Schemaless):
    """A Chroma collection. The score is 1 less the distance."""

    def __init__(self, collection: Any, batch: int) -> None:
        super().__init__()
        self._collection, self.batch = collection, batch

    def space(self) -> Space:
        """The vectors: the first one, and the configuration of the collection."""
        vector = self._collection.get(limit=1, include=["embeddings"])["embeddings"][0]
        configured = self._collection.configuration
        metric = str((configured.get("hnsw") or configured.get("spann") or {}).get("space", "l2"))
        return Space(len(vector), {"ip": "dot"}.get(metric, metric))

    def count(self) -> int:
        """The number of items."""
        return int(self._collection.count())

    def cells(self, field: str) -> Iterable[object]:
        """The value of a field of each item, page by page."""
        for start in range(0, self.count(), PAGE):
            for known in self._collection.get(include=["metadatas"], limit=PAGE, offset=start)["metadatas"]:
                yield (known or {}).get(field)

    def search(self, asked: Search) -> list[list[Hit]]:
        """The k nearest items. The field ``document`` is Chroma's own field of the text."""
        vectors, k, fields, clauses, _ = asked
        include = ["distances", *(["metadatas", "documents"] if fields else [])]
        wanted = [_where(clause) for clause in clauses]
        where = {"$and": wanted} if len(wanted) > 1 else next(iter(wanted), None)
        found = self._collection.query(query_embeddings=vectors, n_results=k, include=include, where=where)
        hits = []
        for at, (ids, distances) in enumerate(zip(found["ids"], found["distances"], strict=True)):
            values: list[dict[str, object]] = [{} for _ in ids]
            if fields:
                pairs = zip(found["metadatas"][at], found["documents"][at], strict=True)
                values = [field_of({"document": text, **(known or {})}, fields) for known, text in pairs]
            hits.append([Hit(id_, 1.0 - far, one) for id_, far, one in zip(ids, distances, values, strict=True)])
        return hits

    def add(self, rows: Rows) -> None:
        """Add items, with their text as Chroma's document."""
        self._collection.add(
            ids=list(rows.ids), embeddings=rows.vectors, metadatas=[dict(one) for one in rows.fields],
            documents=[str(one["text"]) or " " for one in rows.fields],
        )  # fmt: skip


def _where(clause: Clause) -> dict[str, object]:
    """A condition in the syntax of Chroma. Its ``$ne`` also matches items without the field, so it is not used."""
    name, value = clause.field, clause.values[0]
    if clause.operator == "in":
        return {name: {"$in": list(clause.values)}}
    if clause.operator == "!=":
        return {"$or": [{name: {"$lt": value}}, {name: {"$gt": value}}]}
    return {name: {{"<": "$lt", "<=": "$lte", ">": "$gt", ">=": "$gte"}[clause.operator]: value}}
