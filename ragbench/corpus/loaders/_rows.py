"""What the loaders of tables share: which column is what, and a row -> a document."""

import datetime
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from ragbench.core.document import Document
from ragbench.core.errors import InputError, SettingError
from ragbench.core.ledger import LedgerEntry, first_ten
from ragbench.corpus.loaders.base import Loader, NotDocuments

ID_NAMES = ("id", "_id", "doc_id", "docid", "document_id", "product_id", "pid", "uuid")
TEXT_NAMES = ("text", "description", "contents", "content", "body", "passage")
TITLE_NAMES = ("title", "name", "product_name", "headline")
ROW_NUMBER = "row"


class Columns(NamedTuple):
    """The columns that were recognised; ``id`` None numbers the rows."""

    id: str | None
    text: str
    title: str | None


@dataclass(frozen=True)
class RowLoader(Loader):
    """A loader that makes one document of each row of a table.

    Attributes:
        id_column: the column of ids; ``row`` numbers the rows from 1 where there
            is no such column. By default the usual names are looked for.
        text_column: the column of texts.
        title_column: the column of titles, which need not exist.
        max_bytes: larger files are refused; counted after unpacking.
    """

    passages: ClassVar[bool] = True

    id_column: str | None = None
    text_column: str | None = None
    title_column: str | None = None
    max_bytes: int = 16 << 30

    def __post_init__(self) -> None:
        if self.max_bytes <= 0:
            raise SettingError(f"max_bytes must be above 0, not {self.max_bytes}")

    def columns(self, there: Sequence[str], where: str) -> Columns:
        """Which of the columns that are ``there`` hold ids, texts and titles.

        Raises:
            NotDocuments: none of the usual names is there and no setting names one.
            InputError: a column that a setting names is not there.
        """
        by_lower: dict[str, str] = {}
        for column in there:
            by_lower.setdefault(column.strip().lower(), column)
        numbered = self.id_column == ROW_NUMBER and ROW_NUMBER not in there
        text = _pick("text", self.text_column, TEXT_NAMES, by_lower, where)
        id_ = None if numbered else _pick("id", self.id_column, ID_NAMES, by_lower, where)
        if text is None:
            raise NotDocuments(_advice(where, "text", there))
        if id_ is None and not numbered:
            raise NotDocuments(_advice(where, "id", there) + ", or id_column=row to number the rows")
        return Columns(id_, text, _pick("title", self.title_column, TITLE_NAMES, by_lower, where))

    def documents(self, rows: Iterable[tuple[str, int, Mapping[str, object]]]) -> Iterator[Document | LedgerEntry]:
        """Documents of rows.

        Args:
            rows: where each row is (``file:line``, for messages), its number from 1, and its values.

        Raises:
            InputError: a row without an id, or whose text is no text.
        """
        known: dict[tuple[str, ...], Columns] = {}
        first: Columns | None = None
        for where, number, row in rows:
            shape = tuple(row)
            columns = known.get(shape)
            if columns is None:
                # Rows of one JSONL file may lack a field that others have.
                needed = [c for c in (first.id, first.text) if c is not None and c not in row] if first else []
                if first and needed:
                    if needed != [first.text]:
                        raise InputError(f"{where}: has no {needed[0]!r}, which is the id of the rows before it")
                    yield LedgerEntry("load", where, f"has no {first.text!r}", "no-text")
                    continue
                columns = known[shape] = self.columns(shape, where)
                first = first or columns
            yield self._document(where, number, row, columns)

    def _document(self, where: str, number: int, row: Mapping[str, object], columns: Columns) -> Document | LedgerEntry:
        id_ = str(number) if columns.id is None else _id(row[columns.id])
        if not id_:
            raise InputError(f"{where}: column {columns.id!r} is empty; every document needs an id")
        text = _text(row[columns.text], where, columns.text)
        title = "" if columns.title is None else " ".join(_text(row[columns.title], where, columns.title).split())
        metadata: dict[str, object] = {}
        for key, value in row.items():
            if key in columns or value is None or value == "":
                continue
            if key == "metadata" and isinstance(value, Mapping):
                metadata.update({str(k): json_value(v) for k, v in value.items()})
            else:
                metadata[key] = json_value(value)
        if text.strip():
            return Document(id_, text, title, metadata)
        if title:
            # BEIR has such documents, judged relevant ones too. A retriever sees the
            # same words either way, and a chunk must have text.
            return Document(id_, title, "", metadata)
        return LedgerEntry("load", where, f"document {id_!r} has no text", "no-text")


def _pick(what: str, named: str | None, usual: Sequence[str], by_lower: Mapping[str, str], where: str) -> str | None:
    if named is not None:
        found = by_lower.get(named.strip().lower())
        if found is None:
            there = first_ten(repr(column) for column in by_lower.values())
            raise InputError(f"{where}: {what}_column={named!r} is not there; the columns are {there}")
        return found
    return next((by_lower[name] for name in usual if name in by_lower), None)


def _advice(where: str, what: str, there: Sequence[str]) -> str:
    columns = ", ".join(repr(column) for column in there) or "none at all"
    return f"{where}: no column looks like the {what}; its columns are {columns}. Name it: {what}_column=..."


def _id(value: object) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return str(value).strip()


def _text(value: object, where: str, column: str) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, str):
        return value.replace("\r\n", "\n")
    if isinstance(value, bool | int | float):
        return str(value)
    raise InputError(f"{where}: {column!r} holds a {type(value).__name__}, not text")


def json_value(value: object) -> object:
    """A value as JSON can hold it: dates become ISO text, NaN and infinity None, the unknown its written form."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): json_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [json_value(item) for item in value]
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    return str(value)
