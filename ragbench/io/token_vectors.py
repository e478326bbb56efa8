"""Token vectors on disk, for late interaction: one signed byte per dimension and a scale per token.

A shard (`ragbench.io.shards`) has ``NAME.tokens.npy`` (int8, tokens x d) and ``NAME.scales.npy`` (float32, tokens).
Rounding to 254 steps moves a cosine by some .001; it quarters the space and the reading.
"""

import hashlib
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ragbench.core.context import unheard
from ragbench.io.shards import Layout, Shard, Shards, text_keys

TEXTS_PER_SHARD = 1024
LAYOUT = Layout(((".tokens.npy", np.int8), (".scales.npy", np.float32)), 1)


class Packed(NamedTuple):
    """Token vectors of one text: ``tokens * scales[:, None]``.

    Attributes:
        tokens: int8 (t, d).
        scales: float32 (t,).
    """

    tokens: npt.NDArray[np.int8]
    scales: npt.NDArray[np.float32]


Encode = Callable[[Sequence[str]], tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]]
"""Texts -> float32 (all tokens, d) and int64 (n + 1,) offsets."""


def pack(vectors: npt.NDArray[np.float32]) -> Packed:
    """Round float32 (t, d) to bytes."""
    scales = np.maximum(np.abs(vectors).max(axis=1, initial=0), 1e-12) / 127
    return Packed(np.rint(vectors / scales[:, None]).astype(np.int8), scales.astype(np.float32))


@dataclass(frozen=True)
class TokenStore:
    """Token vectors of texts under one model fingerprint.

    Attributes:
        folder: where the shards are; None keeps the vectors in memory only.
        say: takes a line about stored vectors that are damaged.
    """

    folder: Path | None
    say: Callable[[str], None] = unheard

    def tokens(self, texts: Sequence[str], encode: Encode) -> list[Packed]:
        """Token vectors of each text, memory-mapped; those not stored yet are encoded and stored first."""
        if self.folder is None:
            return _split(texts, encode)
        keys = text_keys(texts)
        stored = Shards.checked(self.folder, LAYOUT, keys, self.say)
        if self._fill(self.folder, stored, texts, keys, encode):
            stored = Shards.open(self.folder, LAYOUT)
        return _read(stored, keys)

    def fill(self, texts: Sequence[str], encode: Encode) -> None:
        """Store the token vectors of texts that have none, without reading the others; nothing without a folder."""
        if self.folder is not None:
            self._fill(self.folder, Shards.open(self.folder, LAYOUT), texts, text_keys(texts), encode)

    def _fill(
        self, folder: Path, stored: Shards, texts: Sequence[str], keys: npt.NDArray[np.void], encode: Encode
    ) -> bool:
        missing = stored.missing(keys)
        for start in range(0, len(missing), TEXTS_PER_SHARD):
            rows = missing[start : start + TEXTS_PER_SHARD]
            vectors, offsets = encode([texts[row] for row in rows])
            _write(folder, keys[rows], pack(vectors), offsets)
        return len(missing) > 0

    def keep(self, texts: Sequence[str], vectors: npt.NDArray[np.float32], offsets: npt.NDArray[np.int64]) -> None:
        """Store what `Encode` gave for the texts; nothing without a folder."""
        if self.folder is not None and texts:
            _write(self.folder, text_keys(texts), pack(vectors), offsets)


def _write(folder: Path, keys: npt.NDArray[np.void], packed: Packed, offsets: npt.NDArray[np.int64]) -> None:
    name = hashlib.blake2b(keys.tobytes(), digest_size=8).hexdigest()
    Shard.write(folder / name, LAYOUT, keys, offsets.astype(np.int64), [packed.tokens, packed.scales])


def _read(stored: Shards, keys: npt.NDArray[np.void]) -> list[Packed]:
    shard, row = stored.locate(keys)
    opened = {
        number: (one.offsets.tolist(), np.asarray(one.array(0)), np.asarray(one.array(1)))
        for number in np.unique(shard).tolist()
        for one in (stored.shards[number],)
    }
    out = []
    for number, at in zip(shard.tolist(), row.tolist(), strict=True):
        offsets, tokens, scales = opened[number]
        low, high = offsets[at], offsets[at + 1]
        out.append(Packed(tokens[low:high], scales[low:high]))
    return out


def _split(texts: Sequence[str], encode: Encode) -> list[Packed]:
    out: list[Packed] = []
    for start in range(0, len(texts), TEXTS_PER_SHARD):
        vectors, offsets = encode(texts[start : start + TEXTS_PER_SHARD])
        tokens, scales = pack(vectors)
        out += [Packed(tokens[low:high], scales[low:high]) for low, high in itertools.pairwise(offsets.tolist())]
    return out
