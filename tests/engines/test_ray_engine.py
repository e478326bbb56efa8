"""The engine of Ray on a session of this machine: the same tables and bytes as the local engine."""

import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pyarrow as pa
import pytest

from ragbench.core.context import silent
from ragbench.core.errors import InputError, MissingExtra, SettingError
from ragbench.engines import open_engine
from ragbench.engines.base import Engine, EngineSettings
from ragbench.engines.local import LocalEngine
from ragbench.engines.parts import TablePart
from tests.engines.stages import Double, Fatal, Lacking, Total

pytest.importorskip("ray", reason="the extra ray is not installed")
pytestmark = pytest.mark.slow

PARTS = [TablePart(pa.table({"n": pa.array(range(low, low + 7), pa.int64())})) for low in range(0, 210, 7)]
SETTINGS = EngineSettings("ray", workers=2, batch_size=4)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with open_engine(SETTINGS) as engine:
        yield engine


@pytest.fixture(scope="module")
def local() -> Engine:
    return LocalEngine(EngineSettings(batch_size=4))


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_tables_and_files_are_those_of_the_local_engine(engine: Engine, local: Engine, tmp_path: Path) -> None:
    for stage in (Double(), Total()):
        ours = list(engine.map(stage, PARTS, what="x", progress=silent))
        assert ours == list(local.map(stage, PARTS, what="x", progress=silent))
    done = engine.write(Double(), PARTS, tmp_path / "ray", what="x", progress=silent)
    local.write(Double(), PARTS, tmp_path / "local", what="x", progress=silent)
    assert [one.number for one in done] == list(range(len(PARTS)))
    assert files(tmp_path / "ray") == files(tmp_path / "local")
    again = engine.write(Double(), PARTS, tmp_path / "local", what="x", progress=silent)
    assert all(one.found for one in again)


def test_an_error_of_a_stage_is_raised_as_it_is(engine: Engine) -> None:
    with pytest.raises(MissingExtra) as lacking:
        list(engine.map(Lacking(), PARTS, what="x", progress=silent))
    assert lacking.value.extra == "st"


def test_killed_workers_lose_and_double_nothing(engine: Engine, local: Engine, tmp_path: Path) -> None:
    """Five workers are killed at random moments."""
    rng = random.Random(11)
    notes = tmp_path / "notes"
    notes.mkdir()
    stage = Double(str(notes), seconds=0.1)
    killed: list[int] = []
    done = threading.Event()

    def kill() -> None:
        while len(killed) < 5 and not done.is_set():
            time.sleep(rng.uniform(0.3, 0.8))
            seen = {int(path.name.split("-")[0]) for path in notes.iterdir()} - set(killed)
            alive = sorted(pid for pid in seen if psutil.pid_exists(pid))
            if alive:
                killed.append(rng.choice(alive))
                os.kill(killed[-1], signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    engine.write(stage, PARTS, tmp_path / "ray", what="x", progress=silent)
    done.set()
    killer.join()
    assert len(killed) == 5
    local.write(Double(), PARTS, tmp_path / "local", what="x", progress=silent)
    assert files(tmp_path / "ray") == files(tmp_path / "local")


def test_a_worker_that_always_ends_is_an_error(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="worker"):
        engine.write(Fatal(), PARTS, tmp_path, what="x", progress=silent)


def test_a_gpu_that_is_not_there_is_refused(engine: Engine) -> None:
    with pytest.raises(SettingError), open_engine(EngineSettings("ray", gpus_per_worker=1.0)):
        pass
