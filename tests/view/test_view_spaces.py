"""Uploaded files are gone when the viewer is, however it ended."""

import signal
from pathlib import Path
from typing import Any

import pytest


def folders(cache: Path) -> list[Path]:
    return sorted(path for path in (cache / "view").glob("view-*"))


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A cache of its own, so that no other viewer's folders are seen."""
    return tmp_path / "cache"


def with_a_file(start: Any, tmp_path: Path, own: Path) -> Any:
    viewer = start(tmp_path, "--cache", own)
    reply = viewer.client().post("/upload", params={"name": "a.txt"}, content=b"some text")
    assert reply.status_code == 200
    return viewer


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_files_are_removed_at_the_end(start: Any, tmp_path: Path, own: Path, how: int) -> None:
    viewer = with_a_file(start, tmp_path, own)
    assert len([path for path in folders(own)[0].rglob("*") if path.is_file()]) == 1
    assert viewer.stop(how) == 0
    assert viewer.errors.splitlines() == ["Ctrl-C ends it and removes uploaded files."]
    assert folders(own) == []


def test_files_of_a_killed_viewer_are_removed_by_the_next(start: Any, tmp_path: Path, own: Path) -> None:
    killed = with_a_file(start, tmp_path, own)
    assert killed.stop(signal.SIGKILL) == -signal.SIGKILL
    (left,) = [path for path in folders(own) if path.is_dir()]
    living = with_a_file(start, tmp_path, own)
    assert not left.exists()
    (kept,) = [path for path in folders(own) if path.is_dir()]
    # One that still runs keeps its files.
    other = with_a_file(start, tmp_path, own)
    assert kept.is_dir()
    assert living.client().get("/playground").status_code == 200
    assert other.stop() == 0
    assert kept.is_dir()
    assert living.stop() == 0
    assert folders(own) == []


def test_files_of_a_killed_viewer_are_removed_by_any_command(
    start: Any, ragbench: Any, tmp_path: Path, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    living = with_a_file(start, tmp_path, own)
    killed = with_a_file(start, tmp_path, own)
    assert killed.stop(signal.SIGKILL) == -signal.SIGKILL
    assert len([path for path in folders(own) if path.is_dir()]) == 2
    monkeypatch.setitem(ragbench.environment, "RAGBENCH_CACHE", str(own))
    assert ragbench("plugins", cwd=tmp_path).code == 0
    assert len([path for path in folders(own) if path.is_dir()]) == 1
    assert living.stop() == 0
    assert folders(own) == []


def test_files_that_nobody_uses_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ragbench.view import sessions

    every = sessions.Sessions(tmp_path)
    old, new = (every.find(every.start()) for _ in range(2))
    for session in (old, new):
        session.space.mkdir()
        (session.space / "a.txt").write_text("a")
        session.uploads.append(sessions.Upload("a.txt", session.space / "a.txt", 1))
    old.used -= sessions.IDLE_SECONDS + 1
    every.find("another cookie")
    assert (old.uploads, old.space.exists()) == ([], False)
    assert new.space.exists()


def test_stopping_does_not_wait_for_an_index(start: Any, tmp_path: Path, own: Path) -> None:
    """Embedding a large corpus takes minutes; nobody waits for it any more."""
    import threading
    import time

    viewer = with_a_file(start, tmp_path, own)
    client = viewer.client()
    words = " ".join(f"word{number}" for number in range(150_000))
    assert client.post("/upload", params={"name": "long.txt"}, content=words.encode()).status_code == 200

    def ask() -> None:
        import httpx

        try:
            client.post("/ask", json={"corpus": -1, "retriever": 1, "question": "word5"})
        except httpx.HTTPError:
            return

    asking = threading.Thread(target=ask)
    asking.start()
    time.sleep(1)
    began = time.monotonic()
    assert viewer.stop() == 0
    assert time.monotonic() - began < 6
    asking.join()
    assert folders(own) == []
