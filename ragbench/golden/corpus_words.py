"""The words of a corpus in order, and how much of a stretch of them the rest of its document repeats.

The *overlap* of a stretch with its document is measured after the stretch is masked: the mean of two shares, of its
words and of its stems, that stand elsewhere in the document or its title. Rare words weigh more.
"""

import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ragbench.core.documents import Corpus
from ragbench.golden.overlap import ContentWords, stems_of

_WORD = re.compile(r"\S+")
_CONTENT_WORD = re.compile(r"\b\w\w+\b")  # as in `ContentWords.of`
CELLS = 200_000
"""Content words that are compared at a time."""

Column = npt.NDArray[np.int32]
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


@dataclass(eq=False)
class CorpusWords:
    """The words of all documents as columns: each document's text, then its title.

    The columns take some 12 bytes per word. What repeats in a document is looked up when it is asked for.

    Attributes:
        start, end: (w,) character offsets of each word in its text or title.
        bounds: (documents + 1,) the first word of each document.
        titles: (documents,) the first word of each document's title, which follows its text.
        content: (w + 1,) the first content word of each word ("heat-transfer" has two).
        at: (c,) the word of each content word.
        word: (c,) id of its lower-case form (a row of ``vocabulary``).
        vocabulary: all words in lower case.
        stem_of: (vocabulary,) id of the stem (a row of ``stems``) of each.
        stems: their stems.
        rarity: (stems,) logarithm of 1 + documents / (1 + documents with the stem).
    """

    start: Column
    end: Column
    bounds: Rows
    titles: Rows
    content: Column
    at: Column
    word: Column
    vocabulary: tuple[str, ...]
    stem_of: Column
    stems: tuple[str, ...]
    rarity: Values

    def __post_init__(self) -> None:
        self._masked = np.zeros(len(self.start), dtype=bool)

    @classmethod
    def of(cls, corpus: Corpus, language: str) -> "CorpusWords":
        """Find the words of a corpus. The language is that of Snowball's stemmers."""
        start, end, at, ids = array("i"), array("i"), array("i"), array("i")
        vocabulary: dict[str, int] = {}
        edges = array("q", [0])
        for document in corpus:
            for text in (document.text, document.title):
                spans = [match.span() for match in _WORD.finditer(text)]
                starts = [low for low, _ in spans]
                found = [(match.start(), match.group().lower()) for match in _CONTENT_WORD.finditer(text)]
                place = np.searchsorted(starts, [where for where, _ in found], side="right") - 1
                at.frombytes((len(start) + place).astype(np.int32).tobytes())
                ids.extend(vocabulary.setdefault(word, len(vocabulary)) for _, word in found)
                start.extend(starts)
                end.extend(high for _, high in spans)
                edges.append(len(start))
        start_, end_, at_, word = (np.frombuffer(column, dtype=np.int32) for column in (start, end, at, ids))
        return cls._of_tokens(start_, end_, at_, word, np.frombuffer(edges, np.int64), tuple(vocabulary), language)

    @classmethod
    def _of_tokens(
        cls,
        start: Column,
        end: Column,
        at: Column,
        word: Column,
        edges: Rows,
        vocabulary: tuple[str, ...],
        language: str,
    ) -> "CorpusWords":
        meaning = set(ContentWords.of([" ".join(vocabulary)], language, stem=False).vocabulary)
        is_content = np.array([word in meaning for word in vocabulary], dtype=bool)
        kept = is_content[word] if len(word) else np.zeros(0, dtype=bool)
        at, word = at[kept], word[kept]
        stems, stem_of = stems_of(vocabulary, language)
        bounds, titles = edges[::2], edges[1::2]
        content = np.searchsorted(at, np.arange(len(start) + 1)).astype(np.int32)
        frequency = np.zeros(len(stems), dtype=np.int64)
        for low, high in _blocks(content[bounds], CELLS):
            tokens = slice(content[bounds[low]], content[bounds[high]])
            documents = np.searchsorted(bounds, at[tokens], side="right")
            pairs = np.unique(documents * max(len(stems), 1) + stem_of[word[tokens]])
            frequency += np.bincount(pairs % max(len(stems), 1), minlength=len(stems))
        rarity = np.log(1 + (len(bounds) - 1) / (1 + frequency))
        return cls(start, end, bounds, titles, content, at, word, vocabulary, stem_of.astype(np.int32), stems, rarity)

    @property
    def stem(self) -> Rows:
        """(c,) Id of the stem of each content word."""
        return self.stem_of[self.word].astype(np.int64)

    @property
    def document(self) -> Rows:
        """(c,) The document of each content word."""
        return np.searchsorted(self.bounds, self.at, side="right") - 1

    def unmasked(self) -> "CorpusWords":
        """Return the same words, with nothing masked."""
        return replace(self)

    def mask(self, first: int, last: int) -> None:
        """Mask words ``first`` to ``last``: from now on they repeat nothing."""
        self._masked[first : last + 1] = True

    def overlaps(self, first: Rows, last: Rows) -> Overlaps:
        """Measure stretches of words.

        Args:
            first: (n,) the first word of each.
            last: (n,) the last word of each, in the same document.
        """
        low = self.content[first].astype(np.int64)
        content = self.content[last + 1] - low
        document = np.searchsorted(self.bounds, first, side="right") - 1
        overlap, left = np.full(len(first), np.nan), -content
        edges = np.concatenate(([0], np.cumsum(content)))
        for begin, end in _blocks(edges, CELLS):
            row, token = _flat(low[begin:end], content[begin:end])
            weight = self.rarity[self.stem_of[self.word[token]]]
            word, stem = self._elsewhere(first[begin:end][row], last[begin:end][row], token)
            shares = (word.astype(np.float64) + stem) / 2
            total = np.bincount(row, weights=weight, minlength=end - begin)
            with np.errstate(invalid="ignore"):
                overlap[begin:end] = np.bincount(row, weights=weight * shares, minlength=end - begin) / total
            left[begin:end] += self._said(document[begin:end])
        return Overlaps(overlap, content, left)

    def weights(self, stems: Rows) -> Values:
        """(n,) Rarity of stems by id. A stem of -1, which no document has, gets the highest rarity."""
        return np.where(stems >= 0, self.rarity[stems], np.log(1 + len(self.titles)))

    def of_queries(self, texts: Sequence[str], sources: Sequence[Sequence[int]], language: str) -> Values:
        """(n,) Overlap of queries with the documents that they are about; 0 for a query without content words. It does
        not depend on the other queries.

        Args:
            texts: n queries.
            sources: rows of the documents that each query is about.
            language: Snowball language of the stemmer and the stop words.
        """
        found = ContentWords.of(texts, language, stem=False)
        stems, stem_of = stems_of(found.vocabulary, language)
        word = np.array([self._ids.get(name, -1) for name in found.vocabulary], dtype=np.int64)[found.word]
        stem = np.array([self._stem_ids.get(name, -1) for name in stems], dtype=np.int64)[stem_of[found.word]]
        # Sums are rounded in one order, whatever other queries there are.
        order = np.lexsort((word, stem, found.row))
        word, stem = word[order], stem[order]
        most = max(map(len, sources), default=0)
        places = np.array(
            [[rows[min(at, len(rows) - 1)] for at in range(most)] for rows in sources], dtype=np.int64
        ).reshape(len(sources), most)
        hits = np.zeros((2, len(found.word)), dtype=bool)
        for begin, end in _blocks(np.concatenate(([0], np.cumsum(self._sizes(places).sum(axis=1)))), CELLS):
            asking = slice(*np.searchsorted(found.row, (begin, end)))
            documents = np.unique(places[begin:end])
            row, token = _flat(self.content[self.bounds[documents]].astype(np.int64), self._sizes(documents))
            for hit, own, asked in ((hits[0], self.word[token], word), (hits[1], self.stem_of[self.word[token]], stem)):
                width = int(own.max(initial=0)) + 1
                there = np.unique(documents[row] * width + own)
                for place in places[found.row[asking]].T:
                    hit[asking] |= (
                        (asked[asking] >= 0) & (asked[asking] < width) & np.isin(place * width + asked[asking], there)
                    )
        weights = self.weights(stem)
        total = np.bincount(found.row, weights=weights, minlength=len(texts))
        shared = np.bincount(found.row, weights=weights * hits.mean(axis=0), minlength=len(texts))
        return shared / np.where(total > 0, total, 1.0)

    @cached_property
    def _ids(self) -> dict[str, int]:
        """Row of each word of the vocabulary."""
        return {name: row for row, name in enumerate(self.vocabulary)}

    @cached_property
    def _stem_ids(self) -> dict[str, int]:
        """Row of each stem."""
        return {name: row for row, name in enumerate(self.stems)}

    def tokens(self, first: Rows, last: Rows) -> tuple[Rows, Rows]:
        """Return the stretch and the row of each content word of stretches of words."""
        low = self.content[first].astype(np.int64)
        return _flat(low, self.content[last + 1] - low)

    def stem_elsewhere(self, first: Rows, last: Rows, token: Rows) -> npt.NDArray[np.bool_]:
        """(n,) Whether the stem of each content word stands outside of words ``first`` to ``last`` of its document."""
        return self._elsewhere(first, last, token)[1]

    def _elsewhere(self, first: Rows, last: Rows, token: Rows) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """(n,) and (n,) Whether each content word, and its stem, stands outside of a stretch of its document."""
        documents, place = np.unique(np.searchsorted(self.bounds, first, side="right") - 1, return_inverse=True)
        found = np.zeros(len(token), dtype=bool), np.zeros(len(token), dtype=bool)
        for begin, end in _blocks(np.concatenate(([0], np.cumsum(self._sizes(documents)))), CELLS):
            part = documents[begin:end]
            row, own = _flat(self.content[self.bounds[part]].astype(np.int64), self._sizes(part))
            asked = np.flatnonzero((place >= begin) & (place < end))
            mine = np.searchsorted(own, token[asked])
            there = np.flatnonzero(~self._masked[self.at[own]])
            for hit, id_ in zip(found, (self.word[own], self.stem_of[self.word[own]]), strict=True):
                low, high = _ends(row * (int(id_.max(initial=0)) + 1) + id_, self.at[own], there)
                hit[asked] = (low[mine] < first[asked]) | (high[mine] > last[asked])
        return found

    def _sizes(self, documents: Rows) -> Rows:
        """Content words of documents, in their texts and titles."""
        sizes: Rows = self.content[self.bounds[documents + 1]].astype(np.int64) - self.content[self.bounds[documents]]
        return sizes

    def _said(self, document: Rows) -> Rows:
        """(n,) Content words that are left in the text of each document."""
        documents, place = np.unique(document, return_inverse=True)
        low = self.content[self.bounds[documents]].astype(np.int64)
        row, token = _flat(low, self.content[self.titles[documents]] - low)
        return np.bincount(row[~self._masked[self.at[token]]], minlength=len(documents))[place]


def _ends(key: Rows, at: Column, there: Rows) -> tuple[Column, Column]:
    """The first and the last word with the same key. Only words in ``there`` count; others have neither before nor
    after themselves.
    """
    first, last = at.copy(), at.copy()
    order = np.argsort(key[there], kind="stable")
    new = np.flatnonzero(np.diff(key[there][order], prepend=-1))
    size = np.diff(np.append(new, len(order)))
    rows = there[order]
    first[rows] = np.repeat(at[rows[new]], size)
    last[rows] = np.repeat(at[rows[new + size - 1]], size)
    return first, last


def _flat(low: Rows, size: Rows) -> tuple[Rows, Rows]:
    """Row and number of every element of ranges that begin at ``low`` and have ``size`` elements."""
    row = np.repeat(np.arange(len(low)), size)
    within = np.arange(len(row)) - np.repeat(np.cumsum(size) - size, size)
    return row, np.repeat(low, size) + within


def _blocks(edges: Rows | Column, most: int) -> Iterator[tuple[int, int]]:
    """Cut rows into runs of at most ``most`` elements, or of one row."""
    begin, rows = 0, len(edges) - 1
    while begin < rows:
        end = max(int(np.searchsorted(edges, edges[begin] + most, side="right")) - 1, begin + 1)
        yield begin, end
        begin = end
