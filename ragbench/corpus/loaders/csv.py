"""CSV and TSV files."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from ragbench.core.document import Document
from ragbench.core.errors import SettingError
from ragbench.core.ledger import LedgerEntry
from ragbench.corpus.loaders._rows import RowLoader
from ragbench.corpus.loaders.base import NotDocuments
from ragbench.io.encoding import read_text
from ragbench.io.tables import csv_columns, delimiter_of

MOST_COLUMNS = 10_000


@dataclass(frozen=True)
class CsvLoader(RowLoader):
    """Each row of a table is a document; columns that are neither id, text nor title become metadata.

    Attributes:
        delimiter: one character; by default the one of tab, comma, semicolon and
            bar that occurs most often in the header.
        max_bytes: larger files are refused; the file is held in memory while it is read.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".csv", ".tsv")

    delimiter: str | None = None
    max_bytes: int = 4 << 30

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.delimiter is not None and len(self.delimiter) != 1:
            raise SettingError(f"delimiter must be one character, not {self.delimiter!r}")

    def load(self, path: Path, name: str) -> Iterator[Document | LedgerEntry]:
        """Yield a document for each row with a text, and an issue for each row without one."""
        text, encoding = read_text(path, name=name, max_bytes=self.max_bytes)
        if not text.strip():
            raise NotDocuments(f"{name}: the file is empty")
        delimiter = self.delimiter or _delimiter(text)
        columns = 1 + text.lstrip("\n").split("\n", 1)[0].count(delimiter)
        if columns > MOST_COLUMNS:
            raise NotDocuments(f"{name}: {columns:,} columns; a table of documents has at most {MOST_COLUMNS:,}")
        for found in self.documents(_rows(text, delimiter, name, self)):
            if isinstance(found, Document) and not encoding.startswith("utf"):
                found = Document(found.id, found.text, found.title, {**found.metadata, "encoding": encoding})
            yield found


def _delimiter(text: str) -> str:
    return delimiter_of(text.lstrip("\n"), ",\t;|")


def _rows(text: str, delimiter: str, name: str, loader: RowLoader) -> Iterator[tuple[str, int, Mapping[str, object]]]:
    table = csv_columns(text, name, delimiter)
    columns = list(table)
    loader.columns(columns, name)
    for number, values in enumerate(zip(*table.values(), strict=True), 1):
        yield f"{name} row {number}", number, dict(zip(columns, values, strict=True))
