"""Where a ranking is cut: the first k items by the one ranking order, equal scores at the cut included.

A library that selects the k best scores leaves open which of several equal ones it takes. Here ids decide
(`ragbench.core.order`), so that the first k items do not depend on how a corpus is ordered.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
Search = Callable[[Floats, int], tuple[npt.NDArray[np.floating[Any]], npt.NDArray[np.integer[Any]]]]
"""From vectors (q, d) and k to scores (q, k), best first, and rows (q, k)."""

SPARE = 16
"""Items that are looked at beyond the cut."""
ROUNDING = 5e-6
"""How far single-precision products of unit vectors may lie from the true ones."""


def first_rows(scores: Floats, k: int, item_ids: Sequence[str]) -> Rows:
    """Rows of the k best scores that are not 0, in no order; of equal scores, those with the greatest ids.

    Args:
        scores: float32 (n,), a score for each item; 0 where there is nothing to rank.
        k: how many.
        item_ids: (n,) ids.
    """
    ranked = np.flatnonzero(scores)
    if len(ranked) <= k:
        return ranked
    found = scores[ranked]
    least = np.partition(found, len(found) - k)[len(found) - k]
    above = ranked[found > least]
    tied = ranked[found == least].tolist()
    if len(above) + len(tied) > k:
        tied = sorted(tied, key=item_ids.__getitem__, reverse=True)[: k - len(above)]
    return np.concatenate([above, np.array(tied, dtype=np.int64)])


def nearest_rows(
    search: Search, vectors: Floats, queries: Floats, k: int, item_ids: Sequence[str], among: int | None = None
) -> tuple[npt.NDArray[np.int32], Floats]:
    """The k nearest rows (q, k) of each query, best first, and their scores (q, k).

    Products are computed again in double precision for what is found, so that a score does not depend on the other
    vectors of the search. Where the scores around the cut are too close to call, the search goes deeper.

    Args:
        search: an exact search in single precision over ``vectors``, or some of them.
        vectors: float32 (n, d) of unit length.
        queries: float32 (q, d) of unit length.
        k: how many; fewer if fewer are searched.
        item_ids: (n,) ids.
        among: how many of the vectors are searched; None for all.
    """
    among = len(vectors) if among is None else among
    k = min(k, among)
    items = np.empty((len(queries), k), dtype=np.int32)
    scores = np.empty((len(queries), k), dtype=np.float32)
    open_queries, depth = np.arange(len(queries) if k else 0), min(k + SPARE, among)
    while len(open_queries):
        rough, rows = search(queries[open_queries], depth)
        unsure = []
        for at, lowest, found in zip(open_queries.tolist(), rough[:, -1].tolist(), rows, strict=True):
            exact = np.einsum("ij,j->i", vectors[found].astype(np.float64), queries[at].astype(np.float64))
            order = _in_order(exact.astype(np.float32), found, item_ids)[:k]
            items[at], scores[at] = found[order], exact[order]
            if depth < among and scores[at, -1] - lowest <= ROUNDING:
                unsure.append(at)
        open_queries, depth = np.array(unsure, dtype=np.int64), min(2 * depth, among)
    return items, scores


def _in_order(scores: Floats, rows: npt.NDArray[np.integer[Any]], item_ids: Sequence[str]) -> Rows:
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    if (ranked[1:] == ranked[:-1]).any():
        names = [item_ids[row] for row in rows.tolist()]
        by_id = np.array(sorted(range(len(names)), key=names.__getitem__, reverse=True))
        order = by_id[np.argsort(-scores[by_id], kind="stable")]
    return order
