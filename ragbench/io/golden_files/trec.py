"""TREC labels with a file of queries: ``<top>`` or ``<DOC>`` blocks, or lines of id, tab, text."""

import re
from pathlib import Path

from ragbench.core.errors import InputError
from ragbench.core.goldens import GoldenSet
from ragbench.core.judgements import Judgements
from ragbench.core.ledger import Ledger, first_ten
from ragbench.io.encoding import read_text
from ragbench.io.files import write_text
from ragbench.io.golden_files.common import ReadOptions, WriteOptions, join, whole_documents
from ragbench.io.tables import query_text, read_rows, text_value
from ragbench.io.trec import read_labels, write_qrels

TAKES = frozenset({"queries"})
ROWS = (".jsonl", ".ndjson", ".parquet")
"""Endings of files of queries that are rows: of a BEIR collection, and in the folder of an evaluation."""
ID_KEYS = ("_id", "query_id", "id")
META = "meta."
"""Start of the columns of an evaluation's queries that hold metadata."""
BLOCK = re.compile(r"<(top|doc)>(.*?)</\1>", re.IGNORECASE | re.DOTALL)
NUMBER = re.compile(r"<(num|docno)>\s*(?:Number:)?\s*([^<\s]+)\s*(?:</\1>)?", re.IGNORECASE)
LINE_BREAKING = re.compile(r"[\t\n\r]+")
TITLE = re.compile(r"<title>\s*(?:Topic:)?(.*?)(?=<|\Z)", re.IGNORECASE | re.DOTALL)
Topic = tuple[str, str, str, dict[str, object]]
"""Where a query stands, its id, text and metadata."""
PART = re.compile(r"<(desc|narr)>\s*(?:Description:|Narrative:)?(.*?)(?=<|\Z)", re.IGNORECASE | re.DOTALL)


def read(path: Path, options: ReadOptions) -> GoldenSet:
    """Read a qrels file, or a folder with one, and the queries beside it.

    Raises:
        InputError: a file is missing, ambiguous or wrong; the message names file and line.
    """
    labels_file = path if path.is_file() else labels_in(path)
    queries_file = options.queries or _only(labels_file.parent, QUERY_FILES, "queries (topics* or queries*)")
    topics = read_topics(queries_file)
    name = path.resolve().name if path.is_dir() else path.stem
    return join(topics, read_labels(labels_file), queries_file, options, name)


LABEL_FILES = re.compile(r"qrels?\b.*|.*[.-]qrels?|.*[.-]qrels?\.(txt|tsv|test)(\.gz)?", re.IGNORECASE)
QUERY_FILES = re.compile(r"(topics|queries)\b.*|.*[.-](topics|queries)(\.(txt|tsv|jsonl))?", re.IGNORECASE)


def labels_in(folder: Path) -> Path:
    """Return the file of labels in a folder.

    Raises:
        InputError: there is none, or more than one.
    """
    return _only(folder, LABEL_FILES, "labels (qrels*)")


def topics_beside(labels: Path) -> Path | None:
    """Return the file of queries beside a file of labels; None if there is none, or more than one."""
    found = [file for file in labels.parent.iterdir() if file.is_file() and QUERY_FILES.fullmatch(file.name)]
    return found[0] if len(found) == 1 else None


def _only(folder: Path, pattern: re.Pattern[str], what: str) -> Path:
    found = sorted(file for file in folder.iterdir() if file.is_file() and pattern.fullmatch(file.name))
    if len(found) != 1:
        which = f"{len(found)} could be: {first_ten(file.name for file in found)}" if found else "none is there"
        hint = "name it by the option queries" if pattern is QUERY_FILES else "give the file itself"
        raise InputError(f"{folder}: one file with {what} is needed and {which}; {hint}")
    return found[0]


def read_topics(path: Path) -> dict[str, tuple[str, dict[str, object]]]:
    """Text and metadata (description, narrative) by query id.

    Raises:
        InputError: no query in it, one without id or text, or an id that occurs twice.
    """
    topics: dict[str, tuple[str, dict[str, object]]] = {}
    rows = _rows(path) if path.suffix.lower() in ROWS else _topics(path, read_text(path)[0])
    for where, id_, query, metadata in rows:
        if id_ in topics:
            raise InputError(f"{where}: a second query with the id {id_!r}")
        topics[id_] = (query_text(where, query), metadata)
    if not topics:
        raise InputError(f"{path}: there is no query in it; expected <top> blocks, or lines of id, tab, text")
    return topics


def _topics(path: Path, text: str) -> list[Topic]:
    blocks = list(BLOCK.finditer(text))
    return _blocks(path, text, blocks) if blocks else _lines(path, text)


def _rows(path: Path) -> list[Topic]:
    """The queries of a BEIR collection, or those that an evaluation wrote."""
    found: list[Topic] = []
    for where, row in read_rows(path):
        key = next((key for key in ID_KEYS if key in row), ID_KEYS[0])
        metadata = row.get("metadata")
        own = metadata if isinstance(metadata, dict) else {}
        written = {name.removeprefix(META): value for name, value in row.items() if name.startswith(META)}
        kept = {name: value for name, value in {**own, **written}.items() if value is not None}
        found.append((where, text_value(where, row, key), text_value(where, row, "text"), kept))
    return found


def _blocks(path: Path, text: str, blocks: list[re.Match[str]]) -> list[Topic]:
    rows = []
    for block in blocks:
        where = f"{path}:{text.count(chr(10), 0, block.start()) + 1}"
        number = NUMBER.search(block[2])
        if number is None:
            raise InputError(f"{where}: a topic without <num>")
        rest = block[2][number.end() :]
        parts = {key.lower(): " ".join(value.split()) for key, value in PART.findall(rest)}
        title = TITLE.search(rest)
        query = title[1] if title else parts.pop("desc", None) or rest
        names = {"desc": "description", "narr": "narrative"}
        metadata: dict[str, object] = {names[key]: value for key, value in parts.items() if value}
        rows.append((where, number[2], " ".join(query.split()), metadata))
    return rows


def _lines(path: Path, text: str) -> list[Topic]:
    rows = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        id_, tab, query = line.partition("\t")
        if not tab:
            raise InputError(f"{path}:{number}: expected id, tab, text (or <top> blocks); got {line!r:.60}")
        rows.append((f"{path}:{number}", id_.strip(), query.strip(), dict[str, object]()))
    return rows


def write(golden: GoldenSet, path: Path, options: WriteOptions) -> Ledger:
    """Write a folder with ``qrels.txt`` and ``topics.tsv``; spans become whole documents.

    Returns:
        what the format cannot hold, per query.

    Raises:
        InputError: an id with white space in it.
    """
    labels, entries = whole_documents(golden)
    write_qrels(Judgements.from_dict(labels), path / "qrels.txt")
    topics = "".join(f"{item.id}\t{LINE_BREAKING.sub(' ', item.text)}\n" for item in golden)
    write_text(path / "topics.tsv", topics)
    return Ledger(tuple(entries))
