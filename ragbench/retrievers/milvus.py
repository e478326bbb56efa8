"""A Milvus collection, searched with the vectors of a ragbench embedder."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from ragbench.core.errors import InputError, MissingExtra
from ragbench.retrievers._vector_database import CHUNK, Client, Collection, Hit, Rows, VectorDatabase, field_of

TOKEN = "MILVUS_TOKEN"  # noqa: S105 - the name of a variable, not a token
"""The environment variable of the token."""
LONGEST = 65_535
"""Bytes of a text field in Milvus."""
NAMES = ("document_id", "title", "text")


@dataclass(frozen=True)
class Milvus(VectorDatabase):
    """Nearest neighbours in Milvus: a server, or a file of Milvus Lite.

    The token of a server comes from the environment variable ``MILVUS_TOKEN``.

    Attributes:
        url: address of a server, such as ``http://localhost:19530``; or
        path: file of Milvus Lite, such as ``milvus.db``.
        vector: field of the vectors of an existing collection; empty for its only one.
        timeout: seconds for one call.
    """

    url: str = ""
    path: Path | None = None
    vector: str = ""
    timeout: float = 30.0

    database: ClassVar[str] = "Milvus"

    def check(self) -> list[str]:
        """Check that there is one place."""
        faults = super().check()
        if bool(self.url) == bool(self.path):
            faults.append("give either url, the address of a server, or path, a file of Milvus Lite")
        elif self.existing and self.path and not self.path.exists():
            faults.append(f"existing=true needs path, the file of the collection; there is no {self.path}")
        return faults

    def place(self) -> str:
        """The address or the file."""
        return str(self.url or self.path)

    def connect(self) -> "MilvusDatabase":
        """Connect to the server, or open the file."""
        try:
            from pymilvus import MilvusClient
        except ImportError as error:
            raise MissingExtra("retriever 'milvus'", "milvus") from error
        try:
            client = MilvusClient(self.url or str(self.path), token=os.environ.get(TOKEN, ""), timeout=self.timeout)
        except Exception as error:  # of pymilvus or of gRPC
            raise InputError(f"{self.place()} cannot be opened: {' '.join(str(error).split())[:200]}") from error
        return MilvusDatabase(client, self.vector)


class MilvusDatabase(Client):
    """A Milvus server or file."""

    def __init__(self, client: Any, vector: str) -> None:
        self._client, self._vector = client, vector

    def names(self) -> list[str]:
        """The collections."""
        return list(self._client.list_collections())

    def open(self, name: str) -> Collection:
        """Load a collection."""
        self._client.load_collection(name)
        return MilvusCollection(self._client, name, self._vector)

    def create(self, name: str, dimensions: int) -> Collection:
        """Create a collection whose ids are those of the chunks."""
        from pymilvus import DataType

        schema = self._client.create_schema(auto_id=False)
        schema.add_field(CHUNK, DataType.VARCHAR, is_primary=True, max_length=LONGEST)
        for field in NAMES:
            schema.add_field(field, DataType.VARCHAR, max_length=LONGEST)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dimensions)
        indexes = self._client.prepare_index_params()
        indexes.add_index("vector", index_type="AUTOINDEX", metric_type="COSINE")
        self._client.create_collection(name, schema=schema, index_params=indexes, consistency_level="Strong")
        return MilvusCollection(self._client, name, "vector")

    def drop(self, name: str) -> None:
        """Delete a collection."""
        self._client.drop_collection(name)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()


class MilvusCollection(Collection):
    """A Milvus collection."""

    def __init__(self, client: Any, name: str, vector: str) -> None:
        self._client, self._name, self._vector = client, name, vector

    def count(self) -> int:
        """The number of items."""
        rows = self._client.query(self._name, filter="", output_fields=["count(*)"], consistency_level="Strong")
        return int(rows[0]["count(*)"])

    def search(self, vectors: npt.NDArray[np.float32], k: int, fields: Sequence[str]) -> list[list[Hit]]:
        """The k nearest items. Distances count as negative scores."""
        asked = {"anns_field": self._vector} if self._vector else {}
        answers = self._client.search(
            self._name, data=np.asarray(vectors).tolist(), limit=k, output_fields=list(fields),
            consistency_level="Strong", **asked,
        )  # fmt: skip
        hits = []
        for answer in answers:
            rows = [(one.id, float(one.distance), field_of(one.fields or {}, fields)) for one in answer]
            # L2 gives distances, nearest first; cosine and inner product give similarities.
            sign = -1.0 if len(rows) > 1 and rows[0][1] < rows[-1][1] else 1.0
            hits.append([Hit(str(id_), sign * score, known) for id_, score, known in rows])
        return hits

    def add(self, rows: Rows) -> None:
        """Add items. Texts are cut to what a field of Milvus holds."""
        self._client.insert(self._name, [
            {
                CHUNK: id_, "vector": vector.tolist(),
                **{name: known[name].encode()[:LONGEST].decode(errors="ignore") for name in NAMES},
            }
            for id_, vector, known in zip(rows.ids, np.asarray(rows.vectors), rows.fields, strict=True)
        ])  # fmt: skip

    def finish(self) -> None:
        """Wait until all items are stored."""
        self._client.flush(self._name)
