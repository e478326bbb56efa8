"""The doctor finds what is damaged, saves what can be read, and changes nothing unless it is asked to."""

import json
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

import ragbench as rb
from ragbench.core.runs import Run
from ragbench.io.run_store import RunStore, StoredRun
from ragbench.io.vectors import VectorStore
from ragbench.models.llm.answers import APPLICATION_ID, SCHEMA, AnswerStore
from ragbench.models.llm.base import Response
from ragbench.models.llm.salvage import readable

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.append(str(ROOT / "tests" / "models"))

from test_answer_store import filled, put  # noqa: E402


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def kinds(checkup: object) -> list[tuple[str, int, bool]]:
    return [(store.kind, store.sound, not store.fault) for store in checkup.stores]  # type: ignore[attr-defined]


def read_all(path: Path, wanted: Iterable[str]) -> None:
    store = AnswerStore(path)
    for key in wanted:
        store.get(key)


def flip(path: Path, at: int) -> None:
    raw = bytearray(path.read_bytes())
    raw[at] ^= 1
    path.write_bytes(raw)


def test_every_sound_row_is_found_without_sqlite(tmp_path: Path) -> None:
    wanted = filled(tmp_path / "answers.sqlite", 300)
    found = {
        row[0].decode(): Response(row[1].decode(), wanted[row[0].decode()].usage)
        for row in readable(tmp_path / "answers.sqlite")
    }
    assert found == wanted


def test_rows_of_the_write_ahead_log_are_found(tmp_path: Path) -> None:
    wanted = filled(tmp_path / "answers.sqlite", 20)
    with sqlite3.connect(tmp_path / "answers.sqlite") as holding:
        holding.execute("SELECT count(*) FROM answers").fetchone()
        put(tmp_path / "answers.sqlite", {"late": Response("x" * 9000)})
        shutil.copytree(tmp_path, tmp_path / "killed")
    holding.close()
    assert (tmp_path / "killed" / "answers.sqlite-wal").stat().st_size > 0
    assert {row[0].decode() for row in readable(tmp_path / "killed" / "answers.sqlite")} == {*wanted, "late"}


@pytest.mark.parametrize("pages", [[0], [1, 2], [0, 5, 9]])
def test_a_damaged_answer_cache_is_reported_and_its_rest_is_saved(pages: list[int], tmp_path: Path) -> None:
    path = tmp_path / "answers.sqlite"
    wanted = filled(path, 300)
    raw = bytearray(path.read_bytes())
    for page in pages:
        raw[page * 4096 : (page + 1) * 4096] = b"\xa5" * 4096
    path.write_bytes(raw)
    before = content(tmp_path)
    with pytest.raises(rb.InputError, match=r"ragbench doctor .*answers.sqlite --repair"):
        read_all(path, wanted)
    found = rb.doctor(tmp_path)
    assert not found.healthy
    assert content(tmp_path)["answers.sqlite"] == before["answers.sqlite"]
    repaired = rb.doctor(tmp_path, repair=True)
    assert repaired.healthy
    store = AnswerStore(path)
    kept = {key: store.get(key) for key in wanted}
    store.close()
    assert all(kept[key] in (None, wanted[key]) for key in wanted)
    # A row of two pages and more has more chances to lie in a damaged one.
    assert sum(response is not None for response in kept.values()) > 250
    assert rb.doctor(tmp_path).healthy
    assert (tmp_path / "answers.sqlite.damaged").read_bytes() == before["answers.sqlite"]


@pytest.mark.parametrize("at", range(5))
def test_a_repair_that_is_killed_loses_no_answer(at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows in the write-ahead log alone are the ones that a repair could lose."""
    folder = tmp_path / "killed"
    wanted = filled(tmp_path / "answers.sqlite", 20)
    with sqlite3.connect(tmp_path / "answers.sqlite") as holding:
        holding.execute("SELECT count(*) FROM answers").fetchone()
        wanted["late"] = Response("x" * 9000)
        put(tmp_path / "answers.sqlite", {"late": wanted["late"]})
        shutil.copytree(tmp_path, folder)
    holding.close()
    path = folder / "answers.sqlite"
    raw = bytearray(path.read_bytes())
    raw[:4096] = bytes(4096)
    path.write_bytes(raw)

    class Killed(BaseException):
        pass

    steps = []

    def step(name: str) -> Callable[..., object]:
        real = getattr(Path, name)

        def taken(self: Path, *given: object, **more: object) -> object:
            if folder in self.parents and "answers.sqlite" in self.name:
                steps.append((name, self.name))
                if len(steps) > at * 3:
                    raise Killed
            return real(self, *given, **more)

        return taken

    with monkeypatch.context() as patched:
        for name in ("replace", "unlink", "write_bytes", "chmod"):
            patched.setattr(Path, name, step(name))
        with suppress(Killed):
            rb.doctor(folder, repair=True)
    assert rb.doctor(folder, repair=True).healthy
    store = AnswerStore(path)
    assert {key: store.get(key) for key in wanted} == wanted
    store.close()
    assert not list(folder.glob("*.part"))


def test_a_cache_is_checked_and_repaired(tmp_path: Path) -> None:
    store = VectorStore(tmp_path / "vectors" / "model")
    texts = [f"text {number}" for number in range(200)]
    store.vectors(texts, lambda some: np.ones((len(some), 4), dtype=np.float32))
    run = Run.from_dict({"q1": {"a": 1.0, "b": 0.5}}, unit="chunk")
    RunStore(tmp_path / "runs").save("0" * 32, StoredRun(run, {}))
    assert kinds(rb.doctor(tmp_path)) == [("runs", 1, True), ("vectors", 200, True)]
    flip(next(tmp_path.glob("vectors/*/*.npy")), -1)
    flip(tmp_path / "runs" / f"{'0' * 32}.npz", 60)
    before = content(tmp_path)
    assert kinds(rb.doctor(tmp_path)) == [("runs", 0, False), ("vectors", 192, False)]
    assert content(tmp_path) == before
    assert rb.doctor(tmp_path, repair=True).healthy
    assert kinds(rb.doctor(tmp_path)) == [("vectors", 192, True)]
    assert store.vectors(texts, lambda some: np.ones((len(some), 4), dtype=np.float32))[1] == 8


@pytest.mark.parametrize("name", ["scores.parquet", "results.json", "queries.parquet", "baseline.json"])
def test_an_altered_baseline_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rb.baseline.set("main", f"{ROOT}/reports/example::bm25", store=tmp_path / "store")
    assert kinds(rb.doctor(tmp_path / "store")) == [("baseline", 1, True), ("history", 1, True)]
    path = tmp_path / "store" / "main" / name
    raw = path.read_bytes()
    # Version control may write other line ends.
    path.write_bytes(raw if name.endswith("parquet") else raw.replace(b"\n", b"\r\n"))
    assert rb.doctor(tmp_path / "store").healthy
    path.write_bytes(raw)
    flip(path, len(raw) // 2)
    with pytest.raises(rb.InputError, match="the baseline is damaged"):
        rb.baseline.show("main", store=tmp_path / "store")
    assert not rb.doctor(tmp_path / "store", repair=True).healthy


def test_an_altered_history_is_refused(tmp_path: Path) -> None:
    rb.baseline.set("main", f"{ROOT}/reports/example::bm25", store=tmp_path)
    path = tmp_path / "main.history.jsonl"
    line = path.read_text()
    path.write_text(line.replace('"best": false', '"best": true'))
    with pytest.raises(rb.InputError, match=r"history.jsonl:1: not a line of a history .*checksum"):
        rb.baseline.history("main", store=tmp_path)
    earlier = {key: value for key, value in json.loads(line).items() if key != "checksum"}
    path.write_text(json.dumps(earlier) + "\n")
    assert len(rb.baseline.history("main", store=tmp_path).entries) == 1


@pytest.mark.parametrize(("raw", "healthy"), [(b"", True), (b"x", False), (b"x" * 600, False)])
def test_a_file_that_is_no_database_is_damaged_unless_it_is_empty(raw: bytes, healthy: bool, tmp_path: Path) -> None:
    (tmp_path / "answers.sqlite").write_bytes(raw)
    assert rb.doctor(tmp_path).healthy is healthy
    assert content(tmp_path) == {"answers.sqlite": raw}


def test_an_answer_cache_of_the_former_format_is_sound_and_stays(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "answers.sqlite") as file:
        file.execute(f"PRAGMA application_id={APPLICATION_ID}")
        file.execute(SCHEMA)
        file.execute("PRAGMA user_version=1")
        file.executemany("INSERT INTO answers VALUES (?, 'text', 1, 2, 'stop', 1.0)", [(f"k{at}",) for at in range(50)])
    file.close()
    before = content(tmp_path)
    checkup = rb.doctor(tmp_path, repair=True)
    assert kinds(checkup) == [("answers", 50, True)]
    assert content(tmp_path) == before


def test_a_folder_without_a_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(rb.InputError, match="holds nothing that ragbench stores"):
        rb.doctor(tmp_path)
    with pytest.raises(rb.InputError, match="no such file or folder"):
        rb.doctor(tmp_path / "missing")


def test_the_command_prints_the_stores_and_exits_with_one_if_something_is_damaged(ragbench, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    filled(tmp_path / "answers.sqlite", 20)
    sound = ragbench("doctor", tmp_path)
    assert (sound.code, "Nothing is damaged." in sound.out) == (0, True)
    with sqlite3.connect(tmp_path / "answers.sqlite") as file:
        file.execute("UPDATE answers SET input_tokens = 99 WHERE input_tokens = 3")
    file.close()
    found = ragbench("doctor", tmp_path, "--json")
    assert (found.code, found.json["healthy"]) == (1, False)
    assert [(one["sound"], one["damaged"]) for one in found.json["stores"]] == [(19, 1)]
    assert "--repair saves" in ragbench("doctor", tmp_path).out
    repaired = ragbench("doctor", tmp_path, "--repair")
    assert (repaired.code, "19 answers are saved" in repaired.out) == (0, True)
