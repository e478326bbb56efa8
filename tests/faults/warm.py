"""Commands that start in milliseconds: a process that has imported everything forks, and each fork is a real process.

Two such processes take turns. They differ in the seed of hashes, so that two runs of a command are as different as
those of two shells.
"""

import atexit
import ctypes
import gc
import itertools
import json
import os
import pkgutil
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

ROOT = Path(__file__).resolve().parents[2]
LIBRARIES = (
    "Stemmer", "aiohttp", "altair", "bm25s", "faiss", "fastapi", "filelock", "httpx", "jinja2", "jsonschema",
    "langchain_openai", "multiprocessing.synchronize", "onnxruntime", "pandas", "pyarrow.csv",
    "pyarrow.pandas_compat", "pyarrow.parquet", "pypdf", "scipy.special", "tokenizers", "uvicorn", "yaml",
)  # fmt: skip
"""What the commands import when they need it, besides the modules of ragbench."""
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1, 2
CAPABILITY_VERSION = 0x20080522
PATIENCE = 120.0


@dataclass
class Ended:
    """How a process ended: its exit code, or the negative number of a signal."""

    code: int
    out: str
    err: str


class Process:
    """A command that runs in a session of its own."""

    def __init__(self, server: "_Server", pid: int, streams: tuple[Path, Path]) -> None:
        self.pid, self._server, self._streams = pid, server, streams
        self._code: int | None = None

    def poll(self) -> int | None:
        if self._code is None:
            self._code = self._server.ask({"poll": self.pid})["code"]
        return self._code

    def send(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def wait(self, seconds: float = PATIENCE) -> Ended:
        until = time.monotonic() + seconds
        while self.poll() is None:
            if time.monotonic() > until:
                os.kill(self.pid, signal.SIGKILL)
                raise AssertionError(f"no end after {seconds:g} s:\n{self.err}")
            time.sleep(0.004)
        assert self._code is not None
        return Ended(self._code, self.out, self.err)

    @property
    def out(self) -> str:
        return _read(self._streams[0])

    @property
    def err(self) -> str:
        return _read(self._streams[1])

    def orphans(self, seconds: float = 5.0) -> list[str]:
        """Processes of its session that still run when it has been dead for some time."""
        until = time.monotonic() + seconds
        while True:
            left = [str(pid) for pid in psutil.pids() if self._is_mine(pid)]
            if not left or time.monotonic() > until:
                return left
            time.sleep(0.01)

    def _is_mine(self, pid: int) -> bool:
        try:
            return os.getsid(pid) == self.pid and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
        except (ProcessLookupError, psutil.NoSuchProcess):
            return False


def _read(stream: Path) -> str:
    """What was written so far; a process that has just begun may not have made the file yet."""
    return stream.read_text("utf-8", "replace") if stream.exists() else ""


class Warm:
    """Starts commands of ragbench.

    Args:
        warm_up: whether to import everything first.
    """

    def __init__(self, *, warm_up: bool = True) -> None:
        self._warm_up = warm_up

    def __enter__(self) -> Self:
        self._servers = [_Server(seed, warm_up=self._warm_up) for seed in (1, 2)]
        self._turn = itertools.cycle(self._servers)
        self._number = itertools.count()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server in self._servers:
            server.end()

    def start(
        self, words: Sequence[object], place: Path, *, variables: Mapping[str, str] | None = None,
        most_bytes: int | None = None, powerless: bool = False, jumps: bool = False,
    ) -> Process:  # fmt: skip
        """Start a command.

        Args:
            words: its words.
            place: the folder that it starts in.
            variables: variables of its environment, besides those of this process.
            most_bytes: the largest size of a file that it may write.
            powerless: whether permissions of files hold for it even if this user is root.
            jumps: whether its clock jumps, forwards and backwards.
        """
        number = next(self._number)
        streams = place.parent / f"{place.name}.{number}.out", place.parent / f"{place.name}.{number}.err"
        request = {
            "words": [str(word) for word in words], "folder": str(place), "variables": dict(variables or {}),
            "streams": [str(stream) for stream in streams], "most_bytes": most_bytes, "powerless": powerless,
            "jumps": jumps,
        }  # fmt: skip
        server = next(self._turn)
        return Process(server, server.ask(request)["pid"], streams)

    def run(self, words: Sequence[object], place: Path, **limits: Any) -> Ended:
        return self.start(words, place, **limits).wait()


class _Server:
    def __init__(self, seed: int, *, warm_up: bool) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.warm", *["--warm-up"] * warm_up],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": str(seed), "OMP_NUM_THREADS": "1"},
        )  # fmt: skip

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the process that forks has ended"
        return json.loads(answer)

    def end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)


def _own_modules() -> list[str]:
    """Every module of ragbench but the one that runs it, and those that import an extra as slow as all others."""
    import ragbench

    every = [one.name for one in pkgutil.walk_packages(ragbench.__path__, "ragbench.")]
    return [name for name in every if "__main__" not in name and "ragas" not in name]


def serve() -> dict[str, Any] | None:
    """Fork for each request until there is none left. Returns, in a fork, what it was asked to be."""
    for line in sys.stdin:
        request = json.loads(line)
        if "poll" in request:
            pid, status = os.waitpid(request["poll"], os.WNOHANG)
            answer = {"code": os.waitstatus_to_exitcode(status) if pid else None}
        else:
            sys.stdout.flush()
            pid = os.fork()
            if not pid:
                return request
            answer = {"pid": pid}
        print(json.dumps(answer), flush=True)
    return None


def become(request: dict[str, Any]) -> None:
    """Make this process the one that was asked for."""
    os.setsid()
    for number, name in enumerate(request["streams"], 1):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(request["folder"])
    os.environ.pop("PYTHONHASHSEED")
    os.environ.update(request["variables"])
    sys.argv = ["ragbench", *request["words"]]
    if request["most_bytes"] is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (request["most_bytes"], request["most_bytes"]))
    if request["powerless"] and os.geteuid() == 0:
        _without_power()
    if request["jumps"]:
        _jump()


def _without_power() -> None:
    """Give up what lets root write where permissions forbid it, see capset(2)."""
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0)
    held = (ctypes.c_uint32 * 6)()
    lib = ctypes.CDLL(None, use_errno=True)
    if lib.capget(header, held) == 0:
        for at in range(3):  # effective, permitted, inheritable; the lower 32 capabilities
            held[at] &= ~(1 << CAP_DAC_OVERRIDE | 1 << CAP_DAC_READ_SEARCH)
        if lib.capset(header, held) == 0:
            return
    raise OSError(ctypes.get_errno(), "the capabilities of root cannot be given up")


def _jump() -> None:
    """Let the clock be right, a day late, an hour early, and so on: another one at each look."""
    right, errors = time.time, itertools.cycle((0.0, 86_400.0, -3_600.0, -40_000_000.0, 1e9))
    time.time = lambda: right() + next(errors)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The package first: it turns off the telemetry of the others.
    for module in (*_own_modules(), *LIBRARIES) if "--warm-up" in sys.argv else ("ragbench.cli",):
        __import__(module)
    # Objects that stay are looked through at the end of each fork otherwise, which takes longer than most commands.
    gc.freeze()
    wanted = serve()
    if wanted is not None:
        become(wanted)
        from ragbench.__main__ import main

        try:
            main()
        except SystemExit as end:
            # What the end of an interpreter does, but for taking down 3,000 modules.
            threading._shutdown()  # type: ignore[attr-defined]
            atexit._run_exitfuncs()
            sys.stdout.flush()
            os._exit(end.code if isinstance(end.code, int) else int(end.code is not None))
