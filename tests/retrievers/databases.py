"""Where the tests of vector databases find one of each."""

import uuid
from pathlib import Path
from typing import Any

import pytest

DATABASES = ["chroma", "qdrant", "lancedb", "pgvector", "milvus", "opensearch"]
Spec = dict[str, Any]
MODULES = {
    "chroma": "chromadb", "qdrant": "qdrant_client", "milvus": "milvus_lite", "pgvector": "psycopg",
    "opensearch": "opensearchpy",
}  # fmt: skip
"""Module by database, where the names differ."""
SERVERS = {"pgvector": "postgres_url", "opensearch": "opensearch_url"}
"""Fixture by database."""


def spec_of(request: pytest.FixtureRequest, folder: Path) -> Spec:
    """The spec of the database that a fixture names by its parameter: in the folder, or on a server."""
    name = request.param
    pytest.importorskip(MODULES.get(name, name), reason=f"needs the extra {name}")
    if name in SERVERS:
        return {"name": name, "url": request.getfixturevalue(SERVERS[name]), "collection": f"c{uuid.uuid4().hex[:8]}"}
    return {"name": name, "path": folder / ("m.db" if name == "milvus" else "db")}
