"""The one ranking order: score descending, equal scores by id descending.

This is trec_eval's rule. Scores compare in the precision they have: those of a run file are doubles, as in trec_eval
10; a run of single-precision scores compares them as trec_eval 9 does. Ids compare by their UTF-8 bytes, which is the
order of Python strings. The rank column of a run file is never read.

Source: trec_eval 9 and 10, ``form_res_rels.c`` (``comp_sim_docno``).
"""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.floating[Any]]
"""float32 or float64."""

BLOCK_CELLS = 1 << 21
"""Cells of the scratch table for look-ups by row."""


def canonical_order(
    query_index: npt.NDArray[np.int64],
    items: npt.NDArray[np.int32],
    scores: Scores,
    item_ids: Sequence[str],
) -> npt.NDArray[np.int64] | None:
    """Return the permutation that puts rows in canonical order, or None if they already are.

    Args:
        query_index: (n,) query of each row.
        items: (n,) index into ``item_ids``.
        scores: float32 or float64 (n,) without NaN.
        item_ids: the id vocabulary.
    """
    same_query = query_index[1:] == query_index[:-1]
    falls = scores[1:] < scores[:-1]
    if bool(np.all(np.where(same_query, falls, query_index[1:] > query_index[:-1]))):
        return None
    never_rises = scores[1:] <= scores[:-1]
    if bool(np.all(np.where(same_query, never_rises, query_index[1:] > query_index[:-1]))):
        order = np.arange(len(scores))  # sorted except for ties, as run files are: no sort is needed
    else:
        order = _by_score(query_index, scores)
    ranked_query, ranked_score = query_index[order], scores[order]
    tied_with_next = (ranked_query[1:] == ranked_query[:-1]) & (ranked_score[1:] == ranked_score[:-1])
    if not tied_with_next.any():
        return order
    tied = np.zeros(len(order), dtype=bool)
    tied[1:] |= tied_with_next
    tied[:-1] |= tied_with_next
    at = np.flatnonzero(tied)
    rows = order[at]
    distinct, position = np.unique(items[rows], return_inverse=True)
    names = [item_ids[item] for item in distinct.tolist()]
    by_id = sorted(range(len(names)), key=names.__getitem__)
    id_rank = np.empty(len(distinct), dtype=np.int64)
    id_rank[by_id] = np.arange(len(distinct))
    group = np.cumsum(np.concatenate(([True], ~tied_with_next)))[at]
    order[at] = rows[np.lexsort((-id_rank[position], group))]
    return order


def _by_score(query_index: npt.NDArray[np.int64], scores: Scores) -> npt.NDArray[np.int64]:
    """Sort by query, and by falling score within a query; rows with the same score keep their order.

    Single-precision scores need one sort, of a key that holds query and score; it takes an eighth of the time of
    sorting by two columns.
    """
    key = _falling(scores)
    if key.dtype == np.uint32:
        return np.argsort((query_index.astype(np.uint64) << np.uint64(32)) | key, kind="stable")
    order = np.argsort(key, kind="stable")
    return order[np.argsort(query_index[order], kind="stable")]


def _falling(scores: Scores) -> npt.NDArray[np.unsignedinteger[Any]]:
    """Make an integer of the same size from each score that ascends with falling score.

    Read as an integer, the bits of a positive float ascend with its value, and those of a negative one descend.
    Adding zero makes -0.0 equal to 0.0.
    """
    whole: type[np.unsignedinteger[Any]] = np.uint32 if scores.dtype == np.float32 else np.uint64
    bits = (scores + scores.dtype.type(0)).view(whole)
    sign = whole(1 << (8 * bits.itemsize - 1))
    return np.where(bits & sign, bits, ~bits & ~sign)


def first_of_each(
    query_index: npt.NDArray[np.int64], items: npt.NDArray[np.int32], width: int
) -> npt.NDArray[np.bool_] | None:
    """Return a mask of the first row of each (query, item) pair, or None if no pair repeats.

    Args:
        query_index: (n,) ascending.
        items: (n,) index below ``width``.
        width: size of the item vocabulary.
    """
    n = len(items)
    if n == 0:
        return None
    rows_per_block = max(1, BLOCK_CELLS // max(width, 1))
    queries = int(query_index[-1]) + 1
    bounds = np.searchsorted(query_index, np.arange(0, queries + rows_per_block, rows_per_block))
    table = np.empty(min(rows_per_block, queries) * width, dtype=np.int64)
    keep = np.ones(n, dtype=bool)
    for block, (low, high) in enumerate(itertools.pairwise(bounds.tolist())):
        if low == high:
            continue
        cell = (query_index[low:high] - block * rows_per_block) * width + items[low:high]
        # Written in reverse, so that the first row of a pair stays in its cell.
        table[cell[::-1]] = np.arange(high - 1, low - 1, -1)
        keep[low:high] = table[cell] == np.arange(low, high)
    return None if keep.all() else keep
