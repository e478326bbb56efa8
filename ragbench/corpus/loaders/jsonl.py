"""JSON lines, and files with one JSON array."""

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, ClassVar, cast

from ragbench.core.documents import Document
from ragbench.core.errors import InputError
from ragbench.core.ledger import LedgerEntry
from ragbench.corpus.loaders._rows import RowLoader
from ragbench.corpus.loaders.base import NotDocuments
from ragbench.io.encoding import MIB, TEXT_BYTES, read_text

LINE_BYTES = 64 * MIB
"""Longest line that is read."""

Row = tuple[str, int, Mapping[str, object]]


@dataclass(frozen=True)
class JsonlLoader(RowLoader):
    """Each object is a document; fields that are neither id, text nor title become metadata.

    ``.jsonl`` and ``.ndjson`` (also gzipped) hold an object per line; ``.json`` an array of objects or one object.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".jsonl", ".ndjson", ".jsonl.gz", ".json")

    def load(self, path: Path, name: str) -> Iterator[Document | LedgerEntry]:
        """A document for each object with a text, a ledger entry for each without."""
        whole = path.name.lower().endswith(".json")
        return self.documents(array_rows(path, name) if whole else line_rows(path, name, self.max_bytes))


def line_rows(path: Path, name: str, max_bytes: int) -> Iterator[Row]:
    """The objects of a file with one object per line; blank lines are passed over.

    Raises:
        InputError: a line is no JSON object, not UTF-8 or too long; the message has ``file:line``.
    """
    total = 0
    try:
        with _open(path) as handle:
            number = 0
            while line := handle.readline(LINE_BYTES + 1):
                number += 1
                total += len(line)
                if len(line) > LINE_BYTES or total > max_bytes:
                    limit = LINE_BYTES if len(line) > LINE_BYTES else max_bytes
                    raise InputError(f"{name}:{number}: more than {limit:,} bytes; refused")
                line = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
                if line.strip():
                    yield f"{name}:{number}", number, _object(line, f"{name}:{number}")
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{name}: cannot be read ({error})") from error


def _open(path: Path) -> BinaryIO:
    return cast(BinaryIO, gzip.open(path)) if path.name.lower().endswith(".gz") else path.open("rb")


def _object(line: bytes, where: str) -> Mapping[str, object]:
    try:
        value = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise InputError(f"{where}: not UTF-8 (byte {error.start} of the line); save the file as UTF-8") from error
    except json.JSONDecodeError as error:
        raise InputError(f"{where}: not JSON ({error.msg} at column {error.colno})") from error
    except RecursionError as error:
        raise InputError(f"{where}: nested too deep") from error
    except ValueError as error:
        raise InputError(f"{where}: not JSON ({error})") from error
    if not isinstance(value, dict):
        raise InputError(f"{where}: a JSON object was expected, not {_word(value)}")
    return value


def array_rows(path: Path, name: str) -> Iterator[Row]:
    """The objects of a file with one JSON array, or with a single object.

    Raises:
        InputError: the file is no JSON, or one of the array's items is no object.
        NotDocuments: the file is JSON of another form.
    """
    text, _ = read_text(path, name=name, max_bytes=TEXT_BYTES)
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and text.lstrip().startswith("{"):
            yield from line_rows(path, name, TEXT_BYTES)
            return
        raise InputError(f"{name}:{error.lineno}: not JSON ({error.msg} at column {error.colno})") from error
    except (RecursionError, ValueError) as error:
        raise InputError(f"{name}: not readable as JSON ({type(error).__name__}: {error})") from error
    if not isinstance(value, list | dict):
        raise NotDocuments(f"{name}: an array of JSON objects was expected, not {_word(value)}")
    for number, item in enumerate([value] if isinstance(value, dict) else value, 1):
        if not isinstance(item, dict):
            raise InputError(f"{name} item {number}: a JSON object was expected, not {_word(item)}")
        yield f"{name} item {number}", number, item


def _word(value: object) -> str:
    words = {list: "an array", dict: "an object", str: "a string", bool: "a boolean", type(None): "null"}
    return words.get(type(value), "a number")
