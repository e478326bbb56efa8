"""Folders in the layout of BEIR."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from ragbench.core.document import Document
from ragbench.core.errors import InputError
from ragbench.core.ledger import LedgerEntry
from ragbench.corpus.loaders._rows import RowLoader
from ragbench.io.tables import json_rows

_FILES = ("corpus.jsonl", "corpus.jsonl.gz")


@dataclass(frozen=True)
class BeirLoader(RowLoader):
    """A folder with ``corpus.jsonl`` (or ``corpus.jsonl.gz``): ``_id``, ``title``, ``text``; its queries are not read.

    The layout of Thakur et al., "BEIR: A Heterogeneous Benchmark for Zero-shot
    Evaluation of Information Retrieval Models" (2021).
    """

    folders: ClassVar[bool] = True

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """A folder that holds ``corpus.jsonl`` or ``corpus.jsonl.gz``."""
        return path.is_dir() and any((path / file).is_file() for file in _FILES)

    def load(self, path: Path, name: str) -> Iterator[Document | LedgerEntry]:
        """A document for each line of the corpus file."""
        found = next((path / file for file in _FILES if (path / file).is_file()), None)
        if found is None:
            raise InputError(f"{path}: not a BEIR folder, it has no corpus.jsonl")
        target = found.resolve()
        if not target.is_relative_to(path.resolve()) and not target.name.endswith((".jsonl", ".jsonl.gz")):
            raise InputError(
                f"{found}: a link that leads out of the folder to a file that is no .jsonl; give the file it points to"
            )
        shown = f"{name}/{found.name}" if name else found.name
        return self.documents(json_rows(found, name=shown, max_bytes=self.max_bytes))
