"""The metadata that is written into a collection beside the texts."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from ragbench.core.documents import Chunks
from ragbench.core.errors import SettingError, did_you_mean
from ragbench.core.filters import Cell, Kind
from ragbench.core.ledger import Ledger, LedgerEntry
from ragbench.retrievers._database import CHUNK, DOCUMENT, OWN, TEXT, TITLE

LONGEST = 1000
"""Characters of a text that is metadata. A field with a longer one is not written unless it is asked for."""
SKIPPED = "field-skipped"
"""Code of the issue log for a field that is not written."""


class Written(NamedTuple):
    """Metadata of the documents that a collection gets.

    Attributes:
        kinds: kind by name.
        ledger: fields that are not written, with the reason.
    """

    kinds: Mapping[str, Kind]
    ledger: Ledger


def fields_to_write(chunks: Chunks, reserved: Collection[str], asked: Sequence[str] | None) -> Written:
    """Choose the metadata to write.

    Args:
        chunks: the chunks, with the metadata of their documents.
        reserved: names that the database itself uses.
        asked: the fields; None for all with scalar values.

    Raises:
        SettingError: no document has a field that was asked for, or it cannot be written.
    """
    known = chunks.fields.names
    if asked is None:
        reasons = {name: _unfit(name, reserved) or _long(chunks, name) for name in known}
        kinds: dict[str, Kind] = {
            name: chunks.fields.column(name).kind for name, reason in reasons.items() if not reason
        }
        for name in dict.fromkeys(name for one in chunks.metadata for name, value in one.items() if value is not None):
            if name not in reasons and name not in OWN:
                reasons[name] = "its values are lists, objects or blank texts"
        entries = [LedgerEntry("index", name, reason, SKIPPED) for name, reason in reasons.items() if reason]
        return Written(kinds, Ledger(tuple(entries)))
    for name in asked:
        if name not in known:
            raise SettingError(
                f"has {name!r}, and no document has such metadata{did_you_mean(name, known)}", option="fields"
            )
        reason = _unfit(name, reserved)
        if reason:
            raise SettingError(f"has {name!r}, and {reason}", option="fields")
    return Written({name: chunks.fields.column(name).kind for name in asked}, Ledger())


def _unfit(name: str, reserved: Collection[str]) -> str:
    if name in OWN or name in reserved:
        return "the collection has a field of that name already; give the column another name"
    # What every database takes: PostgreSQL has the shortest names, and LanceDB refuses a dot.
    if len(name.encode("utf-8", "replace")) > 63 or any(mark in name for mark in '.`"\\$\0\n') or not name.strip():
        return 'its name has over 63 bytes or one of .`"\\$; give the column another name'
    return ""


def _long(chunks: Chunks, name: str) -> str:
    longest = max((len(cell) for cell in chunks.fields.column(name).cells if isinstance(cell, str)), default=0)
    return f"it has texts of over {LONGEST:,} characters" if longest > LONGEST else ""


def rows_of_fields(chunks: Chunks, part: slice, kinds: Mapping[str, Kind]) -> Iterator[dict[str, Cell]]:
    """The fields of some chunks, without those that have no value."""
    columns = {name: chunks.fields.column(name).cells for name in (TITLE, *kinds)}
    for at in range(part.start, part.stop):
        document = int(chunks.document_index[at])
        row: dict[str, Cell] = {
            CHUNK: chunks.ids[at], DOCUMENT: chunks.document_ids[document], TEXT: chunks.texts[at],
        }  # fmt: skip
        for name, cells in columns.items():
            cell = cells[document]
            if cell is not None:
                row[name] = cell
        yield row
