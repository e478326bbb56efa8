"""The process that reads files which nobody has checked: ``python -P -m ragbench.corpus.read_files``.

`ragbench.corpus.readers` starts it, sends one JSON request a line, and gets JSON lines back: some of a file's documents
each, and ``end`` in the last one. The process ends itself when a file takes longer than its limit.
"""

import importlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from ragbench.core.document import Document
from ragbench.core.errors import MissingExtra, RagbenchError
from ragbench.core.ledger import LedgerEntry
from ragbench.corpus.loaders.base import Loader
from ragbench.corpus.reading import Source, read_items

PART_CHARACTERS = 1 << 18
PART_SECONDS = 0.5
MEMORY = "memory"
"""Fault of a file that needs more memory than its limit."""
NEARLY = 0.5
"""Libraries in C report refused memory as any error: it counts as such if the file used this share of the limit."""

Send = Callable[[dict[str, Any]], None]


def answer_requests() -> None:
    """Answer requests until standard input ends."""
    encoder = json.JSONEncoder(ensure_ascii=False, default=_plain)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not stand between the answers
    # Ctrl-C reaches every process of a terminal. The one that asked ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def send(answer: dict[str, Any]) -> None:
        _limit_time(0)  # the other side may be slow to take it
        answers.write((encoder.encode(answer) + "\n").encode("utf-8", "surrogatepass"))
        if "end" in answer:
            answers.flush()

    send({"end": None})
    for line in sys.stdin.buffer:
        request = json.loads(line)
        _limit_memory(request["bytes"])
        peak = _peak_memory()
        try:
            _read(request, send)
            fault = None
        except Exception as error:
            grown = _peak_memory() > max(peak, request["bytes"] * NEARLY)
            if _refused_memory(error) or (request["bytes"] and grown):
                fault = [MEMORY]
            elif isinstance(error, MissingExtra):
                fault = [MissingExtra.__name__, error.what, error.extra]
            elif isinstance(error, RagbenchError):
                fault = [type(error).__name__, str(error)]
            else:
                raise
        send({"end": fault})


def _plain(value: object) -> object:
    # Only a loader of others gives such a value, and numpy takes longer to import than most files take to read.
    from ragbench.core.fingerprint import plain

    return plain(value)


def _read(request: dict[str, Any], send: Send) -> None:
    """Read one file and send what it holds."""
    os.chdir(request["folder"])
    loader = _loader(*request["loader"], json.dumps(request["settings"]))
    documents: list[list[Any]] = []
    issues: list[LedgerEntry] = []
    characters, sent = 0, time.monotonic()
    try:
        _limit_time(request["seconds"])
        for item in read_items(Source(Path(request["path"]), request["name"], loader)):
            if isinstance(item, Document):
                documents.append([item.id, item.text, item.title, item.metadata])
                characters += len(item.text)
            else:
                issues.append(item)
            if characters > PART_CHARACTERS or time.monotonic() - sent > PART_SECONDS:
                send({"documents": documents, "issues": issues})
                documents, issues, characters, sent = [], [], 0, time.monotonic()
                _limit_time(request["seconds"])
    finally:
        send({"documents": documents, "issues": issues})


@cache
def _loader(module: str, name: str, settings: str) -> Loader:
    loader: Loader = getattr(importlib.import_module(module), name)(**json.loads(settings))
    return loader


def _limit_time(seconds: float) -> None:
    """End this process after some seconds, even within C code; 0 for never."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)


def _limit_memory(limit: int) -> None:
    """Refuse memory above a limit in bytes; 0 for none."""
    if not sys.platform.startswith("linux"):
        return
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = limit or resource.RLIM_INFINITY
    resource.setrlimit(resource.RLIMIT_DATA, (wanted if most == resource.RLIM_INFINITY else min(wanted, most), most))


def _peak_memory() -> int:
    """The most memory that this process has used, in bytes; 0 where that is unknown."""
    # The figure of getrusage is that of the process that started this one, where that was larger.
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)


def _refused_memory(error: BaseException | None) -> bool:
    """Whether memory was refused. Loaders report it as they report any error of their libraries."""
    while error is not None and not isinstance(error, MemoryError):
        error = error.__cause__ or error.__context__
    return error is not None


if __name__ == "__main__":
    answer_requests()
