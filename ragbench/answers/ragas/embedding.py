"""Ragas' idea of an embedding model, answered by ragbench's embedder."""

import asyncio
from typing import Any

from ragas.embeddings.base import BaseRagasEmbedding  # type: ignore[import-not-found, unused-ignore]

from ragbench.models.embed.base import Embedder


class EmbedderForRagas(BaseRagasEmbedding):  # type: ignore[misc, unused-ignore]
    """Vectors of questions, made beside the event loop, one batch at a time on all cores."""

    def __init__(self, embedder: Embedder) -> None:
        super().__init__()
        self._embedder = embedder
        self._one = asyncio.Lock()

    def embed_text(self, text: str, **kwargs: Any) -> list[float]:
        """The vector of one text."""
        return self.embed_texts([text])[0]

    def embed_texts(self, texts: list[str], **kwargs: Any) -> list[list[float]]:
        """The vectors, in order; equal texts are embedded once."""
        different = list(dict.fromkeys(texts))
        vectors = self._embedder.encode(different, "query")
        found: dict[str, list[float]] = dict(zip(different, vectors.tolist(), strict=True))
        return [found[text] for text in texts]

    async def aembed_text(self, text: str, **kwargs: Any) -> list[float]:
        """The vector of one text."""
        return (await self.aembed_texts([text]))[0]

    async def aembed_texts(self, texts: list[str], **kwargs: Any) -> list[list[float]]:
        """The vectors, in order."""
        async with self._one:
            return await asyncio.to_thread(self.embed_texts, texts)
