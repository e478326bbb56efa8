"""Shards: arrays on disk that are written once, with an index that finds and checks their rows.

A shard is one file or more of rows (``NAME.npy``, ...) and ``NAME.index``, which is written last: a shard without it
does not exist yet. The index holds the key of each text, the rows of each piece, the checksum of each piece, and a
checksum of its own. A piece is what is checked at once: some texts, or one text with all its tokens.

Pieces are checked when they are read. What was altered on disk is forgotten and counts as absent. The checksums
(XXH3) find damage; whoever can write to the folder can also write matching checksums.
"""

import contextlib
import itertools
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xxhash

from ragbench.core.errors import InputError
from ragbench.core.fingerprint import text_hash
from ragbench.io.files import replacing, write_bytes

KEY_BYTES = 16
MAGIC = b"ragbench shard 1"
HEAD = struct.Struct(f"<{len(MAGIC)}sQQQQ")
"""Magic, number of texts, of texts in a piece, of pieces, and width of a row."""
DIGEST_BYTES = 16
NO_KEY = bytes(KEY_BYTES)
"""Takes the place of the key of a text whose rows are damaged."""
INDEX = ".index"
HEADER_BYTES = 128
"""Of an array file, as `numpy.save` writes it."""


def text_keys(texts: Sequence[str]) -> npt.NDArray[np.void]:
    """(n,) 16-byte hashes of texts."""
    raw = b"".join(bytes.fromhex(text_hash(text)) for text in texts)
    return np.frombuffer(raw, dtype=f"V{KEY_BYTES}")


@dataclass(frozen=True, eq=False)
class Layout:
    """The files of a shard.

    Attributes:
        files: ending and type of each file; the first one has rows of `width` numbers, the others one number a row.
        texts_per_piece: how many texts are checked at once.
    """

    files: tuple[tuple[str, type[np.generic]], ...]
    texts_per_piece: int


@dataclass(frozen=True, eq=False)
class Shard:
    """One shard.

    Attributes:
        path: the index.
        layout: its files.
        width: numbers in a row.
        keys: (n,) key of each text.
        offsets: (pieces + 1,) first row of each piece, and the number of rows.
        sums: (pieces,) checksums.
    """

    path: Path
    layout: Layout
    width: int
    keys: npt.NDArray[np.void]
    offsets: npt.NDArray[np.int64]
    sums: npt.NDArray[np.uint64]

    @classmethod
    def write(
        cls, stem: Path, layout: Layout, keys: npt.NDArray[np.void], offsets: npt.NDArray[np.int64],
        arrays: Sequence[npt.NDArray[Any]],
    ) -> None:  # fmt: skip
        """Write a shard. ``stem`` is its path without an ending."""
        for (ending, _), array in zip(layout.files, arrays, strict=True):
            with replacing(Path(f"{stem}{ending}")) as path, path.open("wb") as handle:
                np.save(handle, array, allow_pickle=False)
        sums = [_checksum(arrays, low, high) for low, high in itertools.pairwise(offsets.tolist())]
        shard = cls(Path(f"{stem}{INDEX}"), layout, arrays[0].shape[1], keys, offsets, np.array(sums, np.uint64))
        shard._write_index()

    @classmethod
    def read(cls, path: Path, layout: Layout) -> "Shard | None":
        """Read the index of a shard; None if it or the size of a file is wrong."""
        try:
            raw = path.read_bytes()
            magic, texts, texts_per_piece, pieces, width = HEAD.unpack_from(raw)
        except (OSError, struct.error):
            return None
        body = raw[:-DIGEST_BYTES]
        size = HEAD.size + texts * KEY_BYTES + (2 * pieces + 1) * 8
        if xxhash.xxh3_128_digest(body) != raw[-DIGEST_BYTES:] or len(body) != size or magic != MAGIC:
            return None
        keys = np.frombuffer(body, f"V{KEY_BYTES}", texts, HEAD.size)
        offsets = np.frombuffer(body, np.int64, pieces + 1, HEAD.size + keys.nbytes)
        sums = np.frombuffer(body, np.uint64, pieces, HEAD.size + keys.nbytes + offsets.nbytes)
        shard = cls(path, layout, width, keys, offsets, sums)
        return shard if texts_per_piece == layout.texts_per_piece and shard._is_whole() else None

    def _write_index(self) -> None:
        head = HEAD.pack(MAGIC, len(self.keys), self.layout.texts_per_piece, len(self.sums), self.width)
        body = head + self.keys.tobytes() + self.offsets.tobytes() + self.sums.tobytes()
        write_bytes(self.path, body + xxhash.xxh3_128_digest(body))

    def file(self, at: int) -> Path:
        """The path of one of its files."""
        return self.path.with_name(self.path.name.removesuffix(INDEX) + self.layout.files[at][0])

    def array(self, at: int) -> npt.NDArray[Any]:
        """The rows of one of its files, memory-mapped. The header of the file, which may be damaged, is not read."""
        rows, kind = int(self.offsets[-1]), self.layout.files[at][1]
        shape = (rows, self.width) if at == 0 else (rows,)
        if not rows * self.width:
            return np.empty(shape, kind)
        return np.memmap(self.file(at), kind, "r", HEADER_BYTES, shape)

    def _is_whole(self) -> bool:
        """Whether each of its files has the size that its rows need."""
        for at, (_, kind) in enumerate(self.layout.files):
            row_bytes = np.dtype(kind).itemsize * (self.width if at == 0 else 1)
            path = self.file(at)
            if not path.is_file() or path.stat().st_size != HEADER_BYTES + int(self.offsets[-1]) * row_bytes:
                return False
        return True

    def damaged(self, pieces: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Those of the pieces whose rows are not as they were written."""
        # Slices of a memmap object cost more than the checksum of a piece.
        arrays = [np.asarray(self.array(at)) for at in range(len(self.layout.files))]
        ends = list(itertools.pairwise(self.offsets.tolist()))
        return np.array([p for p in pieces.tolist() if _checksum(arrays, *ends[p]) != self.sums[p]], dtype=np.int64)

    @property
    def texts(self) -> int:
        """How many texts it holds."""
        return int(_is_key(self.keys).sum())

    def texts_in(self, pieces: npt.NDArray[np.int64]) -> int:
        """How many texts the pieces hold."""
        return int(self._held_in(pieces).sum())

    def _held_in(self, pieces: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        inside: npt.NDArray[np.bool_] = np.isin(np.arange(len(self.keys)) // self.layout.texts_per_piece, pieces)
        return inside & _is_key(self.keys)

    def forget(self, pieces: npt.NDArray[np.int64]) -> int:
        """Remove the texts of pieces from the index. Returns how many there were."""
        lost = self._held_in(pieces)
        keys = self.keys.copy()
        keys[lost] = np.void(NO_KEY)
        Shard(self.path, self.layout, self.width, keys, self.offsets, self.sums)._write_index()
        return int(lost.sum())


def remove(index: Path, layout: Layout) -> None:
    """Delete the files of a shard, the index first."""
    stem = index.name.removesuffix(INDEX)
    for name in (index.name, *(f"{stem}{ending}" for ending, _ in layout.files)):
        # Another process may have been faster, or may have it open (on Windows).
        with contextlib.suppress(OSError):
            index.with_name(name).unlink()


@dataclass(frozen=True, eq=False)
class Shards:
    """All shards of a folder. Only those that are read are opened, since an open one holds a file handle.

    Attributes:
        shards: the shards.
        broken: indexes of shards that cannot be read.
        keys: all keys, sorted; with ``shard`` and ``row``, where each stands.
    """

    shards: list[Shard]
    broken: list[Path]
    keys: npt.NDArray[np.void]
    shard: npt.NDArray[np.int32]
    row: npt.NDArray[np.int64]

    @classmethod
    def open(cls, folder: Path, layout: Layout) -> "Shards":
        """Every complete shard of the folder; none if there is no folder yet."""
        shards, broken = list[Shard](), list[Path]()
        for path in sorted(folder.glob(f"*{INDEX}")):
            found = Shard.read(path, layout)
            if found is None:
                broken.append(path)
            else:
                shards.append(found)
        every = np.concatenate([one.keys for one in shards]) if shards else np.empty(0, dtype=f"V{KEY_BYTES}")
        counts = [len(one.keys) for one in shards]
        shard = np.repeat(np.arange(len(shards), dtype=np.int32), counts)
        row = np.arange(len(every)) - np.repeat(np.cumsum(counts, dtype=np.int64) - counts, counts)
        order = np.argsort(_words(every), kind="stable")
        return cls(shards, broken, every[order], shard[order], row[order])

    @classmethod
    def checked(
        cls, folder: Path, layout: Layout, keys: npt.NDArray[np.void], say: Callable[[str], None]
    ) -> "Shards":  # fmt: skip
        """Open a folder and check the rows of some texts. Rows that are damaged are forgotten, so they are absent.

        Args:
            folder: where the shards are.
            layout: their files.
            keys: which texts are checked.
            say: takes a line about what is damaged.
        """
        opened = cls.open(folder, layout)
        for path in opened.broken:
            remove(path, layout)
        lost = 0
        for number, pieces in opened.damaged(keys):
            lost += opened.shards[number].forget(pieces)
        if not (lost or opened.broken):
            return opened
        found = [f"the vectors of {lost} texts"] * bool(lost) + [f"{len(opened.broken)} files"] * bool(opened.broken)
        say(f"{folder}: {' and '.join(found)} were damaged; the texts are embedded again")
        return cls.open(folder, layout)

    def damaged(self, keys: npt.NDArray[np.void] | None = None) -> list[tuple[int, npt.NDArray[np.int64]]]:
        """The damaged pieces that hold texts of these keys, by number of the shard; None checks all."""
        if keys is None:
            stored = _is_key(self.keys)
            shard, row = self.shard[stored], self.row[stored]
        else:
            shard, row = self.find(keys)
        found = []
        for number in np.unique(shard[shard >= 0]).tolist():
            one = self.shards[number]
            damaged = one.damaged(np.unique(row[shard == number] // one.layout.texts_per_piece))
            if len(damaged):
                found.append((number, damaged))
        return found

    def find(self, keys: npt.NDArray[np.void]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
        """Shard (or -1) and row of each key."""
        if len(self.keys) == 0:
            return np.full(len(keys), -1, dtype=np.int32), np.zeros(len(keys), dtype=np.int64)
        at = np.searchsorted(_words(self.keys), _words(keys))
        at[at == len(self.keys)] = 0
        return np.where(self.keys[at] == keys, self.shard[at], -1).astype(np.int32), self.row[at]

    def missing(self, keys: npt.NDArray[np.void]) -> npt.NDArray[np.int64]:
        """The first position of each key that is not stored, in order."""
        missing = np.flatnonzero(self.find(keys)[0] < 0)
        return np.sort(missing[np.unique(keys[missing], return_index=True)[1]])

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


def _is_key(keys: npt.NDArray[np.void]) -> npt.NDArray[np.bool_]:
    known: npt.NDArray[np.bool_] = keys != np.void(NO_KEY)
    return known


def _checksum(arrays: Sequence[npt.NDArray[Any]], low: int, high: int) -> int:
    """The checksum of the same rows of each array."""
    digest = 0
    for array in arrays:
        digest = xxhash.xxh3_64_intdigest(array[low:high].data, digest)
    return digest


def _words(keys: npt.NDArray[np.void]) -> npt.NDArray[np.uint64]:
    """The first 8 of the 16 bytes, which numpy can sort; equality is checked on all 16.

    Two stored texts that share them would only be encoded again (one pair in
    10^7 stores of a million texts).
    """
    return np.ascontiguousarray(keys).view(np.uint64)[::2]
