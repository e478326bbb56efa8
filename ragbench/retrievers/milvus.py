"""A Milvus collection, searched with the vectors of a ragbench embedder."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ragbench.core.errors import MissingExtra
from ragbench.core.filters import Cell, Clause, Kind
from ragbench.retrievers._database import (
    CHUNK,
    OWN,
    Client,
    Collection,
    Hit,
    Rows,
    Search,
    Space,
    field_of,
    kind_of,
    vector_of,
)
from ragbench.retrievers._vector_database import ServerOrPath

TOKEN = "MILVUS_TOKEN"  # noqa: S105 - the name of a variable, not a token
"""The environment variable of the token."""
LONGEST = 65_535
"""Bytes of a text field in Milvus."""
SAMPLE = 1000
"""Items that are read to find the kind of a dynamic field."""
KINDS: Mapping[str, Kind] = {
    "VARCHAR": "text", "BOOL": "boolean",
    **dict.fromkeys(("INT8", "INT16", "INT32", "INT64", "FLOAT", "DOUBLE"), "number"),
}  # fmt: skip
WORDS = frozenset(("and", "or", "not", "in", "like", "is", "null", "exists", "true", "false", "between"))
"""Reserved words of Milvus's filters."""


@dataclass(frozen=True)
class Milvus(ServerOrPath):
    """Nearest neighbours in Milvus: a server, or a file of Milvus Lite.

    ``url`` is the address of a server, such as ``http://localhost:19530``, and ``path`` the file of Milvus Lite, such
    as ``milvus.db``. The token of a server comes from the environment variable ``MILVUS_TOKEN``.
    """

    database: ClassVar[str] = "Milvus"
    reserved: ClassVar[frozenset[str]] = frozenset(("vector",))

    def check(self) -> list[str]:
        """Check that there is one place."""
        faults = super().check()
        if not self.url and not self.path:
            faults.append("give either url, the address of a server, or path, a file of Milvus Lite")
        return faults

    def connect(self) -> "MilvusDatabase":
        """Connect to the server, or open the file."""
        try:
            from pymilvus import MilvusClient
        except ImportError as error:
            raise MissingExtra("retriever 'milvus'", "milvus") from error
        client = MilvusClient(self.url or str(self.path), token=os.environ.get(TOKEN, ""), timeout=self.timeout)
        return MilvusDatabase(client, self.vector, lite=self.path is not None)


class MilvusDatabase(Client):
    """A Milvus server or file."""

    def __init__(self, client: Any, vector: str, *, lite: bool) -> None:
        self._client, self._vector, self._lite = client, vector, lite

    def names(self) -> list[str]:
        """The collections."""
        return list(self._client.list_collections())

    def open(self, name: str) -> Collection:
        """Load a collection."""
        self._client.load_collection(name)
        return MilvusCollection(self._client, name, self._vector, lite=self._lite)

    def create(self, name: str, dimensions: int, fields: Mapping[str, Kind]) -> Collection:
        """Create a collection whose ids are those of the chunks. Fields whose names it refuses are dynamic."""
        from pymilvus import DataType

        schema = self._client.create_schema(auto_id=False, enable_dynamic_field=True)
        schema.add_field(CHUNK, DataType.VARCHAR, is_primary=True, max_length=LONGEST)
        types = {"number": DataType.DOUBLE, "boolean": DataType.BOOL}
        for field, kind in {**dict.fromkeys(OWN[1:], "text"), **fields}.items():
            if kind == "text" and _plain(field):
                schema.add_field(field, DataType.VARCHAR, max_length=LONGEST, nullable=True)
            elif _plain(field):
                schema.add_field(field, types[kind], nullable=True)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dimensions)
        indexes = self._client.prepare_index_params()
        indexes.add_index("vector", index_type="AUTOINDEX", metric_type="COSINE")
        self._client.create_collection(name, schema=schema, index_params=indexes, consistency_level="Strong")
        return MilvusCollection(self._client, name, "vector", lite=self._lite)

    def drop(self, name: str) -> None:
        """Delete a collection."""
        self._client.drop_collection(name)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()


class MilvusCollection(Collection):
    """A Milvus collection."""

    def __init__(self, client: Any, name: str, vector: str, *, lite: bool) -> None:
        self._client, self._name, self._vector, self._lite = client, name, vector, lite
        self._sign = 1.0

    def space(self) -> Space:
        """The vectors, by the schema and by their index."""
        fields = {one["name"]: one for one in self._client.describe_collection(self._name)["fields"]}
        floats = [name for name, one in fields.items() if one["type"].name == "FLOAT_VECTOR"]
        self._vector = vector_of(self._vector, floats, self._name)
        (index, *_) = self._client.list_indexes(self._name, field_name=self._vector)
        metric = str(self._client.describe_index(self._name, index)["metric_type"]).lower()
        space = Space(int(fields[self._vector]["params"]["dim"]), {"ip": "dot"}.get(metric, metric))
        self._sign = space.sign
        return space

    def count(self) -> int:
        """The number of items."""
        rows = self._client.query(self._name, filter="", output_fields=["count(*)"], consistency_level="Strong")
        return int(rows[0]["count(*)"])

    def kind(self, field: str) -> Kind | str | None:
        """The kind of a field by its type, or of a dynamic field by the values of some items."""
        about = self._client.describe_collection(self._name)
        for known in about["fields"]:
            if known["name"] == field:
                type_ = known["type"].name
                return KINDS.get(type_, str(type_).lower())
        if not about.get("enable_dynamic_field"):
            return None
        rows = self._client.query(
            self._name, filter=f"exists {_name(field)}", output_fields=[field], limit=SAMPLE, consistency_level="Strong"
        )
        return kind_of(row.get(field) for row in rows)

    def search(self, asked: Search) -> list[list[Hit]]:
        """The k nearest items. Distances count as negative scores."""
        vectors, k, fields, clauses, _ = asked
        options: dict[str, Any] = {"anns_field": self._vector} if self._vector else {}
        if clauses and self._lite:
            # If few items match, its HNSW index finds too few of them, unless it may look at all items.
            options["search_params"] = {"params": {"ef": self.count()}}
        answers = self._client.search(
            self._name, data=np.asarray(vectors).tolist(), limit=k, output_fields=list(fields),
            consistency_level="Strong", filter=" and ".join(map(_condition, clauses)), **options,
        )  # fmt: skip
        return [
            [Hit(str(one.id), self._sign * float(one.distance), field_of(one.fields or {}, fields)) for one in answer]
            for answer in answers
        ]

    def add(self, rows: Rows) -> None:
        """Add items. Texts are cut to what a field of Milvus holds."""
        self._client.insert(self._name, [
            {**{name: _cut(cell) for name, cell in known.items()}, CHUNK: id_, "vector": vector.tolist()}
            for id_, vector, known in zip(rows.ids, np.asarray(rows.vectors), rows.fields, strict=True)
        ])  # fmt: skip

    def finish(self) -> None:
        """Wait until all items are stored."""
        self._client.flush(self._name)


def _plain(field: str) -> bool:
    """Whether Milvus allows the name in a schema."""
    return bool(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", field)) and field.lower() not in WORDS


def _name(field: str) -> str:
    """A field in a filter. ``$meta`` holds the dynamic fields."""
    return field if _plain(field) else f"$meta[{_literal(field)}]"


def _literal(value: Cell) -> str:
    # Milvus does not read the escapes of characters outside ASCII.
    return json.dumps(value, ensure_ascii=False)


def _condition(clause: Clause) -> str:
    """A condition in the syntax of Milvus. It matches no item without the field."""
    if clause.operator == "in" and not _plain(clause.field):  # Milvus Lite applies `in` to fields of the schema only
        return f"({' or '.join(f'{_name(clause.field)} == {_literal(value)}' for value in clause.values)})"
    if clause.operator == "in":
        return f"{_name(clause.field)} in [{', '.join(map(_literal, clause.values))}]"
    return f"{_name(clause.field)} {clause.operator} {_literal(clause.values[0])}"


def _cut(cell: Cell) -> Cell:
    return cell.encode()[:LONGEST].decode(errors="ignore") if isinstance(cell, str) else cell
