"""``ragbench eval --engine ray`` on a session of this machine: the rankings and verdicts of one process."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

import ragbench as rb
from ragbench.core.documents import Chunks
from ragbench.core.errors import SettingError
from ragbench.core.evaluations import Evaluation
from ragbench.core.goldens import GoldenSet
from ragbench.engines.base import EngineSettings

pytest.importorskip("ray", reason="the extra ray is not installed")
from ragbench.engines.session import session

pytestmark = pytest.mark.slow
SYSTEMS = ["bm25", "dense", "hybrid", "rerank", "filtered:filter=price<100,of=bm25"]


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """A session that the calls below use, and which stays open between them."""
    with session(EngineSettings("ray", workers=2)):
        yield


@pytest.fixture(scope="module")
def shop() -> tuple[Chunks, GoldenSet]:
    golden = rb.load_golden("datasets/shop")
    return rb.chunk(rb.load_corpus("datasets/shop/product_catalog.csv")), replace(golden, items=golden.items[:60])


@pytest.fixture(scope="module")
def local(shop: tuple[Chunks, GoldenSet], tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    return rb.evaluate(*shop, SYSTEMS, cache=tmp_path_factory.mktemp("local"))


def assert_same(found: Evaluation, expected: Evaluation) -> None:
    for arm, other in zip(found.arms, expected.arms, strict=True):
        assert (arm.name, arm.status, arm.error) == (other.name, "ok", None)
        assert arm.run is not None
        assert other.run is not None
        assert arm.run.offsets.tolist() == other.run.offsets.tolist()
        assert arm.run.items.tolist() == other.run.items.tolist()
        np.testing.assert_array_equal(arm.run.scores, other.run.scores)
        assert arm.metrics == other.metrics
    assert found.comparisons == expected.comparisons


@pytest.mark.parametrize("workers", [1, 2])
def test_the_evaluation_is_that_of_one_process(
    cluster: None, shop: tuple[Chunks, GoldenSet], local: Evaluation, tmp_path: Path, workers: int
) -> None:
    found = rb.evaluate(*shop, SYSTEMS, cache=tmp_path, engine="ray", workers=workers)
    assert_same(found, local)
    assert {arm.from_store for arm in found.arms} == {False}
    again = rb.evaluate(*shop, SYSTEMS, cache=tmp_path, engine="ray", workers=workers)
    assert_same(again, local)
    assert {arm.from_store for arm in again.arms} == {True}
    # How long a search takes depends on where it runs, so its run is not one of this process.
    assert not rb.evaluate(*shop, ["bm25"], cache=tmp_path).arms[0].from_store


def test_killed_workers_are_started_again(
    cluster: None, shop: tuple[Chunks, GoldenSet], local: Evaluation, tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    killed, over = list[int](), threading.Event()

    def kill() -> None:
        while not over.is_set() and len(killed) < 5:
            for process in psutil.Process().children(recursive=True):
                try:
                    if process.cmdline()[:1] and process.cmdline()[0].startswith("ray::_Worker"):
                        os.kill(process.pid, signal.SIGKILL)
                        killed.append(process.pid)
                        break
                except (psutil.Error, ProcessLookupError):
                    continue
            time.sleep(1.5)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        found = rb.evaluate(*shop, SYSTEMS, cache=tmp_path, engine="ray", workers=2)
    finally:
        over.set()
        thread.join()
    assert killed
    assert_same(found, local)
    assert "raylet" not in "".join(capfd.readouterr())


def test_systems_that_run_at_the_same_time_share_the_workers(
    cluster: None, shop: tuple[Chunks, GoldenSet], tmp_path: Path
) -> None:
    systems = ["bm25", "bm25:k1=1", "bm25:stem=false", "bm25:b=.5"]
    found = rb.evaluate(*shop, systems, cache=tmp_path / "ray", engine="ray", workers=2, jobs=4)
    assert_same(found, rb.evaluate(*shop, systems, cache=tmp_path / "local"))


def test_what_the_workers_cannot_do(cluster: None, shop: tuple[Chunks, GoldenSet], tmp_path: Path) -> None:
    [arm] = rb.evaluate(*shop, ["dense:index_type=hnsw"], cache=tmp_path, engine="ray", workers=2).arms
    assert arm.status == "error"
    assert "index_type=hnsw" in str(arm.error)
    with pytest.raises(SettingError, match="is 4096, and the cluster has"):
        rb.evaluate(*shop, ["bm25"], cache=tmp_path, engine="ray", workers=4096)
    with pytest.raises(SettingError, match="corpus"):
        rb.evaluate(golden=shop[1], retrievers=["run:path=x.trec"], engine="ray")
