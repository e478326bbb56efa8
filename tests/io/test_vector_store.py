"""The stores of vectors: what is stored is not encoded again, and what was altered on disk is never used."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from ragbench.core.errors import InputError
from ragbench.io.shards import Shards, text_keys
from ragbench.io.token_vectors import TokenStore
from ragbench.io.vectors import LAYOUT, VectorStore


def lengths(texts: Sequence[str]) -> npt.NDArray[np.float32]:
    return np.array([[len(text), 1.0] for text in texts], dtype=np.float32)


def test_rows_of_many_shards_come_in_the_order_asked(tmp_path: Path) -> None:
    store = VectorStore(tmp_path)
    for text in ("a", "bb", "ccc"):
        assert store.vectors([text], lengths)[1] == 1
    found, encoded = store.vectors(["ccc", "a", "dddd", "bb", "a"], lengths)
    assert found[:, 0].tolist() == [3, 1, 4, 2, 1]
    assert encoded == 1
    assert store.vectors([], lengths)[0].shape[0] == 0


@pytest.mark.parametrize("kept", [0, 40, 130])
def test_a_shard_that_was_cut_off_is_encoded_again(tmp_path: Path, kept: int) -> None:
    store = VectorStore(tmp_path)
    store.vectors(["a", "bb"], lengths)
    (path,) = tmp_path.glob("*.npy")
    path.write_bytes(path.read_bytes()[:kept])
    found, encoded = store.vectors(["a", "bb"], lengths)
    assert (found[:, 0].tolist(), encoded) == ([1, 2], 2)


def test_a_text_that_is_not_stored_has_no_row(tmp_path: Path) -> None:
    VectorStore(tmp_path).vectors(["a"], lengths)
    with pytest.raises(Exception, match="run again"):
        Shards.open(tmp_path, LAYOUT).locate(text_keys(["a", "b"]))


@pytest.mark.skipif(os.name != "posix", reason="the limit of open files is set as on POSIX")
def test_more_shards_than_a_process_may_open_files(tmp_path: Path) -> None:
    store = VectorStore(tmp_path)
    texts = [f"text {i}" for i in range(80)]
    for text in texts:
        store.vectors([text], lengths)
    program = (
        "import resource, sys; from pathlib import Path; from ragbench.io.vectors import VectorStore;"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (40, resource.getrlimit(resource.RLIMIT_NOFILE)[1]));"
        "print(VectorStore(Path(sys.argv[1])).vectors([f'text {i}' for i in range(80)], None)[0].shape)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stdout.strip() == "(80, 2)", done.stderr


def words(texts: Sequence[str]) -> npt.NDArray[np.float32]:
    """A vector of eight numbers that depends on the text."""
    return np.array([np.random.default_rng(len(text)).normal(size=8) for text in texts], dtype=np.float32)


def tokens(texts: Sequence[str]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """As many token vectors as a text has characters."""
    offsets = np.cumsum([0] + [len(text) for text in texts])
    return np.concatenate([np.random.default_rng(len(t)).normal(size=(len(t), 8)) for t in texts]), offsets


TEXTS = ["x" * length for length in range(1, 201)]


class Vectors:
    """The vectors of `TEXTS`, as one array."""

    def __init__(self, folder: Path) -> None:
        self.said: list[str] = []
        self.store = VectorStore(folder, self.said.append)

    def read(self) -> npt.NDArray[np.float32]:
        return self.store.vectors(TEXTS, words)[0]


class Tokens:
    """The token vectors of `TEXTS`, as one array."""

    def __init__(self, folder: Path) -> None:
        self.said: list[str] = []
        self.store = TokenStore(folder, self.said.append)

    def read(self) -> npt.NDArray[np.float32]:
        return np.concatenate([one.tokens * one.scales[:, None] for one in self.store.tokens(TEXTS, tokens)])


def flipped(kind: type[Vectors | Tokens], folder: Path, count: int) -> int:
    """How often one flipped byte of a store changes what it returns, or is reported other than once."""
    store, draw, wrong = kind(folder), np.random.default_rng(3), 0
    wanted = store.read().copy()
    files = sorted(folder.iterdir())
    whole = {path: path.read_bytes() for path in files}
    ends = np.cumsum([len(raw) for raw in whole.values()])
    for at in draw.integers(ends[-1], size=count).tolist():
        number = int(np.searchsorted(ends, at, side="right"))
        raw = bytearray(whole[files[number]])
        raw[at - int(ends[number])] ^= int(draw.integers(1, 256))
        files[number].write_bytes(raw)
        store.said.clear()
        wrong += not (np.array_equal(store.read(), wanted) and np.array_equal(store.read(), wanted))
        # The header of an array file is not read.
        wrong += len(store.said) != 1 and at - int(ends[number]) + len(raw) >= 128
        for path in folder.iterdir():
            path.unlink()
        for path, content in whole.items():
            path.write_bytes(content)
    return wrong


@pytest.mark.parametrize("kind", [Vectors, Tokens])
def test_a_flipped_byte_never_changes_a_vector_and_is_reported_once(
    kind: type[Vectors | Tokens], tmp_path: Path
) -> None:
    assert flipped(kind, tmp_path, 60) == 0


@pytest.mark.parametrize("kind", [Vectors, Tokens])
@pytest.mark.parametrize("ending", [".npy", ".index"])
def test_a_cut_file_is_absent_and_reported_once(kind: type[Vectors | Tokens], ending: str, tmp_path: Path) -> None:
    store = kind(tmp_path)
    wanted = store.read().copy()
    path = next(tmp_path.glob(f"*{ending}"))
    for kept in (0, 1, 100, path.stat().st_size - 1):
        path.write_bytes(path.read_bytes()[:kept])
        store.said.clear()
        assert np.array_equal(store.read(), wanted)
        assert np.array_equal(store.read(), wanted)
        assert ["1 files were damaged" in line for line in store.said] == [True]


def test_only_the_texts_of_the_damaged_piece_are_embedded_again(tmp_path: Path) -> None:
    store = VectorStore(tmp_path)
    store.vectors(TEXTS, words)
    (path,) = tmp_path.glob("*.npy")
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)
    assert store.vectors(TEXTS[:128], words)[1] == 0
    assert store.vectors(TEXTS, words)[1] == 200 - 3 * 64
    assert store.vectors(TEXTS, words)[1] == 0


def test_vectors_that_are_not_finite_or_of_other_widths_are_refused(tmp_path: Path) -> None:
    store = VectorStore(tmp_path)
    with pytest.raises(InputError, match="1 vectors with a value that is not finite; the first text begins 'bb'"):
        store.vectors(["a", "bb"], lambda texts: np.array([[1.0, 0], [np.nan, 0]], dtype=np.float32))
    store.vectors(["a"], words)
    with pytest.raises(InputError, match="vectors of 2 and 8 numbers"):
        store.vectors(["a", "bb"], lengths)
