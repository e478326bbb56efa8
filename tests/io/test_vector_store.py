"""The vector store: what is stored is not encoded again, whatever happened to the files."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from ragbench.io.vectors import Shards, VectorStore, text_keys


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
        Shards.open(tmp_path).gather(text_keys(["a", "b"]))


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
