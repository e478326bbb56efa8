"""PowerPoint files."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from ragbench.core.document import Document
from ragbench.core.errors import InputError, MissingExtra
from ragbench.core.ledger import LedgerEntry
from ragbench.corpus.loaders.base import FileLoader, join_parts, open_archive, parts_metadata


@dataclass(frozen=True)
class PptxLoader(FileLoader):
    """A presentation is a document: the text of its slides and their notes, slides set apart by blank lines.

    Metadata: ``slides`` (offsets of each slide in the text) and ``empty_slides``.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".pptx",)

    def load(self, path: Path, name: str) -> Iterator[Document | LedgerEntry]:
        """The file as one document, after an entry for each slide without text."""
        try:
            import pptx
        except ImportError as error:
            raise MissingExtra(f"reading {name}", "office") from error
        archive = open_archive(path, name, self.max_bytes)
        try:
            file = pptx.Presentation(archive)
            texts = [_slide(slide) for slide in file.slides]
            title = (file.core_properties.title or "").strip()
        # A damaged file surfaces as whatever error the parser happens to meet.
        except Exception as error:
            raise InputError(f"{name}: not a readable PowerPoint file ({type(error).__name__}: {error})") from error
        text, spans = join_parts(texts)
        for number, (start, end) in enumerate(spans, 1):
            if start == end:
                yield LedgerEntry("load", f"{name} slide {number}", "the slide has no text", "empty-slide")
        yield Document(self.document_id(name), text, title, parts_metadata("slide", spans))


def _slide(slide: Any) -> str:
    parts = list(_shapes(slide.shapes))
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        parts.append(_lines(slide.notes_slide.notes_text_frame.text))
    return "\n\n".join(part for part in parts if part)


def _shapes(shapes: Any) -> Iterator[str]:
    """Texts of shapes, of tables, and of the shapes within groups, in the order of the slide."""
    for shape in shapes:
        if hasattr(shape, "shapes"):
            yield from _shapes(shape.shapes)
        elif shape.has_text_frame:
            yield _lines(shape.text_frame.text)
        elif getattr(shape, "has_table", False):
            rows = ("\t".join(" ".join(cell.text.split()) for cell in row.cells).strip() for row in shape.table.rows)
            yield "\n".join(row for row in rows if row)


def _lines(text: str) -> str:
    # PowerPoint marks a line end within a paragraph by a vertical tab.
    return text.replace("\v", "\n").strip()
