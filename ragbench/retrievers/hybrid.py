"""Hybrid retrieval: fuse the rankings of several retrievers into one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from ragbench.core.context import Context
from ragbench.core.documents import Chunks
from ragbench.core.errors import ArmError, SettingError
from ragbench.core.fingerprint import fingerprint
from ragbench.core.runs import Query, Run
from ragbench.plugins import RETRIEVERS, build
from ragbench.retrievers.base import Index, Ranking, Retriever


@dataclass(frozen=True)
class Hybrid(Retriever):
    """Fuse the rankings of any retrievers.

    ``rrf`` adds ``weight / (rrf_k + rank)`` over the lists, ranks from 1; an
    absent item adds 0. ``minmax`` and ``zscore`` add ``weight * s`` where s is
    the score scaled within its list: to 0..1, an absent item counting 0 and
    every item of a constant list 1; or to mean 0 and deviation 1, an absent
    item counting as the lowest of the list and every item of a constant list 0.

    Attributes:
        of: specs of the retrievers.
        fusion: the rule.
        weights: one per retriever; empty means equal. Tune them only on queries
            that are not the ones reported.
        rrf_k: the constant of ``rrf``.
        depth: how many items of each list are fused. Deeper items follow in the order of their reciprocal ranks.

    Source: Cormack et al. 2009 for reciprocal rank fusion; Fox and Shaw 1994
    for sums of scaled scores.
    """

    of: tuple[str, ...] = ("bm25", "dense")
    fusion: Literal["rrf", "minmax", "zscore"] = "rrf"
    weights: tuple[float, ...] = ()
    rrf_k: float = 60
    depth: int = 100

    @property
    def parts(self) -> list[Retriever]:
        """The retrievers that ``of`` names."""
        return [build(RETRIEVERS, spec) for spec in self.of]

    def check(self) -> list[str]:
        """Check its own settings and those of every part."""
        faults = []
        if len(self.of) < 2:
            faults.append(f"of names {len(self.of)} retrievers; fusion needs at least two")
        if self.weights and len(self.weights) != len(self.of):
            faults.append(f"{len(self.weights)} weights for {len(self.of)} retrievers")
        if any(weight < 0 for weight in self.weights) or (self.weights and not sum(self.weights)):
            faults.append("weights must be 0 or more, and one above 0")
        if self.rrf_k < 0:
            faults.append(f"rrf_k is {self.rrf_k}; it must be 0 or more")
        if self.depth < 1:
            faults.append(f"depth is {self.depth}; it must be at least 1")
        for spec in self.of:
            try:
                faults += [f"{spec}: {fault}" for fault in build(RETRIEVERS, spec).check()]
            except SettingError as error:
                faults.append(str(error))
        return faults

    def key(self) -> str:
        """Fingerprint of the settings and of the keys of the parts."""
        return fingerprint([self, [part.key() for part in self.parts]])

    def index(self, chunks: Chunks, context: Context) -> "HybridIndex":
        """Index with every part.

        Raises:
            ArmError: some parts return chunks, others documents.
        """
        parts = [part.index(chunks, context) for part in self.parts]
        if len({part.unit for part in parts}) > 1:
            found = ", ".join(f"{spec!r} returns {part.unit}s" for spec, part in zip(self.of, parts, strict=True))
            for part in parts:
                part.close()
            raise ArmError(f"rankings of chunks and of documents cannot be fused: {found}")
        return HybridIndex(self, parts, chunks.ids if parts[0].unit == "chunk" else chunks.document_ids)


class HybridIndex(Index):
    """The indexes of the parts.

    The parts apply the exclusions, so that the depth of fusion, and with it a
    query's ranking, does not depend on the exclusions of other queries.
    """

    excludes = True

    def __init__(self, settings: Hybrid, parts: list[Index], item_ids: Sequence[str]) -> None:
        super().__init__(item_ids, parts[0].unit)
        self._settings, self.parts = settings, parts
        self._take_notes()

    def rank(self, queries: Sequence[Query], k: int) -> Ranking:
        """Rank by fusion. Each part applies the exclusions, so that ranks count only items that may be shown."""
        settings = self._settings
        runs = [part.search(queries, max(k, settings.depth)) for part in self.parts]
        self._take_notes()
        self.item_ids, rows = one_vocabulary(self.item_ids, runs)
        weights = [
            np.full(len(run.items), w) for w, run in zip(settings.weights or (1.0,) * len(runs), runs, strict=True)
        ]
        failures = {
            position: f"{spec}: {run.failures[query.id]}"
            for position, query in enumerate(queries)
            for spec, run in zip(settings.of, runs, strict=True)
            if query.id in run.failures
        }
        owners = [run.query_index for run in runs]
        rows_of_parts = fused_rows(
            runs, owners, rows, weights, fusion=settings.fusion, rrf_k=settings.rrf_k, depth=settings.depth
        )
        return fuse(rows_of_parts, len(queries), failures)

    def close(self) -> None:
        """Close the parts."""
        for part in self.parts:
            part.close()

    def _take_notes(self) -> None:
        for spec, part in zip(self._settings.of, self.parts, strict=True):
            self.notes.update({f"{spec}.{key}": value for key, value in part.notes.items()})


def scaled(run: Run, rule: Literal["minmax", "zscore"]) -> npt.NDArray[np.float64]:
    """Scale the scores (n,) of a run within each query, relative to an absent item's.

    For ``zscore`` the lowest of each list is subtracted, so that an absent item
    counts as the lowest by adding nothing.
    """
    scores = run.scores.astype(np.float64)
    occupied = np.flatnonzero(run.lengths)
    starts, counts = run.offsets[:-1][occupied], run.lengths[occupied]

    def spread(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.repeat(values, counts)

    if len(scores) == 0:
        return scores
    low = np.minimum.reduceat(scores, starts)
    if rule == "minmax":
        width = spread(np.maximum.reduceat(scores, starts) - low)
        return np.where(width > 0, (scores - spread(low)) / np.where(width > 0, width, 1), 1.0)
    mean = np.add.reduceat(scores, starts) / counts
    deviation = spread(np.sqrt(np.add.reduceat((scores - spread(mean)) ** 2, starts) / counts))
    return np.where(deviation > 0, (scores - spread(low)) / np.where(deviation > 0, deviation, 1), 0.0)


class Rows(NamedTuple):
    """The rows of all parts, one after another; every column is (n,).

    Attributes:
        query, item: the query, and the item that was retrieved for it.
        value: the row's contribution to the fused score.
        head: whether the row is within the fused depth.
        reciprocal: weighted reciprocal rank, which orders deeper rows.
    """

    query: npt.NDArray[np.int64]
    item: npt.NDArray[np.int32]
    value: npt.NDArray[np.float64]
    head: npt.NDArray[np.bool_]
    reciprocal: npt.NDArray[np.float64]


def fused_rows(
    runs: Sequence[Run],
    owners: Sequence[npt.NDArray[np.int64]],
    items: Sequence[npt.NDArray[np.int32]],
    weights: Sequence[npt.NDArray[np.float64]],
    *,
    fusion: Literal["rrf", "minmax", "zscore"],
    rrf_k: float,
    depth: int,
) -> Rows:
    """Compute the contribution of each row of each list.

    Args:
        runs: the lists.
        owners: (n,) for each run, the query that a row counts for.
        items: (n,) for each run, its items over one vocabulary.
        weights: (n,) for each run, of the list that a row stands in.
        fusion: see `Hybrid`.
        rrf_k: see `Hybrid`.
        depth: see `Hybrid`.
    """
    heads = [run.ranks <= depth for run in runs]
    reciprocal = [weight / (rrf_k + run.ranks) for weight, run in zip(weights, runs, strict=True)]
    values = reciprocal
    if fusion != "rrf":
        values = [np.zeros(len(run.items)) for run in runs]
        for weight, run, head, value in zip(weights, runs, heads, values, strict=True):
            value[head] = weight[head] * scaled(run.top(depth), fusion)
    return Rows(
        query=np.concatenate(owners),
        item=np.concatenate(items),
        value=np.concatenate(values),
        head=np.concatenate(heads),
        reciprocal=np.concatenate(reciprocal),
    )


def fuse(rows: Rows, queries: int, failures: dict[int, str]) -> Ranking:
    """Sum the values of each (query, item) pair within the depth, and append deeper items below.

    A longer ranking thus begins like the shorter one. Fused scores are 0 or more,
    and deeper items get negative ones.
    """
    width = int(rows.item.max(initial=0)) + 1
    pairs, position = np.unique(rows.query * width + rows.item, return_inverse=True)

    def total(weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.bincount(position, weights=weights, minlength=len(pairs)).astype(np.float64)

    fused = total(np.where(rows.head, rows.value, 0.0))
    deeper = total(rows.head.astype(np.float64)) == 0
    fused[deeper] = -1 / np.maximum(total(rows.reciprocal)[deeper], 1e-9)
    query = pairs // width
    counts = np.bincount(query, minlength=queries)
    column = np.arange(len(pairs)) - np.repeat(np.cumsum(counts) - counts, counts)
    items = np.full((queries, int(counts.max(initial=0))), -1, dtype=np.int32)
    scores = np.zeros(items.shape, dtype=np.float32)
    items[query, column] = pairs % width
    scores[query, column] = fused
    return Ranking(items, scores, failures)


def one_vocabulary(item_ids: Sequence[str], runs: list[Run]) -> tuple[Sequence[str], list[npt.NDArray[np.int32]]]:
    """Map the rows of all runs to one id vocabulary. Services may return ids that the corpus lacks."""
    if all(run.item_ids is item_ids for run in runs):
        return item_ids, [run.items for run in runs]
    row = {id_: i for i, id_ in enumerate(item_ids)}
    mapped = []
    for run in runs:
        names = [row.setdefault(run.item_ids[item], len(row)) for item in run.items]
        mapped.append(np.array(names, dtype=np.int32))
    return list(row), mapped
