"""Chunk vectors for the retrievers that need them: from the store where there is one."""

import threading
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ragbench.core.context import Context
from ragbench.core.documents import Chunks
from ragbench.io.token_vectors import TEXTS_PER_SHARD, TokenStore
from ragbench.io.vectors import VectorStore
from ragbench.models.embed.base import Embedder

_EMBEDDING = threading.Lock()
"""Arms that run side by side and need the same vectors: the first embeds, the others find them stored."""
EAGER_CHUNKS = 20_000
"""Up to so many chunks get their token vectors when the index is built, above it when they are first candidates."""


class ChunkVectors(NamedTuple):
    """Vectors of chunks.

    Attributes:
        vectors: float32 (n, d), memory-mapped where possible.
        encoded: how many were encoded now.
        tokens_too: whether that pass made their token vectors too.
    """

    vectors: npt.NDArray[np.float32]
    encoded: int
    tokens_too: bool = False


def chunk_vectors(embedder: Embedder, chunks: Chunks, context: Context) -> ChunkVectors:
    """Vectors of all chunks, from the store where there is one."""
    texts, identity = chunks.contents, embedder.fingerprint()

    def encode(batch: Sequence[str]) -> npt.NDArray[np.float32]:
        with context.progress("embedding chunks", len(batch)) as advance:
            return embedder.encode(batch, "passage", advance)

    def encode_both(batch: Sequence[str]) -> npt.NDArray[np.float32]:
        sentences = []
        with context.progress("embedding chunks and their tokens", len(batch)) as advance:
            for start in range(0, len(batch), TEXTS_PER_SHARD):
                part = batch[start : start + TEXTS_PER_SHARD]
                found = embedder.encode_tokens(part, "passage", advance)
                tokens.keep(part, found.vectors, found.offsets)
                sentences.append(found.sentences)
        return np.concatenate(sentences)

    if context.cache is None:
        return ChunkVectors(encode(texts), len(texts))
    tokens = token_store(identity, context)
    both = embedder.gives_tokens and identity in context.token_embedders and len(texts) <= EAGER_CHUNKS
    with _EMBEDDING:
        store = VectorStore(context.cache / "vectors" / identity)
        vectors, encoded = store.vectors(texts, encode_both if both else encode)
    return ChunkVectors(vectors, encoded, both and encoded > 0)


def token_store(identity: str, context: Context) -> TokenStore:
    """Where the token vectors of the embedder of this fingerprint are kept."""
    return TokenStore(None if context.cache is None else context.cache / "tokens" / identity)
