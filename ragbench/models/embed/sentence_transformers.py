"""Any sentence-transformers model, by name or path."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from ragbench.core.context import Advance
from ragbench.core.errors import ArmError, InputError, MissingExtra, SettingError
from ragbench.core.fingerprint import fingerprint
from ragbench.models.embed.base import Embedder, TextKind
from ragbench.models.weights import weights_fingerprint

TEXTS_PER_STEP = 1024
"""Texts between two reports of progress. Within them, sentence-transformers sorts by length to save padding."""


@dataclass(frozen=True)
class SentenceTransformers(Embedder):
    """A sentence-transformers model.

    Queries and passages get the model's own prompts, or those given here. Code that
    comes with a model is never run.

    Attributes:
        model: a folder, or a name on the Hugging Face hub.
        revision: commit, branch or tag of a name; a commit makes runs repeatable.
        query_prompt: text before each query (E5 needs ``"query: "``); None uses the model's own.
        passage_prompt: text before each passage; None uses the model's own.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
        batch_size: texts per forward pass.
        max_tokens: texts are cut after this many tokens; 0 uses the model's limit.

    Source: Reimers and Gurevych 2019, Sentence-BERT.
    """

    model: str
    revision: str = ""
    query_prompt: str | None = None
    passage_prompt: str | None = None
    device: str = "auto"
    batch_size: int = 32
    max_tokens: int = 0

    def __post_init__(self) -> None:
        if not self.model:
            raise SettingError("embedder 'sentence_transformers': model is empty; name a model or a folder")
        if self.batch_size < 1 or self.max_tokens < 0:
            raise SettingError("embedder 'sentence_transformers': batch_size must be at least 1, max_tokens 0 or more")

    def fingerprint(self) -> str:
        """Fingerprint of the weights (files, or name and commit), prompts and length limit, not of the device."""
        weights = weights_fingerprint(self.model, self.revision, lambda: _load(self))
        return fingerprint(["sentence_transformers", weights, self.query_prompt, self.passage_prompt, self.max_tokens])

    def encode(self, texts: Sequence[str], kind: TextKind, advance: Advance | None = None) -> npt.NDArray[np.float32]:
        """float32 (n, d), unit length.

        Raises:
            InputError: the model cannot be loaded.
            ArmError: a vector has a NaN.
        """
        model = _load(self)
        encode, prompt = (
            (model.encode_query, self.query_prompt) if kind == "query" else (model.encode_document, self.passage_prompt)
        )
        parts = [np.empty((0, int(model.get_embedding_dimension())), dtype=np.float32)]
        for start in range(0, len(texts), TEXTS_PER_STEP):
            batch = list(texts[start : start + TEXTS_PER_STEP])
            parts.append(
                encode(
                    batch,
                    prompt=prompt,
                    batch_size=self.batch_size,
                    show_progress_bar=False,
                    convert_to_numpy=True,
                    normalize_embeddings=True,
                ).astype(np.float32, copy=False)
            )
            if np.isnan(parts[-1]).any():
                raise ArmError(f"embedder {self.model!r} gives NaN; try device=cpu, or another precision")
            if advance is not None:
                advance(len(batch))
        return np.concatenate(parts)


@lru_cache(maxsize=2)
def _load(settings: SentenceTransformers) -> Any:
    try:
        import sentence_transformers
    except ImportError as error:
        raise MissingExtra("embedder 'sentence_transformers'", "st") from error
    try:
        model = sentence_transformers.SentenceTransformer(
            settings.model,
            revision=settings.revision or None,
            device=None if settings.device == "auto" else settings.device,
            trust_remote_code=False,
        )
    except (OSError, ValueError, RuntimeError) as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise InputError(f"embedder {settings.model!r} cannot be loaded: {reason[0]}") from error
    if settings.max_tokens:
        model.max_seq_length = settings.max_tokens
    return model
