"""Files of chunks beside files of documents with the same ending."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from ragbench.core.document import Chunk, Document
from ragbench.core.ledger import LedgerEntry
from ragbench.corpus.loaders.base import Loader
from ragbench.corpus.loaders.csv import CsvLoader
from ragbench.corpus.loaders.jsonl import JsonlLoader
from ragbench.corpus.loaders.parquet import ParquetLoader
from ragbench.io.chunk_files import checked_chunks, is_chunk_file
from ragbench.io.paged_chunks import is_paged_file, read_paged_chunks

if TYPE_CHECKING:
    from ragbench.core.documents import Chunks

CHUNKS = "chunks"
"""Code of the entry that comes before the chunks of a file. No entry of a loader has it."""
ROWS: dict[str, type[JsonlLoader] | type[ParquetLoader] | type[CsvLoader]] = {
    "jsonl": JsonlLoader,
    "parquet": ParquetLoader,
    "csv": CsvLoader,
}


@dataclass(frozen=True)
class ChunksOrRows(Loader):
    """Reads a Parquet file, JSON lines or CSV. If the file holds chunks, each document it gives is one of them.

    The process that reads the file also decides what it holds, because nothing in the file is trusted.

    Attributes:
        rows: the loader that reads the file if it holds documents.
    """

    passages: ClassVar[bool] = True

    rows: Literal["jsonl", "parquet", "csv"] = "jsonl"

    def load(self, path: Path, name: str) -> Iterator[Document | LedgerEntry]:
        """Yield an entry with the code `CHUNKS` and the chunks, or what the loader of rows yields."""
        native = is_chunk_file(path)
        if not native and not is_paged_file(path):
            yield from ROWS[self.rows]().load(path, name)
            return
        yield LedgerEntry("load", name, "a file of chunks", CHUNKS)
        if native:
            for chunk in checked_chunks(path):
                yield _carried(chunk)
            return
        for item in read_paged_chunks(path, name):
            yield item if isinstance(item, LedgerEntry) else _carried(item.chunk, item.url)


def _carried(chunk: Chunk, url: str = "") -> Document:
    """A chunk as a document, which is what loaders give; `chunks_of` makes it a chunk again."""
    place = {"document_id": chunk.document_id, "start": chunk.start, "end": chunk.end}
    return Document(chunk.id, chunk.text, chunk.title, {**place, "url": url} if url else place)


def for_file(path: Path) -> ChunksOrRows | None:
    """The loader for a file that may hold chunks, by its ending."""
    kinds: dict[str, ChunksOrRows] = {
        ".parquet": ChunksOrRows("parquet"),
        ".jsonl": ChunksOrRows("jsonl"),
        ".csv": ChunksOrRows("csv"),
        ".tsv": ChunksOrRows("csv"),
    }
    return kinds.get(path.suffix.lower()) if path.is_file() else None


def chunks_of(documents: Sequence[Document], issues: Sequence[LedgerEntry]) -> "Chunks | None":
    """The chunks that `ChunksOrRows` read; None if the file holds documents."""
    if not any(issue.code == CHUNKS for issue in issues):
        return None
    from ragbench.core.documents import Chunks

    urls: dict[object, object] = {}
    rows = []
    for one in documents:
        place = dict(one.metadata)
        if url := place.pop("url", None):
            urls.setdefault(place["document_id"], url)
        rows.append(Chunk(one.id, text=one.text, title=one.title, **place))  # type: ignore[arg-type]
    chunks = Chunks.of(rows)
    if not urls:
        return chunks
    return replace(chunks, metadata=[{"url": urls[id_]} if id_ in urls else {} for id_ in chunks.document_ids])
