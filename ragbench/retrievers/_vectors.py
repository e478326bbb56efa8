"""Chunk vectors for the retrievers that need them: from the store where there is one."""

import threading
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ragbench.core.context import Context
from ragbench.core.documents import Chunks
from ragbench.io.vectors import VectorStore
from ragbench.models.embed.base import Embedder

_EMBEDDING = threading.Lock()
"""Arms that run side by side and need the same vectors: the first embeds, the others find them stored."""


def chunk_vectors(embedder: Embedder, chunks: Chunks, context: Context) -> tuple[npt.NDArray[np.float32], int]:
    """float32 (n, d) vectors of all chunks, memory-mapped where possible, and how many were encoded now."""
    texts = chunks.contents

    def encode(batch: Sequence[str]) -> npt.NDArray[np.float32]:
        with context.progress("embedding chunks", len(batch)) as advance:
            return embedder.encode(batch, "passage", advance)

    if context.cache is None:
        return encode(texts), len(texts)
    with _EMBEDDING:
        return VectorStore(context.cache / "vectors" / embedder.fingerprint()).vectors(texts, encode)
