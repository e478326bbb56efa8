"""Chunk vectors for the retrievers that need them: from the store where there is one."""

import threading
from collections.abc import Sequence

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


def chunk_vectors(embedder: Embedder, chunks: Chunks, context: Context) -> tuple[npt.NDArray[np.float32], int]:
    """float32 (n, d) vectors of all chunks, memory-mapped where possible, and how many were encoded now."""
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
        return encode(texts), len(texts)
    tokens = token_store(embedder, context)
    both = with_tokens(embedder, chunks, context)
    with _EMBEDDING:
        return VectorStore(context.cache / "vectors" / identity).vectors(texts, encode_both if both else encode)


def with_tokens(embedder: Embedder, chunks: Chunks, context: Context) -> bool:
    """Whether `chunk_vectors` makes token vectors in the same pass."""
    wanted = embedder.gives_tokens and embedder.fingerprint() in context.token_embedders
    return wanted and context.cache is not None and len(chunks) <= EAGER_CHUNKS


def token_store(embedder: Embedder, context: Context) -> TokenStore:
    """Where the embedder's token vectors are kept."""
    return TokenStore(None if context.cache is None else context.cache / "tokens" / embedder.fingerprint())
