"""Signals of candidates that a learned fusion weighs: what bm25, vectors, words and ranks say of a query and a chunk.

A fusion sees no text and no id, only these numbers. What it learns from one set of queries therefore holds for other
documents, too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from ragbench.core.context import Context
from ragbench.core.documents import Chunks
from ragbench.core.errors import ArmError
from ragbench.core.runs import Query
from ragbench.retrievers._late import LateBlend, VectorSignals, standardised
from ragbench.retrievers._postings import Postings
from ragbench.retrievers.bm25 import BM25, BM25Index, words_of

Floats = npt.NDArray[np.float32]

NAMES = ("maxsim", "cosine", "bm25", "rank", "overlap", "title", "phrase", "support", "length")
"""The signals, in the order of their columns.

- ``maxsim``, ``cosine`` and ``bm25``: those of the late-interaction blend (`ragbench.retrievers._late`).
- ``rank``: 1 / log2(1 + rank) in the ranking that is reordered.
- ``overlap``: share of the query's words that the chunk has, weighted by idf.
- ``title``: the same for the title of its document.
- ``phrase``: share of neighbouring words of the query that are neighbours in the chunk.
- ``support``: mean cosine with the other leading candidates, those that the untrained blend ranks highest.
- ``length``: logarithm of the number of words.
"""
BLEND = ("maxsim", "cosine", "bm25")
"""The signals of the untrained blend, each with weight 1."""
LEADING = 10
"""Candidates that give ``support``."""


@dataclass
class Signals:
    """Computes the signals of candidates.

    Attributes:
        blend: gives the signals of the untrained blend.
        vectors: float32 (n, d) sentence vectors of the chunks.
        words: which words each chunk has.
        titles: which words the title of each chunk's document has.
        texts: what was indexed for each chunk.
        settings: how words are found.
    """

    blend: LateBlend
    vectors: Floats
    words: Postings
    titles: Postings
    texts: Sequence[str]
    settings: BM25

    @classmethod
    def build(cls, embedder: str, chunks: Chunks, context: Context) -> "Signals":
        """Index the chunks for all signals.

        Raises:
            ArmError: workers hold the chunks.
        """
        if context.spread is not None:
            raise ArmError("a learned fusion reads all chunks in one process: evaluate it with the local engine")
        blend = LateBlend.build(embedder, BM25(), chunks, context)
        assert isinstance(blend.bm25, BM25Index)
        assert isinstance(blend.signals, VectorSignals)
        settings = blend.bm25.settings
        titles = [chunks.titles[at] for at in chunks.document_index.tolist()]
        return cls(
            blend, blend.signals.vectors, Postings(settings, chunks.contents), Postings(settings, titles),
            chunks.contents, settings,
        )  # fmt: skip

    def of(self, queries: Sequence[Query], rows: npt.NDArray[np.int32]) -> Floats:
        """Signals (s, q, c) of the candidates ``rows`` (q, c), each standardised over the candidates of its query.

        Columns of ``rows`` are ranks from 1. Where a row is -1, every signal is 0.
        """
        token = self.blend.embedder.encode_tokens([query.text for query in queries], "query")
        maxsim, cosine = self.blend.signals(token, rows)
        raw = {"maxsim": maxsim, "cosine": cosine, "bm25": self.blend.bm25.score(queries, rows)}
        for name in NAMES:
            raw.setdefault(name, np.zeros(rows.shape, dtype=np.float32))
        words = words_of(self.settings, [query.text for query in queries])
        out = np.zeros((len(NAMES), *rows.shape), dtype=np.float32)
        for position, candidates in enumerate(rows):
            valid = candidates >= 0
            chosen = candidates[valid]
            if not len(chosen):
                continue
            raw["rank"][position, valid] = 1 / np.log2(2 + np.flatnonzero(valid))
            raw["length"][position, valid] = np.log1p(self.words.lengths[chosen])
            raw["overlap"][position, valid] = self.words.share(words[position], chosen)
            raw["title"][position, valid] = self.titles.share(words[position], chosen, of=self.words)
            raw["phrase"][position, valid] = self._phrases(words[position], chosen)
            lead = sum(standardised(raw[name][position, valid]) for name in BLEND)
            raw["support"][position, valid] = _support(self.vectors[chosen], np.asarray(lead))
            for at, name in enumerate(NAMES):
                out[at, position, valid] = standardised(raw[name][position, valid])
        return out

    def _phrases(self, words: Sequence[str], rows: npt.NDArray[np.int32]) -> Floats:
        pairs = set(pairwise(words))
        if not pairs:
            return np.zeros(len(rows), dtype=np.float32)
        found = words_of(self.settings, [self.texts[row] for row in rows.tolist()])
        shares = [len(pairs & set(pairwise(text))) / len(pairs) for text in found]
        return np.array(shares, dtype=np.float32)


def _support(vectors: Floats, blend: Floats) -> Floats:
    """Mean cosine (c,) of each candidate with the leading ones besides itself."""
    leading = np.argsort(-blend, kind="stable")[:LEADING]
    # In double precision, so that equal chunks have equal values.
    cosines = vectors.astype(np.float64) @ vectors[leading].T.astype(np.float64)
    own = np.zeros(cosines.shape, dtype=bool)
    own[leading, np.arange(len(leading))] = True
    others = (~own).sum(axis=1)
    found: Floats = (np.where(own, 0, cosines).sum(axis=1) / np.maximum(others, 1)).astype(np.float32)
    return found
