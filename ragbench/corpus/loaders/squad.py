"""SQuAD v1 and v2: the paragraphs are the documents. Chosen by name, since its files end in ``.json`` as others do."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from ragbench.core.document import Document
from ragbench.core.ledger import LedgerEntry
from ragbench.corpus.loaders.base import Loader
from ragbench.io.golden_files.squad import paragraphs


@dataclass(frozen=True)
class SquadLoader(Loader):
    """Each paragraph is a document, with the id ``TITLE#0``, ``TITLE#1``, ... that its questions point to."""

    suffixes: ClassVar[tuple[str, ...]] = (".json",)
    passages: ClassVar[bool] = True

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Never by itself: ``--loader squad`` asks for it."""
        return False

    def load(self, path: Path, name: str) -> Iterator[Document | LedgerEntry]:
        """The paragraphs of a file."""
        for document, _ in paragraphs(path):
            yield document
