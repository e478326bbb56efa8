"""PDF files."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar

from ragbench.core.document import Document
from ragbench.core.errors import InputError, MissingExtra
from ragbench.core.ledger import LedgerEntry
from ragbench.corpus.loaders.base import FileLoader, join_parts, parts_metadata
from ragbench.io.encoding import read_bounded


@dataclass(frozen=True)
class PdfLoader(FileLoader):
    """A PDF is a document: the text of its pages, set apart by blank lines.

    Metadata: ``pages`` (offsets of each page in the text), and ``empty_pages``
    (their numbers), which are in the issue log too: a scanned page holds a picture.

    Attributes:
        max_pages: longer files are refused.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".pdf",)

    max_pages: int = 20_000

    def load(self, path: Path, name: str) -> Iterator[Document | LedgerEntry]:
        """The file as one document, after an entry for each page without text."""
        try:
            import pypdf
        except ImportError as error:
            raise MissingExtra(f"reading {name}", "pdf") from error
        content = read_bounded(path, name=name, max_bytes=self.max_bytes)
        with _quiet():
            try:
                reader = pypdf.PdfReader(BytesIO(content))
                if reader.is_encrypted and not reader.decrypt(""):
                    raise InputError(f"{name}: the PDF needs a password; save a copy without one")
                if len(reader.pages) > self.max_pages:
                    raise InputError(f"{name}: {len(reader.pages):,} pages, above max_pages={self.max_pages:,}")
                texts = [page.extract_text().replace("\r\n", "\n").strip() for page in reader.pages]
                title = _title(reader)
            except InputError:
                raise
            # A damaged file surfaces as whatever error the parser happens to meet.
            except Exception as error:
                raise InputError(f"{name}: not a readable PDF ({type(error).__name__}: {error})") from error
        text, spans = join_parts(texts)
        if not text:
            raise InputError(f"{name}: no text on any of its {len(texts)} pages (a scan?); run OCR on it first")
        for number, (start, end) in enumerate(spans, 1):
            if start == end:
                yield LedgerEntry("load", f"{name} page {number}", "the page has no text (a scan?)", "empty-page")
        yield Document(self.document_id(name), text, title, parts_metadata("page", spans))


def _title(reader: Any) -> str:
    title = reader.metadata.title if reader.metadata else None
    return str(title).strip() if title else ""


@contextmanager
def _quiet() -> Iterator[None]:
    """Without pypdf's remarks on every harmless fault; a fault that matters raises."""
    logger = logging.getLogger("pypdf")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)
