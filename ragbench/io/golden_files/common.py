"""What the formats of golden sets share: reading options, rows with named columns, labels in files of their own.

Rows come from flat tables (CSV), simple JSON Lines and Hugging Face datasets.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ragbench.core.documents import Corpus
from ragbench.core.errors import InputError
from ragbench.core.goldens import Evidence, GoldenItem, GoldenSet
from ragbench.core.ledger import Ledger, LedgerEntry, first_ten
from ragbench.io.tables import as_text, choose_columns, query_text
from ragbench.io.trec import Labels, whole_number

ALIASES: dict[str, tuple[str, ...]] = {
    "id": ("id", "_id", "query_id", "query-id", "qid"),
    "query": ("query", "question", "query_text", "text"),
    "document": (
        "relevant_product_id",
        "relevant_document_id",
        "relevant_ids",
        "document_id",
        "document",
        "doc_id",
        "docid",
        "product_id",
        "corpus-id",
        "corpus_id",
    ),
    "label": ("label", "relevance", "grade", "score"),
    "chunk": ("source_chunk_id",),
    "type": ("type", "query_type"),
    "answer": ("answer", "reference_answer"),
}
"""What a column may be called, per role; the first that is there counts."""


def roles(found: Iterable[str], named: Mapping[str, str], where: str) -> dict[str, str]:
    """The column of each role.

    Args:
        found: the columns there are.
        named: the user's choice, ``{role: column}``.
        where: the file, for messages.

    Raises:
        SettingError: a role or column that does not exist.
        InputError: no column holds the query, or none the relevant documents.
    """
    needed = {"query": "the query", "document": "the relevant documents"}
    return choose_columns(found, named, where, ALIASES, needed, "--golden-columns {role}=NAME of ragbench eval")


@dataclass
class _Growing:
    """An item while its rows are read."""

    where: str
    text: str
    type: str
    answer: str | None
    labels: dict[str, int]
    chunks: dict[str, None]
    metadata: dict[str, object]


def items(
    rows: Iterable[tuple[str, Mapping[str, object]]], role: Mapping[str, str], *, exclude_source: bool
) -> tuple[tuple[GoldenItem, ...], list[LedgerEntry]]:
    """Items in order of first appearance, and an entry for every row of which something is not kept.

    That is a row that only repeats a label, or one whose other columns (type,
    answer, metadata) are not those of the query's first row.

    Raises:
        InputError: a query without text, a label that is no whole number, two
            labels for one pair, or an id with two texts.
    """
    growing: dict[str, _Growing] = {}
    entries: list[LedgerEntry] = []
    for where, row in rows:
        values = {key: row[column] for key, column in role.items() if not _absent(row.get(column))}
        text = query_text(where, as_text(where, role["query"], values.get("query", "")))
        key = as_text(where, role["id"], values["id"]) if "id" in values else f"\0{text}"
        fresh = _new(where, text, values, row, role)
        item = growing.setdefault(key, fresh)
        if item.text != text:
            raise InputError(f"{where}: query {key!r} reads {text!r:.60} here and {item.text!r:.60} at {item.where}")
        if (item.type, item.answer, item.metadata) != (fresh.type, fresh.answer, fresh.metadata):
            reason = f"query {text!r:.60} has other columns here than at {item.where}; those there are kept"
            entries.append(LedgerEntry("golden", where, reason, "metadata-differs"))
        label = _label(where, values.get("label", 1))
        documents = _ids(where, role.get("document", ""), values.get("document", []))
        entries += [
            LedgerEntry("golden", where, f"query {text!r:.60}, document {document!r} again", "repeated-label")
            for document in documents
            if not _add(item, where, document, label)
        ]
        item.chunks.update(dict.fromkeys(_ids(where, role.get("chunk", ""), values.get("chunk", []))))
    return _finished(growing, exclude_source), entries


def _new(
    where: str, text: str, values: Mapping[str, object], row: Mapping[str, object], role: Mapping[str, str]
) -> _Growing:
    taken = set(role.values())
    metadata = {str(key): value for key, value in row.items() if key not in taken and not _absent(value)}
    kind = as_text(where, role["type"], values["type"]) if "type" in values else ""
    answer = as_text(where, role["answer"], values["answer"]) if "answer" in values else None
    return _Growing(where, text, kind, answer, {}, {}, metadata)


def _add(item: _Growing, where: str, document: str, label: int) -> bool:
    """Whether the pair is new.

    Raises:
        InputError: it is known with another label.
    """
    if document not in item.labels:
        item.labels[document] = label
        return True
    if item.labels[document] != label:
        raise InputError(
            f"{where}: document {document!r} is labelled {label} for query {item.text!r:.60}, "
            f"and {item.labels[document]} further up. Keep one of the two"
        )
    return False


def _finished(growing: Mapping[str, _Growing], exclude_source: bool) -> tuple[GoldenItem, ...]:
    found = []
    for number, (key, item) in enumerate(growing.items(), start=1):
        chunks = tuple(item.chunks)
        kept: dict[str, object] = {"source_chunk_id": chunks[0] if len(chunks) == 1 else list(chunks)} if chunks else {}
        relevant = [document for document, label in item.labels.items() if label > 0]
        found.append(
            GoldenItem(
                id=f"q{number:04d}" if key.startswith("\0") else key,
                text=item.text,
                type=item.type,
                answer=item.answer,
                evidence=tuple(Evidence(document, grade=label) for document, label in item.labels.items()),
                exclude=chunks if exclude_source else (),
                # With several relevant documents the row does not tell which one the query was written from.
                source=relevant[0] if len(relevant) == 1 else None,
                metadata={**kept, **item.metadata},
            )
        )
    return tuple(found)


def _absent(value: object) -> bool:
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))


def _label(where: str, value: object) -> int:
    label = None if isinstance(value, bool) else whole_number(str(value))
    if label is None:
        raise InputError(f"{where}: the label is {value!r:.60}; a label is a whole number")
    return label


def _ids(where: str, column: str, value: object) -> list[str]:
    values = value if isinstance(value, list | tuple) else [value]
    return [as_text(where, column, id_) for id_ in values]


@dataclass(frozen=True)
class ReadOptions:
    """Choices for the formats that have them; each format's file names those it takes.

    Attributes:
        split: which part of a collection (``"test"`` by default where there are parts).
        queries: the file of queries, where labels and queries stand apart and it is not found by its name.
        exclude_source: leave the chunk a query was taken from out of its ranking.
        columns: which column holds what, ``{"query": "question"}``, where the names are not recognised;
            roles are id, query, document, label, chunk, type and answer.
        name: what to call the set.
    """

    split: str | None = None
    queries: Path | None = None
    exclude_source: bool = False
    columns: Mapping[str, str] = field(default_factory=dict)
    name: str | None = None


@dataclass(frozen=True)
class WriteOptions:
    """Choices for writing.

    Attributes:
        split: the name of the part that is written, for formats that have parts.
        corpus: the documents, for formats that hold them too.
    """

    split: str = "test"
    corpus: Corpus | None = None


def join(
    texts: Mapping[str, tuple[str, Mapping[str, object]]],
    labels: Labels,
    queries: Path,
    options: ReadOptions,
    name: str,
    elsewhere: frozenset[str] = frozenset(),
) -> GoldenSet:
    """Judged queries with whole-document evidence; what has no partner goes into the ledger.

    Args:
        texts: text and metadata by query id.
        labels: labels by query id.
        queries: where the texts were read, for messages.
        options: may name the set.
        name: the set's name otherwise.
        elsewhere: queries that another split judges, which are not worth an entry each.

    Raises:
        InputError: no query has both a text and a label.
    """
    items = tuple(
        GoldenItem(
            id=id_,
            text=text,
            evidence=tuple(Evidence(item, grade=label) for item, label in labels.by_query[id_].items()),
            metadata=metadata,
        )
        for id_, (text, metadata) in texts.items()
        if id_ in labels.by_query
    )
    if not items:
        raise InputError(
            f"{queries} and {labels.path} share no query id: {first_ten(list(texts)[:3])} against "
            f"{first_ten(list(labels.by_query)[:3])}. Do they belong together?"
        )
    entries = [
        LedgerEntry("golden", id_, f"{labels.path} has no label for this query; left out", "unjudged")
        for id_ in texts
        if id_ not in labels.by_query and id_ not in elsewhere
    ]
    other = sum(id_ in elsewhere and id_ not in labels.by_query for id_ in texts)
    if other:
        entries.append(
            LedgerEntry("golden", str(queries), f"{other} queries belong to another split; left out", "other-split")
        )
    entries += [
        LedgerEntry("golden", id_, f"{labels.path} judges it, but {queries} has no such query", "unknown-query")
        for id_ in labels.by_query
        if id_ not in texts
    ]
    return GoldenSet(items, options.name or name, Ledger((*labels.repeated, *entries)))


def whole_documents(golden: GoldenSet) -> tuple[dict[str, dict[str, int]], list[LedgerEntry]]:
    """Labels of documents, and an entry for each query of which more is known than labels can say."""
    labels: dict[str, dict[str, int]] = {}
    entries: list[LedgerEntry] = []
    for item in golden:
        row = labels.setdefault(item.id, {})
        for evidence in item.evidence:
            row[evidence.document_id] = max(evidence.grade, row.get(evidence.document_id, evidence.grade))
        lost = {
            "spans": any(not e.whole for e in item.evidence),
            "masked": bool(item.masked),
            "exclude": bool(item.exclude),
        }
        if any(lost.values()):
            what = ", ".join(word for word, is_lost in lost.items() if is_lost)
            entries.append(LedgerEntry("export", item.id, f"the format cannot hold: {what}", "not-written"))
        if not row:
            entries.append(LedgerEntry("export", item.id, "no label, so readers will leave the query out", "no-label"))
    return labels, entries
