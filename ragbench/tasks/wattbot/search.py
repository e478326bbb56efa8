"""The chunks nearest to a question."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ragbench.tasks.wattbot.chunks import PageChunk

TOP, LEAST = 8, 0.25
"""Chunks shown to the model, and the cosine of the best one under which the question is left unanswered."""


class Found(NamedTuple):
    """What was found for one question: chunks with their cosine, best first."""

    chunks: tuple[PageChunk, ...]
    scores: tuple[float, ...]


def nearest(
    queries: npt.NDArray[np.float32], vectors: npt.NDArray[np.float32], chunks: Sequence[PageChunk], top: int = TOP
) -> list[Found]:
    """The chunks with the highest cosine to each query; of equal ones the earlier.

    Args:
        queries: (q, d) unit vectors.
        vectors: (n, d) unit vectors of the chunks.
        chunks: length n.
        top: how many.
    """
    found = []
    for query in queries:
        scores = vectors @ query
        best = np.argsort(-scores, kind="stable")[:top].tolist()
        found.append(Found(tuple(chunks[row] for row in best), tuple(float(scores[row]) for row in best)))
    return found
