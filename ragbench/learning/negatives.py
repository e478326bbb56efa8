"""Negatives for training: judged ones, hard ones from the ranking of a retriever, and random ones.

A document that a retriever ranks high and that nobody labelled may well be relevant. Such false negatives are kept out:
by the rank, by a score that comes close to that of the positive (Moreira et al. 2024), and by a text that is nearly
that of a positive.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from ragbench.core.brief import brief
from ragbench.core.documents import Chunks
from ragbench.core.judgements import Judgements
from ragbench.core.runs import Run
from ragbench.learning.query_forms import tokens_of

Rows = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Sampling = Literal["top", "random"]

JUDGED, HARD, RANDOM = 0, 1, 2
ORIGINS = ("judged", "hard", "random")
NEAR_COPY = 0.8
"""Least Jaccard similarity of the words of two texts that are nearly the same."""


@dataclass(frozen=True)
class NegativeRules:
    """How negatives are chosen.

    Attributes:
        ranks: first and last rank of hard negatives.
        margin: most share of the score of the best positive that a hard negative may have; None checks no score.
        sampling: whether the first ones of the window are taken, or random ones.
        random: random negatives for each query, besides the others.
    """

    ranks: tuple[int, int] = (10, 100)
    margin: float | None = 0.95
    sampling: Sampling = "top"
    random: int = 0


@brief
@dataclass(frozen=True, eq=False)
class Negatives:
    """The negatives of all queries.

    Attributes:
        query: (n,) query of each, ascending.
        chunk: (n,) its chunk.
        origin: (n,) `JUDGED`, `HARD` or `RANDOM`.
        rank: (n,) rank of a hard one, from 1; 0 for the others.
        refused: candidates in the window that were refused, by reason.
        unranked: queries without a ranked positive, which have no hard negatives if scores are checked.
        judged: candidates in the window that have a label.
        relevant: those of them that are relevant.
    """

    query: Rows
    chunk: Rows
    origin: npt.NDArray[np.int8]
    rank: Rows
    refused: dict[str, int]
    unranked: int
    judged: int
    relevant: int


def choose_negatives(
    labels: Judgements,
    run: Run,
    chunks: Chunks,
    allowed: Flags,
    excluded: Sequence[Sequence[int]],
    counts: Rows,
    rules: NegativeRules,
    rng: np.random.Generator,
) -> Negatives:
    """Choose the negatives of every query.

    Args:
        labels: labels of chunks; items are rows of ``chunks``, and larger ones are skipped.
        run: rankings of the same queries in the same order, of rows of ``chunks``.
        chunks: the chunks.
        allowed: (n,) chunks that may be in training data at all.
        excluded: rows of chunks that a query must not have.
        counts: (q,) negatives of each query: judged ones, then hard ones, then random ones.
        rules: how they are chosen.
        rng: draws the random ones.
    """
    n = len(chunks)
    known = labels.items < n
    pairs = labels.query_index[known] * n + labels.items[known]
    relevant = labels.labels[known] > 0
    positive, judged = np.unique(pairs[relevant]), np.unique(pairs[~relevant])
    # No chunk of a document with a positive is a negative unless it was judged to be one.
    own = np.unique(positive // n * len(chunks.document_ids) + chunks.document_index[positive % n])
    hidden = np.array([at * n + row for at, rows in enumerate(excluded) for row in rows], dtype=np.int64)

    query, chunk, rank, scores = run.query_index, run.items.astype(np.int64), run.ranks, run.scores.astype(np.float64)
    cell = query * n + chunk
    is_positive = np.isin(cell, positive)
    best = np.full(len(run), -np.inf)
    np.maximum.at(best, query[is_positive], scores[is_positive])
    ranked = np.isfinite(best)
    low, high = rules.ranks
    window = (rank >= low) & (rank <= high)
    in_judged = np.isin(cell, judged)
    with_label, with_positive = int((window & (is_positive | in_judged)).sum()), int((window & is_positive).sum())
    alive = window & ~is_positive & ~in_judged
    refused: dict[str, int] = {}

    def refuse(which: Flags, why: str) -> None:
        nonlocal alive
        refused[why] = int((alive & which).sum())
        alive &= ~which

    refuse(~allowed[chunk], "protected")
    refuse(np.isin(query * len(chunks.document_ids) + chunks.document_index[chunk], own), "document-of-a-positive")
    refuse(np.isin(cell, hidden), "masked-or-excluded")
    if rules.margin is not None:
        limit = best - (1 - rules.margin) * np.abs(np.where(ranked, best, 0.0))
        refuse(~ranked[query] | (scores > limit[query]), "close-to-the-positive")
    at = np.flatnonzero(alive)
    if rules.sampling == "random":
        at = at[np.lexsort((rng.random(len(at)), query[at]))]
    first = judged[allowed[judged % n] & ~np.isin(judged, hidden)]
    taken = up_to(first // n, counts[first // n])
    first = first[taken]
    have = np.bincount(first // n, minlength=len(run))
    chosen, copies = _without_copies(query[at], chunk[at], counts - have, positive, n, chunks)
    refused["near-copy-of-a-positive"] = copies
    at = at[chosen]
    have += np.bincount(query[at], minlength=len(run))
    want = rules.random + np.maximum(counts - have, 0)
    used = np.concatenate([positive, judged, cell[at], hidden])
    drawn = _random(want, used, own, allowed, chunks, rng)
    everything = np.concatenate([first, cell[at], drawn])
    origin = np.repeat(np.array([JUDGED, HARD, RANDOM], dtype=np.int8), [len(first), len(at), len(drawn)])
    ranks = np.concatenate([np.zeros(len(first), np.int64), rank[at], np.zeros(len(drawn), np.int64)])
    order = np.argsort(everything // n, kind="stable")
    everything = everything[order]
    return Negatives(
        everything // n, everything % n, origin[order], ranks[order], {k: v for k, v in refused.items() if v},
        int((~ranked).sum()), with_label, with_positive,
    )  # fmt: skip


def up_to(groups: Rows, most: int | Rows) -> Flags:
    """Mark the first rows of each group; equal groups are adjacent and ascending. ``most`` may be one for each row."""
    if not len(groups):
        return np.zeros(0, dtype=bool)
    starts = np.flatnonzero(np.r_[True, groups[1:] != groups[:-1]])
    place = np.arange(len(groups)) - np.repeat(starts, np.diff(np.r_[starts, len(groups)]))
    return np.asarray(place < most)


def _without_copies(
    query: Rows, chunk: Rows, need: Rows, positive: Rows, n: int, chunks: Chunks
) -> tuple[Rows, int]:  # fmt: skip
    """Take the first candidates of each query that are no near copy of one of its positives.

    Returns:
        The places of those that were taken, and the number of copies.
    """
    near = _NearCopies(chunks, positive, n)
    alive = np.ones(len(query), dtype=bool)
    checked = np.zeros(len(query), dtype=bool)
    copies = 0
    while True:
        places = np.flatnonzero(alive)
        places = places[up_to(query[places], need[query[places]])]
        new = places[~checked[places]]
        if not len(new):
            return places, copies
        checked[new] = True
        bad = new[near(query[new], chunk[new])]
        alive[bad] = False
        copies += len(bad)


class _NearCopies:
    """Compares texts with the positives of a query by the Jaccard similarity of their words."""

    def __init__(self, chunks: Chunks, positive: Rows, n: int) -> None:
        self.texts, self.positive, self.n = chunks.texts, positive, n
        self.bags: dict[int, frozenset[str]] = {}

    def _bag(self, row: int) -> frozenset[str]:
        found = self.bags.get(row)
        if found is None:
            found = self.bags[row] = frozenset(tokens_of(self.texts[row]))
        return found

    def __call__(self, query: Rows, chunk: Rows) -> Flags:
        starts = np.searchsorted(self.positive, query * self.n).tolist()
        ends = np.searchsorted(self.positive, (query + 1) * self.n).tolist()
        rows = (self.positive % self.n).tolist()
        return np.fromiter(
            (
                any(self._alike(self._bag(one), self._bag(rows[at])) for at in range(start, end))
                for one, start, end in zip(chunk.tolist(), starts, ends, strict=True)
            ),
            bool,
            len(query),
        )

    @staticmethod
    def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
        if min(len(one), len(other)) < NEAR_COPY * max(len(one), len(other)):
            return False
        shared = len(one & other)
        return shared >= NEAR_COPY * (len(one) + len(other) - shared)


def _random(
    want: Rows, used: Rows, own: Rows, allowed: Flags, chunks: Chunks, rng: np.random.Generator
) -> Rows:  # fmt: skip
    """Draw chunks for each query that it does not have yet, and not from a document with a positive.

    Returns:
        ``query * n + chunk`` of each, ascending; fewer than wanted if there are no more chunks.
    """
    n, documents = len(chunks), len(chunks.document_ids)
    pool = np.flatnonzero(allowed)
    found = np.empty(0, dtype=np.int64)
    need = want.astype(np.int64)
    if not len(pool):
        return found
    for _ in range(20):
        if not need.any():
            break
        query = np.repeat(np.arange(len(need)), np.minimum(2 * need + 2, 4 * len(pool)) * (need > 0))
        chunk = rng.choice(pool, size=len(query))
        cell = query * n + chunk
        bad = np.isin(cell, used) | np.isin(cell, found)
        bad |= np.isin(query * documents + chunks.document_index[chunk], own)
        cell = np.unique(cell[~bad])
        order = np.lexsort((rng.random(len(cell)), cell // n))
        cell = cell[order]
        cell = cell[up_to(cell // n, need[cell // n])]
        found = np.concatenate([found, cell])
        need = need - np.bincount(cell // n, minlength=len(need))
    return np.sort(found)
