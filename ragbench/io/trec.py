"""TREC files: runs (``query Q0 item rank score tag``) and relevance labels (``query 0 item label``).

Fields are separated by any number of spaces or tabs, as in trec_eval. A line that begins with ``#`` is a comment, empty
lines are ignored, and so is what stands behind the tag of a run. The rank column is never used
(`ragbench.core.order`). Gzipped files are decompressed, and ``-`` is standard input.

Source: trec_eval 9 and 10, ``get_trec_results.c`` and ``get_qrels.c``.
"""

import gzip
import re
import sys
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple
from urllib.parse import unquote

import numpy as np

from ragbench.core.errors import InputError
from ragbench.core.judgements import Judgements
from ragbench.core.ledger import LedgerEntry, first_ten
from ragbench.core.runs import ArrowIds, Precision, Run, Unit
from ragbench.io.files import replacing

BOM = b"\xef\xbb\xbf"
BLANK = re.compile(r"[ \t\n\r\v\f]")
"""The separators of fields in trec_eval: ASCII white space, so a no-break space may be part of an id."""
COMMENT = re.compile(rb"^#.*\n?", re.MULTILINE)
BLANKS = bytes.maketrans(b"\t\r\v\f", b"    ")
UNUSUAL = np.isin(np.arange(256), list(b" \t\n\r\v\f%"))
"""(256,) Whether a byte cannot stand in an id, or is escaped."""
STANDARD_INPUT = Path("-")
GZIP = b"\x1f\x8b"
ROWS_PER_WRITE = 1 << 18
RUN_FIELDS = 6


class TaggedRun(NamedTuple):
    """A run and the name that its file gives to the system.

    Attributes:
        run: the rankings.
        tag: the sixth field of the last line.
    """

    run: Run
    tag: str


def read_trec_run(
    path: Path | str, *, unit: Unit = "document", unescape: bool = False, precision: Precision = "double"
) -> Run:
    """Read a run file.

    One million lines take about .25 s, and about ten times that if the number of fields differs between lines. Queries
    keep the order of their first line.

    Args:
        path: the file, plain or gzipped; ``-`` is standard input.
        unit: whether its ids are of chunks or of documents.
        unescape: undo the escaping of ids by ``write_trec_run(..., escape=True)``.
        precision: how scores compare: ``double`` as in trec_eval 10, ``single`` as in trec_eval 9.

    Raises:
        InputError: the file does not exist, or a line is not a line of a run; the message has its number.
    """
    run = read_tagged_run(path, unit=unit, precision=precision).run
    if not unescape:
        return run
    return Run.of(
        [unquote(id_) for id_ in run.query_ids],
        run.query_index,
        run.items,
        run.scores,
        [unquote(id_) for id_ in run.item_ids],
        unit=unit,
    )


def read_tagged_run(path: Path | str, *, unit: Unit = "document", precision: Precision = "double") -> TaggedRun:
    """Read a run file with its tag; see `read_trec_run`."""
    path = Path(path)
    content = read_content(path)
    return _read_run_columns(content, unit, precision) or _read_run_lines(path, content, unit, precision)


def read_content(path: Path) -> bytes:
    """Read the bytes of a file or of standard input, without compression, byte order mark and Windows line ends.

    Raises:
        InputError: it cannot be read.
    """
    try:
        content = sys.stdin.buffer.read() if path == STANDARD_INPUT else path.read_bytes()
        if path.suffix == ".gz" or content.startswith(GZIP):
            content = gzip.decompress(content)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise InputError(f"{path} is a folder: name the file in it") from None
    except PermissionError:
        raise InputError(f"{path}: it cannot be read (permission denied)") from None
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: it cannot be read ({error})") from error
    content = content.removeprefix(BOM)
    return content.replace(b"\r\n", b"\n") if b"\r" in content else content


def _read_run_columns(content: bytes, unit: Unit, precision: Precision) -> TaggedRun | None:
    """Parse a run as columns; None if the layout or a value needs `_read_run_lines`."""
    import pyarrow as pa

    content, delimiter = _one_delimiter(content)
    last = content[content.rfind(b"\n", 0, _end(content)) + 1 :].split()
    if len(last) < RUN_FIELDS:
        return None
    more = [f"more{i}" for i in range(len(last) - RUN_FIELDS)]
    names = ["query", "q0", "item", "rank", "score", "tag", *more]
    try:
        tag = last[RUN_FIELDS - 1].decode()
    except UnicodeDecodeError:
        return None
    table = _columns(content, delimiter, names, {"query": pa.string(), "item": pa.string(), "score": pa.float64()})
    if table is None:
        return None
    query_ids, queries = _encoded(table["query"])
    item_ids, items = _encoded(table["item"])
    scores = _numbers(table["score"], np.float64)
    if "" in query_ids or _has_empty(item_ids) or np.isnan(scores).any():
        return None
    run = Run.of(list(query_ids), queries, items, _rounded(scores, precision), item_ids, unit=unit)
    return TaggedRun(run, tag)


def _columns(content: bytes, delimiter: bytes, names: list[str], kinds: dict[str, Any]) -> Any | None:
    """Parse delimited text to the Arrow columns of ``kinds``; None if it does not fit them."""
    import pyarrow as pa
    from pyarrow import csv

    if b"\0" in content:
        return None
    try:
        table = csv.read_csv(
            pa.BufferReader(arrow_owned(content)),
            read_options=csv.ReadOptions(column_names=names, block_size=1 << 20),
            parse_options=csv.ParseOptions(delimiter=delimiter.decode(), quote_char=False),
            convert_options=csv.ConvertOptions(column_types=kinds, include_columns=list(kinds), null_values=[]),
        )
    except pa.ArrowInvalid:
        return None
    return table if len(table) else None


def _encoded(column: Any) -> tuple[ArrowIds, np.ndarray[Any, np.dtype[np.int32]]]:
    """Return the distinct texts of a column, and the row of each cell in them.

    Encoding whole columns is twice as fast as asking the reader for dictionaries.
    """
    found = column.dictionary_encode()
    return ArrowIds(found.chunk(0).dictionary), np.concatenate(
        [_numbers_of(chunk.indices, np.int32) for chunk in found.chunks]
    )


def _numbers(column: Any, kind: type[Any]) -> np.ndarray[Any, np.dtype[Any]]:
    """Return a column of numbers."""
    return np.concatenate([_numbers_of(chunk, kind) for chunk in column.chunks])


def _numbers_of(chunk: Any, kind: type[Any]) -> np.ndarray[Any, np.dtype[Any]]:
    """Return an Arrow array without nulls. Its own ``to_numpy`` imports pandas, which takes longer than the file."""
    size = np.dtype(kind).itemsize
    return np.frombuffer(chunk.buffers()[1], kind, count=len(chunk), offset=chunk.offset * size)


def _has_empty(ids: ArrowIds) -> bool:
    offsets = np.frombuffer(ids.arrow.buffers()[1], np.int32, count=len(ids) + 1, offset=ids.arrow.offset * 4)
    return bool((np.diff(offsets) == 0).any())


def _end(content: bytes) -> int:
    """Length of the content without blank lines at its end."""
    tail = content[-4096:]
    return len(content) - len(tail) + len(tail.rstrip())


def _one_delimiter(content: bytes) -> tuple[bytes, bytes]:
    """Remove comments, and leave one blank between two fields and none at the ends of a line.

    Returns:
        The content, itself if it has this form already, and the blank.
    """
    tabs = b"\t" in content
    strange = any(blank in content for blank in (b"\r", b"\v", b"\f"))
    if tabs and not strange and b" " not in content and not _doubled(content, b"\t"):
        return _without_comments(content), b"\t"
    if tabs or strange:
        content = content.translate(BLANKS)
    while _doubled(content, b" "):
        content = content.replace(b"  ", b" ")
    if _has_pair(content, b" \n") or _has_pair(content, b"\n "):
        content = content.replace(b" \n", b"\n").replace(b"\n ", b"\n")
    if content.startswith(b" ") or content.endswith(b" "):
        content = content.strip(b" ")
    return _without_comments(content), b" "


def _without_comments(content: bytes) -> bytes:
    if b"#" in content and (content.startswith(b"#") or _has_pair(content, b"\n#")):
        return COMMENT.sub(b"", content)
    return content


def _rounded(scores: np.ndarray[Any, np.dtype[Any]], precision: Precision) -> np.ndarray[Any, np.dtype[Any]]:
    with np.errstate(over="ignore"):
        return scores.astype(np.float32) if precision == "single" else scores


def arrow_owned(content: bytes) -> Any:
    """Copy the bytes to a `pyarrow.Buffer` that Arrow's threads may release at any time.

    Releasing a buffer around Python's own bytes needs the interpreter. The reader's last thread can release it after
    `read_csv` has returned. If the process ends at that moment, the C++ runtime aborts it.
    """
    import pyarrow as pa

    buffer = pa.allocate_buffer(len(content))
    memoryview(buffer).cast("B")[:] = content
    return buffer


def _doubled(content: bytes, char: bytes) -> bool:
    """Whether a character occurs twice in a row."""
    return _has_pair(content, char * 2)


def _has_pair(content: bytes, pair: bytes) -> bool:
    """Whether two bytes occur in a row (four times as fast as ``in`` where the first is frequent)."""
    wanted = np.frombuffer(pair, np.uint16)[0]
    view = memoryview(content)
    even, odd = view[: len(view) // 2 * 2], view[1 : 1 + (len(content) - 1) // 2 * 2]
    return any(bool((np.frombuffer(part, np.uint16) == wanted).any()) for part in (even, odd))


def fields_of(
    path: Path, content: bytes, count: int, layout: str, *, more: bool = False
) -> Iterator[tuple[int, list[str]]]:
    """Iterate over line number and fields of every line that is neither empty nor a comment.

    Args:
        path: the file, for messages.
        content: its bytes.
        count: fields of a line.
        layout: what the fields are, for messages.
        more: whether a line may have more fields, which are dropped.

    Raises:
        InputError: a line has another number of fields, or is not UTF-8.
    """
    for number, line in enumerate(content.split(b"\n"), start=1):
        parts = line.split()
        if not parts or parts[0].startswith(b"#"):
            continue
        if len(parts) < count or (len(parts) > count and not more):
            raise InputError(f"{path}:{number}: {len(parts)} fields where {count} belong ({layout})")
        try:
            yield number, [part.decode("utf-8") for part in parts[:count]]
        except UnicodeDecodeError:
            raise InputError(f"{path}:{number}: not UTF-8; save the file as UTF-8") from None


def _read_run_lines(path: Path, content: bytes, unit: Unit, precision: Precision) -> TaggedRun:
    """Parse a run line by line, with errors that name the line."""
    query_row: dict[str, int] = {}
    item_row: dict[str, int] = {}
    queries, items, scores = list[int](), list[int](), list[float]()
    tag = ""
    lines = fields_of(path, content, RUN_FIELDS, "query Q0 item rank score tag", more=True)
    for number, (query, _, item, _, written, tag) in lines:  # noqa: B007 (the last tag is the run's)
        score = _score(written)
        if score is None:
            raise InputError(
                f"{path}:{number}: the score of item {item!r} of query {query!r} is {written!r}, no number"
            )
        queries.append(query_row.setdefault(query, len(query_row)))
        items.append(item_row.setdefault(item, len(item_row)))
        scores.append(score)
    if not queries:
        raise InputError(f"{path}: the run is empty; a line reads: query Q0 item rank score tag")
    found = _rounded(np.array(scores), precision)
    return TaggedRun(Run.of(list(query_row), queries, items, found, list(item_row), unit=unit), tag)


def _score(written: str) -> float | None:
    try:
        score = float(written)
    except ValueError:
        return None
    return None if score != score or "_" in written else score


def write_trec_run(run: Run, path: Path | str, tag: str = "ragbench", *, escape: bool = False) -> None:
    """Write a run file atomically. One million rows take about half a second.

    Scores have enough digits to read back the same number, so trec_eval finds the same ties and the same order. The
    format cannot hold queries with an empty ranking,
    so they are absent.

    Args:
        run: what to write.
        path: the file to write; a name ending in ``.gz`` is compressed.
        tag: name of the system, one word.
        escape: write spaces, ``%`` and a first ``#`` in ids as ``%20`` and so on. Ties are then ordered by the escaped
            ids.

    Raises:
        InputError: an id or the tag is empty or has white space in it, or a query id begins with ``#``.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    path = Path(path)
    queries, items = _id_column(path, run.query_ids, run.item_ids, escape=escape)
    if not tag or BLANK.search(tag):
        raise InputError(f"{path}: the tag of a TREC run must be one word, not {tag!r}")
    with _writing(path) as out:
        for low in range(0, len(run.items), ROWS_PER_WRITE):
            rows = slice(low, low + ROWS_PER_WRITE)
            lines = pc.binary_join_element_wise(
                queries.take(pa.array(run.query_index[rows])),
                pa.scalar("Q0", pa.large_string()),
                items.take(pa.array(run.items[rows])),
                pa.array(run.ranks[rows]).cast(pa.large_string()),
                pa.array(run.scores[rows]).cast(pa.large_string()),
                pa.scalar(f"{tag}\n", pa.large_string()),
                pa.scalar(" ", pa.large_string()),
            )
            out.write(_joined(lines))


@contextmanager
def _writing(path: Path) -> Iterator[IO[bytes] | gzip.GzipFile]:
    """Open a file that replaces another at the end; it is compressed if its name ends in ``.gz``."""
    with replacing(path) as temporary, temporary.open("wb") as raw:
        if path.suffix != ".gz":
            yield raw
            return
        with gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as out:
            yield out


def _joined(lines: Any) -> Any:
    """The bytes of an Arrow array of large strings, one behind the other, without a copy."""
    ends = np.frombuffer(lines.buffers()[1], np.int64, count=len(lines) + 1, offset=lines.offset * 8)
    return memoryview(lines.buffers()[2])[ends[0] : ends[-1]] if len(lines) else b""


def _has_unusual(array: Any) -> bool:
    """Whether an id of an Arrow array of large strings is empty, begins with ``#`` or has a byte of `UNUSUAL`."""
    if not len(array):
        return False
    ends = np.frombuffer(array.buffers()[1], np.int64, count=len(array) + 1, offset=array.offset * 8)
    if (np.diff(ends) == 0).any():
        return True
    data = np.frombuffer(array.buffers()[2], np.uint8, count=int(ends[-1]))
    return bool(UNUSUAL[data[ends[0] :]].any() or (data[ends[:-1]] == ord("#")).any())


def _id_column(path: Path, *columns: Sequence[str], escape: bool) -> list[Any]:
    """Arrow arrays of query ids and item ids that a TREC file can hold.

    Args:
        path: the file, for messages.
        columns: query ids, and item ids.
        escape: whether to escape what it cannot hold.

    Raises:
        InputError: an id cannot stand in the file.
    """
    import pyarrow as pa

    arrays = [
        ids.arrow.cast(pa.large_string()) if isinstance(ids, ArrowIds) else pa.array(list(ids), pa.large_string())
        for ids in columns
    ]
    if not any(map(_has_unusual, arrays)):
        return arrays
    texts = [array.to_pylist() for array in arrays]
    if escape:
        texts = [[_escaped(id_) for id_ in ids] for ids in texts]
    unfit = unwritable(*texts)
    if unfit:
        raise InputError(
            f"{path}: {len(unfit)} ids cannot stand in a TREC file (empty, white space, or a query that begins with "
            f"'#'): {first_ten(unfit)}. Write JSON or Parquet, or escape them"
        )
    return [pa.array(ids, pa.large_string()) for ids in texts]


def _escaped(id_: str) -> str:
    escaped = BLANK.sub(lambda match: f"%{ord(match[0]):02X}", id_.replace("%", "%25"))
    return f"%23{escaped[1:]}" if escaped.startswith("#") else escaped


def unwritable(query_ids: list[str], item_ids: list[str]) -> list[str]:
    """List the ids that no TREC file can hold, as sorted Python literals."""
    bad = {id_ for id_ in [*query_ids, *item_ids] if not id_ or BLANK.search(id_)}
    return sorted(repr(id_) for id_ in bad | {id_ for id_ in query_ids if id_.startswith("#")})


@dataclass
class Labels:
    """Relevance labels while a file is read. A pair may be repeated only with the same label.

    Attributes:
        path: the file, for messages.
        by_query: ``{query id: {item id: label}}``.
        repeated: an entry for every row that repeats another row.
    """

    path: Path
    by_query: dict[str, dict[str, int]]
    repeated: list[LedgerEntry]

    def add(self, line: int, query: str, item: str, written: str) -> None:
        """Add one row.

        Raises:
            InputError: the label is not a whole number, or contradicts an earlier row.
        """
        label = whole_number(written)
        if label is None:
            raise InputError(
                f"{self.path}:{line}: the label of item {item!r} for query {query!r} is {written!r}; "
                "a label is a whole number"
            )
        row = self.by_query.setdefault(query, {})
        if item not in row:
            row[item] = label
            return
        if row[item] != label:
            raise InputError(
                f"{self.path}:{line}: item {item!r} is labelled {label} for query {query!r}, "
                f"and {row[item]} further up. Keep one of the two rows"
            )
        self.repeated.append(
            LedgerEntry("golden", f"{self.path}:{line}", f"query {query!r}, item {item!r} again", "repeated-label")
        )


def whole_number(written: str) -> int | None:
    """Read ``"2"``, ``"-1"`` and ``"1.0"`` as a number that fits 32 bits; None for anything else."""
    match = re.fullmatch(r"([+-]?\d{1,10})(?:\.0*)?", written.strip(), re.ASCII)
    if match is None or abs(int(match[1])) >= 1 << 31:
        return None
    return int(match[1])


def read_labels(path: Path | str) -> Labels:
    """Read a qrels file, with an issue for each repeated row.

    Raises:
        InputError: the file does not exist or has no label, a line does not have four fields, a label is not a whole
            number, or a pair has two labels.
    """
    path = Path(path)
    return _read_labels(path, read_content(path))


def _read_labels(path: Path, content: bytes) -> Labels:
    labels = Labels(path, {}, [])
    for number, (query, _, item, label) in fields_of(path, content, 4, "query 0 item label"):
        labels.add(number, query, item, label)
    if not labels.by_query:
        raise InputError(f"{path}: there is no label in it; a line reads: query 0 item label")
    return labels


def read_qrels(path: Path | str) -> Judgements:
    """Read a qrels file. It raises the errors of `read_labels`, and ignores repeated rows."""
    path = Path(path)
    return parse_qrels(path, read_content(path))


def parse_qrels(path: Path, content: bytes) -> Judgements:
    """Labels of the content of a qrels file; see `read_qrels`."""
    found = _read_label_columns(content)
    return Judgements.from_dict(_read_labels(path, content).by_query) if found is None else found


def _read_label_columns(content: bytes) -> Judgements | None:
    """Parse labels as columns; None if the layout, a value or a repeated row needs `read_labels`."""
    import pyarrow as pa

    content, delimiter = _one_delimiter(content)
    kinds = {"query": pa.string(), "item": pa.string(), "label": pa.int32()}
    table = _columns(content, delimiter, ["query", "q0", "item", "label"], kinds)
    if table is None:
        return None
    query_ids, queries = _encoded(table["query"])
    item_ids, items = _encoded(table["item"])
    labels = _numbers(table["label"], np.int32)
    if "" in query_ids or _has_empty(item_ids):
        return None
    if (np.diff(queries) < 0).any():
        order = np.argsort(queries, kind="stable")
        queries, items, labels = queries[order], items[order], labels[order]
    if len(np.unique(queries.astype(np.int64) * len(item_ids) + items)) < len(items):
        return None
    offsets = np.searchsorted(queries, np.arange(len(query_ids) + 1)).astype(np.int64)
    return Judgements(list(query_ids), offsets, items, labels, item_ids)


def read_label_groups(path: Path | str) -> dict[str, dict[str, dict[str, int]]]:
    """Read a qrels file whose second column counts: ``{query id: {group: {item id: label}}}``.

    A group is an intent of the query, or an annotator.

    Raises:
        InputError: as in `read_labels`; a pair may have one label for each group.
    """
    path = Path(path)
    found: dict[str, dict[str, dict[str, int]]] = {}
    labels = Labels(path, {}, [])
    for number, (query, group, item, label) in fields_of(path, read_content(path), 4, "query group item label"):
        labels.by_query = found.setdefault(query, {})
        labels.add(number, group, item, label)
    if not found:
        raise InputError(f"{path}: there is no label in it; a line reads: query group item label")
    return found


def read_intents(path: Path | str) -> Judgements:
    """Read the qrels file of a diversity task, whose second column names the intent (subtopic) of the query."""
    return Judgements.from_intents(read_label_groups(path))


def write_qrels(judgements: Judgements, path: Path | str, *, escape: bool = False) -> None:
    """Write a qrels file atomically, without queries that have no label. ``escape`` is as in `write_trec_run`.

    Raises:
        InputError: an id is empty or has white space in it, or a query id begins with ``#``.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    path = Path(path)
    queries, items = _id_column(path, judgements.query_ids, judgements.item_ids, escape=escape)
    labels = pa.array(judgements.labels).cast(pa.large_string())
    lines = pc.binary_join_element_wise(
        queries.take(pa.array(judgements.query_index)),
        pa.scalar("0", pa.large_string()),
        items.take(pa.array(judgements.items)),
        pc.binary_join_element_wise(labels, *(pa.scalar(text, pa.large_string()) for text in ("\n", ""))),
        pa.scalar(" ", pa.large_string()),
    )
    with _writing(path) as out:
        out.write(_joined(lines))
