"""Parquet files."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from ragbench.core.document import Document
from ragbench.core.ledger import LedgerEntry
from ragbench.corpus.loaders._rows import RowLoader
from ragbench.io.tables import parquet_rows


@dataclass(frozen=True)
class ParquetLoader(RowLoader):
    """Each row is a document; columns that are neither id, text nor title become metadata."""

    suffixes: ClassVar[tuple[str, ...]] = (".parquet", ".pq")

    def load(self, path: Path, name: str) -> Iterator[Document | LedgerEntry]:
        """Yield a document for each row with a text, and an issue for each row without one."""

        def choose(columns: list[str]) -> None:
            self.columns(columns, name)

        return self.documents(parquet_rows(path, name=name, choose=choose, max_bytes=self.max_bytes))
