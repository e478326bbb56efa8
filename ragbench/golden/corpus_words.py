"""The words of a corpus in order, and how much of a stretch of them the rest of its document repeats.

The *overlap* of a stretch with its document is measured after the stretch is masked: the mean of two shares, of its
words and of its stems, that stand elsewhere in the document or its title. Rare words weigh more.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ragbench.core.documents import Corpus
from ragbench.golden.overlap import ContentWords, stems_of

_WORD = re.compile(r"\S+")
_CONTENT_WORD = re.compile(r"\b\w\w+\b")  # as in `ContentWords.of`
CELLS = 4_000_000
"""Content words that are compared at a time."""

Rows = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]


class Overlaps(NamedTuple):
    """What was measured of stretches of words.

    Attributes:
        overlap: (n,) share of each stretch that its document repeats; NaN without content words.
        content: (n,) content words of each stretch.
        left: (n,) content words that its document has left without it, those of the title not counted.
    """

    overlap: Values
    content: Rows
    left: Rows


@dataclass(frozen=True, eq=False)
class _Repeats:
    """The first and the last word of its document with the same word, or stem, as each content word."""

    first_word: Rows
    last_word: Rows
    first_stem: Rows
    last_stem: Rows


@dataclass(eq=False)
class CorpusWords:
    """The words of all documents as columns: each document's text, then its title.

    Attributes:
        start, end: (w,) character offsets of each word in its text or title.
        bounds: (documents + 1,) the first word of each document.
        titles: (documents,) the first word of each document's title, which follows its text.
        content: (w + 1,) the first content word of each word ("heat-transfer" has two).
        at: (c,) the word of each content word.
        document: (c,) its document.
        word, stem: (c,) ids of its lower-case form (a row of ``vocabulary``) and of its stem (a row of ``stems``).
        vocabulary: all words in lower case.
        stems: their stems.
        rarity: (stems,) logarithm of 1 + documents / (1 + documents with the stem).
    """

    start: Rows
    end: Rows
    bounds: Rows
    titles: Rows
    content: Rows
    at: Rows
    document: Rows
    word: Rows
    stem: Rows
    vocabulary: tuple[str, ...]
    stems: tuple[str, ...]
    rarity: Values

    def __post_init__(self) -> None:
        self._masked = np.zeros(len(self.start), dtype=bool)
        self._look()

    @classmethod
    def of(cls, corpus: Corpus, language: str) -> "CorpusWords":
        """Find the words of a corpus. The language is that of Snowball's stemmers."""
        start, end, at, ids = list[int](), list[int](), list[Rows](), list[int]()
        vocabulary: dict[str, int] = {}
        edges = [0]
        for document in corpus:
            for text in (document.text, document.title):
                spans = [match.span() for match in _WORD.finditer(text)]
                starts = [low for low, _ in spans]
                found = [(match.start(), match.group().lower()) for match in _CONTENT_WORD.finditer(text)]
                at.append(len(start) + np.searchsorted(starts, [place for place, _ in found], side="right") - 1)
                ids += [vocabulary.setdefault(word, len(vocabulary)) for _, word in found]
                start += starts
                end += [high for _, high in spans]
                edges.append(len(start))
        return cls._of_tokens(start, end, edges, np.concatenate(at), ids, tuple(vocabulary), language)

    @classmethod
    def _of_tokens(
        cls,
        start: list[int],
        end: list[int],
        edges: list[int],
        at: Rows,
        ids: list[int],
        vocabulary: tuple[str, ...],
        language: str,
    ) -> "CorpusWords":
        meaning = set(ContentWords.of([" ".join(vocabulary)], language, stem=False).vocabulary)
        is_content = np.array([word in meaning for word in vocabulary], dtype=bool)
        word = np.array(ids, dtype=np.int64)
        kept = is_content[word] if len(word) else np.zeros(0, dtype=bool)
        at, word = at[kept].astype(np.int64), word[kept]
        stems, stem_of = stems_of(vocabulary, language)
        stem = stem_of[word]
        bounds = np.array(edges[::2], dtype=np.int64)
        documents = np.searchsorted(bounds, at, side="right") - 1
        pairs = np.unique(documents * max(len(stems), 1) + stem)
        frequency = np.bincount(pairs % max(len(stems), 1), minlength=len(stems))
        return cls(
            np.array(start, dtype=np.int64),
            np.array(end, dtype=np.int64),
            bounds,
            np.array(edges[1::2], dtype=np.int64),
            np.searchsorted(at, np.arange(len(start) + 1)),
            at,
            documents,
            word,
            stem,
            vocabulary,
            stems,
            np.log(1 + (len(bounds) - 1) / (1 + frequency)),
        )

    def unmasked(self) -> "CorpusWords":
        """Return the same words, with nothing masked."""
        return replace(self)

    def mask(self, first: int, last: int) -> None:
        """Mask words ``first`` to ``last``: from now on they repeat nothing. Call `settle` after the last."""
        self._masked[first : last + 1] = True

    def settle(self) -> None:
        """Look again for repeated words, after some were masked."""
        self._look()

    def masked(self, first: Rows, last: Rows) -> npt.NDArray[np.bool_]:
        """(n,) Whether any word of each stretch is masked."""
        sums = np.concatenate(([0], np.cumsum(self._masked)))
        found: npt.NDArray[np.bool_] = sums[last + 1] > sums[first]
        return found

    def overlaps(self, first: Rows, last: Rows) -> Overlaps:
        """Measure stretches of words.

        Args:
            first: (n,) the first word of each.
            last: (n,) the last word of each, in the same document.
        """
        low, high = self.content[first], self.content[last + 1]
        content = high - low
        overlap = np.full(len(first), np.nan)
        edges = np.concatenate(([0], np.cumsum(content)))
        for begin, end in _blocks(edges, CELLS):
            row, token = _flat(low[begin:end], content[begin:end])
            weight = self.rarity[self.stem[token]]
            shares = (self._word_elsewhere(first[begin:end][row], last[begin:end][row], token).astype(np.float64)
                      + self.stem_elsewhere(first[begin:end][row], last[begin:end][row], token)) / 2  # fmt: skip
            total = np.bincount(row, weights=weight, minlength=end - begin)
            with np.errstate(invalid="ignore"):
                overlap[begin:end] = np.bincount(row, weights=weight * shares, minlength=end - begin) / total
        document = np.searchsorted(self.bounds, first, side="right") - 1
        return Overlaps(overlap, content, self._said[document] - content)

    def weights(self, stems: Rows) -> Values:
        """(n,) Rarity of stems by id. A stem of -1, which no document has, gets the highest rarity."""
        return np.where(stems >= 0, self.rarity[stems], np.log(1 + len(self.titles)))

    def of_queries(self, texts: Sequence[str], sources: Sequence[Sequence[int]], language: str) -> Values:
        """(n,) Overlap of queries with the documents that they are about; 0 for a query without content words.

        Args:
            texts: n queries.
            sources: rows of the documents that each query is about.
            language: Snowball language of the stemmer and the stop words.
        """
        found = ContentWords.of(texts, language, stem=False)
        stems, stem_of = stems_of(found.vocabulary, language)
        ids = {name: row for row, name in enumerate(self.vocabulary)}
        stem_ids = {name: row for row, name in enumerate(self.stems)}
        word = np.array([ids.get(name, -1) for name in found.vocabulary], dtype=np.int64)[found.word]
        stem = np.array([stem_ids.get(name, -1) for name in stems], dtype=np.int64)[stem_of[found.word]]
        most = max(map(len, sources), default=0)
        places = [np.array([rows[min(at, len(rows) - 1)] for rows in sources])[found.row] for at in range(most)]
        hits = np.zeros((2, len(found.word)), dtype=bool)
        for hit, own, asked in ((hits[0], self.word, word), (hits[1], self.stem, stem)):
            width = int(own.max(initial=0)) + 1
            there = np.unique(self.document * width + own)
            for place in places:
                hit |= (asked >= 0) & np.isin(place * width + asked, there)
        weights = self.weights(stem)
        total = np.bincount(found.row, weights=weights, minlength=len(texts))
        shared = np.bincount(found.row, weights=weights * hits.mean(axis=0), minlength=len(texts))
        return shared / np.where(total > 0, total, 1.0)

    def tokens(self, first: Rows, last: Rows) -> tuple[Rows, Rows]:
        """Return the stretch and the row of each content word of stretches of words."""
        low = self.content[first]
        return _flat(low, self.content[last + 1] - low)

    def stem_elsewhere(self, first: Rows, last: Rows, token: Rows) -> npt.NDArray[np.bool_]:
        """(n,) Whether the stem of each content word stands outside of words ``first`` to ``last`` of its document."""
        found: npt.NDArray[np.bool_] = (self._repeats.first_stem[token] < first) | (
            self._repeats.last_stem[token] > last
        )
        return found

    def _word_elsewhere(self, first: Rows, last: Rows, token: Rows) -> npt.NDArray[np.bool_]:
        found: npt.NDArray[np.bool_] = (self._repeats.first_word[token] < first) | (
            self._repeats.last_word[token] > last
        )
        return found

    def _look(self) -> None:
        there = np.flatnonzero(~self._masked[self.at])
        first_word, last_word = self._ends(self.word, there)
        first_stem, last_stem = self._ends(self.stem, there)
        self._repeats = _Repeats(first_word, last_word, first_stem, last_stem)
        in_text = there[self.at[there] < self.titles[self.document[there]]]
        self._said = np.bincount(self.document[in_text], minlength=len(self.bounds) - 1)

    def _ends(self, id_: Rows, there: Rows) -> tuple[Rows, Rows]:
        """First and last word of the document with the same id. A masked word has neither before nor after itself."""
        first, last = self.at.copy(), self.at.copy()
        key = self.document[there] * (int(id_.max(initial=0)) + 1) + id_[there]
        order = np.argsort(key, kind="stable")
        new = np.flatnonzero(np.diff(key[order], prepend=-1))
        size = np.diff(np.append(new, len(order)))
        rows = there[order]
        first[rows] = np.repeat(self.at[rows[new]], size)
        last[rows] = np.repeat(self.at[rows[new + size - 1]], size)
        return first, last


def _flat(low: Rows, size: Rows) -> tuple[Rows, Rows]:
    """Row and number of every element of ranges that begin at ``low`` and have ``size`` elements."""
    row = np.repeat(np.arange(len(low)), size)
    within = np.arange(len(row)) - np.repeat(np.cumsum(size) - size, size)
    return row, np.repeat(low, size) + within


def _blocks(edges: Rows, most: int) -> Iterator[tuple[int, int]]:
    """Cut rows into runs of at most ``most`` elements, or of one row."""
    begin, rows = 0, len(edges) - 1
    while begin < rows:
        end = max(int(np.searchsorted(edges, edges[begin] + most, side="right")) - 1, begin + 1)
        yield begin, end
        begin = end
