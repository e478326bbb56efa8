"""A LanceDB table, searched with the vectors of a ragbench embedder."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from ragbench.core.errors import InputError, MissingExtra
from ragbench.core.filters import Cell, Clause, Kind
from ragbench.retrievers._database import OWN, Client, Collection, Hit, Rows, Search, Space, field_of, vector_of
from ragbench.retrievers._vector_database import VectorDatabase

VECTOR = "vector"
METRICS = ("cosine", "l2", "dot")
DISTANCE, QUERY = "_distance", "query_index"


@dataclass(frozen=True)
class LanceDB(VectorDatabase):
    """Nearest neighbours in a LanceDB table: exact without an index, and approximate with one.

    Attributes:
        path: folder of the database.
        vector: column of the vectors.
        metric: how an existing table compares vectors.
    """

    path: Path | None = None
    vector: str = VECTOR
    metric: Literal["cosine", "l2", "dot"] = "cosine"

    database: ClassVar[str] = "LanceDB"
    reserved: ClassVar[frozenset[str]] = frozenset((VECTOR, "id", DISTANCE))

    def check(self) -> list[str]:
        """Check that there is a folder."""
        faults = super().check()
        if self.path is None:
            faults.append("needs path, the folder of the database")
        elif self.existing and not self.path.is_dir():
            faults.append(f"existing=true needs path, the folder of the database; it is {self.path}")
        return faults

    def place(self) -> str:
        """The folder."""
        return str(self.path)

    def connect(self) -> "LanceClient":
        """Open the folder."""
        try:
            import lancedb
        except ImportError as error:
            raise MissingExtra("retriever 'lancedb'", "lancedb") from error
        return LanceClient(lancedb.connect(str(self.path)), self.vector, self.metric)


class LanceClient(Client):
    """A LanceDB database."""

    def __init__(self, connection: Any, vector: str, metric: str) -> None:
        self._connection, self._vector, self._metric = connection, vector, metric

    def names(self) -> list[str]:
        """The tables."""
        found: list[str] = []
        page: str | None = None
        while True:
            answer = self._connection.list_tables(page_token=page)
            found += answer.tables
            page = answer.page_token
            if not page:
                return found

    def open(self, name: str) -> Collection:
        """Open a table."""
        return LanceTable(self._connection.open_table(name), self._vector, self._metric)

    def create(self, name: str, dimensions: int, fields: Mapping[str, Kind]) -> Collection:
        """Create an empty table."""
        import pyarrow as pa

        types = {"text": pa.string(), "number": pa.float64(), "boolean": pa.bool_()}
        vector = pa.field(VECTOR, pa.list_(pa.float32(), dimensions))
        columns = [(one, pa.string()) for one in OWN] + [(one, types[kind]) for one, kind in fields.items()]
        schema = pa.schema([vector, *(pa.field(*column) for column in columns)])
        return LanceTable(self._connection.create_table(name, schema=schema), VECTOR, "cosine")

    def drop(self, name: str) -> None:
        """Delete a table."""
        self._connection.drop_table(name)


class LanceTable(Collection):
    """A LanceDB table. Its rows have no ids but their columns."""

    batch = 20_000

    def __init__(self, table: Any, vector: str, metric: str) -> None:
        self._table, self._vector, self._metric = table, vector, metric

    def count(self) -> int:
        """The number of rows."""
        return int(self._table.count_rows())

    def space(self) -> Space:
        """The vectors, by the schema. An index of them must use the metric of the settings."""
        import pyarrow as pa

        sizes = {one.name: one.type.list_size for one in self._table.schema if pa.types.is_fixed_size_list(one.type)}
        self._vector = vector_of(self._vector, list(sizes), self._table.name)
        for index in self._table.list_indices():
            built = str(self._table.index_stats(index.name).distance_type) if index.columns == [self._vector] else ""
            if built in METRICS and built != self._metric:
                raise InputError(
                    f"the index of table {self._table.name!r} compares by {built}, but metric is {self._metric}; "
                    f"set metric={built}"
                )
        return Space(sizes[self._vector], self._metric)

    def kind(self, field: str) -> Kind | str | None:
        """The kind of a column, by its type."""
        import pyarrow as pa

        if field not in self._table.schema.names:
            return None
        type_ = self._table.schema.field(field).type
        if pa.types.is_boolean(type_):
            return "boolean"
        if pa.types.is_integer(type_) or pa.types.is_floating(type_) or pa.types.is_decimal(type_):
            return "number"
        return "text" if pa.types.is_string(type_) or pa.types.is_large_string(type_) else str(type_)

    def search(self, asked: Search) -> list[list[Hit]]:
        """The k nearest rows; the score is 1 less the distance. A row is named by ``id``, or by its first column."""
        vectors, k, fields, clauses, _ = asked
        known = [name for name in self._table.schema.names if name != self._vector]
        name = "id" if "id" in known else (known or [""])[0]
        wanted = [one for one in dict.fromkeys((name, *fields)) if one in known]
        where = " AND ".join(map(_where, clauses))
        hits: list[list[Hit]] = []
        for vector in np.asarray(vectors):
            search = self._table.search(vector, vector_column_name=self._vector).metric(self._metric)
            if where:
                search = search.where(where, prefilter=True)
            rows = search.select([*wanted, DISTANCE]).limit(k).to_list()
            hits.append([Hit(str(row[name]), 1.0 - row[DISTANCE], field_of(row, fields)) for row in rows])
        return hits

    def add(self, rows: Rows) -> None:
        """Add rows."""
        import pyarrow as pa

        vectors = np.ascontiguousarray(rows.vectors, dtype=np.float32)
        column = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1])
        schema = self._table.schema
        columns = {name: pa.array(rows.column(name), schema.field(name).type) for name in schema.names[1:]}
        self._table.add(pa.table({VECTOR: column, **columns}))


def _where(clause: Clause) -> str:
    """A condition as SQL. LanceDB compares a column with values of its own type only."""
    name = f"CAST(`{clause.field}` AS DOUBLE)" if clause.kind == "number" else f"`{clause.field}`"
    if clause.operator == "in":
        return f"{name} IN ({', '.join(map(_literal, clause.values))})"
    return f"{name} {clause.operator} {_literal(clause.values[0])}"


def _literal(value: Cell) -> str:
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return str(value).lower() if isinstance(value, bool) else f"CAST({value!r} AS DOUBLE)"
