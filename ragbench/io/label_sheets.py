"""The sheet in which annotators label items: CSV that every spreadsheet opens; `ragbench.io.human_labels` reads it."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from ragbench.core.annotations import LabelSheet
from ragbench.io.files import write_bytes
from ragbench.io.human_labels import CHANCE, JOINED, METRIC, SYSTEMS
from ragbench.io.spreadsheet import neutral

MAX_CHARACTERS = 4000
"""Most characters of shown text. Spreadsheets cut cells at 32,767."""
COLUMNS = ("query_id", "query", "item_id", "text", "label", "comment", "influence", CHANCE, METRIC, SYSTEMS)


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
    # The byte order mark makes spreadsheets read the file as UTF-8.
    write_bytes(path, text.getvalue().encode("utf-8-sig", "replace"))
