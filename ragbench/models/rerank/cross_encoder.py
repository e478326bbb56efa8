"""A cross-encoder: one forward pass over query and passage together."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from ragbench.core.errors import ArmError, InputError, MissingExtra, SettingError
from ragbench.core.fingerprint import fingerprint
from ragbench.models.rerank.base import Reranker
from ragbench.models.weights import weights_fingerprint


@dataclass(frozen=True)
class CrossEncoder(Reranker):
    """A sentence-transformers cross-encoder with one output, by name or path.

    Code that comes with a model is never run.

    Attributes:
        model: a folder, or a name on the Hugging Face hub.
        revision: commit, branch or tag of a name; a commit makes runs repeatable.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
        batch_size: pairs per forward pass.
        max_tokens: pairs are cut after this many tokens; 0 uses the model's limit.

    Source: Nogueira and Cho 2019, Passage re-ranking with BERT.
    """

    model: str
    revision: str = ""
    device: str = "auto"
    batch_size: int = 32
    max_tokens: int = 0

    def __post_init__(self) -> None:
        if not self.model:
            raise SettingError("reranker 'cross_encoder': model is empty; name a model or a folder")
        if self.batch_size < 1 or self.max_tokens < 0:
            raise SettingError("reranker 'cross_encoder': batch_size must be at least 1, max_tokens 0 or more")

    def fingerprint(self) -> str:
        """Fingerprint of the weights (files, or name and commit) and the length limit, not of the device."""
        weights = weights_fingerprint(self.model, self.revision, lambda: _load(self))
        return fingerprint(["cross_encoder", weights, self.max_tokens])

    def score(self, query: str, passages: Sequence[str]) -> npt.NDArray[np.float32]:
        """Score with the model's output, after its own activation, as float32 (n,).

        Raises:
            ArmError: an output is NaN.
            InputError: the model cannot be loaded, or has several outputs.
        """
        if not passages:
            return np.empty(0, dtype=np.float32)
        pairs = [(query, passage) for passage in passages]
        found = _load(self).predict(pairs, batch_size=self.batch_size, show_progress_bar=False, convert_to_numpy=True)
        scores: npt.NDArray[np.float32] = np.asarray(found, dtype=np.float32)
        if scores.shape != (len(passages),):
            raise InputError(
                f"cross-encoder {self.model!r} has {scores.shape[-1]} outputs for a pair; reranking needs one"
            )
        if np.isnan(scores).any():
            raise ArmError(f"cross-encoder {self.model!r} gives NaN for {int(np.isnan(scores).sum())} passages")
        return scores


@lru_cache(maxsize=2)
def _load(settings: CrossEncoder) -> Any:
    try:
        import sentence_transformers
    except ImportError as error:
        raise MissingExtra("reranker 'cross_encoder'", "st") from error
    try:
        return sentence_transformers.CrossEncoder(
            settings.model,
            revision=settings.revision or None,
            device=None if settings.device == "auto" else settings.device,
            max_length=settings.max_tokens or None,
            trust_remote_code=False,
        )
    except (OSError, ValueError, RuntimeError) as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise InputError(f"cross-encoder {settings.model!r} cannot be loaded: {reason[0]}") from error
