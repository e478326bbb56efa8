"""``ragbench embed --engine ray`` on a session of this machine: the same bytes as in one process."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import ragbench as rb
from ragbench.engines import open_engine
from ragbench.engines.base import EngineSettings

pytest.importorskip("ray", reason="the extra ray is not installed")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def session() -> Iterator[None]:
    """A session that the calls below use, and which stays open between them."""
    with open_engine(EngineSettings("ray", workers=2)):
        yield


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """Eight files, and so eight parts; one row has no text."""
    folder = tmp_path / "rows"
    folder.mkdir()
    for number in range(8):
        texts = [f"A box of {number * 40 + n} screws, {n % 7} mm wide" for n in range(40)]
        texts[5] = "" if number == 3 else texts[5]
        pq.write_table(pa.table({"sku": [f"{number}-{n}" for n in range(40)], "text": texts}), folder / f"{number}.pq")
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_both_engines_write_the_same_bytes(session: None, rows: Path, tmp_path: Path) -> None:
    local = rb.embed(rows, tmp_path / "local", npy=True)
    spread = rb.embed(rows, tmp_path / "ray", npy=True, engine="ray", workers=2)
    assert (spread.rows, spread.parts, spread.found, spread.without_text) == (320, 8, 0, 1)
    assert (local.rows, local.parts, local.found, local.without_text) == (320, 8, 0, 1)
    assert files(tmp_path / "ray") == files(tmp_path / "local")
    assert np.load(tmp_path / "ray" / "embeddings.npy").shape == (320, 384)


def test_either_engine_goes_on_with_the_parts_of_the_other(session: None, rows: Path, tmp_path: Path) -> None:
    rb.embed(rows, tmp_path / "out")
    whole = files(tmp_path / "out")
    for number in (1, 6):
        (tmp_path / "out" / f"part-0000{number}.parquet").unlink()
    again = rb.embed(rows, tmp_path / "out", engine="ray", workers=2)
    assert again.found == 6
    assert files(tmp_path / "out") == whole


def test_documents_are_embedded_from_the_copy_in_the_output_folder(
    session: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sample_data: Path
) -> None:
    """Workers were started in another folder than the one that the relative path is in."""
    monkeypatch.chdir(tmp_path)
    rb.embed(sample_data / "shop" / "product_catalog.csv", "local")
    rb.embed(sample_data / "shop" / "product_catalog.csv", "ray", engine="ray", workers=2)
    assert files(tmp_path / "ray") == files(tmp_path / "local")
