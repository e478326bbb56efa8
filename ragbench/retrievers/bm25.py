"""BM25, computed by the bm25s library."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ragbench.core.context import Context
from ragbench.core.documents import Chunks
from ragbench.core.errors import ArmError, did_you_mean
from ragbench.core.filters import Filter
from ragbench.core.runs import Query
from ragbench.corpus.languages import languages_of_chunks
from ragbench.corpus.words import OTHER, UNSPACED, Words, language_named, stemmers
from ragbench.retrievers._cut import first_rows
from ragbench.retrievers._filters import each_filter, rows_of
from ragbench.retrievers.base import Index, Ranking, Retriever

AUTO = "auto"


@dataclass(frozen=True)
class BM25(Retriever):
    """Lexical retrieval over title and text.

    The defaults (Lucene's variant, k1 .9, b .4) are those of the published
    Anserini and Pyserini baselines; bm25s's own are k1 1.5, b .75.

    Attributes:
        method: the variant of the formula.
        k1: saturation of term frequency, 0 or more.
        b: strength of length normalisation, 0 to 1.
        delta: lower bound on a term's weight, for ``bm25l`` and ``bm25+``.
        language: language of stemmer and stop words; ``auto`` takes that of most chunks (`ragbench.corpus.languages`).
            Words of Chinese, Japanese, Korean, Thai, Lao, Khmer and Burmese are pairs of neighbouring characters. With
            ``none``, words are neither stemmed nor dropped.
        stem: whether words are stemmed, if Snowball has a stemmer for the language.
        stop: whether stop words are dropped, if bm25s has a list for the language.

    Source: Robertson et al. 1994, Okapi at TREC-3; Kamphuis et al. 2020 for the
    variants; Lù 2024 for bm25s.
    """

    method: Literal["lucene", "robertson", "atire", "bm25l", "bm25+"] = "lucene"
    k1: float = 0.9
    b: float = 0.4
    delta: float = 0.5
    language: str = AUTO
    stem: bool = True
    stop: bool = True

    def check(self) -> list[str]:
        """Check the ranges of the settings."""
        faults = []
        if self.k1 < 0:
            faults.append(f"k1 is {self.k1}; it must be 0 or more")
        if not 0 <= self.b <= 1:
            faults.append(f"b is {self.b}; it must lie in 0 to 1")
        known = (AUTO, OTHER, *stemmers(), *UNSPACED)
        if self.language not in known:
            faults.append(f"no language {self.language!r}{did_you_mean(self.language, known)}")
        return faults

    def tokenize(self, texts: Sequence[str]) -> Any:
        """Tokenize texts into bm25s's ``Tokenized``: ids per text and the vocabulary. ``auto`` counts as English."""
        language = "english" if self.language == AUTO else self.language
        return Words(language, self.stem, self.stop).tokenize(texts)

    def index(self, chunks: Chunks, context: Context) -> "BM25Index":
        """Tokenise and index title and text of every chunk.

        Raises:
            ArmError: the chunks contain no word to index.
        """
        settings = self
        if self.language == AUTO:
            settings = replace(self, language=language_named(languages_of_chunks(chunks).main))
        if context.spread is None:
            index = BM25Index(settings, settings._model_of(chunks.contents), chunks)
        else:
            from ragbench.retrievers._sharded import ShardedBM25

            index = ShardedBM25(settings, chunks, context.spread(chunks.ids, chunks.contents))
        if settings.language not in (self.language, "english"):
            index.notes["language"] = settings.language
        return index

    def _model_of(self, texts: Sequence[str]) -> Any:
        """Index the texts with bm25s.

        Raises:
            ArmError: they contain no word.
        """
        import bm25s

        model = bm25s.BM25(method=self.method, k1=self.k1, b=self.b, delta=self.delta, backend="numpy")
        tokens = self.tokenize(texts)
        if not any(tokens.ids):
            raise ArmError(self.no_words())
        model.index(tokens, show_progress=False)
        return model

    def no_words(self) -> str:
        """The message for a corpus without words."""
        return f"no chunk has a word to index (stop={str(self.stop).lower()}, language={self.language})"


class BM25Index(Index):
    """A bm25s index of chunks.

    Attributes:
        settings: its settings, with the language that it found.
    """

    filters = True

    def __init__(self, settings: BM25, model: Any, chunks: Chunks) -> None:
        super().__init__(chunks.ids)
        self.settings, self._model, self._chunks = settings, model, chunks

    def rank(self, queries: Sequence[Query], k: int) -> Ranking:
        """Rank chunks whose score is not 0: those that share a term with the query (all chunks for bm25l and bm25+).

        A filter leaves the statistics of the words as they are in the whole corpus.
        """
        return each_filter(queries, lambda some, _, filter_: self._rank(some, k, filter_))

    def _rank(self, queries: Sequence[Query], k: int, filter_: Filter | None) -> Ranking:
        words = self._words(queries)
        allowed = None if filter_ is None else rows_of(self._chunks, filter_)
        items = np.full((len(queries), min(k, len(self.item_ids))), -1, dtype=np.int32)
        scores = np.zeros(items.shape, dtype=np.float32)
        for position, query_words in enumerate(words):
            known = self._model.get_tokens_ids(query_words)
            if known:
                every = self._model.get_scores_from_ids(known)
                rows = first_rows(every if allowed is None else every * allowed, items.shape[1], self.item_ids)
                items[position, : len(rows)], scores[position, : len(rows)] = rows, every[rows]
        return Ranking(items, scores)

    def score(self, queries: Sequence[Query], rows: npt.NDArray[np.int32]) -> npt.NDArray[np.float32]:
        """BM25 scores (q, c) of the chunks ``rows`` (q, c) of each query; -1 stands for no chunk."""
        words = self._words(queries)
        out = np.zeros(rows.shape, dtype=np.float32)
        for position, query_words in enumerate(words):
            known = self._model.get_tokens_ids(query_words)
            if known:
                every = self._model.get_scores_from_ids(known)
                out[position] = np.where(rows[position] >= 0, every[rows[position]], 0.0)
        return out

    def _words(self, queries: Sequence[Query]) -> list[list[str]]:
        return words_of(self.settings, [query.text for query in queries])


def words_of(settings: BM25, texts: Sequence[str]) -> list[list[str]]:
    """The words of each text, stemmed and without stop words, as the settings say."""
    from bm25s.tokenization import convert_tokenized_to_string_list

    found: list[list[str]] = convert_tokenized_to_string_list(settings.tokenize(texts))
    return found
