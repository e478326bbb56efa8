"""The formats of golden sets: list and detect them, and read and write sets.

A format is one file in this folder with ``read(path, options)``, ``write(golden, path, options)`` or both, and
``TAKES``, its reading options.
"""

import importlib
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from types import ModuleType

from ragbench.core.documents import Chunks, Corpus
from ragbench.core.errors import InputError, SettingError, did_you_mean
from ragbench.core.goldens import GoldenSet
from ragbench.core.ledger import Ledger, first_ten
from ragbench.io.golden_files.common import ReadOptions, WriteOptions
from ragbench.io.golden_files.trec import LABEL_FILES
from ragbench.io.tables import read_objects

FORMATS = {
    "native": "a folder with golden.jsonl, or a .jsonl file with id, text, evidence",
    "beir": "a folder with queries.jsonl and qrels/SPLIT.tsv",
    "trec": "a qrels file with a file of topics beside it, or the folder of both",
    "simple": "a .jsonl file with query, relevant_product_id, source_chunk_id",
    "squad": "SQuAD v1 or v2 .json",
    "hf": "a folder written by datasets' save_to_disk",
    "table": "a .csv or .tsv file with columns query, document, label",
    "ragas": "a .jsonl file with user_input, reference, reference_contexts",
}
WRITABLE = tuple(name for name in FORMATS if name != "table")
READABLE = tuple(name for name in FORMATS if name != "ragas")
LINE_ENDINGS = (".jsonl", ".ndjson")
# File names in a folder for formats that are one file.
WRITTEN_AS = {"simple": "golden.jsonl", "squad": "squad.json"}


def read_golden(
    path: Path | str,
    format: str | None = None,
    *,
    split: str | None = None,
    queries: Path | str | None = None,
    exclude_source: bool = False,
    columns: Mapping[str, str] | None = None,
    name: str | None = None,
) -> GoldenSet:
    """Read a golden set. Its issue log lists what was skipped.

    Args:
        path: a file or folder.
        format: one of `FORMATS`; None detects the format.
        split: split of a collection; the default is "test" if there are splits.
        queries: file of queries for TREC labels, if it is not found by its name.
        exclude_source: exclude the chunk that a query was written from from its ranking.
        columns: column by role, ``{"query": "question"}``.
        name: name of the set; None takes it from the path.

    Raises:
        InputError: the path does not exist, more than one format fits, or the content is wrong; the message names file
            and line, and says what to do.
        SettingError: the format is unknown, or it does not have one of the options.

    Examples:
        >>> golden = rb.load_golden("datasets/shop")
        >>> len(golden), golden.items[1].text
        (198, 'two-man tent below 2 kilos')
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path}: no such file or folder")
    chosen = _known(format) if format else _with_columns(path, columns) or detect(path)
    if chosen not in READABLE:
        raise SettingError(f"{path}: the format {chosen!r} can only be written; read one of: {', '.join(READABLE)}")
    if path.is_dir() and (path / WRITTEN_AS.get(chosen, "")).is_file():
        name, path = name or path.name, path / WRITTEN_AS[chosen]
    if path.is_dir() and chosen in ("simple", "squad", "table"):
        raise InputError(f"{path} is a folder: the format {chosen!r} is one file ({FORMATS[chosen]})")
    reader = _module(chosen)
    given = {"split": split, "queries": queries, "exclude_source": exclude_source, "columns": columns}
    for option, value in given.items():
        if value and option not in reader.TAKES:
            which = [name for name in FORMATS if option in _module(name).TAKES]
            raise SettingError(f"{path}: the format {chosen!r} has no option {option!r} (for: {', '.join(which)})")
    options = ReadOptions(split, Path(queries) if queries else None, exclude_source, dict(columns or {}), name)
    golden: GoldenSet = reader.read(path, options)
    return golden


def write_golden(
    golden: GoldenSet,
    path: Path | str,
    format: str = "native",
    *,
    split: str = "test",
    corpus: Corpus | None = None,
    chunks: Chunks | None = None,
    chunker: str | None = None,
) -> Ledger:
    """Write a golden set. The same set gives the same bytes.

    Args:
        golden: the golden set.
        path: a folder, or a file if the format is one file (``.jsonl``, ``.json``).
        format: one of `WRITABLE`.
        split: name of the split, for BEIR.
        corpus: the documents. SQuAD and ragas need them, and BEIR writes them if they are given.
        chunks: the chunks that ``source_chunk_id`` counts, for the simple format.
        chunker: how these are cut; the card beside the file names it.

    Returns:
        What the format cannot hold, per query; empty for ``native`` and ``hf``. For ``simple``, a note that a card
        beside the file has the rest.

    Raises:
        InputError: the format cannot hold an id or a value, or the corpus is missing.
        SettingError: an unknown format, or one that can only be read.

    Examples:
        >>> golden = rb.load_golden("datasets/shop")
        >>> lost = rb.save_golden(golden, "shop.jsonl")
        >>> len(lost), rb.load_golden("shop.jsonl").fingerprint == golden.fingerprint
        (0, True)
    """
    check_writable(format)
    try:
        lost: Ledger = _module(format).write(golden, Path(path), WriteOptions(split, corpus, chunks, chunker))
    except (FileExistsError, NotADirectoryError, IsADirectoryError, PermissionError) as error:
        raise InputError(f"{path}: cannot be written to ({error.strerror})") from error
    return lost


def check_writable(format: str) -> None:
    """Check that sets can be written in a format.

    Raises:
        SettingError: an unknown format, or one that can only be read.
    """
    if format == "table":
        raise SettingError(f"the format {format!r} can only be read; write one of: {', '.join(WRITABLE)}")
    _known(format, WRITABLE)


def _with_columns(path: Path, columns: Mapping[str, str] | None) -> str | None:
    """If the user names columns, JSON lines have the simple format, whatever their keys."""
    return "simple" if columns and path.is_file() and path.suffix.lower() in LINE_ENDINGS else None


def _known(format: str, formats: Collection[str] = FORMATS) -> str:
    if format not in formats:
        raise SettingError(f"no golden set format {format!r}{did_you_mean(format, formats)}")
    return format


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"ragbench.io.golden_files.{name}")


def detect(path: Path) -> str:
    """Detect the format of a path.

    Raises:
        InputError: no format fits, or more than one does.
    """
    fitting = _folder_formats(path) if path.is_dir() else _file_formats(path)
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise InputError(f"{path} could be {' or '.join(fitting)}: choose one by --golden-format or format=")
    known = "; ".join(f"{name}: {FORMATS[name]}" for name in READABLE)
    held = f" (it holds {first_ten(sorted(p.name for p in path.iterdir())) or 'nothing'})" if path.is_dir() else ""
    raise InputError(f"{path}{held} is in no known golden set format. Known are {known}")


def _folder_formats(path: Path) -> list[str]:
    names = {entry.name for entry in path.iterdir()}
    simple = "golden.jsonl" in names and _is_simple(path / WRITTEN_AS["simple"])
    fitting = {
        "native": "golden.jsonl" in names and not simple,
        "simple": simple,
        "squad": WRITTEN_AS["squad"] in names,
        "beir": "queries.jsonl" in names and (path / "qrels").is_dir(),
        "hf": bool({"dataset_info.json", "dataset_dict.json"} & names),
        "trec": any(LABEL_FILES.fullmatch(name) for name in names if (path / name).is_file()),
    }
    return [name for name, fits in fitting.items() if fits]


def _is_simple(path: Path) -> bool:
    """Whether the first line of a ``golden.jsonl`` has a query and no text, as in the format ``simple``."""
    _, row = next(iter(read_objects(path)), ("", {}))
    return "text" not in row and "query" in row


def _file_formats(path: Path) -> list[str]:
    if LABEL_FILES.fullmatch(path.name):
        return ["trec"]
    by_ending = {".json": "squad", ".csv": "table", ".tsv": "table"}
    ending = path.suffix.lower()
    if ending in by_ending:
        return [by_ending[ending]]
    return _line_formats(path) if ending in LINE_ENDINGS else []


def _line_formats(path: Path) -> list[str]:
    """Detect the format by the keys of the first line. Every line must then have that format."""
    first = next(iter(read_objects(path)), None)
    if first is None:
        raise InputError(f"{path}: there is no query in it")
    where, row = first
    if "_id" in row and "query" not in row:
        raise InputError(
            f"{where}: this is a file of a BEIR collection; name the folder that holds queries.jsonl and qrels/"
        )
    fitting = []
    if {"text", "turns"} & row.keys():
        fitting.append("native")
    if {"query", "question"} & row.keys():
        fitting.append("simple")
    if not fitting:
        keys = ", ".join(json.dumps(key) for key in row)
        raise InputError(
            f"{where}: no golden set: neither 'text' (native) nor 'query' (simple) among its keys {keys}. "
            "Name those of a simple set: --golden-columns query=NAME,document=NAME"
        )
    return fitting
