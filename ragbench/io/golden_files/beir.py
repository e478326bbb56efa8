"""BEIR folders: ``queries.jsonl`` (_id, text, metadata) and ``qrels/SPLIT.tsv`` (query-id, corpus-id, score)."""

from pathlib import Path

from ragbench.core.errors import InputError, did_you_mean
from ragbench.core.goldens import GoldenItem, GoldenSet
from ragbench.core.ledger import Ledger
from ragbench.io.files import write_bytes, write_text
from ragbench.io.golden_files.common import ReadOptions, WriteOptions, join, whole_documents
from ragbench.io.qrels_files import BEIR_HEADER, read_beir_labels
from ragbench.io.tables import lines, query_text, read_objects, text_value
from ragbench.io.trec import Labels

TAKES = frozenset({"split"})


def read(path: Path, options: ReadOptions) -> GoldenSet:
    """Read one split. Queries that it does not judge are skipped and counted.

    Raises:
        InputError: a file is missing or a row is wrong; the message has file and line.
    """
    if not path.is_dir():
        raise InputError(f"{path}: a BEIR collection is a folder with queries.jsonl and qrels/; name that folder")
    labels_file = path / "qrels" / f"{_split(path, options.split)}.tsv"
    labels = read_beir_labels(labels_file)
    texts: dict[str, GoldenItem] = {}
    for where, row in read_objects(path / "queries.jsonl"):
        item = _query(where, row, labels)
        if item.id in texts:
            raise InputError(f"{where}: a second query with the _id {item.id!r}")
        texts[item.id] = item
    elsewhere: set[str] = set()
    if any(id_ not in labels.by_query for id_ in texts):
        others = sorted(file for file in (path / "qrels").glob("*.tsv") if file != labels_file)
        elsewhere.update(id_ for file in others for id_ in read_beir_labels(file).by_query)
    return join(
        {id_: (item.text, item.metadata) for id_, item in texts.items()},
        labels,
        path / "queries.jsonl",
        options,
        path.resolve().name,
        frozenset(elsewhere),
    )


def _split(path: Path, wanted: str | None) -> str:
    found = sorted(file.stem for file in (path / "qrels").glob("*.tsv"))
    if not found:
        raise InputError(f"{path}: there is no qrels/SPLIT.tsv in it")
    if wanted is None:
        if "test" not in found and len(found) > 1:
            raise InputError(f"{path}: no split 'test'; choose one of: {', '.join(found)}")
        return "test" if "test" in found else found[0]
    if wanted not in found:
        raise InputError(f"{path}: no split {wanted!r}{did_you_mean(wanted, found)}")
    return wanted


def _query(where: str, row: dict[str, object], labels: Labels) -> GoldenItem:
    id_, text = text_value(where, row, "_id"), text_value(where, row, "text")
    metadata = row.get("metadata") or {}
    if not isinstance(metadata, dict):
        raise InputError(f"{where}: 'metadata' must be an object, it is {metadata!r:.60}")
    return GoldenItem(id_, query_text(where, text) if id_ in labels.by_query else text, metadata=metadata)


def write(golden: GoldenSet, path: Path, options: WriteOptions) -> Ledger:
    """Write a folder; spans become whole documents. With a corpus, ``corpus.jsonl`` too.

    Returns:
        what the format cannot hold, per query.

    Raises:
        InputError: an id with a tab or a line end in it.
    """
    labels, entries = whole_documents(golden)
    for id_ in [*labels, *(item for row in labels.values() for item in row)]:
        if not id_ or any(char in id_ for char in "\t\n\r"):
            raise InputError(f"the id {id_!r} cannot stand in a BEIR file: it is empty, or has a tab or a line end")
    write_bytes(path / "queries.jsonl", lines((item.id, _row(item)) for item in golden))
    rows = (f"{query}\t{item}\t{label}\n" for query, row in labels.items() for item, label in row.items())
    write_text(path / "qrels" / f"{options.split}.tsv", "\t".join(BEIR_HEADER) + "\n" + "".join(rows))
    if options.corpus is not None:
        documents = (
            (d.id, {"_id": d.id, "title": d.title, "text": d.text, "metadata": dict(d.metadata)})
            for d in options.corpus
        )
        write_bytes(path / "corpus.jsonl", lines(documents))
    return Ledger(tuple(entries))


def _row(item: GoldenItem) -> dict[str, object]:
    extra = {"type": item.type or None, "answer": item.answer, "source": item.source}
    more = {key: value for key, value in extra.items() if value is not None and key not in item.metadata}
    return {"_id": item.id, "text": item.text, "metadata": {**item.metadata, **more}}
