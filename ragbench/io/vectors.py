"""The vector store: embeddings on disk, keyed by model and text.

One folder per model; in it, shards that are written once and never changed:
``NAME.npy`` (float32, rows) and ``NAME.keys`` (16 bytes per row, the hash of
its text). The keys are written last, so that a shard without them does not
exist yet. Two processes may write at once: each writes shards of its own, and
a text that both embedded is simply there twice.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ragbench.core.fingerprint import text_hash
from ragbench.io.atomic import replacing, write_bytes

Encode = Callable[[Sequence[str]], npt.NDArray[np.float32]]
ROWS_PER_SHARD = 2048
KEY_BYTES = 16


@dataclass(frozen=True)
class VectorStore:
    """Vectors of texts under one model fingerprint.

    Attributes:
        folder: where the shards are.
    """

    folder: Path

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
        """
        keys = text_keys(texts) if keys is None else keys
        stored = Shards.open(self.folder)
        missing = np.flatnonzero(stored.find(keys)[0] < 0)
        distinct = missing[np.unique(keys[missing], return_index=True)[1]]
        distinct.sort()
        for start in range(0, len(distinct), ROWS_PER_SHARD):
            rows = distinct[start : start + ROWS_PER_SHARD]
            self._write(keys[rows], encode([texts[row] for row in rows]))
        if len(distinct):
            stored = Shards.open(self.folder)
        return stored.gather(keys), len(distinct)

    def _write(self, keys: npt.NDArray[np.void], vectors: npt.NDArray[np.float32]) -> None:
        name = hashlib.blake2b(keys.tobytes(), digest_size=8).hexdigest()
        with replacing(self.folder / f"{name}.npy") as path, path.open("wb") as handle:
            np.save(handle, np.ascontiguousarray(vectors, dtype=np.float32), allow_pickle=False)
        write_bytes(self.folder / f"{name}.keys", keys.tobytes())


def text_keys(texts: Sequence[str]) -> npt.NDArray[np.void]:
    """(n,) 16-byte hashes of texts."""
    raw = b"".join(bytes.fromhex(text_hash(text)) for text in texts)
    return np.frombuffer(raw, dtype=f"V{KEY_BYTES}")


@dataclass(frozen=True)
class Shards:
    """All shards of a folder, opened for reading.

    Attributes:
        paths: the key files, one a shard.
        arrays: memory-mapped rows, one array a shard.
        keys: all keys, sorted; with ``shard`` and ``row``, where each stands.
    """

    paths: list[Path]
    arrays: list[npt.NDArray[np.float32]]
    keys: npt.NDArray[np.void]
    shard: npt.NDArray[np.int32]
    row: npt.NDArray[np.int64]

    @classmethod
    def open(cls, folder: Path) -> "Shards":
        """Every complete shard of the folder; none if there is no folder yet."""
        paths, arrays, keys = list[Path](), list[npt.NDArray[np.float32]](), []
        for path in sorted(folder.glob("*.keys")):
            values = path.with_suffix(".npy")
            found = np.frombuffer(path.read_bytes(), dtype=f"V{KEY_BYTES}")
            array = np.load(values, mmap_mode="r", allow_pickle=False) if values.exists() else None
            if array is None or len(array) != len(found):
                continue
            paths.append(path)
            arrays.append(array)
            keys.append(found)
        every = np.concatenate(keys) if keys else np.empty(0, dtype=f"V{KEY_BYTES}")
        shard = np.repeat(np.arange(len(arrays), dtype=np.int32), [len(a) for a in arrays])
        row = np.concatenate([np.arange(len(a)) for a in arrays]) if arrays else np.empty(0, np.int64)
        order = np.argsort(_words(every), kind="stable")
        return cls(paths, arrays, every[order], shard[order], row[order])

    def find(self, keys: npt.NDArray[np.void]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
        """Shard (or -1) and row of each key."""
        if len(self.keys) == 0:
            return np.full(len(keys), -1, dtype=np.int32), np.zeros(len(keys), dtype=np.int64)
        at = np.searchsorted(_words(self.keys), _words(keys))
        at[at == len(self.keys)] = 0
        return np.where(self.keys[at] == keys, self.shard[at], -1).astype(np.int32), self.row[at]

    def gather(self, keys: npt.NDArray[np.void]) -> npt.NDArray[np.float32]:
        """Rows of keys that are all stored: a memory-mapped stretch where they are one, else a copy."""
        shard, row = self.find(keys)
        if len(keys) and (shard == shard[0]).all() and (np.diff(row) == 1).all():
            stretch: npt.NDArray[np.float32] = self.arrays[shard[0]][row[0] : row[-1] + 1]
            return stretch
        out = np.empty((len(keys), self.arrays[0].shape[1] if self.arrays else 0), dtype=np.float32)
        for number, array in enumerate(self.arrays):
            at = np.flatnonzero(shard == number)
            out[at] = array[row[at]]
        return out


def _words(keys: npt.NDArray[np.void]) -> npt.NDArray[np.uint64]:
    """The first 8 of the 16 bytes, which numpy can sort; equality is checked on all 16.

    Two stored texts that share them would only be encoded again (one pair in
    10^7 stores of a million texts).
    """
    return np.ascontiguousarray(keys).view(np.uint64)[::2]
