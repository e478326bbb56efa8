"""BM25, computed by the bm25s library."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ragbench.core.context import Context
from ragbench.core.documents import Chunks
from ragbench.core.errors import ArmError
from ragbench.core.runs import Query
from ragbench.retrievers.base import Index, Ranking, Retriever

STOP_WORDS = {
    "english": "en", "german": "de", "dutch": "nl", "french": "fr", "spanish": "es", "portuguese": "pt",
    "italian": "it", "russian": "ru", "swedish": "sv", "norwegian": "no", "turkish": "tr",
}  # fmt: skip
"""Snowball language -> bm25s's stop-word list."""


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
        language: Snowball language of stemmer and stop words.
        stem: whether words are stemmed.
        stop: whether stop words are dropped.

    Source: Robertson et al. 1994, Okapi at TREC-3; Kamphuis et al. 2020 for the
    variants; Lù 2024 for bm25s.
    """

    method: Literal["lucene", "robertson", "atire", "bm25l", "bm25+"] = "lucene"
    k1: float = 0.9
    b: float = 0.4
    delta: float = 0.5
    language: str = "english"
    stem: bool = True
    stop: bool = True

    def check(self) -> list[str]:
        """Check the ranges of the settings."""
        import Stemmer

        faults = []
        if self.k1 < 0:
            faults.append(f"k1 is {self.k1}; it must be 0 or more")
        if not 0 <= self.b <= 1:
            faults.append(f"b is {self.b}; it must lie in 0 to 1")
        if self.stem and self.language not in Stemmer.algorithms():
            faults.append(f"no stemmer for language {self.language!r}; there are {', '.join(Stemmer.algorithms())}")
        if self.stop and self.language not in STOP_WORDS:
            faults.append(
                f"no stop words for language {self.language!r}; say stop=false, or one of {', '.join(STOP_WORDS)}"
            )
        return faults

    def tokenize(self, texts: Sequence[str]) -> Any:
        """Tokenize texts into bm25s's ``Tokenized``: ids per text and the vocabulary."""
        import bm25s
        import Stemmer

        return bm25s.tokenize(
            list(texts),
            stopwords=STOP_WORDS[self.language] if self.stop else None,
            stemmer=Stemmer.Stemmer(self.language) if self.stem else None,
            show_progress=False,
        )

    def index(self, chunks: Chunks, context: Context) -> "BM25Index":
        """Tokenise and index title and text of every chunk.

        Raises:
            ArmError: the chunks contain no word to index.
        """
        import bm25s

        model = bm25s.BM25(method=self.method, k1=self.k1, b=self.b, delta=self.delta, backend="numpy")
        tokens = self.tokenize(chunks.contents)
        if not any(tokens.ids):
            raise ArmError(f"no chunk has a word to index (stop={str(self.stop).lower()}, language={self.language})")
        model.index(tokens, show_progress=False)
        return BM25Index(self, model, chunks.ids)


class BM25Index(Index):
    """A bm25s index of chunks."""

    def __init__(self, settings: BM25, model: Any, item_ids: Sequence[str]) -> None:
        super().__init__(item_ids)
        self._settings, self._model = settings, model

    def rank(self, queries: Sequence[Query], k: int) -> Ranking:
        """Rank chunks whose score is not 0: those that share a term with the query (all chunks for bm25l and bm25+)."""
        items, scores = self._model.retrieve(
            self._settings.tokenize([query.text for query in queries]),
            k=min(k, len(self.item_ids)),
            show_progress=False,
            # Not "auto": it uses JAX where that is installed, which orders ties differently.
            backend_selection="numpy",
        )
        return Ranking(np.where(scores != 0, items, -1).astype(np.int32, copy=False), scores)

    def score(self, queries: Sequence[Query], rows: npt.NDArray[np.int32]) -> npt.NDArray[np.float32]:
        """BM25 scores (q, c) of the chunks ``rows`` (q, c) of each query; -1 stands for no chunk."""
        from bm25s.tokenization import convert_tokenized_to_string_list

        words = convert_tokenized_to_string_list(self._settings.tokenize([query.text for query in queries]))
        out = np.zeros(rows.shape, dtype=np.float32)
        for position, query_words in enumerate(words):
            known = self._model.get_tokens_ids(query_words)
            if known:
                every = self._model.get_scores_from_ids(known)
                out[position] = np.where(rows[position] >= 0, every[rows[position]], 0.0)
        return out
