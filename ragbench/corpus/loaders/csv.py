"""CSV and TSV files."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import ClassVar

from ragbench.core.documents import Document
from ragbench.core.errors import InputError, SettingError
from ragbench.core.ledger import LedgerEntry
from ragbench.corpus.loaders._rows import RowLoader
from ragbench.corpus.loaders.base import NotDocuments
from ragbench.io.encoding import read_text


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
        """A document for each row with a text, a ledger entry for each without."""
        text, encoding = read_text(path, name=name, max_bytes=self.max_bytes)
        if not text.strip():
            raise NotDocuments(f"{name}: the file is empty")
        for found in self.documents(_rows(text, self.delimiter or _delimiter(text), name, self)):
            if isinstance(found, Document) and not encoding.startswith("utf"):
                found = Document(found.id, found.text, found.title, {**found.metadata, "encoding": encoding})
            yield found


def _delimiter(text: str) -> str:
    header = text.lstrip("\n").split("\n", 1)[0]
    return max("\t,;|", key=lambda char: (header.count(char), char == ","))


def _rows(text: str, delimiter: str, name: str, loader: RowLoader) -> Iterator[tuple[str, int, Mapping[str, object]]]:
    import pandas

    try:
        # No value is guessed: an id of 007 stays, and a text of "NA" is a text.
        table = pandas.read_csv(StringIO(text), sep=delimiter, dtype=str, keep_default_na=False, na_filter=False)
    except (ValueError, pandas.errors.ParserError) as error:
        reason = str(error).removeprefix("Error tokenizing data. C error: ").strip()
        raise InputError(f"{name}: not a readable table ({reason}); delimiter {delimiter!r}") from error
    if not isinstance(table.index, pandas.RangeIndex):
        raise InputError(f"{name}: its rows have more values than the header has columns")
    columns = [str(column) for column in table.columns]
    loader.columns(columns, name)
    for number, values in enumerate(zip(*(table[column].tolist() for column in table.columns), strict=True), 1):
        yield f"{name} row {number}", number, dict(zip(columns, values, strict=True))
