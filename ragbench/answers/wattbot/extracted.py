"""Text that was extracted from a report: a JSON list of ``{"content": ..., "page": ...}``."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ragbench.core.document import Document
from ragbench.core.errors import InputError
from ragbench.core.ledger import LedgerEntry
from ragbench.corpus.loaders.base import Loader
from ragbench.io.encoding import read_text
from ragbench.io.parsing import parse_json

PAGE = "page"
"""Key of a page's number in the metadata."""


@dataclass(frozen=True)
class ExtractedLoader(Loader):
    """Reads such a list, joins its pieces by page, and gives a document for each page with a text."""

    def load(self, path: Path, name: str) -> Iterator[Document | LedgerEntry]:
        """The pages of the file, in order.

        Raises:
            InputError: it is no such list, or holds no text.
        """
        rows = parse_json(name, read_text(path)[0])
        if not isinstance(rows, list):
            raise InputError(f"{name}: is no list of chunks")
        pieces: dict[int, list[str]] = {}
        for number, row in enumerate(rows):
            page, content = (row.get("page"), row.get("content")) if isinstance(row, dict) else (None, None)
            if not isinstance(page, int) or isinstance(page, bool) or not isinstance(content, str):
                raise InputError(f"{name}: chunk {number} has no text 'content' and whole number 'page'")
            pieces.setdefault(page, []).append(content)
        pages = {page: "\n".join(parts).strip() for page, parts in sorted(pieces.items())}
        if not any(pages.values()):
            raise InputError(f"{name}: no chunk of it holds text")
        for page, joined in pages.items():
            if joined:
                yield Document(f"{name} page {page}", joined, metadata={PAGE: page})
