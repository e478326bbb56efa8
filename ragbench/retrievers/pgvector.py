"""A PostgreSQL table with pgvector, searched with the vectors of a ragbench embedder."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

import numpy as np

from ragbench.core.errors import InputError, MissingExtra
from ragbench.core.filters import Cell, Clause, Kind
from ragbench.retrievers._database import OWN, Client, Collection, Hit, Rows, Search, Space, field_of, vector_of
from ragbench.retrievers._vector_database import VectorDatabase

OPERATORS = {"cosine": "<=>", "l2": "<->", "dot": "<#>"}
"""Operators of pgvector. ``<#>`` is the negative inner product, so the nearest comes first with each."""
OPERATOR_CLASSES = {"vector_cosine_ops": "cosine", "vector_l2_ops": "l2", "vector_ip_ops": "dot"}
VECTOR = "embedding"
MOST = 1000
"""Rows that an HNSW index finds at most."""
TYPES: Mapping[Kind, str] = {"text": "text", "number": "double precision", "boolean": "boolean"}
KINDS: Mapping[str, Kind] = {
    "text": "text", "character varying": "text", "boolean": "boolean",
    **dict.fromkeys(("smallint", "integer", "bigint", "real", "double precision", "numeric"), "number"),
}  # fmt: skip


@dataclass(frozen=True)
class PgVector(VectorDatabase):
    """Nearest neighbours in PostgreSQL with the extension ``vector``.

    The table that ragbench fills has an HNSW index, which is approximate. The password comes from the environment
    variable ``PGPASSWORD``, or from a password file.

    Attributes:
        url: address of the database, ``postgresql://user@host:5432/name``, without a password.
        vector: column of the vectors.
        metric: how an existing table compares vectors.
        timeout: seconds to wait for a connection.
    """

    url: str = ""
    vector: str = VECTOR
    metric: Literal["cosine", "l2", "dot"] = "cosine"
    timeout: int = 10

    database: ClassVar[str] = "PostgreSQL"
    reserved: ClassVar[frozenset[str]] = frozenset(("id", VECTOR))

    def check(self) -> list[str]:
        """Check the address."""
        faults = super().check()
        parts = urlsplit(self.url)
        if parts.scheme not in ("postgresql", "postgres"):
            faults.append("needs url, such as postgresql://user@localhost/name")
        if parts.password:
            faults.append("url holds a password; set PGPASSWORD instead")
        return faults

    def place(self) -> str:
        """The name of the database."""
        parts = urlsplit(self.url)
        return f"the database {parts.path.lstrip('/') or '(default)'!r} of {parts.hostname or 'this machine'}"

    def hint(self) -> str:
        """What to check if the database cannot be opened."""
        return "Check the address, the user and the password (PGPASSWORD)"

    def connect(self) -> "PgClient":
        """Connect to the server."""
        try:
            import psycopg
        except ImportError as error:
            raise MissingExtra("retriever 'pgvector'", "pgvector") from error
        connection = psycopg.connect(self.url, autocommit=True, connect_timeout=self.timeout)
        return PgClient(connection, self.vector, self.metric)


class PgClient(Client):
    """A PostgreSQL database."""

    def __init__(self, connection: Any, vector: str, metric: str) -> None:
        self._connection, self._vector, self._metric = connection, vector, metric

    def names(self) -> list[str]:
        """The tables on the search path."""
        found = self._connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = ANY (current_schemas(false)) ORDER BY 1"
        )
        return [row[0] for row in found]

    def open(self, name: str) -> Collection:
        """Open a table.

        Raises:
            InputError: it has no such column of vectors.
        """
        columns = PgTable(self._connection, name, self._vector, self._metric).columns
        vectors = [column for column, type_ in columns.items() if type_ == "vector"]
        return PgTable(self._connection, name, vector_of(self._vector, vectors, name), self._metric)

    def create(self, name: str, dimensions: int, fields: Mapping[str, Kind]) -> Collection:
        """Create a table, and the extension if it is missing."""
        from psycopg import sql

        self._connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        columns = [(one, "text") for one in OWN] + [(one, TYPES[kind]) for one, kind in fields.items()]
        self._connection.execute(
            sql.SQL("CREATE TABLE {} (id text PRIMARY KEY, {}, embedding vector({}))").format(
                sql.Identifier(name),
                sql.SQL(", ").join(sql.Identifier(one) + sql.SQL(f" {type_}") for one, type_ in columns),
                sql.Literal(dimensions),
            )
        )
        return PgTable(self._connection, name, VECTOR, "cosine")

    def drop(self, name: str) -> None:
        """Delete a table."""
        from psycopg import sql

        self._connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(name)))

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class PgTable(Collection):
    """A table with a column of vectors."""

    def __init__(self, connection: Any, name: str, vector: str, metric: str) -> None:
        self._connection, self._name, self._vector, self._metric = connection, name, vector, metric

    def count(self) -> int:
        """The number of rows with a vector."""
        from psycopg import sql

        query = sql.SQL("SELECT count({}) FROM {}").format(sql.Identifier(self._vector), sql.Identifier(self._name))
        return int(self._connection.execute(query).fetchone()[0])

    def space(self) -> Space:
        """The vectors, by the type of the column. Its indexes must use the metric of the settings."""
        from psycopg import sql

        found = self._connection.execute(
            "SELECT opcname FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0] "
            "JOIN pg_opclass ON pg_opclass.oid = indclass[0] "
            "WHERE indrelid = format('%%I', %s::text)::regclass AND attname = %s", (self._name, self._vector),
        )  # fmt: skip
        built = [OPERATOR_CLASSES[name] for (name,) in found if name in OPERATOR_CLASSES]
        if built and self._metric not in built:
            raise InputError(
                f"the index of table {self._name!r} compares by {built[0]}, but metric is {self._metric}; "
                f"set metric={built[0]}"
            )
        query = sql.SQL("SELECT vector_dims({0}) FROM {1} WHERE {0} IS NOT NULL LIMIT 1")
        row = self._connection.execute(
            query.format(sql.Identifier(self._vector), sql.Identifier(self._name))
        ).fetchone()
        return Space(int(row[0]), self._metric)

    def kind(self, field: str) -> Kind | str | None:
        """The kind of a column, by its type."""
        type_ = self.columns.get(field)
        return None if type_ is None else KINDS.get(type_, type_)

    def search(self, asked: Search) -> list[list[Hit]]:
        """The k nearest rows. The score is 1 less the distance; the id of a row is its column ``id``, if it has one."""
        vectors, k, fields, clauses, _ = asked
        from psycopg import sql

        lacking = [name for name in fields if name not in self.columns]
        if lacking:
            raise InputError(f"table {self._name!r} has no column {lacking[0]!r} (it has: {', '.join(self.columns)})")
        names = list(dict.fromkeys((*(["id"] if "id" in self.columns else []), *fields)))
        chosen = sql.SQL("").join(sql.SQL(", t.{}").format(sql.Identifier(name)) for name in names)
        query = sql.SQL(
            "SELECT q.n, t.{vector} {nearest} q.v{chosen} FROM unnest(%s::int[], %s::text[]::vector[]) AS q(n, v) "
            "CROSS JOIN LATERAL (SELECT * FROM {table} WHERE {vector} IS NOT NULL{where} "
            "ORDER BY {vector} {nearest} q.v LIMIT %s) t"
        ).format(
            vector=sql.Identifier(self._vector), nearest=sql.SQL(OPERATORS[self._metric]), chosen=chosen,
            table=sql.Identifier(self._name), where=sql.SQL("").join(map(_where, clauses)),
        )  # fmt: skip
        texts = ["[" + ",".join(map(repr, vector.tolist())) + "]" for vector in np.asarray(vectors)]
        values = [_storable(value) for clause in clauses for value in clause.values]
        hits: list[list[Hit]] = [[] for _ in texts]
        # An HNSW index finds at most this many rows, and filters only those that it has found.
        with self._connection.transaction():
            if clauses or k > MOST:
                self._connection.execute("SET LOCAL enable_indexscan = off")
            self._connection.execute(f"SET LOCAL hnsw.ef_search = {min(max(k, 40), MOST)}")
            for number, distance, *known in self._connection.execute(
                query, (list(range(len(texts))), texts, *values, k)
            ):
                row = dict(zip(names, known, strict=True))
                hits[number].append(Hit(str(row.get("id", "")), 1.0 - float(distance), field_of(row, fields)))
        return [sorted(found, key=lambda hit: -hit.score) for found in hits]

    @cached_property
    def columns(self) -> dict[str, str]:
        """Type by name."""
        found = self._connection.execute(
            "SELECT column_name, CASE data_type WHEN 'USER-DEFINED' THEN udt_name ELSE data_type END "
            "FROM information_schema.columns WHERE table_name = %s "
            "AND table_schema = ANY (current_schemas(false)) ORDER BY ordinal_position", (self._name,),
        )  # fmt: skip
        return {row[0]: row[1] for row in found}

    def add(self, rows: Rows) -> None:
        """Add rows by COPY."""
        from psycopg import sql

        names = [name for name in self.columns if name not in ("id", self._vector)]
        copy = sql.SQL("COPY {} (id, {}, embedding) FROM STDIN").format(
            sql.Identifier(self._name), sql.SQL(", ").join(map(sql.Identifier, names))
        )
        with self._connection.cursor() as cursor, cursor.copy(copy) as out:
            for id_, vector, known in zip(rows.ids, np.asarray(rows.vectors), rows.fields, strict=True):
                values = [_storable(known[name]) if name in known else None for name in names]
                out.write_row([id_, *values, "[" + ",".join(map(repr, vector.tolist())) + "]"])

    def finish(self) -> None:
        """Build the HNSW index."""
        from psycopg import sql

        query = sql.SQL("CREATE INDEX ON {} USING hnsw (embedding vector_cosine_ops)")
        self._connection.execute(query.format(sql.Identifier(self._name)))


def _where(clause: Clause) -> Any:
    """A condition with placeholders for its values, and ``AND`` before it.

    Texts compare by code points, whatever the language of the database.
    """
    from psycopg import sql

    typed = {"number": "{}::double precision", "text": '{} COLLATE "C"', "boolean": "{}"}[clause.kind]
    column = sql.SQL(typed).format(sql.Identifier(clause.field))
    if clause.operator == "in":
        return sql.SQL(" AND {} IN ({})").format(column, sql.SQL(", ").join(sql.Placeholder() * len(clause.values)))
    return sql.SQL(" AND {} {} %s").format(column, sql.SQL(clause.operator))


def _storable(value: Cell) -> Cell:
    """The value without the null character, which PostgreSQL refuses."""
    return value.replace("\0", " ") if isinstance(value, str) else value
