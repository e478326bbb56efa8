"""HTML pages."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from ragbench.core.document import Document
from ragbench.core.ledger import LedgerEntry
from ragbench.corpus.loaders._page import page_text
from ragbench.corpus.loaders.base import FileLoader
from ragbench.io.encoding import decode, read_bounded

_DECLARED = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([A-Za-z0-9_.:-]{1,40})""", re.IGNORECASE)


@dataclass(frozen=True)
class HtmlLoader(FileLoader):
    """A page is a document: its visible text, without scripts, styles and navigation.

    Paragraphs, headings and tables are set apart by a blank line, list items and
    rows by a line end, cells by a tab; ``<pre>`` keeps its white space.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".html", ".htm", ".xhtml")

    def load(self, path: Path, name: str) -> Iterator[Document | LedgerEntry]:
        """The page as one document."""
        content = read_bounded(path, name=name, max_bytes=self.max_bytes)
        source, encoding = _decode_page(content, name)
        page = page_text(source)
        yield Document(self.document_id(name), page.text, page.title, {"encoding": encoding})


def _decode_page(content: bytes, name: str) -> tuple[str, str]:
    """Decode as any text; the encoding that the page declares counts if it fits the bytes."""
    declared = _DECLARED.search(content[:4096])
    text, encoding = decode(content, name)
    if declared is None or encoding.startswith("utf"):
        return text, encoding
    word = declared.group(1).decode("ascii").lower()
    # Browsers read latin-1 as cp1252, and so does `decode`.
    if word in {"iso-8859-1", "latin1", "latin-1", "us-ascii", "ascii", "windows-1252", "cp1252"}:
        return text, encoding
    try:
        return content.decode(word).replace("\r\n", "\n"), word
    except (LookupError, UnicodeDecodeError):
        return text, encoding
