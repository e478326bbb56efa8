"""The rankings of all systems as columns of a page, over one vocabulary of items."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ragbench.core.judgements import Judgements
from ragbench.core.runs import Run
from ragbench.core.scored import ScoredRun

DEPTH = 20
"""Number of ranks of each ranking on the page."""
RELEVANT = 20
"""Most relevant items of a query that the page names."""
NOT_JUDGED = -128
Int32 = npt.NDArray[np.int32]


@dataclass(eq=False)
class Items:
    """The items that the page names. Items with the same id from two chunkings are two items.

    Attributes:
        ids: of each.
        owner: place (in the report) of the first system whose items these are.
        best: best rank that any system gives it; 0 for an item that must be found.
    """

    ids: list[str] = field(default_factory=list)
    owner: list[int] = field(default_factory=list)
    best: dict[int, int] = field(default_factory=dict)
    _rows: dict[tuple[object, str], int] = field(default_factory=dict)

    def rows(self, corpus: object, owner: int, ids: Sequence[str]) -> Int32:
        """Return the rows of these ids; new ids are appended."""
        known = self._rows
        for id_ in ids:
            if (corpus, id_) not in known:
                known[corpus, id_] = len(self.ids)
                self.ids.append(id_)
                self.owner.append(owner)
        return np.fromiter((known[corpus, id_] for id_ in ids), np.int32, len(ids))

    def seen(self, rows: Int32, ranks: npt.NDArray[np.int64]) -> None:
        """Record the ranks of items."""
        if not len(rows):
            return
        order = np.lexsort((ranks, rows))
        names, first = np.unique(rows[order], return_index=True)
        for row, rank in zip(names.tolist(), ranks[order][first].tolist(), strict=True):
            self.best[row] = min(rank, self.best.get(row, rank))


@dataclass(frozen=True, eq=False)
class Packed:
    """Columns of the page.

    Attributes:
        items: the vocabulary.
        arrays: by name; those of system ``i`` end in ``:i``. ``count`` (q,) items shown, ``item``, ``label`` and
            ``score`` (their sum,), ``first`` (q,) rank of the first relevant item, 0 for none.
        relevant: ``relevant:g`` and so on of each group of systems that share labels: ``relevant_count`` (q,),
            ``relevant_total`` (q,), ``relevant_item``, ``relevant_grade``.
        group: group of labels of each system; -1 for one without rankings.
    """

    items: Items
    arrays: Mapping[str, npt.NDArray[np.generic]]
    group: tuple[int, ...]


def pack_rankings(runs: Sequence[ScoredRun]) -> Packed:
    """Return the first `DEPTH` items of every ranking with label and score, and the relevant items."""
    items = Items()
    arrays: dict[str, npt.NDArray[np.generic]] = {}
    groups: dict[object, int] = {}
    group = []
    for place, run in enumerate(runs):
        if run.run is None:
            group.append(-1)
            continue
        corpus = _corpus(run)
        judged = run.judgements or Judgements.from_dict({id_: {} for id_ in run.queries.ids})
        key = (corpus, judged.fingerprint)
        if key not in groups:
            groups[key] = len(groups)
            found = _relevant(judged, run.queries.ids, items, corpus, place)
            arrays |= {f"{name}:{groups[key]}": column for name, column in found.items()}
        group.append(groups[key])
        arrays |= {
            f"{name}:{place}": column for name, column in _ranking(run.run, judged, items, corpus, place).items()
        }
    return Packed(items, arrays, tuple(group))


def _corpus(run: ScoredRun) -> object:
    chunks = run.manifest.get("chunks")
    unit = run.run.unit if run.run is not None else ""
    return (chunks.get("fingerprint") if isinstance(chunks, dict) else run.name, unit)


def _ranking(
    run: Run, judged: Judgements, items: Items, corpus: object, place: int
) -> dict[str, npt.NDArray[np.generic]]:
    lengths = np.diff(run.offsets)
    query = np.repeat(np.arange(len(run)), lengths)
    rank = np.arange(len(run.items)) - np.repeat(run.offsets[:-1], lengths) + 1
    labels = _labels(run, judged, query)
    relevant = np.flatnonzero((labels > 0) & (labels != NOT_JUDGED))
    first = np.zeros(len(run), dtype=np.int32)
    # From the worst to the best, so that the best is what stays.
    first[query[relevant[::-1]]] = rank[relevant[::-1]]
    kept = rank <= DEPTH
    used, within = np.unique(run.items[kept], return_inverse=True)
    rows = items.rows(corpus, place, [run.item_ids[item] for item in used.tolist()])[within]
    items.seen(rows, rank[kept])
    return {
        "count": np.minimum(lengths, DEPTH).astype(np.int8),
        "item": rows,
        "label": np.clip(labels[kept], NOT_JUDGED, 127).astype(np.int8),
        "score": rounded(run.scores[kept]),
        "first": first,
    }


def rounded(scores: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Round scores to 12 bits of mantissa (three and a half digits), which halves their compressed size."""
    bits = np.ascontiguousarray(scores, np.float32).view(np.uint32)
    kept: npt.NDArray[np.float32] = ((bits + np.uint32(0x800)) & np.uint32(0xFFFFF000)).view(np.float32)
    finite: npt.NDArray[np.float32] = np.where(np.isfinite(scores), kept, scores).astype(np.float32)
    return finite


def _labels(run: Run, judged: Judgements, query: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the label of each row of the run (n,); `NOT_JUDGED` if there is none."""
    row = {id_: i for i, id_ in enumerate(judged.item_ids)}
    place = {id_: i for i, id_ in enumerate(run.query_ids)}
    vocabulary = np.fromiter((row.get(id_, -1) for id_ in run.item_ids), np.int64, len(run.item_ids))
    asked = np.fromiter((place.get(id_, -1) for id_ in judged.query_ids), np.int64, len(judged.query_ids))
    width = max(len(judged.item_ids), 1)
    of_label = asked[judged.query_index]
    keys = of_label * width + judged.items
    order = np.argsort(keys, kind="stable")
    keys, labels = keys[order], judged.labels[order].astype(np.int64)
    wanted = query * width + vocabulary[run.items]
    at = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
    if not len(keys):
        return np.full(len(wanted), NOT_JUDGED, dtype=np.int64)
    known = (keys[at] == wanted) & (vocabulary[run.items] >= 0)
    return np.where(known, labels[at], NOT_JUDGED)


def _relevant(
    judged: Judgements, ids: Sequence[str], items: Items, corpus: object, place: int
) -> dict[str, npt.NDArray[np.generic]]:
    """Return the items with the highest grades of each query, at most `RELEVANT`."""
    row = {id_: i for i, id_ in enumerate(ids)}
    asked = np.fromiter((row.get(id_, -1) for id_ in judged.query_ids), np.int64, len(judged.query_ids))
    query = asked[judged.query_index]
    keep = np.flatnonzero((judged.labels > 0) & (query >= 0))
    keep = keep[np.lexsort((keep, -judged.labels[keep], query[keep]))]
    totals = np.bincount(query[keep], minlength=len(ids))
    within = np.arange(len(keep)) - np.repeat(np.cumsum(totals) - totals, totals)
    keep = keep[within < RELEVANT]
    used, back = np.unique(judged.items[keep], return_inverse=True)
    rows = items.rows(corpus, place, [judged.item_ids[item] for item in used.tolist()])[back]
    items.seen(rows, np.zeros(len(rows), dtype=np.int64))
    return {
        "relevant_count": np.minimum(totals, RELEVANT).astype(np.int32),
        "relevant_total": totals.astype(np.int32),
        "relevant_item": rows,
        "relevant_grade": np.clip(judged.labels[keep], 0, 127).astype(np.int8),
    }
