"""A PostgreSQL server with pgvector, in a folder of its own."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def postgres() -> Iterator[str]:
    """The address of a server. The folder is not one of pytest's: pgserver runs as another user if it starts as root,
    and pytest takes all rights on its folders from other users.
    """
    pytest.importorskip("psycopg", reason="needs the extra pgvector")
    pgserver = pytest.importorskip("pgserver", reason="needs pgserver")
    folder = Path(tempfile.mkdtemp(prefix="ragbench-pg-"))
    try:
        server = pgserver.get_server(folder)
        yield server.get_uri()
        server.cleanup()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
