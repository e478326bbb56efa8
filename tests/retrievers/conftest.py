from collections.abc import Iterator

import pytest

from ragbench.core.documents import Chunk, Chunks
from tests.retrievers.opensearch_server import opensearch
from tests.retrievers.postgres import postgres

TEXTS = {
    "kettle": ("Kettle", "A steel kettle that boils water quickly and switches itself off."),
    "teapot": ("Teapot", "A glass pot for brewing tea leaves, with a fine steel sieve."),
    "lantern": ("Lantern", "A camping light that runs for forty hours on one charge of its battery."),
    "headlamp": ("Headlamp", "A bright light worn on the forehead, made for running at night."),
    "tent": ("Tent", "Shelter for two people; it stands in three minutes and keeps the rain out."),
    "tarp": ("Tarp", "A sheet of nylon to sleep under when it rains, lighter than a tent."),
    "lead": ("Dog lead", "A rope to walk your dog with, two metres long and soft in the hand."),
    "bed": ("Dog bed", "A cushion for large dogs whose cover can be washed at sixty degrees."),
}


@pytest.fixture(scope="session")
def shelf() -> Chunks:
    """Eight products, one chunk each."""
    return Chunks.of(Chunk(id_, id_, text, 0, len(text), title) for id_, (title, text) in TEXTS.items())


@pytest.fixture(scope="module")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server with pgvector."""
    with postgres() as url:
        yield url


@pytest.fixture(scope="module")
def opensearch_url() -> Iterator[str]:
    """A server that answers as OpenSearch does."""
    with opensearch() as server:
        yield server.url
