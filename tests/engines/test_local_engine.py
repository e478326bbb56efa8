from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ragbench.core.context import silent
from ragbench.core.errors import InputError, SettingError
from ragbench.engines import open_engine
from ragbench.engines.base import Engine, EngineSettings
from ragbench.engines.local import LocalEngine
from ragbench.engines.parts import TablePart, parquet_parts
from ragbench.workflows.groups import EngineChoice
from tests.engines.stages import Double, Total


def table(low: int, high: int) -> pa.Table:
    return pa.table({"n": pa.array(range(low, high), pa.int64())})


@pytest.fixture
def engine() -> Engine:
    return LocalEngine(EngineSettings(batch_size=4))


@pytest.fixture
def numbers(tmp_path: Path) -> Path:
    """100 numbers in row groups of 3, 3, 3, 3, 50, 38 rows."""
    path = tmp_path / "numbers.parquet"
    with pq.ParquetWriter(path, table(0, 1).schema) as writer:
        for low, high in ((0, 3), (3, 6), (6, 9), (9, 12), (12, 62), (62, 100)):
            writer.write_table(table(low, high), row_group_size=1000)
    return path


def test_parts_cover_each_row_once_and_in_order(numbers: Path) -> None:
    for rows in (1, 2, 5, 12, 20, 100, 1000):
        parts = parquet_parts([numbers, numbers], rows=rows)
        read = [part.read()["n"].to_pylist() for part in parts]
        assert [n for some in read for n in some] == [*range(100), *range(100)]
        assert [part.rows for part in parts] == list(map(len, read))
        assert all(len(some) <= rows * 3 // 2 for some in read)


def test_a_stage_gets_batches_and_keeps_the_order(engine: Engine, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    parts = [TablePart(table(0, 10)), TablePart(table(0, 0)), TablePart(table(10, 13))]
    made = list(engine.map(Double(str(notes)), parts, what="doubling", progress=silent))
    assert [one["doubled"].to_pylist() for one in made] == [list(range(0, 20, 2)), [], [20, 22, 24]]
    assert len(list(notes.iterdir())) == 3 + 1 + 1


def test_a_stage_of_whole_parts_gets_all_rows_at_once(engine: Engine) -> None:
    [made] = engine.map(Total(), [TablePart(table(0, 10))], what="adding", progress=silent)
    assert made.to_pylist() == [{"rows": 10, "total": 45}]


def test_finished_parts_are_found_and_others_are_made(engine: Engine, tmp_path: Path, numbers: Path) -> None:
    out, notes = tmp_path / "out", tmp_path / "notes"
    notes.mkdir()
    stage, parts = Double(str(notes)), parquet_parts([numbers], rows=20)

    def write() -> list[bool]:
        return [one.found for one in engine.write(stage, parts, out, what="doubling", progress=silent)]

    assert write() == [False] * len(parts)
    first = {path.name: path.read_bytes() for path in out.iterdir()}
    calls = len(list(notes.iterdir()))
    assert write() == [True] * len(parts)
    assert len(list(notes.iterdir())) == calls

    # Cut short, altered in the middle, and gone.
    files = sorted(out.iterdir())
    files[0].write_bytes(files[0].read_bytes()[:-20])
    raw = bytearray(files[1].read_bytes())
    raw[40] ^= 1
    files[1].write_bytes(raw)
    files[2].unlink()
    assert write() == [False, False, False] + [True] * (len(parts) - 3)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == first


def test_another_input_or_stage_makes_the_part_anew(engine: Engine, tmp_path: Path) -> None:
    def found(stage: Double | Total, rows: pa.Table) -> bool:
        [one] = engine.write(stage, [TablePart(rows)], tmp_path, what="x", progress=silent)
        return one.found

    assert not found(Double(), table(0, 5))
    assert found(Double(), table(0, 5))
    assert found(Double(), pa.concat_tables([table(0, 2), table(2, 5)]))
    assert not found(Double(), table(0, 6))
    assert not found(Total(), table(0, 6))


def test_a_damaged_input_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    path.write_bytes(b"no parquet")
    with pytest.raises(InputError, match=r"x\.parquet"):
        parquet_parts([path])


@pytest.mark.parametrize(
    ("given", "option"),
    [
        ({"workers": 2}, "workers"),
        ({"ray_address": "localhost:1"}, "ray_address"),
        ({"gpus_per_worker": 1.0}, "gpus_per_worker"),
        ({"engine": "ray", "workers": 0}, "workers"),
        ({"engine": "ray", "gpus_per_worker": -1.0}, "gpus_per_worker"),
        ({"batch_size": 0}, "batch_size"),
    ],
)
def test_wrong_options_are_refused(given: dict[str, object], option: str) -> None:
    with pytest.raises(SettingError) as refused:
        _ = EngineChoice(**given).engine_settings  # type: ignore[arg-type]
    assert refused.value.option == option


def test_the_local_engine_is_the_usual_one() -> None:
    with open_engine(EngineChoice().engine_settings) as engine:
        assert engine.name == "local"


def test_an_address_where_nothing_listens_is_an_error() -> None:
    pytest.importorskip("ray", reason="the extra ray is not installed")
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    settings = EngineSettings("ray", ray_address=address)
    with pytest.raises(InputError, match=address), open_engine(settings):
        pass
