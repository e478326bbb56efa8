"""The late-interaction blend: three untrained signals on the same candidates.

For a query with word pieces t and a candidate d, MaxSim is the mean over t of
the best cosine between t's vector and any token vector of d. It is
blended with the cosine of the sentence vectors and with BM25: each signal is
standardised over the query's candidates, and the three are added. MaxSim alone
is not safe: on Cranfield, CACM and ADI it is worse than the hybrid that it reranks.
Weighting the word pieces by idf was worse on four of five collections
(SciFact .735 against .737, MED .798 against .807; ADI alone gained). The choice
was made on the collections that are reported, so their figures are slightly optimistic.

Source: Khattab and Zaharia 2020 (ColBERT) for MaxSim; the blend was measured
for this project (docs/concepts/benchmarks.md).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ragbench.core.context import Context
from ragbench.core.documents import Chunks
from ragbench.core.runs import Query
from ragbench.engine import EAGER_TOKENS, embed, embed_tokens, store_tokens
from ragbench.io.token_vectors import Packed
from ragbench.models.embed.base import Embedder, TokenVectors
from ragbench.plugins import EMBEDDERS, build
from ragbench.retrievers.bm25 import BM25, BM25Index

Floats = npt.NDArray[np.float32]


Signals = Callable[[TokenVectors, npt.NDArray[np.int32]], Floats]
"""From the token vectors of queries and candidate rows (q, c) to MaxSim and cosine (2, q, c); 0 where a row is -1."""


@dataclass
class LateBlend:
    """Scores candidates of queries.

    Attributes:
        embedder: gives sentence and token vectors.
        bm25: an index of the same chunks.
        signals: gives MaxSim and cosine.
    """

    embedder: Embedder
    bm25: BM25Index
    signals: Signals

    @classmethod
    def build(cls, spec: str, lexical: BM25, chunks: Chunks, context: Context) -> "LateBlend":
        """Index the chunks for all three signals.

        Args:
            spec: the spec of the embedder.
            lexical: settings of BM25.
            chunks: the chunks.
            context: the context of the job.
        """
        embedder, bm25 = build(EMBEDDERS, spec), lexical.index(chunks, context)
        if context.spread is not None:
            from ragbench.retrievers._sharded import ShardedSignals

            crew = context.spread(chunks.ids, chunks.contents)
            return cls(embedder, bm25, ShardedSignals(embedder, spec, crew, context))
        vectors = embed(embedder, chunks.contents, "passage", context).vectors
        return cls(embedder, bm25, VectorSignals(embedder, vectors, chunks.contents, context))

    def score(self, queries: Sequence[Query], rows: npt.NDArray[np.int32]) -> Floats:
        """Blend (q, c) for the candidates ``rows`` (q, c) of each query; 0 where a row is -1."""
        token = self.embedder.encode_tokens([query.text for query in queries], "query")
        signals = (*self.signals(token, rows), self.bm25.score(queries, rows))
        out = np.zeros(rows.shape, dtype=np.float32)
        for position, candidates in enumerate(rows):
            valid = candidates >= 0
            if valid.any():
                out[position, valid] = sum(standardised(signal[position][valid]) for signal in signals)
        return out


@dataclass
class VectorSignals:
    """The two signals of vectors: MaxSim and cosine.

    Attributes:
        embedder: gives token vectors.
        vectors: float32 (n, d) sentence vectors of the chunks.
        texts: what was indexed for each chunk.
        context: gives the store of token vectors and the progress.
    """

    embedder: Embedder
    vectors: Floats
    texts: Sequence[str]
    context: Context

    def __post_init__(self) -> None:
        self._tokens: dict[int, Packed] = {}
        if len(self.texts) > EAGER_TOKENS:
            return
        if self.context.cache is None:
            self._load(range(len(self.texts)))
        else:
            # They are read and checked when a query needs them.
            store_tokens(self.embedder, self.texts, self.context)

    def __call__(self, token: TokenVectors, rows: npt.NDArray[np.int32]) -> Floats:
        """MaxSim and cosine (2, q, c) of the candidates ``rows`` (q, c) of each query; 0 where a row is -1."""
        self._load(np.unique(rows[rows >= 0]).tolist())
        out = np.zeros((2, *rows.shape), dtype=np.float32)
        for position, candidates in enumerate(rows):
            valid = candidates >= 0
            chosen = candidates[valid]
            if len(chosen) == 0:
                continue
            span = slice(int(token.offsets[position]), int(token.offsets[position + 1]))
            out[0, position, valid] = max_sim(token.vectors[span], [self._tokens[row] for row in chosen.tolist()])
            # Unlike a matrix product, this gives the same cosine whatever the other candidates are.
            out[1, position, valid] = np.einsum("ij,j->i", self.vectors[chosen], token.sentences[position])
        return out

    def _load(self, rows: Sequence[int]) -> None:
        wanted = [row for row in rows if row not in self._tokens]
        if not wanted:
            return
        found = embed_tokens(self.embedder, [self.texts[row] for row in wanted], self.context)
        self._tokens.update(zip(wanted, found, strict=True))


def max_sim(query: Floats, passages: Sequence[Packed]) -> Floats:
    """(c,) mean over query tokens of the best cosine with any token of each passage.

    Args:
        query: float32 (t, d) unit vectors of the query's tokens.
        passages: packed token vectors; one without tokens scores 0.
    """
    out = np.zeros(len(passages), dtype=np.float32)
    lengths = np.array([len(passage.scales) for passage in passages])
    filled = np.flatnonzero(lengths)
    if len(query) == 0 or len(filled) == 0:
        return out
    # In single precision, a product depends on what else is multiplied, so equal passages could have different scores.
    tokens = np.concatenate([passages[i].tokens for i in filled.tolist()], dtype=np.float64)
    scales = np.concatenate([passages[i].scales for i in filled.tolist()])
    cosines = (tokens @ query.T.astype(np.float64)) * scales[:, None]
    starts = np.concatenate(([0], np.cumsum(lengths[filled])[:-1]))
    out[filled] = np.maximum.reduceat(cosines, starts, axis=0).mean(axis=1)
    return out


def standardised(values: Floats) -> Floats:
    """Scale to mean 0 and deviation 1. Equal values become 0."""
    deviation = values.std()
    return (values - values.mean()) / deviation if deviation > 1e-9 else np.zeros_like(values)
