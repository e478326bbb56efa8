"""A PostgreSQL table with pgvector, searched with the vectors of a ragbench embedder."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt

from ragbench.core.errors import InputError, MissingExtra
from ragbench.retrievers._vector_database import CHUNK, Client, Collection, Hit, Rows, VectorDatabase, field_of

OPERATORS = {"cosine": "<=>", "l2": "<->", "dot": "<#>"}
"""Operators of pgvector. ``<#>`` is the negative inner product, so the nearest comes first with each."""
VECTOR = "embedding"


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

    def connect(self) -> "PgClient":
        """Connect to the server."""
        try:
            import psycopg
        except ImportError as error:
            raise MissingExtra("retriever 'pgvector'", "pgvector") from error
        try:
            connection = psycopg.connect(self.url, autocommit=True, connect_timeout=self.timeout)
        except psycopg.Error as error:
            raise InputError(f"{self.place()} cannot be opened: {' '.join(str(error).split())}") from error
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
        """Open a table."""
        return PgTable(self._connection, name, self._vector, self._metric)

    def create(self, name: str, dimensions: int) -> Collection:
        """Create a table, and the extension if it is missing."""
        from psycopg import sql

        self._connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        self._connection.execute(
            sql.SQL(
                "CREATE TABLE {} (id text PRIMARY KEY, chunk_id text, document_id text, title text, text text, "
                "embedding vector({}))"
            ).format(sql.Identifier(name), sql.Literal(dimensions))
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

    def search(self, vectors: npt.NDArray[np.float32], k: int, fields: Sequence[str]) -> list[list[Hit]]:
        """The k nearest rows. The score is 1 less the distance; the id of a row is its column ``id``, if it has one."""
        from psycopg import sql

        columns = self._columns()
        lacking = [name for name in fields if name not in columns]
        if lacking:
            raise InputError(f"table {self._name!r} has no column {lacking[0]!r} (it has: {', '.join(columns)})")
        names = list(dict.fromkeys((*(["id"] if "id" in columns else []), *fields)))
        chosen = sql.SQL("").join(sql.SQL(", t.{}").format(sql.Identifier(name)) for name in names)
        query = sql.SQL(
            "SELECT q.n, t.{vector} {nearest} q.v{chosen} FROM unnest(%s::int[], %s::text[]::vector[]) AS q(n, v) "
            "CROSS JOIN LATERAL (SELECT * FROM {table} WHERE {vector} IS NOT NULL ORDER BY {vector} {nearest} q.v "
            "LIMIT %s) t"
        ).format(
            vector=sql.Identifier(self._vector), nearest=sql.SQL(OPERATORS[self._metric]), chosen=chosen,
            table=sql.Identifier(self._name),
        )  # fmt: skip
        texts = ["[" + ",".join(map(repr, vector.tolist())) + "]" for vector in np.asarray(vectors)]
        hits: list[list[Hit]] = [[] for _ in texts]
        # An HNSW index finds no more than this many rows.
        with self._connection.transaction():
            self._connection.execute(f"SET LOCAL hnsw.ef_search = {min(max(k, 40), 1000)}")
            for number, distance, *values in self._connection.execute(query, (list(range(len(texts))), texts, k)):
                row = dict(zip(names, values, strict=True))
                hits[number].append(Hit(str(row.get("id", "")), 1.0 - float(distance), field_of(row, fields)))
        return [sorted(found, key=lambda hit: -hit.score) for found in hits]

    def _columns(self) -> list[str]:
        found = self._connection.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_name = %s "
            "AND table_schema = ANY (current_schemas(false)) ORDER BY ordinal_position", (self._name,),
        )  # fmt: skip
        return [row[0] for row in found]

    def add(self, rows: Rows) -> None:
        """Add rows by COPY."""
        from psycopg import sql

        copy = sql.SQL("COPY {} (id, chunk_id, document_id, title, text, embedding) FROM STDIN").format(
            sql.Identifier(self._name)
        )
        with self._connection.cursor() as cursor, cursor.copy(copy) as out:
            for id_, vector, known in zip(rows.ids, np.asarray(rows.vectors), rows.fields, strict=True):
                values = [known[name].replace("\0", " ") for name in (CHUNK, "document_id", "title", "text")]
                out.write_row([id_, *values, "[" + ",".join(map(repr, vector.tolist())) + "]"])

    def finish(self) -> None:
        """Build the HNSW index."""
        from psycopg import sql

        query = sql.SQL("CREATE INDEX ON {} USING hnsw (embedding vector_cosine_ops)")
        self._connection.execute(query.format(sql.Identifier(self._name)))
