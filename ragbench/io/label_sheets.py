"""The sheet in which annotators label items: CSV that every spreadsheet opens; `ragbench.io.human_labels` reads it."""

import csv
import io
from collections.abc import Iterable, Mapping
from pathlib import Path

from ragbench.core.annotations import LabelSheet
from ragbench.core.errors import InputError
from ragbench.io.files import write_bytes
from ragbench.io.human_labels import CHANCE, JOINED, METRIC, SYSTEMS
from ragbench.io.spreadsheet import ENCODING, neutral, read_sheet, sheet_bytes

MAX_CHARACTERS = 4000
"""Most characters of shown text. Spreadsheets cut cells at 32,767."""
COLUMNS = ("query_id", "query", "item_id", "text", "label", "comment", "influence", CHANCE, METRIC, SYSTEMS)


ITEM_COLUMNS = ("query_id", "query", "document_id", "item_text", "label", "comment")


def write_item_sheet(rows: Iterable[tuple[str, str, str]], path: Path, texts: Mapping[str, str]) -> None:
    """Write a row for each item that annotators are asked to label. A filled sheet can be read as a golden set.

    Args:
        rows: query id, query and item id of each.
        path: the file.
        texts: text by item id; an unknown one leaves the cell empty.
    """
    cells = (
        (query_id, query, item_id, texts.get(item_id, "")[:MAX_CHARACTERS], "", "") for query_id, query, item_id in rows
    )
    write_bytes(path, sheet_bytes(ITEM_COLUMNS, cells))


def check_unfilled(path: Path) -> None:
    """Refuse to write over an item sheet that annotators have begun to fill in.

    Raises:
        InputError: the file has a label or a comment, or is no such sheet.
    """
    if not path.exists():
        return
    table = read_sheet(path)
    filled = [table.header.index(name) for name in ITEM_COLUMNS[-2:] if name in table.header]
    if len(filled) < 2 or any(row[at] for row in table.cells for at in filled):
        raise InputError(f"{path} exists already and may hold labels; name another folder, or move the file")


def write_label_sheet(sheet: LabelSheet, path: Path, *, queries: Mapping[str, str], texts: Mapping[str, str]) -> None:
    """Write a row for each item, with its label where there is one.

    Args:
        sheet: what to label.
        path: the file.
        queries: text by query id.
        texts: text by item id; an unknown one leaves the cell empty.
    """
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\r\n")
    table.writerow(COLUMNS)
    systems = JOINED.join(sheet.systems)
    for row in sheet.rows:
        shown = (row.query_id, queries.get(row.query_id, ""), row.item_id, texts.get(row.item_id, "")[:MAX_CHARACTERS])
        label = "" if row.label is None else str(row.label)
        kept = (f"{row.influence:.3g}", repr(row.chance), sheet.metric)
        table.writerow([*map(neutral, shown), label, "", *kept, neutral(systems)])
    write_bytes(path, text.getvalue().encode(ENCODING, "replace"))
