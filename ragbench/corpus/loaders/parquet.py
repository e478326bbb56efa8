"""Parquet files."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from ragbench.core.documents import Document
from ragbench.core.errors import InputError
from ragbench.core.ledger import LedgerEntry
from ragbench.corpus.loaders._rows import RowLoader
from ragbench.corpus.loaders.jsonl import Row
from ragbench.io.tables import open_parquet

_BATCH = 10_000


@dataclass(frozen=True)
class ParquetLoader(RowLoader):
    """Each row is a document; columns that are neither id, text nor title become metadata."""

    suffixes: ClassVar[tuple[str, ...]] = (".parquet", ".pq")

    def load(self, path: Path, name: str) -> Iterator[Document | LedgerEntry]:
        """A document for each row with a text, a ledger entry for each without."""
        return self.documents(_rows(path, name, self))


def _rows(path: Path, name: str, loader: RowLoader) -> Iterator[Row]:
    import pyarrow

    try:
        with open_parquet(path) as file:
            groups = (file.metadata.row_group(i) for i in range(file.metadata.num_row_groups))
            unpacked = sum(group.total_byte_size for group in groups)
            if unpacked > loader.max_bytes:
                raise InputError(f"{name}: {unpacked:,} bytes unpacked, above max_bytes={loader.max_bytes:,}")
            loader.columns(file.schema_arrow.names, name)
            yield from batch_rows(file.iter_batches(batch_size=_BATCH, use_threads=False), name)
    except (pyarrow.ArrowException, OSError) as error:
        raise InputError(f"{name}: not a readable Parquet file ({error})") from error


def batch_rows(batches: Any, name: str) -> Iterator[Row]:
    """The rows of Arrow record batches."""
    number = 0
    for batch in batches:
        for row in batch.to_pylist():
            number += 1
            yield f"{name} row {number}", number, row
