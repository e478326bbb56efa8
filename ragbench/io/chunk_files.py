"""Files of chunks: Parquet or JSON lines with the columns id, document_id, start, end, title and text.

The same chunks give the same bytes (with the same version of pyarrow, for Parquet). Files of page chunks, which other
tools write, are read too: see `ragbench.io.paged_chunks`.
"""

import csv
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ragbench.core.document import Chunk
from ragbench.core.errors import InputError
from ragbench.io.files import replacing
from ragbench.io.tables import LINE_BYTES, Row, delimiter_of, json_rows, open_parquet, parquet_rows

if TYPE_CHECKING:
    from ragbench.core.documents import Chunks

COLUMNS = ("id", "document_id", "start", "end", "title", "text")
_NEEDED = frozenset(COLUMNS) - {"title"}
_BATCH = 50_000


def write_chunks(chunks: "Chunks", path: Path) -> None:
    """Write chunks to ``.parquet`` or ``.jsonl``, whole or not at all.

    Raises:
        InputError: another ending.
    """
    ending = path.suffix.lower()
    if ending not in (".parquet", ".jsonl"):
        raise InputError(f"{path}: chunks are written as .parquet or .jsonl, not {ending or 'without an ending'}")
    with replacing(path) as temporary:
        if ending == ".parquet":
            _write_parquet(chunks, temporary)
        else:
            with temporary.open("w", encoding="utf-8", newline="\n") as handle:
                for row in _dicts(chunks):
                    handle.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n")


def _dicts(chunks: "Chunks") -> Iterator[dict[str, object]]:
    for chunk in chunks:
        yield {name: getattr(chunk, name) for name in COLUMNS}


def _write_parquet(chunks: "Chunks", path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    kinds = (pyarrow.string(), pyarrow.string(), pyarrow.int64(), pyarrow.int64(), pyarrow.string(), pyarrow.string())
    schema = pyarrow.schema(list(zip(COLUMNS, kinds, strict=True)), metadata={"ragbench": "chunks/1"})
    index = chunks.document_index.tolist()
    with pyarrow.parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        for low in range(0, len(chunks), _BATCH):
            part = slice(low, low + _BATCH)
            columns = [
                list(chunks.ids[part]),
                [chunks.document_ids[at] for at in index[part]],
                chunks.starts[part],
                chunks.ends[part],
                [chunks.titles[at] for at in index[part]],
                list(chunks.texts[part]),
            ]
            arrays = [pyarrow.array(column, type=kind) for column, kind in zip(columns, kinds, strict=True)]
            writer.write_batch(pyarrow.record_batch(arrays, schema=schema))


def is_chunk_file(path: Path) -> bool:
    """Whether a file holds chunks: Parquet with those columns, or JSON lines whose first object has them."""
    return path.suffix.lower() in (".parquet", ".jsonl") and columns_of(path) >= _NEEDED


def columns_of(path: Path) -> frozenset[str]:
    """The columns of a table by its ending: of Parquet, the first object of JSON lines, or the header of CSV or TSV.

    There are none if the file cannot be read, or is no such table.
    """
    ending = path.suffix.lower()
    if ending == ".parquet":
        import pyarrow

        try:
            with open_parquet(path) as file:
                return frozenset(file.schema_arrow.names)
        except (pyarrow.ArrowException, OSError):
            return frozenset()
    try:
        with path.open("rb") as handle:
            line = handle.readline(LINE_BYTES)
        if ending == ".jsonl":
            first = json.loads(line)
            return frozenset(first) if isinstance(first, dict) else frozenset()
        if ending in (".csv", ".tsv"):
            header = line.decode("utf-8-sig").rstrip("\r\n")
            return frozenset(next(csv.reader([header], delimiter=delimiter_of(header, ",\t;|")), ()))
    except (OSError, ValueError, RecursionError, csv.Error):
        return frozenset()
    return frozenset()


def read_chunks(path: Path) -> "Chunks":
    """Read a file of chunks.

    Raises:
        InputError: the file cannot be read, lacks a column, repeats an id, or
            has a chunk without text or whose offsets do not fit its text.
    """
    from ragbench.core.documents import Chunks

    try:
        return Chunks.of(checked_chunks(path))
    except InputError as error:
        raise InputError(str(error) if str(error).startswith(str(path)) else f"{path}: {error}") from error


def checked_chunks(path: Path) -> Iterator[Chunk]:
    """The chunks of a file, one after another.

    Raises:
        InputError: as in `read_chunks`, except that ids may repeat.
    """
    parquet = path.suffix.lower() == ".parquet"
    return _checked(parquet_rows(path, choose=lambda there: _columns(there, path)) if parquet else json_rows(path))


def _checked(rows: Iterable[Row]) -> Iterator[Chunk]:
    for where, _, row in rows:
        try:
            id_, document, text = row["id"], row["document_id"], row["text"]
            start, end, title = row["start"], row["end"], row.get("title")
        except KeyError as error:
            raise InputError(f"{where}: a chunk needs {error}") from error
        if not (isinstance(id_, str) and isinstance(document, str) and isinstance(text, str) and id_ and document):
            raise InputError(f"{where}: id, document_id and text must be strings, and the ids not empty")
        if type(start) is not int or type(end) is not int or start < 0 or end - start != len(text):
            raise InputError(f"{where}: chunk {id_!r} is {len(text)} characters long, not {start!r} to {end!r}")
        if not text.strip():
            raise InputError(f"{where}: chunk {id_!r} has no text")
        yield Chunk(id_, document, text, start, end, title if isinstance(title, str) else "")


def _columns(there: list[str], path: Path) -> list[str]:
    missing = sorted(_NEEDED.difference(there))
    if missing:
        raise InputError(f"{path}: no column {', '.join(missing)}; a file of chunks has {', '.join(COLUMNS)}")
    return [name for name in COLUMNS if name in there]
