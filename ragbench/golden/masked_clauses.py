"""Clauses of a wanted length and a wanted overlap with the rest of their document.

A clause is a run of words inside one sentence. Where people repeat the words
of what answers them, a clause is masked and the rest of its sentence stays:
whole sentences reach neither the overlap nor the length of such queries.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ragbench.golden.masked_pool import Pick, Pool
from ragbench.golden.overlap import ContentWords

_TOKEN = re.compile(r"\b\w\w+\b")  # as `ContentWords.of` has it


class Windows(NamedTuple):
    """Runs of content words, column by column.

    Attributes:
        row: the sentence of each run.
        first, last: its first and last content word, rows of `Clauses.start`.
        overlap: mean of the shares of its words, and of its stems, that other sentences of its document or the title
            have; each word weighs as much as it is rare.
        stems: the second of the two shares.
    """

    row: npt.NDArray[np.int64]
    first: npt.NDArray[np.int64]
    last: npt.NDArray[np.int64]
    overlap: npt.NDArray[np.float64]
    stems: npt.NDArray[np.float64]


@dataclass(eq=False)
class Clauses:
    """The content words of all sentences in order, and how rare they are.

    Attributes:
        pool: the sentences.
        stems: of every sentence and title, as ``pool.words`` has their words.
        rarity: (stems,) logarithm of how many times more documents there are than documents with the stem.
        start, end: (n,) place of each content word in its document.
        word, stem: (n,) its rows of the pairs of ``pool.words`` and ``stems``.
        bounds: (sentences + 1,) where the words of each sentence begin.
    """

    pool: Pool
    stems: ContentWords
    rarity: npt.NDArray[np.float64]
    start: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]
    word: npt.NDArray[np.int64]
    stem: npt.NDArray[np.int64]
    bounds: npt.NDArray[np.int64]

    @classmethod
    def of(cls, pool: Pool, language: str) -> "Clauses":
        """Find the content words of every sentence."""
        words = pool.words
        stems, stem_of = words.stemmed(language)
        id_of = {word: row for row, word in enumerate(words.vocabulary)}
        sentence, start, end, id_ = [], [], [], []
        for row, one in enumerate(pool.sentences):
            for match in _TOKEN.finditer(one.text):
                word = id_of.get(match.group().lower())
                if word is not None:
                    sentence.append(row)
                    start.append(one.start + match.start())
                    end.append(one.start + match.end())
                    id_.append(word)
        at, ids = np.array(sentence, dtype=np.int64), np.array(id_, dtype=np.int64)
        documents = int(pool.group.max(initial=-1)) + 1
        width = max(len(stems.vocabulary), 1)
        in_documents = np.unique(pool.group[stems.row] * width + stems.word) % width
        frequency = np.bincount(in_documents, minlength=len(stems.vocabulary))
        return cls(
            pool,
            stems,
            np.log(1 + documents / (1 + frequency)),
            np.array(start, dtype=np.int64),
            np.array(end, dtype=np.int64),
            _pair_rows(words, at, ids),
            _pair_rows(stems, at, stem_of[ids]),
            np.searchsorted(at, np.arange(len(pool.sentences) + 1)),
        )

    def windows(self, lengths: npt.NDArray[np.int64], documents: npt.NDArray[np.bool_] | None = None) -> Windows:
        """Every run of so many content words in the sentences that may be masked now; a shorter sentence is one run.

        Args:
            lengths: (documents,) how many content words a run has.
            documents: (documents,) which to look at; all by default.
        """
        rows = self.pool.rows()
        if documents is not None:
            rows = rows[documents[self.pool.group[rows]]]
        size = self.bounds[rows + 1] - self.bounds[rows]
        rows, size = rows[size > 0], size[size > 0]
        length = np.minimum(size, lengths[self.pool.group[rows]])
        runs = size - length + 1
        step = np.arange(runs.sum()) - np.repeat(np.cumsum(runs) - runs, runs)
        first = np.repeat(self.bounds[rows], runs) + step
        last = first + np.repeat(length, runs) - 1
        weight = self.rarity[self.stems.word[self.stem]]
        total = _run_sums(weight, first, last)
        by_word = _run_sums(weight * self._elsewhere(self.pool.words)[self.word], first, last) / total
        by_stem = _run_sums(weight * self._elsewhere(self.stems)[self.stem], first, last) / total
        return Windows(np.repeat(rows, runs), first, last, (by_word + by_stem) / 2, by_stem)

    def pool_row(self, word: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """The sentence of each content word."""
        return self.pool.words.row[self.word[word]]

    def nearest(self, windows: Windows, overlap: float) -> npt.NDArray[np.intp]:
        """Of each document, in order, the row of the run whose overlap is nearest to the wanted one."""
        document = self.pool.group[windows.row]
        # Rounded, so that the order of a sum decides nothing.
        distance = np.round(np.abs(windows.overlap - overlap), 9)
        order = np.lexsort((windows.first, self.pool.tiebreak[windows.row], distance, document))
        _, first = np.unique(document[order], return_index=True)
        return order[first]

    def pick(self, windows: Windows, overlap: float) -> dict[int, Pick]:
        """By document, the clause to mask."""
        picks = {}
        for at in self.nearest(windows, overlap).tolist():
            row, first, last = int(windows.row[at]), int(windows.first[at]), int(windows.last[at])
            sentence = self.pool.sentences[row]
            whole = last - first + 1 == self.bounds[row + 1] - self.bounds[row]
            span = (sentence.start, sentence.end) if whole else (int(self.start[first]), int(self.end[last]))
            picks[sentence.document] = Pick(row, *span)
        return picks

    def _elsewhere(self, words: ContentWords) -> npt.NDArray[np.bool_]:
        return words.elsewhere(self.pool.group, self.pool.present)


def _pair_rows(words: ContentWords, text: npt.NDArray[np.int64], word: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Where each word of each text stands among the pairs, which are in order."""
    width = max(len(words.vocabulary), 1)
    return np.searchsorted(words.row * width + words.word, text * width + word)


def _run_sums(
    values: npt.NDArray[np.float64], first: npt.NDArray[np.int64], last: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    sums = np.concatenate(([0.0], np.cumsum(values)))
    return sums[last + 1] - sums[first]


def lengths_of(seeds: Sequence[str], language: str) -> npt.NDArray[np.int64]:
    """(n,) how many content words each query has, those without any left out."""
    counts = ContentWords.of(seeds, language, stem=False).counts()
    return counts[counts > 0]
