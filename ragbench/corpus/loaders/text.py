"""Plain text files."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from ragbench.core.document import Document
from ragbench.core.ledger import LedgerEntry
from ragbench.corpus.loaders.base import FileLoader
from ragbench.io.encoding import read_text


@dataclass(frozen=True)
class TextLoader(FileLoader):
    """A text file is a document; its encoding is detected (`ragbench.io.encoding`)."""

    suffixes: ClassVar[tuple[str, ...]] = (".txt", ".text", ".rst", ".adoc", ".org")

    def load(self, path: Path, name: str) -> Iterator[Document | LedgerEntry]:
        """The file as one document."""
        text, encoding = read_text(path, name=name, max_bytes=self.max_bytes)
        yield Document(self.document_id(name), text, "", {"encoding": encoding})
