"""JSON lines, and files with one JSON array."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from ragbench.core.document import Document
from ragbench.core.errors import InputError
from ragbench.core.ledger import LedgerEntry
from ragbench.corpus.loaders._rows import RowLoader
from ragbench.corpus.loaders.base import NotDocuments
from ragbench.io.encoding import TEXT_BYTES, read_text
from ragbench.io.tables import Row, json_kind, json_rows


@dataclass(frozen=True)
class JsonlLoader(RowLoader):
    """Each object is a document; fields that are neither id, text nor title become metadata.

    ``.jsonl`` and ``.ndjson`` (also gzipped) hold an object per line; ``.json`` an array of objects or one object.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".jsonl", ".ndjson", ".jsonl.gz", ".json")

    def load(self, path: Path, name: str) -> Iterator[Document | LedgerEntry]:
        """Yield a document for each object with a text, and an issue for each object without one."""
        whole = path.name.lower().endswith(".json")
        return self.documents(array_rows(path, name) if whole else json_rows(path, name=name, max_bytes=self.max_bytes))


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
            yield from json_rows(path, name=name, max_bytes=TEXT_BYTES)
            return
        raise InputError(f"{name}:{error.lineno}: not JSON ({error.msg} at column {error.colno})") from error
    except (RecursionError, ValueError) as error:
        raise InputError(f"{name}: not readable as JSON ({type(error).__name__}: {error})") from error
    if not isinstance(value, list | dict):
        raise NotDocuments(f"{name}: an array of JSON objects was expected, not {json_kind(value)}")
    for number, item in enumerate([value] if isinstance(value, dict) else value, 1):
        if not isinstance(item, dict):
            raise InputError(f"{name} item {number}: a JSON object was expected, not {json_kind(item)}")
        yield Row(f"{name} item {number}", number, item)
