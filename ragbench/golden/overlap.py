"""Content words of texts, and the share of one text's words that another text has too."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ragbench.corpus.words import Words


@dataclass(frozen=True, eq=False)
class ContentWords:
    """The distinct content words of many texts, without stop words and optionally stemmed.

    Attributes:
        row: int64 (n,) the text of each word, ascending.
        word: int64 (n,) its row of ``vocabulary``; each word occurs once per text.
        texts: number of texts.
        vocabulary: the stems or words.
    """

    row: npt.NDArray[np.int64]
    word: npt.NDArray[np.int64]
    texts: int
    vocabulary: tuple[str, ...]

    @classmethod
    def of(cls, texts: Sequence[str], language: str = "english", *, stem: bool = True) -> "ContentWords":
        """Tokenise with bm25s, as the retriever ``bm25`` does. A language without a stemmer or stop list gets none."""
        found = Words(language, stem).tokenize(texts)
        row = np.repeat(np.arange(len(texts)), [len(ids) for ids in found.ids])
        word = np.fromiter((id_ for ids in found.ids for id_ in ids), np.int64, len(row))
        width = max(len(found.vocab), 1)
        pairs = np.unique(row * width + word)
        by_id = sorted(found.vocab, key=found.vocab.__getitem__)
        return cls(pairs // width, pairs % width, len(texts), tuple(by_id))

    def counts(self) -> npt.NDArray[np.int64]:
        """(texts,) number of distinct content words of each text."""
        return np.bincount(self.row, minlength=self.texts)

    def rest_shares(
        self, group: npt.NDArray[np.int64], present: npt.NDArray[np.bool_] | None = None
    ) -> npt.NDArray[np.float64]:
        """(texts,) Share of each text's words that another text of its group has; NaN for a text without content words.

        Args:
            group: (texts,) the group of each text, for example the document of each sentence.
            present: (texts,) which texts count as other texts; all by default.
        """
        return self._means(self.elsewhere(group, present))

    def elsewhere(
        self, group: npt.NDArray[np.int64], present: npt.NDArray[np.bool_] | None = None
    ) -> npt.NDArray[np.bool_]:
        """(n,) Whether another text of the group has the word, for each word of each text. Arguments as in
        `rest_shares`.
        """
        present = np.ones(self.texts, dtype=bool) if present is None else present
        key = group[self.row] * max(len(self.vocabulary), 1) + self.word
        _, position = np.unique(key, return_inverse=True)
        counted = present[self.row]
        total = np.bincount(position, weights=counted)
        others: npt.NDArray[np.bool_] = total[position] - counted > 0
        return others

    def _means(self, hit: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
        with np.errstate(invalid="ignore"):
            shares: npt.NDArray[np.float64] = np.bincount(self.row, weights=hit, minlength=self.texts) / self.counts()
        return shares


def overlaps(queries: Sequence[str], texts: Sequence[str], language: str = "english") -> npt.NDArray[np.float64]:
    """(n,) Share of each query's distinct content words that its text has; NaN for a query without content words.

    Args:
        queries: n queries.
        texts: n texts, one per query.
        language: Snowball language of the stemmer and the stop words.
    """
    n = len(queries)
    words = ContentWords.of([*queries, *texts], language)
    # A query and its text form a group of two, so the other text of the group is the query's text.
    return words.rest_shares(np.concatenate((np.arange(n), np.arange(n))))[:n]


def stems_of(vocabulary: Sequence[str], language: str) -> tuple[tuple[str, ...], npt.NDArray[np.int64]]:
    """Return the distinct stems of words, and the stem (a row of the first) of each word. A language without a stemmer
    keeps its words.
    """
    import Stemmer

    known = language in Stemmer.algorithms()
    stems = Stemmer.Stemmer(language).stemWords(list(vocabulary)) if known else list(vocabulary)
    names, of_word = np.unique(np.array(stems, dtype=object), return_inverse=True)
    return tuple(names.tolist()), of_word.astype(np.int64)
