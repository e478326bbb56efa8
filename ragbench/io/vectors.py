"""The vector store: embeddings on disk, keyed by model and text.

One folder per model; in it, shards that are written once and never changed:
``NAME.npy`` (float32, rows) and ``NAME.keys`` (16 bytes per row, the hash of
its text). The keys are written last, so that a shard without them does not
exist yet. Two processes may write at once: each writes shards of its own, and
a text that both embedded is simply there twice.
"""

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ragbench.core.errors import InputError
from ragbench.core.fingerprint import text_hash
from ragbench.io.files import replacing, write_bytes

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
    """All shards of a folder. Only those that are read are opened, since an open one holds a file handle.

    Attributes:
        paths: the ``.npy`` files, one a shard.
        keys: all keys, sorted; with ``shard`` and ``row``, where each stands.
    """

    paths: list[Path]
    keys: npt.NDArray[np.void]
    shard: npt.NDArray[np.int32]
    row: npt.NDArray[np.int64]

    @classmethod
    def open(cls, folder: Path) -> "Shards":
        """Every complete shard of the folder; none if there is no folder yet."""
        paths, keys = list[Path](), list[npt.NDArray[np.void]]()
        for path in sorted(folder.glob("*.keys")):
            values = path.with_suffix(".npy")
            found = np.frombuffer(path.read_bytes(), dtype=f"V{KEY_BYTES}")
            if _rows(values) == len(found):
                paths.append(values)
                keys.append(found)
        every = np.concatenate(keys) if keys else np.empty(0, dtype=f"V{KEY_BYTES}")
        counts = [len(found) for found in keys]
        shard = np.repeat(np.arange(len(keys), dtype=np.int32), counts)
        row = np.arange(len(every)) - np.repeat(np.cumsum(counts, dtype=np.int64) - counts, counts)
        order = np.argsort(_words(every), kind="stable")
        return cls(paths, every[order], shard[order], row[order])

    def rows(self, number: int) -> npt.NDArray[np.float32]:
        """All rows of one shard, memory-mapped."""
        array: npt.NDArray[np.float32] = np.load(self.paths[number], mmap_mode="r", allow_pickle=False)
        return array

    def find(self, keys: npt.NDArray[np.void]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
        """Shard (or -1) and row of each key."""
        if len(self.keys) == 0:
            return np.full(len(keys), -1, dtype=np.int32), np.zeros(len(keys), dtype=np.int64)
        at = np.searchsorted(_words(self.keys), _words(keys))
        at[at == len(self.keys)] = 0
        return np.where(self.keys[at] == keys, self.shard[at], -1).astype(np.int32), self.row[at]

    def locate(self, keys: npt.NDArray[np.void]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
        """Shard and row of keys that are all stored.

        Raises:
            InputError: one is not, since somebody cleared the cache meanwhile.
        """
        shard, row = self.find(keys)
        gone = int((shard < 0).sum())
        if gone:
            raise InputError(f"{gone} stored vectors were removed while they were needed; run again to embed them")
        return shard, row

    def gather(self, keys: npt.NDArray[np.void]) -> npt.NDArray[np.float32]:
        """Rows of keys that are all stored: a memory-mapped stretch where they are one, else a copy."""
        shard, row = self.locate(keys)
        if len(keys) and (shard == shard[0]).all() and (np.diff(row) == 1).all():
            return self.rows(int(shard[0]))[row[0] : row[-1] + 1]
        order = np.argsort(shard, kind="stable")
        numbers, starts = np.unique(shard[order], return_index=True)
        parts = np.split(order, starts[1:]) if len(keys) else []
        out = np.empty((len(keys), self.rows(int(numbers[0])).shape[1] if parts else 0), dtype=np.float32)
        for number, at in zip(numbers.tolist(), parts, strict=False):
            out[at] = self.rows(number)[row[at]]
        return out


def _rows(path: Path) -> int:
    """Number of rows of an array file; -1 where it is absent or cut off."""
    try:
        with path.open("rb") as handle:
            version = np.lib.format.read_magic(handle)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, _, dtype = read(handle)
            whole = handle.tell() + math.prod(shape) * dtype.itemsize <= path.stat().st_size
            return shape[0] if whole else -1
    except (OSError, ValueError):
        return -1


def _words(keys: npt.NDArray[np.void]) -> npt.NDArray[np.uint64]:
    """The first 8 of the 16 bytes, which numpy can sort; equality is checked on all 16.

    Two stored texts that share them would only be encoded again (one pair in
    10^7 stores of a million texts).
    """
    return np.ascontiguousarray(keys).view(np.uint64)[::2]
