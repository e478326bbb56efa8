"""Labels of annotators in any file that ragbench writes or reads: one reader for each kind.

TREC qrels, nested JSON, Parquet       `ragbench.io.qrels_files`
a golden set (file or folder)          `ragbench.io.golden_files`; its evidence counts for whole documents
a folder of ``ragbench eval --out``    its ``qrels.trec``, which has labels of chunks too
CSV, TSV, .xlsx or JSON Lines          a row for each query and item; rows without a label are skipped
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from ragbench.core.annotations import AnnotatorLabels
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


CHANCE, SYSTEMS, METRIC = "chance", "systems", "metric"
"""Columns of a sheet that annotators leave as they are."""
JOINED = " | "
"""Between names of systems."""


def read_human_labels(path: Path) -> AnnotatorLabels:
    """Read the labels of annotators from a file or folder.

    Raises:
        InputError: it does not exist, has no label, or a row is wrong; the message names file and line.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file or folder")
    if path.is_dir():
        return AnnotatorLabels(read_qrels(path / QRELS)) if (path / QRELS).is_file() else _of_golden(path)
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
    return AnnotatorLabels(read_judgements(path))


def _of_golden(path: Path) -> AnnotatorLabels:
    if path.suffix.lower() == ".xlsx":
        known = "; ".join(f"{role}: {', '.join(names[:3])}" for role, names in COLUMNS.items())
        raise InputError(f"{path}: no columns for query id, item id and label; known are {known}")
    return AnnotatorLabels(Judgements.from_dict(whole_documents(read_golden(path))[0]))


def _of_rows(path: Path, header: Iterable[str], rows: Iterable[NamedRow]) -> AnnotatorLabels | None:
    """The labels of rows of query, item and label; None if a column is missing."""
    columns = {name.strip().lower(): name for name in header}
    found = {role: next((columns[name] for name in names if name in columns), None) for role, names in COLUMNS.items()}
    query_column, item_column, label_column = found["query"], found["item"], found["label"]
    if query_column is None or item_column is None or label_column is None:
        return None
    chance_column = columns.get(CHANCE)
    labels, chances = Labels(path, {}, []), dict[str, float]()
    unfinished, systems, metric = dict[str, None](), set[str](), ""
    for where, row in rows:
        if isinstance(row.get(item_column), list):  # a golden set, with all items of a query in one row
            return None
        written = row.get(label_column)
        blank = written is None or str(written).strip() == ""
        if blank and chance_column is None:
            continue
        query, item = (original(as_text(where, name, row.get(name) or "")) for name in (query_column, item_column))
        if blank:
            unfinished[query] = None
            continue
        if not query or not item:
            missing = query_column if not query else item_column
            raise InputError(f"{where}: the label {written!r:.20} has no {missing!r}")
        labels.add(int(where.rpartition(":")[2]), query, item, str(written))
        if chance_column is not None:
            chances[query] = _chance(where, query, row.get(chance_column), chances)
            systems.update(original(str(row.get(columns.get(SYSTEMS, "")) or "")).split(JOINED))
            metric = str(row.get(columns.get(METRIC, "")) or metric)
    if not labels.by_query:
        raise InputError(f"{path}: no row has a label; write whole numbers into the column {label_column!r}")
    judgements = Judgements.from_dict(labels.by_query)
    return AnnotatorLabels(judgements, chances, tuple(unfinished), frozenset(systems - {""}), metric)


def _chance(where: str, query: str, written: object, known: Mapping[str, float]) -> float:
    """The chance of a query to be drawn, which all of its rows share."""
    try:
        chance = float(str(written).replace(",", "."))
    except ValueError:
        chance = 0.0
    if not 0 < chance < float("inf"):
        raise InputError(f"{where}: the chance of query {query!r} is {written!r}; restore it from the exported sheet")
    if known.get(query, chance) != chance:
        raise InputError(f"{where}: the chance of query {query!r} is {chance:g}, and {known[query]:g} further up")
    return chance
