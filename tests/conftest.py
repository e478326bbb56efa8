import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The README's commands take longest, then come files with slow tests: no worker is left with one at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: (item.path.name != "test_readme.py", item.path not in slow))


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name a value by its parameter where the value itself makes a bad id: bytes, paths and long or odd texts.

    Two workers must collect the same ids, and bytes of a compressed file hold the time.
    """
    if isinstance(val, bytes | Path) or (isinstance(val, str) and not re.fullmatch(r"[ !-\[\]-~]{0,60}", val)):
        return argname
    return None


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Public collections beside the checkout; no part of the repository."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the public collections (../shared/data) are not here")
    return folder


@pytest.fixture(scope="session")
def sample_data() -> Path:
    """The sample sets that the repository ships."""
    return ROOT / "datasets"


@dataclass
class Finished:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Ragbench:
    """The real command in a process of its own, with a cache of its own."""

    def __init__(self, cache: Path) -> None:
        self.environment = {**os.environ, "RAGBENCH_CACHE": str(cache), "COLUMNS": "80", "NO_COLOR": "1"}

    def start(self, *words: object, cwd: Path | None = None) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", "from ragbench.cli import main; main()", *map(str, words)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self.environment, cwd=cwd,
            # A job in the background of a shell ignores interrupts, and its children would too.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip

    def __call__(self, *words: object, cwd: Path | None = None) -> Finished:
        process = self.start(*words, cwd=cwd)
        out, err = process.communicate(timeout=1200)
        assert "Traceback" not in err, err
        return Finished(process.returncode, out, err)


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def ragbench(cache: Path) -> Ragbench:
    return Ragbench(cache)


BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """The installed Chromium. Its driver keeps an event loop in this thread, so it goes when the module ends."""
    playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(
            "the tests of pages need a Chromium or Chrome on the PATH, under one of the names "
            f"{', '.join(BROWSERS)} (Debian: apt-get install chromium)"
        )
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=found, args=FLAGS)
        yield opened
        opened.close()
