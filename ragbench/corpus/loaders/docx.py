"""Word files."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from ragbench.core.document import Document
from ragbench.core.errors import InputError, MissingExtra
from ragbench.core.ledger import LedgerEntry
from ragbench.corpus.loaders.base import FileLoader, open_archive


@dataclass(frozen=True)
class DocxLoader(FileLoader):
    """A Word file is a document: paragraphs set apart by a blank line, tables as lines of cells.

    Headers, footers and text boxes are skipped.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".docx",)

    def load(self, path: Path, name: str) -> Iterator[Document | LedgerEntry]:
        """The file as one document."""
        try:
            import docx
        except ImportError as error:
            raise MissingExtra(f"reading {name}", "office") from error
        archive = open_archive(path, name, self.max_bytes)
        try:
            file = docx.Document(archive)
            blocks = [block for block in _blocks(file) if block]
            title = (file.core_properties.title or "").strip()
        # A damaged file surfaces as whatever error the parser happens to meet.
        except Exception as error:
            raise InputError(f"{name}: not a readable Word file ({type(error).__name__}: {error})") from error
        yield Document(self.document_id(name), "\n\n".join(blocks), title)


def _blocks(container: Any) -> Iterator[str]:
    """Paragraphs and tables in the order of the page."""
    from docx.table import Table

    for block in container.iter_inner_content():
        yield _table_text(block) if isinstance(block, Table) else block.text.strip()


def _table_text(table: Any) -> str:
    """A table as lines of cells with tabs between; a cell that spans rows is written in each of them.

    A cell may claim to span billions of columns, so columns are numbers here. python-docx lists each of them.
    """
    from docx.table import _Cell

    lines = []
    above: dict[int, str] = {}
    for row in table._tbl.tr_lst:
        cells: dict[int, str] = {}
        at = row.grid_before
        for cell in row.tc_lst:
            if cell.vMerge == "continue":
                cells[at] = above.get(at, "")
            else:
                cells[at] = " ".join(_Cell(cell, table).text.split())
            at += max(1, cell.grid_span)
        lines.append("\t".join(cells.values()).strip())
        above = cells
    return "\n".join(line for line in lines if line)
