"""A program that answers queries on its standard input and output, one JSON line each."""

import os
import queue
import signal
import subprocess
import threading
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, ClassVar

from ragbench.core.context import Context
from ragbench.core.documents import Chunks
from ragbench.core.errors import ArmError
from ragbench.core.runs import Query, Unit
from ragbench.retrievers._external import (
    Answer,
    Contract,
    Failed,
    Order,
    OwnIdsIndex,
    arguments_of,
    program_faults,
    quoted,
)
from ragbench.retrievers.base import Ranking, Retriever

FITS_IN_PIPE = 4096
"""Bytes that every system's pipe takes at once, so that writing them cannot block."""
STDERR_KEPT = 4096
CLOSING_SECONDS = 2.0


@dataclass(frozen=True)
class Command(Retriever):
    """Starts a program once and asks it query by query (docs/reference/http-contract.md).

    A request is one line on its standard input, the answer one line on its
    standard output; what it writes to standard error is quoted when it fails.
    A program that exits is restarted once and asked the same query again. One
    that is too slow is ended and restarted once, and its query fails.
    After the second time the remaining queries fail with the reason.

    Attributes:
        command: program and arguments: a list, or one string that is split as a
            POSIX shell would split it. It is never passed to a shell.
        returns: whether the ids in the answers are of chunks or of documents.
        timeout: seconds for one answer; the first includes the program's start.
        max_bytes: answers longer than this end the program.
        order: ``auto``, ``score`` or ``rank`` (`ragbench.retrievers._external.Contract`).
    """

    command: str | tuple[str, ...]
    returns: Unit = "chunk"
    timeout: float = 60.0
    max_bytes: int = 8 << 20
    order: Order = "auto"

    cacheable: ClassVar[bool] = False
    needs_chunks: ClassVar[bool] = False

    def check(self) -> list[str]:
        """Check that the program can be found, and the ranges of the settings."""
        return program_faults(self.command, self.timeout, self.max_bytes)

    def index(self, chunks: Chunks, context: Context) -> "CommandIndex":
        """Start the program.

        Raises:
            ArmError: it cannot be started.
        """
        return CommandIndex(self, chunks, context)


class CommandIndex(OwnIdsIndex):
    """The running program."""

    def __init__(self, settings: Command, chunks: Chunks, context: Context) -> None:
        super().__init__(chunks, settings.returns)
        self._settings, self._progress = settings, context.progress
        self._contract = Contract(order=settings.order)
        self._restarts_left, self._dead = 1, ""
        self._program = Program(arguments_of(settings.command), settings.max_bytes)

    def rank(self, queries: Sequence[Query], k: int) -> Ranking:
        """One line out and one line in per query, in order."""
        if len(queries) == 1:
            return self.ranking([self._ask(queries[0], k)])
        answers = []
        with self._progress(f"asking {Path(arguments_of(self._settings.command)[0]).name}", len(queries)) as advance:
            for query in queries:
                answers.append(self._ask(query, k))
                advance(1)
        return self.ranking(answers)

    def close(self) -> None:
        """Close the program's input, and end it if it does not exit within two seconds."""
        self._dead = self._dead or "the index is closed"
        self._program.close()

    def _ask(self, query: Query, k: int) -> Answer:
        if self._dead:
            return Failed(self._dead)
        line = self._contract.request(query, k) + b"\n"
        try:
            answer = self._contract.read(self._program.exchange(line, self._settings.timeout), query)
            if isinstance(answer, Failed) and answer.stray:
                # The next line could belong to this query or to the next, so going on would mix them up.
                raise Broken(f"{answer.reason}; it may write only answers to its standard output")
            return answer
        except TooSlow as error:
            return self._restart(str(error)) or Failed(str(error))
        except Broken as error:
            lost = self._restart(str(error))
            return lost or self._ask(query, k)

    def _restart(self, reason: str) -> Failed | None:
        """Restart the program. If it was restarted before, every later query fails."""
        self._program.close(patiently=False)
        if not self._restarts_left:
            self._dead = f"{reason} (it was already restarted once)"
            return Failed(self._dead)
        self._restarts_left -= 1
        self.notes["restarted"] = reason
        try:
            self._program = Program(arguments_of(self._settings.command), self._settings.max_bytes)
        except ArmError as error:
            self._dead = str(error)
            return Failed(self._dead)
        return None


class Broken(Exception):
    """The program cannot be asked again."""


class TooSlow(Broken):
    """The program gave no answer in time."""


class Program:
    """A child process with pipes. Threads read its output, so that no pipe fills up.

    Raises:
        ArmError: it cannot be started.
    """

    def __init__(self, arguments: list[str], max_bytes: int) -> None:
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the user names the program; a list, never a shell
                arguments,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                # A group of its own: its own children end with it, and Ctrl-C reaches ragbench first.
                start_new_session=True,
            )
        except OSError as error:
            raise ArmError(f"the program {arguments[0]!r} cannot be started: {error.strerror or error}") from error
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._stdin: IO[bytes] = self._process.stdin
        self._max_bytes = max_bytes
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._errors: deque[bytes] = deque(maxlen=64)
        self._end = weakref.finalize(self, _end, self._process)
        self._threads = [
            threading.Thread(
                target=_read_lines, args=(self._process.stdout, self._lines.put, max_bytes + 1), daemon=True
            ),
            threading.Thread(
                target=_read_lines, args=(self._process.stderr, self._errors.append, STDERR_KEPT), daemon=True
            ),
        ]
        for thread in self._threads:
            thread.start()

    def exchange(self, line: bytes, timeout: float) -> bytes:
        """Send one line and return the answer, without its line end.

        Raises:
            TooSlow: none came in time.
            Broken: the program ended, or wrote what is no single JSON line.
        """
        if not self._lines.empty():
            raise Broken(self._why(self._lines.get()))
        self._write(line, timeout)
        try:
            answer = self._lines.get(timeout=timeout)
        except queue.Empty:
            raise TooSlow(f"no answer within {timeout:g} s{self._stderr()}") from None
        if not answer.endswith(b"\n"):
            raise Broken(self._why(answer))
        return answer

    def close(self, *, patiently: bool = True) -> None:
        """End the program if it does not exit within two seconds. A second call does nothing."""
        if not patiently:
            self._process.kill()
        self._end()
        for thread in self._threads:
            thread.join(CLOSING_SECONDS)

    def _write(self, line: bytes, timeout: float) -> None:
        """Write a line. For a line that may not fit in the pipe, a watch ends a program that does not read."""
        watch = threading.Timer(timeout, self._process.kill) if len(line) > FITS_IN_PIPE else None
        if watch is not None:
            watch.start()
        try:
            self._stdin.write(line)
            self._stdin.flush()
        except (OSError, ValueError) as error:
            raise Broken(self._why(b"")) from error
        finally:
            if watch is not None:
                watch.cancel()

    def _why(self, got: bytes) -> str:
        """Say what went wrong when the output was not a full line (b"" is the end of the output)."""
        if got.endswith(b"\n"):
            return f"it wrote more than one line for a query; the line left over is {quoted(got)}"
        if len(got) > self._max_bytes:
            return f"its answer is longer than max_bytes={self._max_bytes}"
        try:
            code = self._process.wait(CLOSING_SECONDS)
        except subprocess.TimeoutExpired:
            return f"the program closed its standard output{self._stderr()}"
        self._threads[1].join(CLOSING_SECONDS)
        how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
        return f"the program {how}{self._stderr()}"

    def _stderr(self) -> str:
        """The last line with text that the program wrote to standard error, for a message."""
        lines = [line for line in list(self._errors) if line.strip()]
        return f"; it last wrote: {quoted(lines[-1])}" if lines else ""


def _read_lines(pipe: IO[bytes], keep: Callable[[bytes], object], most: int) -> None:
    """Pass on the output line by line, in pieces of at most ``most`` bytes, and b"" at the end."""
    with pipe:
        while line := pipe.readline(most):
            keep(line)
    keep(b"")


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Close the program's input, wait briefly, then end it and every process it started."""
    with suppress(OSError):  # it is gone already; what was not yet written has no reader
        if process.stdin is not None:
            process.stdin.close()
    with suppress(subprocess.TimeoutExpired):
        process.wait(CLOSING_SECONDS)
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()
