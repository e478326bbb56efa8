"""Shared parts of the formats of golden sets: reading options, rows with named columns, and separate files of labels.

Rows come from flat tables (CSV), simple JSON Lines and Hugging Face datasets.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ragbench.core.documents import Chunks, Corpus
from ragbench.core.errors import InputError
from ragbench.core.goldens import ChunkLabels, Evidence, GoldenItem, GoldenSet
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
"""Names of columns by role; the first one that is present counts."""
OF_THE_PAIR = frozenset({"item_text", "comment"})
"""Columns of a label sheet that describe the labelled item and not the query."""
DOCUMENT, CHUNK = "relevant_product_id", "source_chunk_id"
"""Keys of metadata: ids of the documents as they stand in the file, if they are no strings; and the chunk labels of the
only document, or by document."""
TRUTH = {"true": 1, "false": 0}
"""Labels that are written as truth values."""


def roles(found: Iterable[str], named: Mapping[str, str], where: str) -> dict[str, str]:
    """Return the column of each role.

    Args:
        found: the columns of the file.
        named: the user's choice, ``{role: column}``.
        where: the file, for messages.

    Raises:
        SettingError: a role or column that does not exist.
        InputError: no column holds the query, or none the relevant documents.
    """
    needed = {"query": "the query", "document": "the relevant documents"}
    return choose_columns(found, named, where, ALIASES, needed, "--golden-columns {role}=NAME")


@dataclass
class _Growing:
    """An item while its rows are read."""

    where: str
    text: str
    type: str
    answer: str | None
    metadata: dict[str, object]
    labels: dict[str, int] = field(default_factory=dict)
    written: dict[str, object] = field(default_factory=dict)
    """Ids of documents as they stand in the file, if they are no strings."""
    chunks: dict[str, list[object]] = field(default_factory=dict)
    """Chunk labels by document."""
    loose: list[object] = field(default_factory=list)
    """Chunk labels of rows that name several documents."""
    places: dict[str, str] = field(default_factory=dict)


def golden_of(
    rows: Iterable[tuple[str, Mapping[str, object]]], role: Mapping[str, str], name: str, *, exclude_source: bool
) -> GoldenSet:
    """Group rows to a set, in order of first appearance. A row with an empty cell in the column of labels is skipped.

    The issue log has an entry for every row that is not kept completely: it only repeats a label, or its other columns
    (type, answer, metadata) differ from those of the query's first row.

    Raises:
        InputError: no row has a label, a query has no text, a label is not a whole number, a pair has two labels, or
            an id has two texts.
    """
    growing: dict[str, _Growing] = {}
    entries: list[LedgerEntry] = []
    for where, row in rows:
        values = {key: row[column] for key, column in role.items() if not _absent(row.get(column))}
        text = query_text(where, as_text(where, role["query"], values.get("query", "")))
        key = as_text(where, role["id"], values["id"]) if "id" in values else f"\0{text}"
        if role.get("label") in row and "label" not in values and values.get("document"):
            entries.append(LedgerEntry("golden", where, "the column of labels is empty; skipped", "unlabelled"))
            continue
        fresh = _new(where, text, values, row, role)
        item = growing.setdefault(key, fresh)
        if item.text != text:
            raise InputError(f"{where}: query {key!r} reads {text!r:.60} here and {item.text!r:.60} at {item.where}")
        if (item.type, item.answer, item.metadata) != (fresh.type, fresh.answer, fresh.metadata):
            reason = f"query {text!r:.60} has other columns here than at {item.where}; those there are kept"
            entries.append(LedgerEntry("golden", where, reason, "metadata-differs"))
        label = _label(where, values.get("label", 1))
        documents = _ids(where, role.get("document", ""), values.get("document", []))
        chunks = _chunks(where, role.get("chunk", ""), values.get("chunk", []))
        entries += [
            LedgerEntry("golden", where, f"query {text!r:.60}, document {document!r} again", "repeated-label")
            for document in _repeated(item, where, documents, chunks, label)
        ]
    if entries and not growing:
        raise InputError(
            f"golden set {name!r}: the column {role['label']!r} is empty in every row; fill in labels, such as 0 and 1"
        )
    items = _finished(growing, exclude_source)
    places = {
        (item.id, document): where
        for item, grown in zip(items, growing.values(), strict=True)
        for document, where in grown.places.items()
    }
    return GoldenSet(items, name, Ledger(tuple(entries)), ChunkLabels(places=places) if places else None)


def _new(
    where: str, text: str, values: Mapping[str, object], row: Mapping[str, object], role: Mapping[str, str]
) -> _Growing:
    taken = {*role.values(), *OF_THE_PAIR}
    metadata = {str(key): value for key, value in row.items() if key not in taken and not _absent(value)}
    kind = as_text(where, role["type"], values["type"]) if "type" in values else ""
    answer = as_text(where, role["answer"], values["answer"]) if "answer" in values else None
    return _Growing(where, text, kind, answer, metadata)


def _repeated(
    item: _Growing, where: str, documents: Sequence[object], chunks: Sequence[object], label: int
) -> list[str]:
    """Add the labels of a row to an item, and return the documents for which they say nothing new.

    Raises:
        InputError: a pair has another label already.
    """
    own: list[list[object]] = [[] for _ in documents]
    if len(documents) == 1:
        own = [list(chunks)]
    elif len(chunks) == len(documents):
        own = [[chunk] for chunk in chunks]
    else:
        item.loose += chunks
    repeated = []
    for written, labelled in zip(documents, own, strict=True):
        document = str(written)
        fresh = _add(item, where, document, label)
        if not isinstance(written, str):
            item.written[document] = written
        if chunks:
            item.places.setdefault(document, where)
        if labelled:
            known = item.chunks.setdefault(document, [])
            fresh = fresh or any(chunk not in known for chunk in labelled)
            known += [chunk for chunk in labelled if chunk not in known]
        if not fresh:
            repeated.append(document)
    return repeated


def _add(item: _Growing, where: str, document: str, label: int) -> bool:
    """Add a pair, and say whether it is new.

    Raises:
        InputError: the pair has another label already.
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
        relevant = [document for document, label in item.labels.items() if label > 0]
        kept: dict[str, object] = {}
        if item.written:
            kept[DOCUMENT] = one_or_all([item.written.get(document, document) for document in item.labels])
        if item.loose:
            kept[CHUNK] = one_or_all([*item.loose, *(chunk for own in item.chunks.values() for chunk in own)])
        elif item.chunks:
            by_document = {document: one_or_all(own) for document, own in item.chunks.items()}
            kept[CHUNK] = next(iter(by_document.values())) if len(item.labels) == 1 else by_document
        excluded = [*map(str, item.loose), *(chunk_id(d, chunk) for d, own in item.chunks.items() for chunk in own)]
        found.append(
            GoldenItem(
                id=f"q{number:04d}" if key.startswith("\0") else key,
                text=item.text,
                type=item.type,
                answer=item.answer,
                evidence=tuple(Evidence(document, grade=label) for document, label in item.labels.items()),
                exclude=tuple(excluded) if exclude_source else (),
                # If several documents are relevant, it is unknown which one the query was written from.
                source=relevant[0] if len(relevant) == 1 else None,
                metadata={**kept, **item.metadata},
            )
        )
    return tuple(found)


def one_or_all(values: Sequence[object]) -> object:
    """The value alone if there is one, else the list."""
    return values[0] if len(values) == 1 else list(values)


def chunk_id(document: str, chunk: object) -> str:
    """Id of a chunk that a label names by its number within the document, or by its id."""
    return f"{document}#{chunk}" if isinstance(chunk, int) else str(chunk)


def _absent(value: object) -> bool:
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))


def _label(where: str, value: object) -> int:
    word = str(value).strip().lower()
    label = TRUTH[word] if word in TRUTH else whole_number(str(value))
    if label is None:
        raise InputError(f"{where}: the label is {value!r:.60}; a label is a whole number, or true or false")
    return label


def _ids(where: str, column: str, value: object) -> list[object]:
    """Ids as they stand in the file: strings or whole numbers."""
    values = value if isinstance(value, list | tuple) else [value]
    for id_ in values:
        as_text(where, column, id_)
    return list(values)


def _chunks(where: str, column: str, value: object) -> list[object]:
    """Chunk labels; a number with a decimal point, as pandas writes columns with gaps, counts as a whole one."""
    values = value if isinstance(value, list | tuple) else [value]
    whole = [int(one) if isinstance(one, float) and one.is_integer() else one for one in values]
    return _ids(where, column, whole)


@dataclass(frozen=True)
class ReadOptions:
    """Options for reading. Each format's file lists those that it has.

    Attributes:
        split: split of a collection; ``"test"`` by default if there are splits.
        queries: file of queries, if it is separate from the labels and not found by its name.
        exclude_source: exclude the chunk that a query was written from from its ranking.
        columns: column by role, ``{"query": "question"}``, for names that are not recognised. Roles are id, query,
            document, label, chunk, type and answer.
        name: name of the set.
    """

    split: str | None = None
    queries: Path | None = None
    exclude_source: bool = False
    columns: Mapping[str, str] = field(default_factory=dict)
    name: str | None = None


@dataclass(frozen=True)
class WriteOptions:
    """Options for writing.

    Attributes:
        split: name of the split to write, for formats with splits.
        corpus: the documents, for formats that hold them too.
        chunks: the chunks that ``source_chunk_id`` counts, for the simple format.
        chunker: how they are cut.
    """

    split: str = "test"
    corpus: Corpus | None = None
    chunks: Chunks | None = None
    chunker: str | None = None


def join(
    texts: Mapping[str, tuple[str, Mapping[str, object]]],
    labels: Labels,
    queries: Path,
    options: ReadOptions,
    name: str,
    elsewhere: frozenset[str] = frozenset(),
) -> GoldenSet:
    """Join queries and labels to items with whole documents as evidence. The issue log lists what has no partner.

    Args:
        texts: text and metadata by query id.
        labels: labels by query id.
        queries: file of the texts, for messages.
        options: reading options, which may name the set.
        name: name of the set otherwise.
        elsewhere: queries that another split judges, which get no entries of their own.

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
        LedgerEntry("golden", id_, f"{labels.path} has no label for this query; skipped", "unjudged")
        for id_ in texts
        if id_ not in labels.by_query and id_ not in elsewhere
    ]
    other = sum(id_ in elsewhere and id_ not in labels.by_query for id_ in texts)
    if other:
        entries.append(
            LedgerEntry("golden", str(queries), f"{other} queries belong to another split; skipped", "other-split")
        )
    entries += [
        LedgerEntry("golden", id_, f"{labels.path} judges it, but {queries} has no such query", "unknown-query")
        for id_ in labels.by_query
        if id_ not in texts
    ]
    return GoldenSet(items, options.name or name, Ledger((*labels.repeated, *entries)))


def whole_documents(golden: GoldenSet) -> tuple[dict[str, dict[str, int]], list[LedgerEntry]]:
    """Return labels of documents, and an entry for each query with information that labels cannot hold."""
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
            "history": bool(item.history),
        }
        if any(lost.values()):
            what = ", ".join(word for word, is_lost in lost.items() if is_lost)
            entries.append(LedgerEntry("export", item.id, f"the format cannot hold: {what}", "not-written"))
        if not row:
            entries.append(LedgerEntry("export", item.id, "no label, so readers will skip the query", "no-label"))
    return labels, entries
