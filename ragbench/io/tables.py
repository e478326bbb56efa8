"""Rows of tables in any format: CSV, TSV, JSON Lines (also gzipped) and Parquet.

Every reader gives the place of each row ("FILE:LINE", or "FILE row N" where a file
has no lines), so that a message about a value can name it. Text is decoded by
`ragbench.io.encoding`: a byte order mark decides, then UTF-8, then a guess.

Three readers keep columns as columns because speed is their point, and are
elsewhere: TREC files (`ragbench.io.trec`), chunk offsets in Parquet
(`ragbench.io.chunk_files`) and events of an online test (`ragbench.comparison.ab`).
"""

import csv
import gzip
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, BinaryIO, Literal, NamedTuple, cast

from ragbench.core.errors import InputError, SettingError, did_you_mean
from ragbench.core.options import pairs
from ragbench.core.spelling import named
from ragbench.io.encoding import MIB, read_text
from ragbench.io.files import replacing
from ragbench.io.parsing import DAMAGED, parse_json

SUFFIXES = (".jsonl", ".ndjson", ".csv", ".tsv", ".parquet", ".pq")
"""Endings of the files that `read_rows` reads."""
LINE_BYTES = 64 * MIB
"""Longest line of JSON Lines that is read."""
CELL_CHARACTERS = 1 << 24
"""Longest cell of a CSV file that is read."""
SMALL_CHARACTERS = 1 << 22
"""Longest CSV text that is read without pandas."""
BATCH = 10_000
"""Rows of a Parquet file that are held in memory at a time."""

NamedRow = tuple[str, Mapping[str, object]]
"""Where a row is, and its values by column."""


class Row(NamedTuple):
    """A row of a table that is read in order.

    Attributes:
        where: "FILE:LINE" or "FILE row N", for messages.
        number: counted from 1; lines of a file of lines, rows of other files.
        values: by column.
    """

    where: str
    number: int
    values: Mapping[str, object]


def read_rows(path: Path) -> list[NamedRow]:
    """All rows of a file in any of `SUFFIXES`.

    Raises:
        InputError: it is no such table; the message names file and line.
        SettingError: the file has another ending.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise SettingError(f"{path}: rows are read from files that end in {', '.join(SUFFIXES)}")
    if suffix in (".csv", ".tsv"):
        return list(read_csv(path).rows())
    if suffix in (".parquet", ".pq"):
        return [(row.where, row.values) for row in parquet_rows(path)]
    return list(read_objects(path))


@dataclass(frozen=True)
class CsvTable:
    """A CSV file in memory.

    Attributes:
        name: the file, for messages.
        header: names of the columns, as written.
        lines: the line on which each row begins.
        cells: the cells of each row, as many as the header has; None where a row was shorter.
    """

    name: str
    header: Sequence[str]
    lines: Sequence[int]
    cells: Sequence[Sequence[str | None]]

    def rows(self) -> Iterator[NamedRow]:
        """Each row by column name."""
        for line, cells in zip(self.lines, self.cells, strict=True):
            yield f"{self.name}:{line}", dict(zip(self.header, cells, strict=True))


def read_csv(
    path: Path,
    *,
    delimiters: str = "\t;,",
    exact: bool = False,
    quotes: bool = True,
    check: Callable[[Sequence[str]], None] | None = None,
) -> CsvTable:
    """Read a CSV file whole; blank lines do not count.

    Args:
        path: the file.
        delimiters: the one that the header holds most often separates the cells.
        exact: refuse rows that are shorter than the header, instead of filling them with None.
        quotes: whether quotation marks enclose cells; if not, they are text.
        check: given the header before any row is read; it may refuse the file.

    Raises:
        InputError: no such file, a quotation mark out of place, or a row that is longer
            (or, with ``exact``, shorter) than the header; the message names file and line.
    """
    csv.field_size_limit(CELL_CHARACTERS)
    text, _ = read_text(path)
    delimiter = delimiter_of(text, delimiters)
    source = StringIO(text, newline="") if quotes else text.split("\n")
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE
    reader = csv.reader(source, delimiter=delimiter, quoting=quoting, strict=True)
    lines: list[int] = []
    rows: list[list[str | None]] = []
    try:
        header = next(reader, [])
        if check:
            check(header)
        line = reader.line_num + 1
        for cells in reader:
            if len(cells) > len(header) or (exact and cells and len(cells) < len(header)):
                hint = f"; put a cell that holds {delimiter!r} between quotation marks" if quotes else ""
                raise InputError(f"{path}:{line}: {len(cells)} cells, but the header has {len(header)} columns{hint}")
            if cells:
                lines.append(line)
                rows.append([*cells, *[None] * (len(header) - len(cells))])
            line = reader.line_num + 1
    except csv.Error as error:
        raise InputError(f"{path}:{reader.line_num}: not CSV ({error})") from error
    return CsvTable(str(path), header, lines, rows)


def delimiter_of(text: str, delimiters: str) -> str:
    """The delimiter that the first line holds most often; of equals, the first one named."""
    return max(delimiters, key=text.split("\n", 1)[0].count)


def csv_columns(text: str, name: str, delimiter: str) -> dict[str, list[str]]:
    """The columns of a CSV text; no value is guessed, so an id of 007 stays as it is.

    pandas reads it, except for small tables without irregular rows: its import takes longer than they do, and the
    result is the same.

    Raises:
        InputError: it is no table, or a row has more cells than the header.
    """
    regular = regular_columns(text, delimiter) if len(text) <= SMALL_CHARACTERS else None
    if regular is not None:
        return regular
    import pandas

    wide = f"{name}: its rows have more values than the header has columns"
    if _is_wider(text, delimiter):
        raise InputError(wide)
    try:
        table = pandas.read_csv(StringIO(text), sep=delimiter, dtype=str, keep_default_na=False, na_filter=False)
    except (ValueError, pandas.errors.ParserError) as error:
        reason = str(error).removeprefix("Error tokenizing data. C error: ").strip()
        raise InputError(f"{name}: not a readable table ({reason}); delimiter {delimiter!r}") from error
    if not isinstance(table.index, pandas.RangeIndex):
        raise InputError(wide)
    return {str(column): table[column].tolist() for column in table.columns}


def regular_columns(text: str, delimiter: str) -> dict[str, list[str]] | None:
    """The columns of a CSV text whose rows all have as many cells as its header; None for any other text."""
    # Other readers disagree about these characters, and about quotation marks that do not enclose a whole cell.
    if "\r" in text or "\0" in text:
        return None
    csv.field_size_limit(CELL_CHARACTERS)
    try:
        rows = [row for row in csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True) if row]
    except csv.Error:
        return None
    header = rows[0] if rows else []
    usual = len(header) > 1 and all(header) and len(set(header)) == len(header)
    if not usual or any(len(row) != len(header) for row in rows):
        return None
    return {name: [row[at] for row in rows[1:]] for at, name in enumerate(header)}


def _is_wider(text: str, delimiter: str) -> bool:
    """Whether the first row is longer than the header: pandas would make an index with a level for each of the rest."""
    csv.field_size_limit(CELL_CHARACTERS)
    rows = filter(None, csv.reader(StringIO(text, newline=""), delimiter=delimiter))
    try:
        header, first = next(rows, []), next(rows, [])
    except csv.Error:  # pandas says where
        return False
    return len(first) > len(header)


def read_objects(path: Path) -> Iterator[tuple[str, dict[str, object]]]:
    r"""``("file:line", object)`` for every line of a JSON Lines file that is not blank.

    The file is held in memory, and may be in any encoding. Only ``\n`` ends a line:
    the other separators that Unicode knows may be part of a JSON string.

    Raises:
        InputError: no such file, or a line that is no JSON object.
    """
    for number, line in enumerate(read_text(path)[0].split("\n"), start=1):
        if line.strip():
            yield f"{path}:{number}", json_object(line, f"{path}:{number}")


def json_rows(path: Path, *, name: str | None = None, max_bytes: int | None = None) -> Iterator[Row]:
    """The objects of a JSON Lines file in UTF-8, line by line; the file may be gzipped. Blank lines do not count.

    Args:
        path: the file.
        name: what to call it in messages, instead of ``path``.
        max_bytes: refuse a file that is larger, counted after unpacking.

    Raises:
        InputError: a line that is no JSON object, not UTF-8 or too long; the message names file and line.
    """
    shown = name or str(path)
    total = 0
    try:
        with _opened(path) as handle:
            number = 0
            while line := handle.readline(LINE_BYTES + 1):
                number += 1
                total += len(line)
                if len(line) > LINE_BYTES or (max_bytes is not None and total > max_bytes):
                    limit = LINE_BYTES if len(line) > LINE_BYTES else max_bytes
                    raise InputError(f"{shown}:{number}: more than {limit:,} bytes; refused")
                line = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
                if line.strip():
                    yield Row(f"{shown}:{number}", number, json_object(line, f"{shown}:{number}"))
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{shown}: cannot be read ({error})") from error


def _opened(path: Path) -> BinaryIO:
    return cast(BinaryIO, gzip.open(path)) if path.name.lower().endswith(".gz") else path.open("rb")


def json_object(line: str | bytes, where: str) -> dict[str, object]:
    """One line of JSON Lines.

    Raises:
        InputError: it is no JSON object, or bytes that are not UTF-8; the message starts with ``where``.
    """
    try:
        text = line.decode("utf-8") if isinstance(line, bytes) else line
    except UnicodeDecodeError as error:
        raise InputError(f"{where}: not UTF-8 (byte {error.start} of the line); save the file as UTF-8") from error
    value = parse_json(where, text, in_line=True)
    if not isinstance(value, dict):
        raise InputError(f"{where}: a JSON object was expected, not {json_kind(value)}")
    return value


def json_kind(value: object) -> str:
    """What a JSON value is, for messages: "an array", "a string", ..."""
    words = {list: "an array", dict: "an object", str: "a string", bool: "a boolean", type(None): "null"}
    return words.get(type(value), "a number")


def parquet_rows(
    path: Path,
    *,
    name: str | None = None,
    choose: Callable[[list[str]], Sequence[str] | None] | None = None,
    max_bytes: int | None = None,
) -> Iterator[Row]:
    """The rows of a Parquet file, `BATCH` at a time.

    Args:
        path: the file.
        name: what to call it in messages, instead of ``path``.
        choose: given the columns there are, the ones to read (None: all); it may refuse the file.
        max_bytes: refuse a file that is larger, counted after unpacking.

    Raises:
        InputError: the file cannot be read or is too large.
    """
    import pyarrow

    shown = name or str(path)
    try:
        with open_parquet(path) as file:
            groups = (file.metadata.row_group(i) for i in range(file.metadata.num_row_groups))
            unpacked = sum(group.total_byte_size for group in groups)
            if max_bytes is not None and unpacked > max_bytes:
                raise InputError(f"{shown}: {unpacked:,} bytes unpacked, above max_bytes={max_bytes:,}")
            wanted = choose(file.schema_arrow.names) if choose else None
            yield from batch_rows(file.iter_batches(batch_size=BATCH, columns=wanted, use_threads=False), shown)
    except (pyarrow.ArrowException, OSError) as error:
        raise InputError(f"{shown}: not a readable Parquet file ({error})") from error


def batch_rows(batches: Iterable[Any], name: str) -> Iterator[Row]:
    """The rows of Arrow record batches."""
    number = 0
    for batch in batches:
        for values in batch.to_pylist():
            number += 1
            yield Row(f"{name} row {number}", number, values)


def read_parquet(path: Path) -> Any:
    """The table (`pyarrow.Table`) of a Parquet file.

    `pyarrow.parquet.read_table` and `pandas.read_parquet` leave a thread for reading behind;
    a process that ends while that thread frees memory can crash, so no thread is used here (https://github.com/apache/arrow/issues/34314).

    Raises:
        OSError, pyarrow.ArrowException: it is not there or broken.
    """
    with open_parquet(path) as file:
        table = file.read(use_threads=False)
        table.validate(full=True)
        return table


def column_values(column: Any) -> Any:
    """The values of a `pyarrow.ChunkedArray`: a float64 array with NaN for missing ones, or a list of another type.

    `pyarrow.ChunkedArray.to_numpy` gives the same array and imports pandas.
    """
    import numpy as np
    import pyarrow as pa

    if column.type != pa.float64():
        return column.to_pylist()
    parts = [np.empty(0)]
    for chunk in column.chunks:
        valid, values = chunk.buffers()
        own = slice(chunk.offset, chunk.offset + len(chunk))
        part = np.frombuffer(values, dtype=np.float64)[own]
        if chunk.null_count:
            bits = np.unpackbits(np.frombuffer(valid, dtype=np.uint8), bitorder="little")[own]
            part = np.where(bits == 1, part, np.nan)
        parts.append(part)
    return np.concatenate(parts)


@contextmanager
def open_parquet(path: Path) -> Iterator[Any]:
    """The open `pyarrow.parquet.ParquetFile`; read from it with ``use_threads=False``.

    Texts of a damaged file may be no UTF-8, which pyarrow notices late; ``table.validate(full=True)`` looks for them.

    Raises:
        OSError, pyarrow.ArrowException: it is not there or broken.
    """
    import pyarrow
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, pre_buffer=False) as file:
            yield file
    except (OSError, pyarrow.ArrowException):
        raise
    except DAMAGED as error:
        raise pyarrow.ArrowInvalid(f"{type(error).__name__}: {error}") from error


def choose_columns(
    found: Iterable[str],
    named: Mapping[str, str],
    where: str,
    aliases: Mapping[str, Sequence[str]],
    needed: Mapping[str, str],
    option: str,
) -> dict[str, str]:
    """The column of each role: the user's choice, else the first alias that is there and not taken.

    Args:
        found: the columns there are.
        named: the user's choice, ``{role: column}``.
        where: the file, for messages.
        aliases: what a column may be called, by role.
        needed: roles that must be there, and what each holds, in words.
        option: how a column is named on the command line: ``"--columns {role}=NAME"``.

    Raises:
        SettingError: a role or column that does not exist.
        InputError: no column for a role that is needed.
    """
    columns = list(found)
    for role, column in named.items():
        if role not in aliases:
            raise SettingError(f"no role {role!r} for a column{did_you_mean(role, aliases)}")
        if column not in columns:
            raise SettingError(f"{where}: no column {column!r}{did_you_mean(column, columns)}")
    chosen = dict(named)
    for role, names in aliases.items():
        match = next((name for name in names if name in columns and name not in chosen.values()), None)
        if role not in chosen and match is not None:
            chosen[role] = match
    for role, holds in needed.items():
        if role not in chosen:
            raise InputError(
                f"{where}: no column holds {holds} (known are {', '.join(aliases[role])}); it has "
                f"{', '.join(columns)}. Rename it, or name it: {option.format(role=role)}, "
                f"columns={{'{role}': 'NAME'}} in Python"
            )
    return chosen


def columns_by_role(written: str | None) -> dict[str, str]:
    """``"query=NAME,answer=NAME"`` of the command line as column by role; empty for None.

    Raises:
        SettingError: it is written otherwise, or names a role twice.
    """
    return pairs(named("columns"), written, "ROLE=COLUMN")


def lines(objects: Iterable[tuple[str, Mapping[str, object]]]) -> bytes:
    """Bytes of named objects, one a line; keys keep their order.

    Raises:
        InputError: a value that JSON cannot hold (NaN among them); the message has the name.
    """
    return b"".join(_line(name, value) for name, value in objects)


def write_lines(path: Path, objects: Iterable[tuple[str, Mapping[str, object]]]) -> None:
    """Write a whole file of named objects atomically, one a line. Few of them are in memory at a time.

    Raises:
        InputError: a value that JSON cannot hold; the message has the name.
    """
    with replacing(path) as temporary, temporary.open("wb") as file:
        for name, value in objects:
            file.write(_line(name, value))


def _line(name: str, value: Mapping[str, object]) -> bytes:
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        try:
            return text.encode() + b"\n"
        except UnicodeEncodeError:  # half a surrogate pair: only the escaped form can be written
            return json.dumps(value, allow_nan=False).encode() + b"\n"
    except (TypeError, ValueError) as error:
        raise InputError(f"{name}: it cannot be written as JSON ({error})") from error


def text_value(where: str, row: Mapping[str, object], key: str) -> str:
    """A required string (a number is written out).

    Raises:
        InputError: the key is missing, or holds something else.
    """
    if key not in row:
        raise InputError(f"{where}: no key {key!r}; it has {', '.join(map(repr, row)) or 'none'}")
    return as_text(where, key, row[key])


def as_text(where: str, key: str, value: object) -> str:
    """A string, or a whole number written out.

    Raises:
        InputError: it is something else.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise InputError(f"{where}: {key!r} must be a string, it is {value!r:.60}")


def query_text(where: str, value: str) -> str:
    """The same text.

    Raises:
        InputError: it is blank.
    """
    if not value.strip():
        raise InputError(f"{where}: the query has no text. Write it or take the line out")
    return value
