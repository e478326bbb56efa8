"""The contract of an embedder."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from ragbench.core.context import Advance
from ragbench.core.errors import SettingError

TextKind = Literal["query", "passage"]


@dataclass(frozen=True, eq=False)
class TokenVectors:
    """Vectors of the tokens of several texts.

    Attributes:
        vectors: float32 (total tokens, d), L2-normalised.
        sentences: float32 (n, d), what `Embedder.encode` gives for the same texts.
        offsets: int64 (n + 1,), the tokens of text i are rows ``offsets[i]:offsets[i + 1]``.
    """

    vectors: npt.NDArray[np.float32]
    sentences: npt.NDArray[np.float32]
    offsets: npt.NDArray[np.int64]


class Embedder(ABC):
    """Turns texts into vectors. A subclass is a frozen dataclass whose fields are its settings."""

    languages: ClassVar[frozenset[str] | None] = None
    """The languages that it was made for, as ISO 639-1 codes. None if they are not known, or many."""

    @abstractmethod
    def fingerprint(self) -> str:
        """Identity of the model's weights and settings: the key under which vectors are kept."""

    @abstractmethod
    def encode(self, texts: Sequence[str], kind: TextKind, advance: Advance | None = None) -> npt.NDArray[np.float32]:
        """Embed texts as float32 (n, d), rows of unit length.

        Args:
            texts: n texts.
            kind: whether they are queries or passages; some models treat them differently.
            advance: called with the number of texts done since the last call.
        """

    @property
    def gives_tokens(self) -> bool:
        """Whether it gives token vectors too."""
        return type(self).encode_tokens is not Embedder.encode_tokens

    def encode_tokens(self, texts: Sequence[str], kind: TextKind, advance: Advance | None = None) -> TokenVectors:
        """Vectors of single tokens, for late interaction.

        Raises:
            SettingError: this embedder gives no token vectors.
        """
        raise SettingError(f"{type(self).__name__} gives no token vectors: choose an embedder that does (minilm)")
