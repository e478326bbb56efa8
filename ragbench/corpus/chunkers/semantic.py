"""Cut where the meaning changes."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from ragbench import plugins
from ragbench.core.document import Document
from ragbench.core.errors import SettingError
from ragbench.corpus.boundaries import sentence_spans
from ragbench.corpus.chunkers.base import Chunker, check_size
from ragbench.corpus.chunkers.sentence import fitting


@dataclass(frozen=True)
class SemanticChunker(Chunker):
    """Cut between two sentences whose embeddings are far apart for their document.

    Each sentence is embedded together with ``buffer`` neighbours on each side. A cut is made if the cosine distance
    between two adjacent sentences is above the ``percentile`` of all such distances in the document (Kamradt's
    "5 levels of text splitting", and LangChain's ``SemanticChunker``). Parts
    longer than ``size`` are cut at sentence ends.

    Attributes:
        embedder: any embedder, ``minilm`` or another spec.
        percentile: 0 to 100; higher gives fewer and longer chunks.
        buffer: neighbouring sentences embedded with each, on each side.
        size: most characters of a chunk, at least 2.
    """

    embedder: str | Mapping[str, object] = "minilm"
    percentile: float = 95.0
    buffer: int = 1
    size: int = 2000

    def __post_init__(self) -> None:
        check_size("semantic", self.size, 0, least=2)
        if not 0 <= self.percentile <= 100:
            raise SettingError(f"chunker 'semantic': percentile must be from 0 to 100, not {self.percentile}")
        if self.buffer < 0:
            raise SettingError(f"chunker 'semantic': buffer must not be below 0: {self.buffer}")

    @cached_property
    def _model(self) -> Any:
        return plugins.build(plugins.EMBEDDERS, self.embedder)

    def spans(self, document: Document) -> list[tuple[int, int]]:
        """Return runs of sentences."""
        text = document.text
        sentences = fitting(text, sentence_spans(text), self.size)
        if len(sentences) < 3:
            # One distance is never above a percentile of itself.
            return _packed(sentences, self.size)
        last = len(sentences) - 1
        windows = [
            text[sentences[max(0, i - self.buffer)][0] : sentences[min(last, i + self.buffer)][1]]
            for i in range(len(sentences))
        ]
        vectors = self._model.encode(windows, "passage")
        distances = 1.0 - np.einsum("ij,ij->i", vectors[:-1], vectors[1:], dtype=np.float64)
        breaks = np.nonzero(distances > np.percentile(distances, self.percentile))[0] + 1
        edges = [0, *breaks.tolist(), len(sentences)]
        parts = (sentences[low:high] for low, high in pairwise(edges))
        return [span for part in parts for span in _packed(part, self.size)]


def _packed(sentences: list[tuple[int, int]], size: int) -> list[tuple[int, int]]:
    """Join sentences while they fit in ``size`` characters."""
    joined: list[tuple[int, int]] = []
    for start, end in sentences:
        if joined and end - joined[-1][0] <= size:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined
