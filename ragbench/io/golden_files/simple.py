"""Simple JSON Lines: ``{"query": ..., "relevant_product_id": "P1" or [...], "source_chunk_id": ...}``.

Optional keys: ``id`` (else q0001, q0002, ...), ``type``, ``answer``, ``label``; any other is kept as metadata.
"""

from pathlib import Path

from ragbench.core.errors import InputError
from ragbench.core.goldens import GoldenItem, GoldenSet
from ragbench.core.ledger import Ledger
from ragbench.io.files import write_bytes
from ragbench.io.golden_files.common import ReadOptions, WriteOptions, items, roles, whole_documents
from ragbench.io.tables import lines, read_objects

TAKES = frozenset({"exclude_source", "columns"})


def read(path: Path, options: ReadOptions) -> GoldenSet:
    """Read a set. ``exclude_source`` excludes the chunk that a query was written from from its ranking.

    Raises:
        InputError: a line is wrong; the message has file and line.
    """
    rows = list(read_objects(path))
    if not rows:
        raise InputError(f"{path}: there is no query in it")
    columns = dict.fromkeys(key for _, row in rows for key in row)
    found, entries = items(rows, roles(columns, options.columns, str(path)), exclude_source=options.exclude_source)
    return GoldenSet(found, options.name or path.stem, Ledger(tuple(entries)))


def write(golden: GoldenSet, path: Path, options: WriteOptions) -> Ledger:
    """Write one file: the documents with a positive label, whole.

    Args:
        golden: what to write.
        path: a file ending in ``.jsonl``, or a folder for ``golden.jsonl``.
        options: none are used.

    Returns:
        what the format cannot hold, per query.
    """
    _, entries = whole_documents(golden)
    target = path if path.suffix == ".jsonl" else path / "golden.jsonl"
    write_bytes(target, lines((item.id, _row(item)) for item in golden))
    return Ledger(tuple(entries))


def _row(item: GoldenItem) -> dict[str, object]:
    relevant = list(dict.fromkeys(e.document_id for e in item.evidence if e.grade > 0))
    row: dict[str, object] = {"id": item.id, "query": item.text}
    row["relevant_product_id"] = relevant[0] if len(relevant) == 1 else relevant
    if item.type:
        row["type"] = item.type
    if item.answer is not None:
        row["answer"] = item.answer
    return {**{key: value for key, value in item.metadata.items() if key not in row}, **row}
