"""Labels of annotators in any file that ragbench writes or reads: one reader for each kind.

TREC qrels, nested JSON, Parquet       `ragbench.io.qrels_files`
a golden set (file or folder)          `ragbench.io.golden_files`; its evidence counts for whole documents
a folder of ``ragbench eval --out``    its ``qrels.trec``, which has labels of chunks too
CSV, TSV, .xlsx or JSON Lines          a row for each query and item; rows without a label are skipped
"""

from collections.abc import Iterable
from pathlib import Path

from ragbench.core.errors import InputError
from ragbench.core.judgements import Judgements
from ragbench.core.spelling import named
from ragbench.io.golden_files import read_golden
from ragbench.io.golden_files.common import whole_documents
from ragbench.io.qrels_files import read_judgements
from ragbench.io.spreadsheet import original, read_sheet
from ragbench.io.tables import NamedRow, as_text, read_objects
from ragbench.io.trec import Labels, read_qrels

SHEETS, LINES = (".csv", ".tsv", ".xlsx"), (".jsonl", ".ndjson")
QRELS = "qrels.trec"
"""Name of the labels in the folder of an evaluation."""
COLUMNS: dict[str, tuple[str, ...]] = {
    "query": ("query_id", "query-id", "qid", "q_id", "id", "_id"),
    "item": (
        "item_id", "document_id", "doc_id", "docid", "docno", "chunk_id", "product_id", "relevant_product_id",
        "corpus-id", "corpus_id", "document", "item",
    ),
    "label": ("label", "relevance", "grade", "score", "human_label"),
}  # fmt: skip
REVIEW = {"decision", "edited_text"}
"""Columns of a table of ``ragbench golden review export``."""


def read_human_labels(path: Path) -> Judgements:
    """Read the labels of annotators from a file or folder.

    Raises:
        InputError: it does not exist, has no label, or a row is wrong; the message names file and line.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file or folder")
    if path.is_dir():
        return read_qrels(path / QRELS) if (path / QRELS).is_file() else _of_golden(path)
    ending = path.suffix.lower()
    if ending in SHEETS:
        table = read_sheet(path)
        if {name.strip().lower() for name in table.header} >= REVIEW:
            raise InputError(
                f"{path}: this table has decisions on queries. Apply them first (ragbench golden review import "
                f"--decisions {path} --golden SET --out DIR), and give DIR by {named('human')}"
            )
        return _of_rows(path, table.header, table.rows()) or _of_golden(path)
    if ending in LINES:
        rows = list(read_objects(path))
        return _of_rows(path, dict.fromkeys(key for _, row in rows for key in row), rows) or _of_golden(path)
    return read_judgements(path)


def _of_golden(path: Path) -> Judgements:
    if path.suffix.lower() == ".xlsx":
        known = "; ".join(f"{role}: {', '.join(names[:3])}" for role, names in COLUMNS.items())
        raise InputError(f"{path}: no columns for query id, item id and label; known are {known}")
    return Judgements.from_dict(whole_documents(read_golden(path))[0])


def _of_rows(path: Path, header: Iterable[str], rows: Iterable[NamedRow]) -> Judgements | None:
    """The labels of rows of query, item and label; None if a column is missing."""
    columns = {name.strip().lower(): name for name in header}
    found = {role: next((columns[name] for name in names if name in columns), None) for role, names in COLUMNS.items()}
    query_column, item_column, label_column = found["query"], found["item"], found["label"]
    if query_column is None or item_column is None or label_column is None:
        return None
    labels = Labels(path, {}, [])
    for where, row in rows:
        if isinstance(row.get(item_column), list):  # a golden set, with all items of a query in one row
            return None
        written = row.get(label_column)
        if written is None or str(written).strip() == "":
            continue
        query, item = (original(as_text(where, name, row.get(name) or "")) for name in (query_column, item_column))
        if not query or not item:
            missing = query_column if not query else item_column
            raise InputError(f"{where}: the label {written!r:.20} has no {missing!r}")
        labels.add(int(where.rpartition(":")[2]), query, item, str(written))
    if not labels.by_query:
        raise InputError(f"{path}: no row has a label; write whole numbers into the column {label_column!r}")
    return Judgements.from_dict(labels.by_query)
