"""Where the tests of vector databases find one of each."""

import uuid
from pathlib import Path
from typing import Any

import pytest

DATABASES = ["chroma", "qdrant", "lancedb", "pgvector", "milvus"]
Spec = dict[str, Any]


def spec_of(request: pytest.FixtureRequest, folder: Path) -> Spec:
    """The spec of the database that a fixture names by its parameter: in the folder, or on the server of the fixture
    ``postgres_url``.
    """
    name = request.param
    if name == "pgvector":
        return {"name": name, "url": request.getfixturevalue("postgres_url"), "collection": f"c{uuid.uuid4().hex[:8]}"}
    pytest.importorskip({"chroma": "chromadb", "qdrant": "qdrant_client", "milvus": "milvus_lite"}.get(name, name))
    return {"name": name, "path": folder / ("m.db" if name == "milvus" else "db")}
