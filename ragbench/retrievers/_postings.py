"""BM25 over a part of a corpus, with the statistics of the whole.

A part counts its words once. To answer queries, it needs to know how many chunks of the whole corpus have each word of
the queries, how many chunks there are, and how many words they have. Its scores are then those of one index of the
whole corpus, to the last bit, since it computes the formulas of bm25s in the same order and precision.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ragbench.retrievers.bm25 import BM25

TEXTS_AT_ONCE = 20_000
"""Texts that are tokenized at once."""
Counts = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Statistics:
    """What BM25 needs to know about a corpus, for some words.

    Attributes:
        chunks: number of chunks.
        words: number of words in all of them.
        frequencies: number of chunks that have a word, by word. A word that no chunk has is absent.
    """

    chunks: int
    words: int
    frequencies: Mapping[str, int]

    @classmethod
    def total(cls, parts: Sequence["Statistics"]) -> "Statistics":
        """The statistics of all parts."""
        frequencies: Counter[str] = Counter()
        for part in parts:
            frequencies.update(part.frequencies)
        return cls(sum(part.chunks for part in parts), sum(part.words for part in parts), frequencies)


class Postings:
    """How often each chunk has each word.

    Args:
        settings: how words are found. The language is not ``auto``.
        texts: what is indexed for each chunk.

    Attributes:
        lengths: int32 (n,), the number of words of each chunk.
    """

    def __init__(self, settings: BM25, texts: Sequence[str]) -> None:
        self._number: dict[str, int] = {}
        self._weights: dict[int, npt.NDArray[np.float32]] = {}
        self._weights_for: tuple[object, ...] = ()
        lengths, words, chunks, times = [], [], [], []
        for start in range(0, len(texts), TEXTS_AT_ONCE):
            found = settings.tokenize(texts[start : start + TEXTS_AT_ONCE])
            sizes = np.fromiter(map(len, found.ids), np.int32, len(found.ids))
            flat = np.fromiter((id_ for ids in found.ids for id_ in ids), np.int64, int(sizes.sum()))
            number = np.full(max(found.vocab.values(), default=-1) + 1, -1, dtype=np.int64)
            used = np.zeros(len(number), dtype=bool)
            used[flat] = True
            for word, id_ in found.vocab.items():
                if used[id_]:
                    number[id_] = self._number.setdefault(word, len(self._number))
            cells, count = np.unique(
                number[flat] * len(sizes) + np.repeat(np.arange(len(sizes)), sizes), return_counts=True
            )
            lengths.append(sizes)
            words.append((cells // len(sizes)).astype(np.int32))
            chunks.append((cells % len(sizes) + start).astype(np.int32))
            times.append(count.astype(np.int32))
        self.lengths = _joined(lengths)
        word = _joined(words)
        order = np.argsort(word, kind="stable")
        self._chunk, self._times = _joined(chunks)[order], _joined(times)[order]
        self._bounds = np.searchsorted(word[order], np.arange(len(self._number) + 1))

    def statistics(self, words: Iterable[str]) -> Statistics:
        """The statistics of this part for some words."""
        known = {word: self._number[word] for word in words if word in self._number}
        frequencies = {word: int(self._bounds[at + 1] - self._bounds[at]) for word, at in known.items()}
        return Statistics(len(self.lengths), int(self.lengths.sum(dtype=np.int64)), frequencies)

    def scores(self, settings: BM25, words: Sequence[str], whole: Statistics) -> npt.NDArray[np.float32]:
        """The BM25 score (n,) of every chunk for the words of a query.

        Args:
            settings: the formula and its constants.
            words: the words, in their order; a repeated word counts again.
            whole: the statistics of the whole corpus for them.
        """
        if self._weights_for != (settings, whole.chunks, whole.words):
            self._weights, self._weights_for = {}, (settings, whole.chunks, whole.words)
        scores = np.zeros(len(self.lengths), dtype=np.float32)
        absent = []
        for word in words:
            if word not in whole.frequencies:
                continue
            weights = _Weights(settings, whole, word)
            absent.append(weights.absent)
            at = self._number.get(word)
            if at is not None:
                # The postings of a word list each chunk once, so no index is repeated.
                scores[self._chunk[self._postings(at)]] += self._weights_of(at, weights)
        scores += np.sum(absent, dtype=np.float32)
        return scores

    def share(self, words: Iterable[str], rows: Counts, of: "Postings | None" = None) -> npt.NDArray[np.float32]:
        """The share (r,) of the words that each chunk of ``rows`` has, weighted by idf; 0 if no chunk has any of them.

        Args:
            words: the words of a query.
            rows: int32 (r,), chunks.
            of: whose statistics give the idf; its own by default.
        """
        known = (of or self).statistics(set(words))
        total = 0.0
        found = np.zeros(len(rows))
        for word in sorted(known.frequencies):
            idf = float(np.log1p(known.chunks / known.frequencies[word]))
            total += idf
            at = self._number.get(word)
            if at is not None:
                found += idf * np.isin(rows, self._chunk[self._postings(at)])
        return (found / total if total else found).astype(np.float32)

    def _postings(self, at: int) -> slice:
        return slice(int(self._bounds[at]), int(self._bounds[at + 1]))

    def _weights_of(self, at: int, weights: "_Weights") -> npt.NDArray[np.float32]:
        """The weights of a word in the chunks that have it, which are kept for the next query with that word."""
        if at not in self._weights:
            part = self._postings(at)
            self._weights[at] = weights.of(self._times[part], self.lengths[self._chunk[part]])
        return self._weights[at]


class _Weights:
    """The weight of one word, computed as bm25s does: idf in single precision, the rest in double."""

    def __init__(self, settings: BM25, whole: Statistics, word: str) -> None:
        from bm25s import scoring

        self._settings = settings
        self._average = np.float64(whole.words / whole.chunks)
        self._factor = scoring._select_tfc_scorer(settings.method)
        idf = scoring._select_idf_scorer(settings.method)(whole.frequencies[word], N=whole.chunks)
        self._idf = np.float32(idf)
        lowest = settings.method in ("bm25l", "bm25+")
        self.absent = np.float32(idf * self._times(0, self._average)) if lowest else np.float32(0)

    def of(self, times: Counts, lengths: Counts) -> npt.NDArray[np.float32]:
        """The weights (m,) in m chunks, given how often each has the word and how many words it has."""
        found = np.float64(self._idf) * self._times(times.astype(np.float32), lengths.astype(np.float64))
        return np.asarray(found - np.float64(self.absent), dtype=np.float32)

    def _times(self, times: object, lengths: object) -> npt.NDArray[np.float64]:
        s = self._settings
        found: npt.NDArray[np.float64] = self._factor(
            tf_array=times, l_d=lengths, l_avg=self._average, k1=s.k1, b=s.b, delta=s.delta
        )
        return found


def _joined(parts: Sequence[Counts]) -> Counts:
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int32)
