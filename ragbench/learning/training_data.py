"""Training data from a golden set: the queries that the leakage guard leaves, their positives and their negatives."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from ragbench.core.brief import brief
from ragbench.core.documents import Chunks
from ragbench.core.errors import InputError
from ragbench.core.goldens import GoldenItem, GoldenSet
from ragbench.core.judgements import EvaluationTask, Judgements, project_labels
from ragbench.core.ledger import Ledger, LedgerEntry
from ragbench.core.runs import Run
from ragbench.core.spelling import given
from ragbench.learning.guard import Guarded
from ragbench.learning.negatives import Flags, Floats, Negatives, Rows, up_to

SPLITS = ("train", "validation")
PROTECTED = ("every relevant chunk belongs to a protected document", "protected-document")
NO_CHUNK = ("no chunk holds its evidence", "no-chunk")
LEAKS = {
    "same-id": "it has the same id as", "same-text": "it is the same as", "same-words": "it has the same words as",
    "part": "it is part of, or contains,", "near-duplicate": "it is a near-duplicate of",
    "paraphrase": "it is a paraphrase of",
}  # fmt: skip
"""The reason for each kind of leak; the protected query follows."""
Items = list[GoldenItem]


@dataclass(frozen=True, eq=False)
class Labelled:
    """The queries that may be trained on, with their labels.

    Attributes:
        task: queries, and labels of chunks.
        query: (n,) row of the query of each positive, ascending.
        chunk: (n,) row of its chunk.
        grade: (n,) its grade.
        excluded: for each query, rows of chunks that it must not have.
        ledger: queries that were dropped, and why.
    """

    task: EvaluationTask
    query: Rows
    chunk: Rows
    grade: Rows
    excluded: Sequence[Sequence[int]]
    ledger: Ledger


@brief
@dataclass(frozen=True, eq=False)
class TrainingData:
    """Rows to train a model on, as references to queries and chunks.

    Attributes:
        queries: text of each query.
        query_ids: its id.
        chunks: the chunks that the rows refer to.
        columns: names of the columns that are written.
        query: (n,) row of the query.
        positive: (n,) row of the chunk of a triplet that is relevant, or of the only chunk of a pair.
        negative: (n, m) rows of chunks that are not; m is 0 for pairs.
        label: (n,) label of a pair, from 0 to 1; None for triplets.
        origin: (n, m) where negatives come from (`ragbench.learning.negatives.ORIGINS`); (n, 1) for pairs, with -1 for
            a positive.
        rank: the rank of hard ones, of the same shape; else 0.
        validation: (n,) whether the row belongs to the validation split.
        negatives: what was found out about the negatives.
        guarded: what the leakage guard found.
        ledger: what was dropped, and why.
        about: what the manifest says of the inputs and settings.
    """

    queries: Sequence[str]
    query_ids: Sequence[str]
    chunks: Chunks
    columns: tuple[str, ...]
    query: Rows
    positive: Rows
    negative: Rows
    label: Floats | None
    origin: npt.NDArray[np.int8]
    rank: Rows
    validation: Flags
    negatives: Negatives
    guarded: Guarded
    ledger: Ledger = field(default_factory=Ledger)
    about: Mapping[str, object] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.query)

    @property
    def kind(self) -> str:
        """``triplets`` or ``pairs``."""
        return "triplets" if self.label is None else "pairs"

    def rows(self, split: str) -> Rows:
        """The rows of ``train`` or ``validation``."""
        return np.flatnonzero(self.validation == (split == SPLITS[1]))


def with_labels(
    golden: GoldenSet, chunks: Chunks, guarded: Guarded, *, min_grade: int, most: int | None
) -> Labelled:  # fmt: skip
    """Find the positives of the queries that the guard leaves.

    Args:
        golden: the set that becomes training data.
        chunks: the chunks of its documents.
        guarded: what the guard found.
        min_grade: least grade of a positive.
        most: most positives of a query, the best graded first; None for all.

    Raises:
        InputError: no query is left.
    """
    entries = [
        LedgerEntry(
            "guard", leak.query_id,
            f"{LEAKS[leak.kind]} query {leak.other_id} of the protected set {leak.set_name}", f"leak-{leak.kind}",
        )
        for leak in guarded.leaks.values()
    ]  # fmt: skip
    items = [item for item in golden if item.id not in guarded.leaks]
    items, without = _split(items, lambda item: any(e.grade >= min_grade for e in item.evidence))
    entries += [LedgerEntry("labels", item.id, f"no grade of {min_grade} or more", "no-positive") for item in without]
    known = chunks.document_row
    items, without = _split(items, lambda item: any(e.grade >= min_grade and e.document_id in known
                                                    for e in item.evidence))  # fmt: skip
    entries += [
        LedgerEntry("labels", item.id, "the corpus has none of its relevant documents", "document-missing")
        for item in without
    ]
    if not items:
        raise _emptied(len(golden), guarded, entries)
    task = project_labels(GoldenSet(tuple(items), golden.name), chunks, unit="chunk", allow_missing=True)
    labels = task.judgements
    good = (labels.labels >= min_grade) & (labels.items < len(chunks))
    query, chunk, grade = (
        labels.query_index[good],
        labels.items[good].astype(np.int64),
        labels.labels[good].astype(np.int64),
    )
    free = ~guarded.chunks[chunk]
    order = np.lexsort((-grade[free], query[free]))
    query, chunk, grade = query[free][order], chunk[free][order], grade[free][order]
    if most is not None:
        first = up_to(query, most)
        query, chunk, grade = query[first], chunk[first], grade[first]
    left = np.bincount(query, minlength=len(task.queries)) > 0
    before = np.bincount(labels.query_index[good], minlength=len(task.queries)) > 0
    for at in np.flatnonzero(~left).tolist():
        reason, code = PROTECTED if before[at] else NO_CHUNK
        entries.append(LedgerEntry("labels", task.queries[at].id, reason, code))
    if not left.any():
        raise _emptied(len(golden), guarded, entries)
    task = _with_queries(task, left)
    row = chunks.row
    excluded = [[row[id_] for id_ in one.exclude if id_ in row] for one in task.queries]
    return Labelled(task, (np.cumsum(left) - 1)[query], chunk, grade, excluded, Ledger(tuple(entries)))


def _with_queries(task: EvaluationTask, keep: Flags) -> EvaluationTask:
    """A task with some of its queries (q,), and their labels."""
    queries = tuple(query for query, kept in zip(task.queries, keep.tolist(), strict=True) if kept)
    labels = task.judgements
    offsets = np.concatenate([[0], np.cumsum(np.diff(labels.offsets)[keep])])
    rows = keep[labels.query_index]
    ids = [query.id for query in queries]
    own = Judgements(ids, offsets, labels.items[rows], labels.labels[rows], labels.item_ids)
    return replace(task, queries=queries, judgements=own)


def _split(items: Sequence[GoldenItem], keep: Callable[[GoldenItem], bool]) -> tuple[Items, Items]:
    return [item for item in items if keep(item)], [item for item in items if not keep(item)]


def _emptied(queries: int, guarded: Guarded, entries: Sequence[LedgerEntry]) -> InputError:
    """The error of a training set without a query."""
    counts = Counter(entry.code for entry in entries)
    shown = ", ".join(f"{code}: {count}" for code, count in sorted(counts.items()))
    hint = ""
    if counts["protected-document"]:
        hint = (
            f". The documents of the protected sets are protected, too; {given('protect_scope', 'queries')} protects "
            "only their queries"
        )
    elif guarded.leaks:
        hint = ". Export a set with other queries than the protected ones"
    return InputError(f"none of the {queries:,} queries is left to train on ({shown}){hint}")


def split_by_document(labelled: Labelled, chunks: Chunks, share: float, rng: np.random.Generator) -> Flags:
    """Choose the queries for validation, so that no document is relevant in both splits.

    Queries that share a relevant document stay together, so the share is met as closely as their groups allow. The
    largest group always stays in the training split.

    Returns:
        bool (q,), whether a query is for validation.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    q = len(labelled.task.queries)
    document = chunks.document_index[labelled.chunk]
    size = q + len(chunks.document_ids)
    ones = np.ones(len(document), dtype=np.int8)
    graph = coo_matrix((ones, (labelled.query, q + document)), shape=(size, size))
    group = connected_components(graph, directed=False)[1][:q]
    names, sizes = np.unique(group, return_counts=True)
    order = rng.permutation(len(names))
    order = order[order != int(sizes.argmax())]
    room = round(share * q)
    chosen = []
    for at in order.tolist():
        if sizes[at] <= room:
            chosen.append(names[at])
            room -= int(sizes[at])
    return np.isin(group, chosen)


def chunk_run(run: Run, chunks: Chunks) -> Run:
    """A run whose items are rows of chunks. Other items are dropped.

    Raises:
        InputError: it ranks documents, and they have several chunks.
    """
    if run.unit == "document":
        if len(chunks) != len(chunks.document_ids):
            raise InputError(
                "the retriever ranks whole documents, and they have several chunks. Use a retriever that ranks chunks, "
                f"or {given('chunker', 'whole')}"
            )
        place = {chunks.document_ids[at]: row for row, at in enumerate(chunks.document_index.tolist())}
    else:
        place = chunks.row
    to = np.array([place.get(id_, -1) for id_ in run.item_ids], dtype=np.int32)
    kept = run.where(to[run.items] >= 0)
    return Run(kept.query_ids, kept.offsets, to[kept.items], kept.scores, list(chunks.ids))
