"""Token vectors on disk, for late interaction: one signed byte per dimension and a scale per token.

A shard is four files: ``NAME.tokens.npy`` (int8, tokens x d), ``NAME.scales.npy``
(float32, tokens), ``NAME.npy`` (int64, texts x 2: first and last-plus-one token)
and ``NAME.keys`` (written last; see `ragbench.io.vectors`). Rounding to 254
steps moves a cosine by some .001; it quarters the space and the reading.
"""

import hashlib
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ragbench.io.files import replacing, write_bytes
from ragbench.io.vectors import Shards, text_keys

TEXTS_PER_SHARD = 1024


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
    """Token vectors of texts under one model fingerprint; ``folder`` None keeps them in memory only."""

    folder: Path | None

    def tokens(self, texts: Sequence[str], encode: Encode) -> list[Packed]:
        """Token vectors of each text, memory-mapped; those not stored yet are encoded and stored first."""
        if self.folder is None:
            return _split(texts, encode)
        keys = text_keys(texts)
        missing = np.flatnonzero(Shards.open(self.folder).find(keys)[0] < 0)
        distinct = np.sort(missing[np.unique(keys[missing], return_index=True)[1]])
        for start in range(0, len(distinct), TEXTS_PER_SHARD):
            rows = distinct[start : start + TEXTS_PER_SHARD]
            vectors, offsets = encode([texts[row] for row in rows])
            self._write(self.folder, keys[rows], pack(vectors), offsets)
        return self._read(self.folder, keys)

    def keep(self, texts: Sequence[str], vectors: npt.NDArray[np.float32], offsets: npt.NDArray[np.int64]) -> None:
        """Store what `Encode` gave for the texts; nothing without a folder."""
        if self.folder is not None and texts:
            self._write(self.folder, text_keys(texts), pack(vectors), offsets)

    def _write(self, folder: Path, keys: npt.NDArray[np.void], packed: Packed, offsets: npt.NDArray[np.int64]) -> None:
        name = hashlib.blake2b(keys.tobytes(), digest_size=8).hexdigest()
        spans = np.stack([offsets[:-1], offsets[1:]], axis=1)
        for suffix, array in ((".tokens.npy", packed.tokens), (".scales.npy", packed.scales), (".npy", spans)):
            with replacing(folder / f"{name}{suffix}") as path, path.open("wb") as handle:
                np.save(handle, array, allow_pickle=False)
        write_bytes(folder / f"{name}.keys", keys.tobytes())

    def _read(self, folder: Path, keys: npt.NDArray[np.void]) -> list[Packed]:
        shards = Shards.open(folder)
        shard, row = shards.locate(keys)
        opened = {
            number: (
                shards.rows(number),
                np.load(folder / f"{shards.paths[number].stem}.tokens.npy", mmap_mode="r", allow_pickle=False),
                np.load(folder / f"{shards.paths[number].stem}.scales.npy", allow_pickle=False),
            )
            for number in np.unique(shard).tolist()
        }
        out = []
        for number, at in zip(shard.tolist(), row.tolist(), strict=True):
            spans, tokens, scales = opened[number]
            low, high = spans[at]
            out.append(Packed(tokens[low:high], scales[low:high]))
        return out


def _split(texts: Sequence[str], encode: Encode) -> list[Packed]:
    out: list[Packed] = []
    for start in range(0, len(texts), TEXTS_PER_SHARD):
        vectors, offsets = encode(texts[start : start + TEXTS_PER_SHARD])
        tokens, scales = pack(vectors)
        out += [Packed(tokens[low:high], scales[low:high]) for low, high in itertools.pairwise(offsets.tolist())]
    return out
