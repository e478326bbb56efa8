"""The real viewer, in a process of its own or in this one, and what it looks at."""

import json
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx
import pytest

Events = list[tuple[str, Any, float]]

pytest.importorskip("fastapi", reason="pip install 'ragbench[view]'")
pytest.importorskip("uvicorn", reason="pip install 'ragbench[view]'")

SHOP = Path(__file__).resolve().parents[2] / "datasets" / "shop"
CATALOG = SHOP / "product_catalog.csv"


class Page:
    """A viewer that runs at this address."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.base, _, self.token = address.partition("/?token=")
        self.host = self.base.removeprefix("http://")

    def client(self, *, enter: bool = True) -> httpx.Client:
        """A browser session; it has come in unless told otherwise."""
        client = httpx.Client(base_url=self.base, headers={"Origin": self.base}, timeout=60)
        if enter:
            assert client.get(self.address).status_code == 200
        return client


class Viewer(Page):
    """A running ``ragbench view``."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address, process.communicate()[1]
        super().__init__(address)

    def stop(self, how: int = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        self.errors = self.process.communicate(timeout=30)[1]
        return self.process.returncode


Start = Callable[..., Viewer]


def starting(ragbench: Any) -> Iterator[Start]:
    """Starts viewers, and stops those that still run."""
    started: list[Viewer] = []

    def begin(folder: Path, *words: object, cwd: Path | None = None) -> Viewer:
        started.append(Viewer(ragbench.start("view", folder, "--no-open", *words, cwd=cwd)))
        return started[-1]

    yield begin
    for viewer in started:
        if viewer.process.poll() is None:
            viewer.stop()
            assert "Traceback" not in viewer.errors, viewer.errors


def opening(ragbench: Any) -> Iterator[Callable[..., Page]]:
    """Opens viewers in threads of this process, where start, end, signals and working folder do not matter."""
    from ragbench.view.serve import listening

    with ExitStack() as stack:

        def begin(folder: Path, *words: object) -> Page:
            with patch("ragbench.view.serve.serve") as serve:
                done = ragbench("view", folder, "--no-open", *words)
            assert done.code == 0, done.err
            site = stack.enter_context(listening(*serve.call_args.args[:-1]))
            thread = threading.Thread(target=site.run)
            thread.start()
            stack.callback(thread.join)
            stack.callback(setattr, site.server, "should_exit", True)
            return Page(site.address)

        yield begin


open_here = pytest.fixture(opening)
open_here_for_module = pytest.fixture(opening, scope="module")
start = pytest.fixture(starting)
start_for_module = pytest.fixture(starting, scope="module")


@pytest.fixture(scope="session")
def evaluated(ragbench: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two evaluations, one of them deeper, and copies that are broken."""
    root = tmp_path_factory.mktemp("view") / "runs"
    files = ("--corpus", CATALOG, "--golden", SHOP)
    arms = ("--retriever", "bm25", "--retriever", "bm25:stem=false")
    assert ragbench("eval", *files, *arms, "--out", root / "first").code == 0
    assert ragbench("eval", *files, "--retriever", "bm25:b=0.2", "--out", root / "later" / "second").code == 0
    (root / "cut").mkdir()
    (root / "cut" / "results.json").write_text('{"manifest": {', encoding="utf-8")
    shutil.copytree(root / "first", root / "half")
    (root / "half" / "scores.parquet").unlink()
    shutil.copytree(root / "first", root / "stopped")
    content = json.loads((root / "stopped" / "results.json").read_text("utf-8"))
    content["manifest"]["complete"] = False
    (root / "stopped" / "results.json").write_text(json.dumps(content), encoding="utf-8")
    return root


@pytest.fixture
def runs(evaluated: Path, tmp_path: Path) -> Path:
    """The evaluations, for this test to write to."""
    return Path(shutil.copytree(evaluated, tmp_path / "runs"))


@pytest.fixture
def golden(tmp_path: Path) -> Path:
    """The golden set of the shop, for this test to write beside."""
    (tmp_path / "golden").mkdir()
    return Path(shutil.copytree(SHOP, tmp_path / "golden" / "shop"))


def keys(client: httpx.Client) -> dict[str, str]:
    """Key by name of every evaluation that can be opened."""
    import re

    page = client.get("/").text
    return {name: key for key, name in re.findall(r'<a href="/report\?runs=([0-9a-f]+)">([^<]+)</a>', page)}


def events_of(reply: httpx.Response) -> Iterator[tuple[str, Any]]:
    """Name and content of each event, as it comes."""
    name = ""
    for line in reply.iter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


@pytest.fixture
def ask() -> Callable[..., Events]:
    """Puts a question to the playground; events with the second each came at."""

    def asking(client: httpx.Client, question: str, corpus: int = 0, retriever: int = 0, k: int = 5) -> Events:
        began = time.monotonic()
        asked = {"corpus": corpus, "retriever": retriever, "question": question, "k": k}
        with client.stream("POST", "/ask", json=asked) as reply:
            assert reply.status_code == 200
            assert reply.headers["content-type"].startswith("text/event-stream")
            return [(name, content, time.monotonic() - began) for name, content in events_of(reply)]

    return asking


@pytest.fixture
def keys_of() -> Callable[[httpx.Client], dict[str, str]]:
    return keys
