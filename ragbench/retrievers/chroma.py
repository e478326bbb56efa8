"""A Chroma collection, searched with the vectors of a ragbench embedder."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from ragbench.core.context import Context
from ragbench.core.documents import Chunks
from ragbench.core.errors import InputError, MissingExtra, SettingError
from ragbench.core.fingerprint import fingerprint
from ragbench.core.runs import Query, Unit
from ragbench.engine import embed
from ragbench.models.embed.base import Embedder
from ragbench.plugins import EMBEDDERS, build
from ragbench.retrievers._external import OwnIdsIndex, one_line
from ragbench.retrievers.base import Ranking, Retriever

QUERIES_PER_CALL = 256


@dataclass(frozen=True)
class Chroma(Retriever):
    """Nearest neighbours in Chroma's HNSW index, which is approximate.

    Without ``existing``, the chunks are added to a collection in memory or under
    ``path``. A collection under ``path`` is named for the fingerprint of chunks and
    model, so a second run finds it filled. With ``existing``, your own collection
    is searched as it is and nothing is added.

    Attributes:
        path: folder of a persistent Chroma; None keeps the collection in memory.
        collection: name of the collection.
        existing: search the collection as it is.
        model: spec of the embedder. For an existing collection, name the embedder that filled it.
        returns: whether an existing collection's ids are of chunks or of documents.

    Source: Malkov and Yashunin 2018 for HNSW.
    """

    path: Path | None = None
    collection: str = "ragbench"
    existing: bool = False
    model: str = "minilm"
    returns: Unit = "chunk"

    # Its index is built by several threads, and two builds may differ.
    cacheable: ClassVar[bool] = False

    def check(self) -> list[str]:
        """Check that the embedder exists and that an existing collection has a folder."""
        faults = []
        if self.existing and (self.path is None or not self.path.is_dir()):
            faults.append(f"existing=true needs path, the folder of the collection; it is {self.path}")
        if self.returns == "document" and not self.existing:
            faults.append("returns=document is for existing=true; what is added here are chunks")
        try:
            build(EMBEDDERS, self.model)
        except SettingError as error:
            faults.append(str(error))
        return faults

    def key(self) -> str:
        """Fingerprint of the settings and of the embedder that ``model`` names."""
        return fingerprint([self, build(EMBEDDERS, self.model).fingerprint()])

    def index(self, chunks: Chunks, context: Context) -> "ChromaIndex":
        """Open the collection, and fill it unless it exists.

        Raises:
            InputError: there is no such collection, or Chroma refuses it.
        """
        embedder: Embedder = build(EMBEDDERS, self.model)
        client = _client(self.path)
        if self.existing:
            try:
                collection = client.get_collection(self.collection)
            # Chroma raises errors of several families for a missing or broken collection.
            except Exception as error:
                names = ", ".join(sorted(found.name for found in client.list_collections())) or "none"
                raise InputError(f"{self.path} has no collection {self.collection!r} (it has: {names})") from error
            return ChromaIndex(self, chunks, context, embedder, collection)
        collection, filled = _own(client, self.collection, chunks, embedder)
        if not filled:
            _fill(client, collection, chunks, embedder, context)
        index = ChromaIndex(self, chunks, context, embedder, collection)
        index.notes["filled"] = "earlier" if filled else "now"
        return index


class ChromaIndex(OwnIdsIndex):
    """A Chroma collection that answers queries."""

    def __init__(self, settings: Chroma, chunks: Chunks, context: Context, embedder: Embedder, collection: Any) -> None:
        super().__init__(chunks, settings.returns)
        self._embedder, self._collection, self._progress = embedder, collection, context.progress
        self._size = int(collection.count())
        if self._size == 0:
            raise InputError(f"the Chroma collection {settings.collection!r} is empty")
        self.notes["items"] = self._size

    def rank(self, queries: Sequence[Query], k: int) -> Ranking:
        """Neighbours of each query's vector; the score is 1 less the distance."""
        vectors = self._embedder.encode([query.text for query in queries], "query")
        answers: list[list[tuple[str, float]]] = []
        with self._progress("asking Chroma", len(queries)) as advance:
            for start in range(0, len(queries), QUERIES_PER_CALL):
                batch = vectors[start : start + QUERIES_PER_CALL]
                try:
                    found = self._collection.query(
                        query_embeddings=batch, n_results=min(k, self._size), include=["distances"]
                    )
                # A wrong width and everything else that can go wrong come as errors of several families.
                except Exception as error:
                    raise InputError(f"Chroma refuses the query: {one_line(str(error))}") from error
                for ids, distances in zip(found["ids"], found["distances"], strict=True):
                    answers.append([(id_, 1.0 - distance) for id_, distance in zip(ids, distances, strict=True)])
                advance(len(batch))
        return self.ranking(answers)


def _client(path: Path | None) -> Any:
    try:
        import chromadb
        from chromadb.config import Settings
    except ImportError as error:
        raise MissingExtra("retriever 'chroma'", "chroma") from error
    settings = Settings(anonymized_telemetry=False)
    if path is None:
        return chromadb.EphemeralClient(settings=settings)
    return chromadb.PersistentClient(str(path), settings=settings)


def _own(client: Any, name: str, chunks: Chunks, embedder: Embedder) -> tuple[Any, bool]:
    """Return the collection of these chunks and this model, and whether it is already filled."""
    full = f"{name}-{fingerprint([chunks.fingerprint, embedder.fingerprint()])[:16]}"
    settings = {"configuration": {"hnsw": {"space": "cosine"}}, "embedding_function": None}
    try:
        collection = client.get_or_create_collection(full, **settings)
        if 0 < collection.count() < len(chunks):  # left by a run that was broken off
            client.delete_collection(full)
            collection = client.create_collection(full, **settings)
    except Exception as error:
        raise InputError(f"Chroma refuses the collection {full!r}: {one_line(str(error))}") from error
    return collection, int(collection.count()) == len(chunks)


def _fill(client: Any, collection: Any, chunks: Chunks, embedder: Embedder, context: Context) -> None:
    vectors = embed(embedder, chunks.contents, "passage", context).vectors
    step = int(client.get_max_batch_size())
    with context.progress("filling Chroma", len(chunks)) as advance:
        for start in range(0, len(chunks), step):
            ids = list(chunks.ids[start : start + step])
            collection.add(ids=ids, embeddings=vectors[start : start + step])
            advance(len(ids))
