"""What seed queries, without labels, tell about how people ask: how long, and whether they copy what answers them.

A query's *lead* is the share of its stems (each weighing as much as it is rare)
that the document with the largest such share has, less that of the second. Who
repeats the words of one document leads by much; who asks about a topic in own
words does not, although some document always has half of them by chance.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ragbench.core.seeds import generator
from ragbench.golden.masked_clauses import Clauses, lengths_of
from ragbench.golden.overlap import ContentWords

LEAST_SEEDS = 10
"""Fewer say nothing about a mean."""
LEAST_LENGTH = 3
OVERLAPS = (0.7, 0.8)
"""Tried in this order: clauses of less overlap rank settings worse than sentences do, and beyond the last, the nearest
clause is seldom near."""
SAMPLE = 400
"""Documents whose clauses are measured."""
CONFIDENCE = 1.645
"""Standard errors that the seeds' lead is lowered by: 95%, one-sided."""
CELLS = 20_000_000
"""Shares held in memory at a time."""


@dataclass(frozen=True)
class SeedShape:
    """What the seed queries look like beside the corpus.

    Attributes:
        lengths: content words of each seed, at least `LEAST_LENGTH`.
        lead, error: mean lead of the seeds and its standard error.
        leads: mean lead of clauses as long as the seeds, for each of `OVERLAPS`.
        overlap: the largest of `OVERLAPS` whose lead the seeds reach with confidence; None if they do not reach the
            first, so that there is no sign that they copy.
    """

    lengths: tuple[int, ...]
    lead: float
    error: float
    leads: tuple[float, ...]
    overlap: float | None


def shape_of(clauses: Clauses, seeds: Sequence[str], seed: int, language: str) -> SeedShape | None:
    """The shape of the seeds, or None where fewer than `LEAST_SEEDS` have content words or one document can be asked.

    Holds `CELLS` shares of 8 bytes at a time.
    """
    lengths = np.maximum(lengths_of(seeds, language), LEAST_LENGTH)
    able = np.unique(clauses.pool.group[clauses.pool.rows()])
    if len(lengths) < LEAST_SEEDS or len(able) < 2:
        return None
    documents = _Documents.of(clauses)
    theirs = documents.leads_of_texts(seeds, clauses.stems.vocabulary, language)
    lead, error = float(theirs.mean()), float(theirs.std(ddof=1) / np.sqrt(len(theirs)))
    rng = generator(seed, "struck", "sample")
    drawn = np.zeros(documents.count, dtype=bool)
    drawn[rng.choice(able, size=min(SAMPLE, len(able)), replace=False)] = True
    windows = clauses.windows(rng.choice(lengths, size=documents.count), drawn)
    leads = tuple(
        float(documents.leads_of_clauses(clauses, windows.first[at], windows.last[at], windows.stems[at]).mean())
        for at in (clauses.nearest(windows, overlap) for overlap in OVERLAPS)
    )
    reached = [o for o, least in zip(OVERLAPS, leads, strict=True) if lead - CONFIDENCE * error > least]
    return SeedShape(tuple(sorted(lengths.tolist())), lead, error, leads, max(reached, default=None))


@dataclass(frozen=True, eq=False)
class _Documents:
    """Which document has which stem.

    Attributes:
        has: scipy sparse (stems, documents) of ones.
        rarity: (stems,) weight of each.
        count: number of documents.
    """

    has: Any
    rarity: npt.NDArray[np.float64]
    count: int

    @classmethod
    def of(cls, clauses: Clauses) -> "_Documents":
        import scipy.sparse

        stems, group = clauses.stems, clauses.pool.group
        width, count = len(stems.vocabulary), int(group.max()) + 1
        pairs = np.unique(stems.word * count + group[stems.row])
        shape = (width, count)
        has = scipy.sparse.csr_array((np.ones(len(pairs)), (pairs // count, pairs % count)), shape=shape)
        return cls(has, clauses.rarity, count)

    def leads_of_texts(
        self, texts: Sequence[str], vocabulary: tuple[str, ...], language: str
    ) -> npt.NDArray[np.float64]:
        """(n,) leads of texts; those without content words are left out."""
        words = ContentWords.of(texts, language)
        id_of = {stem: row for row, stem in enumerate(vocabulary)}
        ids = np.array([id_of.get(stem, -1) for stem in words.vocabulary], dtype=np.int64)[words.word]
        # A word that no document has is as rare as can be.
        weight = np.where(ids >= 0, self.rarity[ids], np.log(1 + self.count))
        total = np.bincount(words.row, weights=weight, minlength=words.texts).astype(np.float64)
        known = ids >= 0
        asked = self._asked(words.row[known], ids[known], words.texts)
        return self._leads(asked, total)[total > 0]

    def leads_of_clauses(
        self,
        clauses: Clauses,
        first: npt.NDArray[np.int64],
        last: npt.NDArray[np.int64],
        share: npt.NDArray[np.float64],
    ) -> npt.NDArray[np.float64]:
        """(n,) leads of clauses, each masked from its own document, which then has the given share of it."""
        stem = clauses.stems.word[clauses.stem]
        size = last - first + 1
        row = np.repeat(np.arange(len(first)), size)
        at = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size) + np.repeat(first, size)
        pairs = np.unique(row * len(self.rarity) + stem[at])
        row, id_ = pairs // len(self.rarity), pairs % len(self.rarity)
        total = np.bincount(row, weights=self.rarity[id_], minlength=len(first)).astype(np.float64)
        own = clauses.pool.group[clauses.pool_row(first)]
        return self._leads(self._asked(row, id_, len(first)), total, own, share)

    def _asked(self, row: npt.NDArray[np.int64], stem: npt.NDArray[np.int64], count: int) -> Any:
        import scipy.sparse

        return scipy.sparse.csr_array((self.rarity[stem], (row, stem)), shape=(count, len(self.rarity)))

    def _leads(
        self,
        asked: Any,
        total: npt.NDArray[np.float64],
        own: npt.NDArray[np.int64] | None = None,
        share: npt.NDArray[np.float64] | None = None,
    ) -> npt.NDArray[np.float64]:
        leads = np.zeros(len(total))
        block = max(1, CELLS // self.count)
        for low in range(0, len(total), block):
            rows = slice(low, min(low + block, len(total)))
            shares = (asked[rows] @ self.has).toarray() / np.where(total[rows] > 0, total[rows], 1.0)[:, None]
            if own is not None and share is not None:
                shares[np.arange(len(shares)), own[rows]] = share[rows]
            best = np.partition(shares, -2, axis=1)[:, -2:]
            leads[rows] = best[:, 1] - best[:, 0]
        return leads
