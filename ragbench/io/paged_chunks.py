"""Files of page chunks: Parquet, JSON lines or CSV with a document, a page and a number in the page for each chunk.

RAG tutorials on PDFs write them: ``text, doc_id, title, url, page_num, chunk_idx_in_page``, without ids and offsets.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from ragbench.core.document import Chunk
from ragbench.core.errors import InputError
from ragbench.core.ledger import LedgerEntry
from ragbench.io.chunk_files import columns_of
from ragbench.io.encoding import read_text
from ragbench.io.tables import Row, csv_columns, delimiter_of, json_rows, parquet_rows

TEXT, DOCUMENT, TITLE, URL, PAGE, NUMBER = "text", "doc_id", "title", "url", "page_num", "chunk_idx_in_page"
_NEEDED = frozenset((TEXT, DOCUMENT, PAGE, NUMBER))
BETWEEN = 2
"""Characters between two chunks in the text of their document."""


class PagedChunk(NamedTuple):
    """A chunk, and the address of its document ("" if the file has none)."""

    chunk: Chunk
    url: str


class _Read(NamedTuple):
    where: str
    document: str
    page: int
    number: int
    text: str
    title: str
    url: str


def is_paged_file(path: Path) -> bool:
    """Whether a file holds page chunks: it has the columns text, doc_id, page_num and chunk_idx_in_page."""
    return columns_of(path) >= _NEEDED


def read_paged_chunks(path: Path, name: str | None = None) -> Iterator[PagedChunk | LedgerEntry]:
    """The chunks of a file, in its order, and an entry for each row without text.

    The id of a chunk is ``DOCUMENT#pPAGE#NUMBER``. Offsets count in a text that joins the chunks of a document, ordered
    by page and number. The order of the rows does not change ids or offsets.

    Args:
        path: the file.
        name: what to call it in messages, instead of ``path``.

    Raises:
        InputError: the file cannot be read, a row has no document, or a page or number that is no whole number, or two
            rows have the same document, page and number.
    """
    shown = name or str(path)
    entries: list[LedgerEntry] = []
    rows: list[_Read] = []
    for row in map(_checked, _rows(path, shown)):
        if row.text.strip():
            rows.append(row)
        else:
            entries.append(LedgerEntry("load", row.where, f"the chunk of {row.document!r} has no text", "no-text"))
    starts = [0] * len(rows)
    before: _Read | None = None
    end = 0
    for at in sorted(range(len(rows)), key=lambda at: rows[at][1:4]):
        row = rows[at]
        if before is not None and before[1:4] == row[1:4]:
            raise InputError(
                f"{row.where}: document {row.document!r} has a chunk {row.number} on page {row.page} already "
                f"({before.where}); give each chunk of a page a number of its own"
            )
        starts[at] = end + BETWEEN if before is not None and before.document == row.document else 0
        end = starts[at] + len(row.text)
        before = row
    yield from entries
    for row, start in zip(rows, starts, strict=True):
        id_ = f"{row.document}#p{row.page}#{row.number}"
        yield PagedChunk(Chunk(id_, row.document, row.text, start, start + len(row.text), row.title), row.url)


def _rows(path: Path, name: str) -> Iterable[Row]:
    ending = path.suffix.lower()
    if ending == ".parquet":
        return parquet_rows(path, name=name, choose=lambda there: [c for c in there if c in {*_NEEDED, TITLE, URL}])
    if ending == ".jsonl":
        return json_rows(path, name=name)
    text, _ = read_text(path, name=name)
    columns = csv_columns(text, name, delimiter_of(text, ",\t;|"))
    values = zip(*columns.values(), strict=True)
    return (Row(f"{name} row {n}", n, dict(zip(columns, one, strict=True))) for n, one in enumerate(values, 1))


def _checked(row: Row) -> _Read:
    where, values = row.where, row.values
    try:
        text, document, page, number = (values[column] for column in (TEXT, DOCUMENT, PAGE, NUMBER))
    except KeyError as error:
        raise InputError(f"{where}: a chunk of a page needs {error}") from error
    if isinstance(document, int) and not isinstance(document, bool):
        document = str(document)
    if not isinstance(document, str) or not document.strip():
        raise InputError(f"{where}: {DOCUMENT} must name the document, not {document!r}")
    if text is not None and not isinstance(text, str):
        raise InputError(f"{where}: {TEXT} must be text, not {text!r}")
    title, url = (value if isinstance(value := values.get(column), str) else "" for column in (TITLE, URL))
    return _Read(
        where, document.strip(), _whole(where, PAGE, page), _whole(where, NUMBER, number), text or "", title, url
    )


def _whole(where: str, column: str, value: object) -> int:
    """A whole number, also if pandas or a spreadsheet wrote it as 3.0 or as text."""
    try:
        if isinstance(value, int | float | str) and not isinstance(value, bool) and float(value) == int(float(value)):
            return int(float(value))
    except (ValueError, OverflowError):
        pass
    raise InputError(f"{where}: {column} must be a whole number, not {value!r}")
