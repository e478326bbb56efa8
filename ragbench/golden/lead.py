"""The lead of queries: whether users repeat the words of one document, seen without labels.

A query's *lead* is the share of its stems (weighted by rarity) in the document that has the most of them, minus the
share in the document that has the second most. A query that repeats the words of one document has a large lead. A query
about a topic in its own words has a small one, although some document always has half of its words by chance.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ragbench.golden.corpus_words import CorpusWords, Rows, Values
from ragbench.golden.overlap import ContentWords
from ragbench.golden.wordings import Style

LEAST_SEEDS = 10
"""With fewer seeds, a mean says nothing."""
CELLS = 1_000_000
"""Shares that are held in memory at a time."""


class SeedLead(NamedTuple):
    """The lead and the length of the seed queries.

    Attributes:
        mean, error: mean lead and its standard error.
        seeds: how many have content words.
        length, length_error: mean logarithm of 1 + the number of words, and its standard error.
    """

    mean: float
    error: float
    seeds: int
    length: float
    length_error: float

    @property
    def style(self) -> Style:
        """Their style."""
        return Style(self.mean, self.length)

    @property
    def errors(self) -> Style:
        """The standard errors of their style."""
        return Style(self.error, self.length_error)


@dataclass(frozen=True, eq=False)
class Leads:
    """What measures leads on a corpus.

    Attributes:
        words: the words of the corpus.
        has: scipy sparse matrix (stems, documents) of ones.
    """

    words: CorpusWords
    has: Any

    @classmethod
    def of(cls, words: CorpusWords) -> "Leads":
        """Look up which documents have each stem."""
        import scipy.sparse

        documents = len(words.titles)
        pairs = np.unique(words.stem * documents + words.document)
        shape = (len(words.stems), documents)
        return cls(
            words, scipy.sparse.csr_array((np.ones(len(pairs)), (pairs // documents, pairs % documents)), shape=shape)
        )

    def of_seeds(self, seeds: Sequence[str], language: str) -> SeedLead | None:
        """Measure seed queries; None if fewer than `LEAST_SEEDS` have content words, or there is only one document."""
        leads = self.of_queries(seeds, language)
        known = ~np.isnan(leads)
        if known.sum() < LEAST_SEEDS:
            return None
        lengths = log_lengths(np.array([len(text.split()) for text in seeds]))
        (lead, lead_error), (length, length_error) = _mean_and_error(leads[known]), _mean_and_error(lengths[known])
        return SeedLead(lead, lead_error, int(known.sum()), length, length_error)

    def of_queries(self, texts: Sequence[str], language: str) -> Values:
        """(n,) Measure queries; NaN for those without content words, and for all if there is only one document.

        Memory: `CELLS` shares of 8 bytes at a time.
        """
        if len(self.words.titles) < 2:
            return np.full(len(texts), np.nan)
        found = ContentWords.of(texts, language)
        id_of = {stem: row for row, stem in enumerate(self.words.stems)}
        ids = np.array([id_of.get(stem, -1) for stem in found.vocabulary], dtype=np.int64)[found.word]
        known = ids >= 0
        total = np.bincount(found.row, weights=self.words.weights(ids), minlength=found.texts).astype(np.float64)
        return np.where(total > 0, self._leads(found.row[known], ids[known], total), np.nan)

    def of_masked(self, first: Rows, last: Rows) -> Values:
        """(n,) Measure masked stretches of words. Each is missing in its own document, and in no other."""
        row, token = self.words.tokens(first, last)
        there = self.words.stem_elsewhere(first[row], last[row], token)
        width = len(self.words.stems)
        pairs, at = np.unique(row * width + self.words.stem_of[self.words.word[token]], return_index=True)
        row, stem, there = pairs // width, pairs % width, there[at]
        weight = self.words.rarity[stem]
        total = np.bincount(row, weights=weight, minlength=len(first)).astype(np.float64)
        own = np.searchsorted(self.words.bounds, first, side="right") - 1
        share = np.bincount(row, weights=weight * there, minlength=len(first)) / np.where(total > 0, total, 1.0)
        return self._leads(row, stem, total, own, share)

    def _leads(
        self,
        row: Rows,
        stem: Rows,
        total: Values,
        own: npt.NDArray[np.int64] | None = None,
        share: Values | None = None,
    ) -> Values:
        import scipy.sparse

        shape = (len(total), len(self.words.stems))
        asked = scipy.sparse.csr_array((self.words.rarity[stem], (row, stem)), shape=shape)
        leads = np.zeros(len(total))
        block = max(1, CELLS // len(self.words.titles))
        for low in range(0, len(total), block):
            rows = slice(low, min(low + block, len(total)))
            shares = (asked[rows] @ self.has).toarray() / np.where(total[rows] > 0, total[rows], 1.0)[:, None]
            if own is not None and share is not None:
                shares[np.arange(len(shares)), own[rows]] = share[rows]
            best = np.partition(shares, -2, axis=1)[:, -2:]
            leads[rows] = best[:, 1] - best[:, 0]
        return leads


def log_lengths(words: Rows) -> Values:
    """(n,) Logarithm of 1 + the number of words, the length in a `Style`."""
    return np.log1p(words)


def _mean_and_error(values: Values) -> tuple[float, float]:
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))
