"""Progress: a bar on a terminal, plain lines elsewhere; nothing for what takes under a second."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ragbench.cli.output import print_lines
from ragbench.core.foreign import one_line

SILENT_SECONDS = 1.0
LINE_SECONDS = 10.0


class Progress:
    """``with progress("embedding chunks", 5183) as advance: advance(16)``; writes to standard error."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bars: Any = None
        self._open = 0

    @contextmanager
    def __call__(self, what: str, total: int) -> Iterator[Callable[[int], None]]:
        """One task of ``total`` steps."""
        shown = self._bar(what, total) if sys.stderr.isatty() else _lines(what, total)
        with shown as advance:
            yield advance

    @contextmanager
    def _bar(self, what: str, total: int) -> Iterator[Callable[[int], None]]:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bars

        began, task, done = time.monotonic(), None, 0

        def advance(steps: int) -> None:
            nonlocal task, done
            with self._lock:
                done += steps
                if task is None and time.monotonic() - began < SILENT_SECONDS:
                    return
                if self._bars is None:
                    columns = (
                        TextColumn("{task.description}", markup=False),
                        BarColumn(),
                        MofNCompleteColumn(),
                        TimeRemainingColumn(),
                    )
                    self._bars = Bars(*columns, console=Console(stderr=True), transient=True)
                    self._bars.start()
                if task is None:
                    task = self._bars.add_task(one_line(what), total=total)
                    self._open += 1
                self._bars.update(task, completed=done)

        try:
            yield advance
        finally:
            with self._lock:
                if task is not None:
                    self._bars.remove_task(task)
                    self._open -= 1
                    if self._open == 0:
                        self._bars.stop()
                        self._bars = None


@contextmanager
def _lines(what: str, total: int) -> Iterator[Callable[[int], None]]:
    began = last = time.monotonic()
    done = 0

    def advance(steps: int) -> None:
        nonlocal last, done
        done += steps
        now = time.monotonic()
        if now - last >= LINE_SECONDS:
            last = now
            print_lines(f"{what}: {done} of {total}", sys.stderr)

    yield advance
    if time.monotonic() - began >= SILENT_SECONDS:
        print_lines(f"{what}: {done} done in {time.monotonic() - began:.1f} s", sys.stderr)
