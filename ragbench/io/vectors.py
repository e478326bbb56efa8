"""The vector store: embeddings on disk, keyed by model and text.

One folder per model; in it, shards (`ragbench.io.shards`) with ``NAME.npy`` (float32, a row for each text). Two
processes may write at once: each writes shards of its own, and a text that both embedded is simply there twice.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ragbench.core.context import unheard
from ragbench.core.errors import InputError
from ragbench.io.shards import Layout, Shard, Shards, text_keys

Encode = Callable[[Sequence[str]], npt.NDArray[np.float32]]
ROWS_PER_SHARD = 2048
ROWS_PER_PIECE = 64
"""Vectors that are checked together. Checking them one by one takes three times as long."""
LAYOUT = Layout(((".npy", np.float32),), ROWS_PER_PIECE)


@dataclass(frozen=True)
class VectorStore:
    """Vectors of texts under one model fingerprint.

    Attributes:
        folder: where the shards are.
        say: takes a line about stored vectors that are damaged.
    """

    folder: Path
    say: Callable[[str], None] = unheard

    def vectors(
        self, texts: Sequence[str], encode: Encode, *, keys: npt.NDArray[np.void] | None = None
    ) -> tuple[npt.NDArray[np.float32], int]:
        """Vectors of the texts, in order, and how many had to be encoded now.

        Where the wanted rows are one stretch of one shard they come
        memory-mapped, without a copy; else they are gathered (n x d x 4 bytes).

        Args:
            texts: what to look up.
            encode: called for the texts that are not stored yet, at most
                `ROWS_PER_SHARD` at a time; each batch is on disk before the next.
            keys: their hashes, if known (`text_keys`).

        Raises:
            InputError: a vector is not finite, or vectors have different widths.
        """
        keys = text_keys(texts) if keys is None else keys
        stored = Shards.checked(self.folder, LAYOUT, keys, self.say)
        missing = stored.missing(keys)
        for start in range(0, len(missing), ROWS_PER_SHARD):
            rows = missing[start : start + ROWS_PER_SHARD]
            asked = [texts[row] for row in rows]
            self._write(keys[rows], finite(asked, encode(asked)))
        if len(missing):
            stored = Shards.open(self.folder, LAYOUT)
        return self._gather(stored, keys), len(missing)

    def _write(self, keys: npt.NDArray[np.void], vectors: npt.NDArray[np.float32]) -> None:
        name = hashlib.blake2b(keys.tobytes(), digest_size=8).hexdigest()
        offsets = np.append(np.arange(0, len(keys), ROWS_PER_PIECE), len(keys)).astype(np.int64)
        Shard.write(self.folder / name, LAYOUT, keys, offsets, [np.ascontiguousarray(vectors, dtype=np.float32)])

    def _gather(self, stored: Shards, keys: npt.NDArray[np.void]) -> npt.NDArray[np.float32]:
        """Rows of keys that are all stored: a memory-mapped stretch where they are one, else a copy."""
        shard, row = stored.locate(keys)
        if not len(keys):
            return np.empty((0, 0), dtype=np.float32)
        numbers = np.unique(shard).tolist()
        widths = {stored.shards[number].width for number in numbers}
        if len(widths) > 1:
            raise InputError(
                f"{self.folder}: holds vectors of {' and '.join(map(str, sorted(widths)))} numbers under one name of a "
                "model; remove the folder, so that all texts are embedded by one model"
            )
        if len(numbers) == 1 and (np.diff(row) == 1).all():
            stretch: npt.NDArray[np.float32] = stored.shards[numbers[0]].array(0)[row[0] : row[-1] + 1]
            return stretch
        out = np.empty((len(keys), widths.pop()), dtype=np.float32)
        order = np.argsort(shard, kind="stable")
        for number, at in zip(numbers, np.split(order, np.flatnonzero(np.diff(shard[order])) + 1), strict=True):
            out[at] = stored.shards[number].array(0)[row[at]]
        return out


def finite(texts: Sequence[str], vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The same vectors.

    Raises:
        InputError: one has a value that is not finite.
    """
    wrong = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(wrong):
        raise InputError(f"the embedder gives {len(wrong)} vectors with a value that is not finite; the first text "
                         f"begins {texts[int(wrong[0])][:60]!r}")  # fmt: skip
    return vectors
