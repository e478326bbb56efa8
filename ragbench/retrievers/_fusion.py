"""A learned fusion as the model of `rerank`: ``rerank:model=fusion:PATH``."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ragbench.core.context import Context
from ragbench.core.documents import Chunks
from ragbench.core.runs import Query
from ragbench.io.fusion_models import FusionModel, read_fusion_model
from ragbench.retrievers._signals import NAMES, Signals

FUSION = "fusion"


def fusion_path(model: str) -> Path | None:
    """The file of ``fusion:PATH``; None for other models of `rerank`.

    Examples:
        >>> fusion_path("fusion:models/shop.json").as_posix(), fusion_path("late")
        ('models/shop.json', None)
    """
    name, colon, path = model.partition(":")
    return Path(path) if name.strip() == FUSION and colon and path else None


def load_fusion(path: Path) -> FusionModel:
    """Read a learned fusion.

    Raises:
        InputError: it cannot be read.
    """
    return read_fusion_model(path, NAMES)


@dataclass
class Fusion:
    """Scores candidates of queries with a learned fusion.

    Attributes:
        signals: computes the signals.
        model: their weights.
    """

    signals: Signals
    model: FusionModel

    @classmethod
    def build(cls, model: FusionModel, chunks: Chunks, context: Context) -> "Fusion":
        """Index the chunks for all signals."""
        return cls(Signals.build(model.embedder, chunks, context), model)

    def score(self, queries: Sequence[Query], rows: npt.NDArray[np.int32]) -> npt.NDArray[np.float32]:
        """Scores (q, c) of the candidates ``rows`` (q, c) of each query; 0 where a row is -1."""
        weights = np.array([self.model.weights.get(name, 0.0) for name in NAMES])
        # Summed in one order, so that equal candidates have equal scores.
        found = np.einsum("s,sqc->qc", weights, self.signals.of(queries, rows).astype(np.float64))
        scores: npt.NDArray[np.float32] = found.astype(np.float32)
        return scores
