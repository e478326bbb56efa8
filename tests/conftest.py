import asyncio
import gc
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
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
    """The command, with a cache of its own.

    A call runs it in this process, as fast as a function. `process` and `start` run it in a process of its own,
    for tests of signals, pipes, start-up, kills and whatever else needs one.
    """

    def __init__(self, cache: Path) -> None:
        self.environment = {**os.environ, "RAGBENCH_CACHE": str(cache), "COLUMNS": "80", "NO_COLOR": "1"}

    def __call__(self, *words: object, cwd: Path | None = None) -> Finished:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return self._here(*words, cwd=cwd)
        # Playwright keeps a loop running in this thread, and the command starts its own.
        return self.process(*words, cwd=cwd)

    def start(self, *words: object, cwd: Path | None = None) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", "from ragbench.cli import main; main()", *map(str, words)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self.environment, cwd=cwd,
            # A job in the background of a shell ignores interrupts, and its children would too.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip

    def process(self, *words: object, cwd: Path | None = None) -> Finished:
        process = self.start(*words, cwd=cwd)
        out, err = process.communicate(timeout=1200)
        assert "Traceback" not in err, err
        return Finished(process.returncode, out, err)

    def _here(self, *words: object, cwd: Path | None = None) -> Finished:
        from ragbench.cli import main

        with ExitStack() as after:
            streams = [after.enter_context(tempfile.TemporaryFile("w+b")) for _ in range(2)]
            after.enter_context(as_a_process([str(word) for word in words], self.environment, streams))
            if cwd is not None:
                after.enter_context(chdir(cwd))
            try:
                main()
            except SystemExit as stop:
                code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
            sys.stdout.flush()
            sys.stderr.flush()
            return Finished(code, *map(read, streams))


def read(stream: Any) -> str:
    """What was written, with line ends as in a pipe that is read as text."""
    stream.seek(0)
    return str(stream.read().decode("utf-8")).replace("\r\n", "\n").replace("\r", "\n")


@contextmanager
def as_a_process(words: list[str], environment: dict[str, str], streams: list[Any]) -> Iterator[None]:
    """Arguments, environment and standard streams of a new process; everything is put back afterwards.

    File descriptors 1 and 2 are redirected too, for child processes and for libraries in C.
    """
    main_module, variables, thresholds = sys.modules["__main__"], dict(os.environ), gc.get_threshold()
    kept = sys.argv, sys.stdin, sys.stdout, sys.stderr, sys.excepthook
    sys.stdout.flush()
    sys.stderr.flush()
    descriptors = [os.dup(1), os.dup(2)]
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        os.environ.clear()
        os.environ.update(environment)
        sys.modules["__main__"] = ModuleType("__main__")
        sys.argv = ["ragbench", *words]
        for number, stream in enumerate(streams, 1):
            os.dup2(stream.fileno(), number)
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False, errors="backslashreplace")  # noqa: SIM115
        yield
    finally:
        for stream in (sys.stdin, sys.stdout, sys.stderr):
            stream.close()
        for number, descriptor in enumerate(descriptors, 1):
            os.dup2(descriptor, number)
            os.close(descriptor)
        sys.modules["__main__"] = main_module
        sys.argv, sys.stdin, sys.stdout, sys.stderr, sys.excepthook = kept
        os.environ.clear()
        os.environ.update(variables)
        gc.set_threshold(*thresholds)
        for number, handler in handlers.items():
            signal.signal(number, handler)


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for all workers, so that they embed the shop once."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "cache"
    folder.mkdir(exist_ok=True)
    return folder


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
