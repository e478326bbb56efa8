"""The rows of a catalogue as they stand in the file: nothing is skipped, and each row knows its line."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ragbench.core.documents import Corpus
from ragbench.core.errors import InputError
from ragbench.corpus.clean import Clean, without_html
from ragbench.corpus.file_limits import FileLimits
from ragbench.corpus.load import load_corpus
from ragbench.corpus.loaders.jsonl import array_rows
from ragbench.io.encoding import read_text
from ragbench.io.tables import json_rows, parquet_rows, read_csv

CSV, LINES, PARQUET = (".csv", ".tsv"), (".jsonl", ".ndjson", ".jsonl.gz"), (".parquet", ".pq")


@dataclass(frozen=True)
class Table:
    """A table in memory.

    Attributes:
        name: the file or folder.
        columns: values by column, all of one length; None where a row has no such value.
        places: where each row is, such as ``catalogue.csv:17``.
        encoding: of a CSV file; empty where the format decides it.
        short: rows that have fewer cells than the header.
    """

    name: str
    columns: Mapping[str, list[object]]
    places: list[str]
    encoding: str = ""
    short: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.places)


def read_catalogue(
    path: Path, loader: str | None = None, *, limits: FileLimits | None = None, clean: Clean | None = None
) -> Table:
    """Read a table. Anything else is read as documents, which have the columns id, title, text and their metadata.

    Args:
        path: a file or folder.
        loader: loader of the documents; with it, a table is read as documents too.
        limits: for reading documents.
        clean: ``html`` turns HTML into plain text first.

    Raises:
        InputError: it cannot be read, or has no row.
    """
    table = _read(path, loader, limits)
    if not len(table):
        raise InputError(f"{path}: the table has no row")
    if clean != "html":
        return table
    columns = {
        name: [without_html(value) if isinstance(value, str) else value for value in values]
        for name, values in table.columns.items()
    }
    return Table(table.name, columns, table.places, table.encoding, table.short)


def _read(path: Path, loader: str | None, limits: FileLimits | None) -> Table:
    name = path.name.lower()
    if loader is None and path.is_file():
        if name.endswith(CSV):
            return _csv(path)
        if name.endswith(LINES):
            return _of_rows(path, ((row.where, row.values) for row in json_rows(path)))
        if name.endswith(".json"):
            return _of_rows(path, ((row.where, row.values) for row in array_rows(path, str(path))))
        if name.endswith(PARQUET):
            return _of_rows(path, ((row.where, row.values) for row in parquet_rows(path)))
    return table_of(load_corpus(path, loader, limits=limits).corpus, str(path))


def table_of(corpus: Corpus, name: str) -> Table:
    """The documents as a table with the columns id, title, text and those of their metadata."""
    rows = ((one.id, {**one.metadata, "id": one.id, "title": one.title or None, "text": one.text}) for one in corpus)
    return _of_rows(Path(name), rows)


def _csv(path: Path) -> Table:
    table = read_csv(path, delimiters=",\t;|")
    twice = sorted({name for name in table.header if list(table.header).count(name) > 1})
    if twice:
        raise InputError(f"{path}:1: the column {twice[0]!r} is there twice; rename one of them")
    places = [f"{path}:{line}" for line in table.lines]
    columns: dict[str, list[object]] = {
        name: [cells[at] for cells in table.cells] for at, name in enumerate(table.header)
    }
    last = columns[table.header[-1]] if table.header else []
    short = tuple(place for place, cell in zip(places, last, strict=True) if cell is None)
    return Table(str(path), columns, places, read_text(path)[1], short)


def _of_rows(path: Path, rows: Iterable[tuple[str, Mapping[str, object]]]) -> Table:
    columns: dict[str, list[object]] = {}
    places: list[str] = []
    for place, values in rows:
        for name in values:
            if name not in columns:
                columns[name] = [None] * len(places)
        for name, column in columns.items():
            column.append(values.get(name))
        places.append(place)
    return Table(str(path), columns, places)
