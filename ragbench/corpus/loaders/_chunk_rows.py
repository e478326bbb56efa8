"""Files of chunks beside files of documents with the same ending."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from ragbench.core.document import Chunk, Document
from ragbench.core.ledger import LedgerEntry
from ragbench.corpus.loaders.base import Loader
from ragbench.corpus.loaders.jsonl import JsonlLoader
from ragbench.corpus.loaders.parquet import ParquetLoader
from ragbench.io.chunk_files import checked_chunks, is_chunk_file

if TYPE_CHECKING:
    from ragbench.core.documents import Chunks

CHUNKS = "chunks"
"""Code of the entry that comes before the chunks of a file. No entry of a loader has it."""


@dataclass(frozen=True)
class ChunksOrRows(Loader):
    """Reads a Parquet file or JSON lines. If the file holds chunks, each document it gives is one of them.

    The process that reads the file also decides what it holds, because nothing in the file is trusted.

    Attributes:
        rows: the loader that reads the file if it holds documents.
    """

    passages: ClassVar[bool] = True

    rows: Literal["jsonl", "parquet"] = "jsonl"

    def load(self, path: Path, name: str) -> Iterator[Document | LedgerEntry]:
        """Yield an entry with the code `CHUNKS` and the chunks, or what the loader of rows yields."""
        if not is_chunk_file(path):
            yield from (ParquetLoader() if self.rows == "parquet" else JsonlLoader()).load(path, name)
            return
        yield LedgerEntry("load", name, "a file of chunks", CHUNKS)
        for chunk in checked_chunks(path):
            place = {"document_id": chunk.document_id, "start": chunk.start, "end": chunk.end}
            yield Document(chunk.id, chunk.text, chunk.title, place)


def for_file(path: Path) -> ChunksOrRows | None:
    """The loader for a file that may hold chunks, by its ending."""
    kinds: dict[str, ChunksOrRows] = {".parquet": ChunksOrRows("parquet"), ".jsonl": ChunksOrRows("jsonl")}
    return kinds.get(path.suffix.lower()) if path.is_file() else None


def chunks_of(documents: Sequence[Document], issues: Sequence[LedgerEntry]) -> "Chunks | None":
    """The chunks that `ChunksOrRows` read; None if the file holds documents."""
    if not any(issue.code == CHUNKS for issue in issues):
        return None
    from ragbench.core.documents import Chunks

    return Chunks.of(Chunk(one.id, text=one.text, title=one.title, **one.metadata) for one in documents)  # type: ignore[arg-type]
