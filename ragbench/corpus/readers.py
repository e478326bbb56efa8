"""Read files in processes that are ended when a file takes too long or too much memory.

A few processes read all files, and one that was ended is started again: a process for each file would take longer than
most files do.
"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from queue import SimpleQueue
from typing import IO

from ragbench.core.cores import usable_cores
from ragbench.core.document import Document
from ragbench.core.errors import InputError, MissingExtra, RagbenchError, SettingError
from ragbench.core.ledger import LedgerEntry
from ragbench.core.spelling import named
from ragbench.corpus.file_limits import FileLimits, OverLimit
from ragbench.corpus.loaders.base import NotDocuments
from ragbench.corpus.read_files import MEMORY
from ragbench.corpus.reading import Content, Source

FILES_PER_READER = 16
"""So few files are not worth the start of another process."""
MOST_READERS = 8
BATCH = 32
REQUEST_BYTES = 1 << 15
"""Requests that wait in a pipe, which holds 64 KB: more could block both sides."""
MODULE = "ragbench.corpus.read_files"
PASSED_ON = re.compile(
    "PATH|HOME|USER|LOGNAME|LANG|LANGUAGE|LC_.+|TZ|TMPDIR|TEMP|TMP|SYSTEMROOT|(DY)?LD_.+|PYTHON[A-Z0-9]+|VIRTUAL_ENV|"
    "CONDA_PREFIX|RAGBENCH_.+"
)
"""Environment variables that the reading process gets. It gets no others, because they may hold keys."""
FAULTS: dict[str, type[RagbenchError]] = {
    cls.__name__: cls for cls in (InputError, NotDocuments, SettingError, MissingExtra)
}


def read_apart(sources: Sequence[Source], limits: FileLimits) -> Iterator[Content]:
    """What the files hold, in their order. A file that goes over a limit, or crashes its reader, has a fault.

    Raises:
        InputError: the process that reads cannot be started.
    """
    count = max(1, min(usable_cores(), MOST_READERS, len(sources) // FILES_PER_READER))
    readers = [Reader(limits) for _ in range(count)]
    try:
        if count == 1:
            for batch in _batches(sources, count):
                yield from readers[0].read(batch)
            return
        idle: SimpleQueue[Reader] = SimpleQueue()
        for reader in readers:
            idle.put(reader)

        def read(batch: Sequence[Source]) -> list[Content]:
            reader = idle.get()
            try:
                return list(reader.read(batch))
            finally:
                idle.put(reader)

        with ThreadPoolExecutor(count, "ragbench-read") as pool:
            try:
                for contents in pool.map(read, _batches(sources, count)):
                    yield from contents
            finally:
                # Not the end of all files is waited for, if one of them ends the job.
                for reader in readers:
                    reader.end()
                pool.shutdown(wait=False, cancel_futures=True)
    finally:
        for reader in readers:
            reader.end()


def _passed_on() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if PASSED_ON.fullmatch(name.upper())}


def _batches(sources: Sequence[Source], readers: int) -> Iterator[Sequence[Source]]:
    size = max(1, min(BATCH, len(sources) // (4 * readers)))
    return (sources[at : at + size] for at in range(0, len(sources), size))


class Reader:
    """A process that reads files, one after another. It starts with the first one.

    Args:
        limits: how long each file may take, and how much memory.
    """

    def __init__(self, limits: FileLimits) -> None:
        self._limits = limits
        self._process: subprocess.Popen[bytes] | None = None
        self._errors: IO[bytes] | None = None
        self._ended = False

    def read(self, sources: Sequence[Source]) -> Iterator[Content]:
        """What the files hold, in their order."""
        left = [(source, self._request(source)) for source in sources]
        while left:
            process = self._started()
            asked = 1
            size = len(left[0][1])
            while asked < len(left) and size + len(left[asked][1]) <= REQUEST_BYTES:
                size += len(left[asked][1])
                asked += 1
            self._send(process, b"".join(request for _, request in left[:asked]))
            for source, _ in left[:asked]:
                left = left[1:]
                yield self._receive(process, source)
                if self._process is None:
                    break

    def end(self) -> None:
        """End the process, whatever it does. The reader cannot be used again."""
        self._ended = True
        self._stop()

    def _request(self, source: Source) -> bytes:
        loader = source.loader
        settings = {field.name: getattr(loader, field.name) for field in fields(loader) if field.init}  # type: ignore[arg-type]
        size = source.path.stat().st_size if source.path.is_file() else 0
        request = {
            "path": str(source.path),
            "name": source.name,
            "folder": str(Path.cwd()),
            "loader": [type(loader).__module__, type(loader).__qualname__],
            "settings": settings,
            "seconds": self._limits.seconds_for(size),
            "bytes": self._limits.bytes_for(size),
        }
        return json.dumps(request).encode() + b"\n"

    def _started(self) -> subprocess.Popen[bytes]:
        if self._ended:
            raise InputError("reading was stopped")
        if self._process is None:
            self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by _stop
            # What this process can import, that one can too. One thread is enough, and its buffers are memory.
            paths = os.pathsep.join(path or str(Path.cwd()) for path in sys.path)
            more = {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1",
                    "ARROW_DEFAULT_MEMORY_POOL": "system"}  # fmt: skip
            self._process = subprocess.Popen(  # noqa: S603 - this Python, and a module of this package
                [sys.executable, "-P", "-m", MODULE],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, env={**_passed_on(), **more},
            )  # fmt: skip
            if not self._line(self._process):
                why = self._last_words()
                self._stop()
                raise InputError(f"the process that reads files did not start: {why}")
        return self._process

    def _send(self, process: subprocess.Popen[bytes], requests: bytes) -> None:
        assert process.stdin is not None
        with suppress(OSError):  # it has ended, as the answer will show
            process.stdin.write(requests)
            process.stdin.flush()

    def _receive(self, process: subprocess.Popen[bytes], source: Source) -> Content:
        documents: list[Document] = []
        issues: list[LedgerEntry] = []
        while line := self._line(process):
            part = json.loads(line)
            documents += [Document(*one) for one in part.get("documents", ())]
            issues += [LedgerEntry(*one) for one in part.get("issues", ())]
            if "end" in part:
                break
        else:
            return Content([], [], self._fault(process, source))
        if part["end"] is None:
            return Content(documents, issues)
        kind, *args = part["end"]
        if kind == MEMORY:
            self._stop()
            return Content([], [], self._too_large(source))
        return Content([], issues, FAULTS.get(kind, InputError)(*args))

    def _line(self, process: subprocess.Popen[bytes]) -> bytes:
        """The next whole line; empty if the process has ended."""
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
        except (OSError, ValueError):  # closed by another thread
            return b""
        return line if line.endswith(b"\n") else b""

    def _fault(self, process: subprocess.Popen[bytes], source: Source) -> OverLimit:
        """Why the process ended while it read a file."""
        process.kill()
        code, why = process.wait(), self._last_words()
        self._stop()
        name = source.name or source.path
        if code == -signal.SIGALRM:
            return OverLimit(
                f"{name}: not read within {self._limits.seconds:g} s; "
                f"split it, or raise {named('file_timeout')} if you trust it"
            )
        if "MemoryError" in why:
            return self._too_large(source)
        return OverLimit(f"{name}: its reader crashed ({f'signal {-code}' if code < 0 else why})")

    def _too_large(self, source: Source) -> OverLimit:
        return OverLimit(
            f"{source.name or source.path}: reading it takes more than {self._limits.gigabytes:g} GB of memory; "
            f"split it, or raise {named('file_memory')} if you trust it"
        )

    def _last_words(self) -> str:
        if self._errors is None or self._errors.closed:
            return ""
        self._errors.seek(0)
        return self._errors.read().decode("utf-8", "replace").strip().rpartition("\n")[2]

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                with suppress(OSError):
                    if pipe is not None:
                        pipe.close()
        if self._errors is not None:
            self._errors.close()
