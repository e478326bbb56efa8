"""Judgements: relevance labels of items per query, derived from a golden set's evidence.

The overlap rule: a chunk gets the grade of an evidence span if the two share at least ``overlap`` (default one half) of
    the shorter of them. If no chunk does, the chunk that shares most of the span gets the grade. A labelled
    chunk (`Evidence.chunk`) gives its grade to that chunk alone if the documents are cut into it. Evidence for a whole
    document gives its grade to every chunk of the document. If there are several grades, the highest counts. A document
    gets the highest grade of all evidence in it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ragbench.core.brief import brief, numbered
from ragbench.core.documents import Chunks
from ragbench.core.errors import InputError
from ragbench.core.fingerprint import fingerprint, fingerprint_texts
from ragbench.core.goldens import Evidence, GoldenItem, GoldenSet, Span
from ragbench.core.ledger import Ledger, LedgerEntry, first_ten
from ragbench.core.runs import Query, Unit
from ragbench.core.shown import Shown


@brief
@dataclass(frozen=True, eq=False)
class Intents:
    """Judgements of the meanings (intents, aspects, subtopics) of queries, as columns, for measures of diversity.

    Attributes:
        names: name of each of the i intents of all queries.
        query: int64 (i,), query of each intent, ascending.
        rows: int64 (m,), the row of `Judgements` that is judged.
        intent: int64 (m,), the intent that it is judged for.
        labels: int32 (m,), its label for that intent.
    """

    names: Sequence[str]
    query: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]
    intent: npt.NDArray[np.int64]
    labels: npt.NDArray[np.int32]


MOST_LABEL = 2**31 - 1
"""Largest label, positive or negative."""


@brief
@dataclass(frozen=True, eq=False)
class Judgements(Shown):
    """Labels as columns, one row per judged (query, item) pair.

    Attributes:
        query_ids: all queries, length q.
        offsets: int64 (q + 1,); the rows of query i are ``offsets[i]:offsets[i + 1]``.
        items: int32 (n,), index into ``item_ids``, each once per query.
        labels: int32 (n,); above 0 means relevant, 0 and below mean judged and not relevant.
        item_ids: the id vocabulary.
        intents: labels by intent, if they are known; ``labels`` then has the highest label of an item.

    Examples:
        >>> judgements = rb.Judgements.from_dict({"q1": {"a": 1, "b": 0}})
        >>> judgements.to_dict()
        {'q1': {'a': 1, 'b': 0}}
    """

    query_ids: Sequence[str]
    offsets: npt.NDArray[np.int64]
    items: npt.NDArray[np.int32]
    labels: npt.NDArray[np.int32]
    item_ids: Sequence[str]
    intents: Intents | None = None

    @classmethod
    def from_intents(cls, labels: Mapping[str, Mapping[str, Mapping[str, int]]]) -> "Judgements":
        """Make judgements from ``{query id: {intent: {item id: label}}}``. An item's label is its highest one."""
        highest: dict[str, dict[str, int]] = {}
        for query, by_intent in labels.items():
            own = highest.setdefault(query, {})
            for row in by_intent.values():
                for item, label in row.items():
                    own[item] = max(label, own.get(item, label))
        plain = cls.from_dict(highest)
        place = {query: {item: i for i, item in enumerate(row)} for query, row in highest.items()}
        rows = [
            int(low) + place[query][item]
            for (query, by_intent), low in zip(labels.items(), plain.offsets[:-1], strict=True)
            for row in by_intent.values()
            for item in row
        ]
        each = [row for by_intent in labels.values() for row in by_intent.values()]
        intents = Intents(
            [name for by_intent in labels.values() for name in by_intent],
            np.repeat(np.arange(len(labels)), [len(by_intent) for by_intent in labels.values()]),
            np.array(rows, dtype=np.int64),
            np.repeat(np.arange(len(each)), [len(row) for row in each]),
            np.array([label for row in each for label in row.values()], dtype=np.int32),
        )
        return replace(plain, intents=intents)

    @classmethod
    def from_dict(cls, labels: Mapping[str, Mapping[str, int]]) -> "Judgements":
        """Make judgements from ``{query id: {item id: label}}``.

        Raises:
            InputError: a label does not fit 32 bits.
        """
        for query, row in labels.items():
            for item, label in row.items():
                if not -MOST_LABEL <= label <= MOST_LABEL:
                    raise InputError(f"query {query!r}, item {item!r}: the label {label} is no whole number of 32 bits")
        item_ids = sorted({item for row in labels.values() for item in row})
        at = {item: i for i, item in enumerate(item_ids)}
        return cls(
            list(labels),
            np.concatenate(([0], np.cumsum([len(row) for row in labels.values()]))).astype(np.int64),
            np.array([at[item] for row in labels.values() for item in row], dtype=np.int32),
            np.array([label for row in labels.values() for label in row.values()], dtype=np.int32),
            item_ids,
        )

    def __len__(self) -> int:
        return len(self.query_ids)

    def _brief(self) -> str:
        return f"{numbered(len(self.items), 'label')} of {numbered(len(self), 'query')}"

    @cached_property
    def query_index(self) -> npt.NDArray[np.int64]:
        """(n,) Query of each row."""
        return np.repeat(np.arange(len(self.query_ids)), np.diff(self.offsets))

    def to_dict(self) -> dict[str, dict[str, int]]:
        """Convert to ``{query id: {item id: label}}``, for other tools and for TREC files."""
        names = [self.item_ids[item] for item in self.items]
        labels = self.labels.tolist()
        return {
            id_: dict(zip(names[low:high], labels[low:high], strict=True))
            for id_, low, high in zip(self.query_ids, self.offsets[:-1], self.offsets[1:], strict=True)
        }

    @cached_property
    def fingerprint(self) -> str:
        """Fingerprint of queries, items and labels."""
        ids = list(self.item_ids)
        names = fingerprint_texts(self.query_ids, [ids[i] for i in self.items.tolist()])
        return fingerprint([names, self.offsets.tobytes().hex(), self.labels.tobytes().hex()])


@brief
@dataclass(frozen=True)
class EvaluationTask:
    """A golden set projected onto one chunking: the queries, and the labels of chunks or documents.

    Attributes:
        queries: one per golden item, with the ids that its ranking must not contain.
        judgements: labels per query, without the excluded items.
        unit: whether chunks or documents are judged.
        ledger: missing documents, evidence that no chunk covers, and excluded ids that do not exist.
    """

    queries: tuple[Query, ...]
    judgements: Judgements
    unit: Unit
    ledger: Ledger


def project_labels(
    golden: GoldenSet,
    chunks: Chunks,
    *,
    unit: Unit,
    overlap: float = 0.5,
    allow_missing: bool = False,
) -> EvaluationTask:
    """Project a golden set onto a chunking: derive queries, exclusions and labels.

    Args:
        golden: the queries and their evidence.
        chunks: the chunks that retrievers index.
        unit: whether chunks or documents are judged.
        overlap: share of the shorter of span and chunk that must be covered, in (0, 1].
        allow_missing: continue if evidence names documents that the corpus lacks.
            They still count as relevant items, as in trec_eval, and the issue log lists them.

    Raises:
        InputError: evidence names a missing document, no query has anything
            relevant, or ``overlap`` is outside (0, 1]. If every document is missing, the corpus is the wrong one, and
            ``allow_missing`` does not help.

    Examples:
        >>> corpus = rb.Corpus((rb.Document("a", "red apples"), rb.Document("b", "blue sky")))
        >>> golden = rb.GoldenSet((rb.GoldenItem("q", "apples", evidence=(rb.Evidence("a"),)),))
        >>> task = project_labels(golden, rb.chunk(corpus), unit="document")
        >>> task.judgements.to_dict()
        {'q': {'a': 1}}
    """
    if not 0 < overlap <= 1:
        raise InputError(f"overlap is {overlap}; it must lie in (0, 1]")
    projection = _Projection(golden, chunks, unit, overlap)
    missing = projection.missing_documents()
    hopeless = projection.knows_none()
    if missing and (hopeless or not allow_missing):
        raise InputError(
            f"golden set {golden.name!r} judges {len(missing)} documents that the corpus lacks, or that have no text: "
            f"{first_ten(missing)}. Ids of the corpus are like {', '.join(chunks.document_ids[:3])}. "
            f"Is it the right corpus?{'' if hopeless else ' --allow-missing goes on without them'}"
        )
    return projection.task()


class _Projection:
    """The state of one `project_labels`."""

    def __init__(self, golden: GoldenSet, chunks: Chunks, unit: Unit, overlap: float) -> None:
        self.golden, self.chunks, self.unit, self.overlap = golden, chunks, unit, overlap
        order = np.argsort(chunks.document_index, kind="stable")
        bounds = np.searchsorted(chunks.document_index[order], np.arange(len(chunks.document_ids) + 1))
        self.order, self.bounds = order, bounds
        self.entries: list[LedgerEntry] = []
        self.absent: dict[str, int] = {}

    def missing_documents(self) -> list[str]:
        known = self.chunks.document_row
        named = {e.document_id for item in self.golden for e in item.evidence}
        return sorted(id_ for id_ in named if id_ not in known)

    def knows_none(self) -> bool:
        """Whether the corpus has none of the documents that the evidence names."""
        named = {e.document_id for item in self.golden for e in item.evidence}
        return named.isdisjoint(self.chunks.document_row)

    def rows(self, document_id: str) -> npt.NDArray[np.int64]:
        """Chunk rows of a document, in order."""
        at = self.chunks.document_row.get(document_id)
        if at is None:
            return np.empty(0, dtype=np.int64)
        return self.order[self.bounds[at] : self.bounds[at + 1]]

    def covering(self, span: Evidence | Span) -> npt.NDArray[np.int64]:
        """Chunk rows that get the grade of a span, by the overlap rule."""
        rows = self.rows(span.document_id)
        if span.end is None or len(rows) == 0:
            return rows
        starts, ends = self.chunks.starts[rows], self.chunks.ends[rows]
        if isinstance(span, Evidence) and span.chunk:
            same = (starts == span.start) & (ends == span.end)
            if same.any():
                labelled: npt.NDArray[np.int64] = rows[same]
                return labelled
        shared = np.minimum(ends, span.end) - np.maximum(starts, span.start)
        shorter = np.minimum(ends - starts, span.end - span.start)
        enough = shared >= self.overlap * np.maximum(shorter, 1)
        if not enough.any() and shared.max() > 0:
            enough = shared == shared.max()
        covering: npt.NDArray[np.int64] = rows[enough]
        return covering

    def touching(self, span: Span) -> npt.NDArray[np.int64]:
        """Chunk rows that share any character with a masked span."""
        rows = self.rows(span.document_id)
        if span.end is None or len(rows) == 0:
            return rows
        touched: npt.NDArray[np.int64] = rows[
            (self.chunks.starts[rows] < span.end) & (self.chunks.ends[rows] > span.start)
        ]
        return touched

    def excluded(self, item: GoldenItem) -> frozenset[str]:
        """Excluded chunk ids: named chunks, chunks of named documents, and chunks with masked text."""
        ids = self.chunks.ids
        out: set[str] = set()
        for id_ in item.exclude:
            rows = self.rows(id_)
            out.update([id_] if len(rows) == 0 else [ids[row] for row in rows])
            if len(rows) == 0 and id_ not in self.chunks.row:
                reason = f"{id_!r} is excluded, but no chunk or document has that id (was the corpus chunked again?)"
                self.entries.append(LedgerEntry("golden", item.id, reason, "exclude-unknown"))
        for span in item.masked:
            out.update(ids[row] for row in self.touching(span))
        return frozenset(out)

    def item_row(self, id_: str) -> int:
        """Row of an id that the corpus lacks, after the last real row."""
        real = self.chunks.ids if self.unit == "chunk" else self.chunks.document_ids
        return len(real) + self.absent.setdefault(id_, len(self.absent))

    def labels(self, item: GoldenItem, exclude: frozenset[str]) -> dict[int, int]:
        """Label by item row for one query."""
        found: dict[int, int] = {}
        for evidence in item.evidence:
            rows = self.covering(evidence)
            if len(rows) == 0:
                self.unreachable(item, evidence)
            if self.unit == "document":  # it is judged, wherever the evidence is in it
                rows = self.rows(evidence.document_id)
            if len(rows) == 0:
                targets = [self.item_row(evidence.document_id)]
            elif self.unit == "document":
                left = [row for row in rows if self.chunks.ids[row] not in exclude]
                targets = [self.chunks.document_row[evidence.document_id]] if left or not exclude else []
            else:
                targets = [int(row) for row in rows if self.chunks.ids[row] not in exclude]
            if not targets and item.masked:
                self.masked_whole(item, evidence)
            for target in targets:
                found[target] = max(evidence.grade, found.get(target, evidence.grade))
        return found

    def masked_whole(self, item: GoldenItem, evidence: Evidence) -> None:
        reason = (
            f"every chunk of {evidence.document_id} that could be found touches masked text; "
            "index the copy that 'ragbench golden corpus' writes"
        )
        self.entries.append(LedgerEntry("golden", item.id, reason, "masked-whole"))

    def unreachable(self, item: GoldenItem, evidence: Evidence) -> None:
        where = f"{evidence.document_id}[{evidence.start}:{'' if evidence.end is None else evidence.end}]"
        if evidence.document_id in self.chunks.document_row:
            code, reason = "evidence-uncovered", f"no chunk covers the evidence {where}"
        else:
            code, reason = "document-missing", f"the corpus lacks document {evidence.document_id}, or it has no text"
        self.entries.append(LedgerEntry("golden", item.id, reason, code))

    def task(self) -> EvaluationTask:
        queries: list[Query] = []
        offsets, items, labels = [0], list[int](), list[int]()
        for item in self.golden:
            exclude = self.excluded(item)
            queries.append(Query(item.id, item.text, exclude, item.history))
            found = self.labels(item, exclude)
            items.extend(found)
            labels.extend(found.values())
            offsets.append(len(items))
        if not any(label > 0 for label in labels):
            if any(entry.code == "masked-whole" for entry in self.entries):
                what = (
                    "Evaluate on documents instead of ready chunks: each wording then searches a copy without the text "
                    "that it masks"
                    if any(item.wording for item in self.golden)
                    else "Write the corpus without masked text and evaluate on that: ragbench golden corpus --golden "
                    "SET --corpus CORPUS --out DIR, then eval with --corpus DIR/corpus.jsonl --golden DIR/golden"
                )
                raise InputError(
                    f"golden set {self.golden.name!r} masks text of every chunk that could be found, as documents are "
                    f"not cut into several. {what}"
                )
            raise InputError(
                f"golden set {self.golden.name!r} has no relevant document for any query: nothing can be scored. "
                "Every grade is 0 or below, or the evidence is empty"
            )
        real = self.chunks.ids if self.unit == "chunk" else self.chunks.document_ids
        judgements = Judgements(
            query_ids=[query.id for query in queries],
            offsets=np.array(offsets, dtype=np.int64),
            items=np.array(items, dtype=np.int32),
            labels=np.array(labels, dtype=np.int32),
            item_ids=[*real, *self.absent] if self.absent else real,
        )
        return EvaluationTask(tuple(queries), judgements, self.unit, Ledger(tuple(self.entries)))
