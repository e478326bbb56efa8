"""Arms side by side, and how they stop when the user interrupts."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from ragbench.core.progress import Advance, Progress

Given = TypeVar("Given")
Result = TypeVar("Result")


def side_by_side(
    work: Callable[[Given], Result], given: Sequence[Given], jobs: int, stop: threading.Event
) -> list[Result]:
    """``work`` on each of ``given``, in threads; results in order.

    When this thread is interrupted, ``stop`` is set, nothing new is begun, and
    the interrupt goes on at once; what runs ends at its next report of progress.
    """
    pool = ThreadPoolExecutor(jobs, thread_name_prefix="ragbench-arm")
    try:
        futures = [pool.submit(work, each) for each in given]
        return [future.result() for future in futures]
    except BaseException:
        stop.set()
        raise
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def stoppable(progress: Progress, stop: threading.Event) -> Progress:
    """The same progress, whose reports raise `KeyboardInterrupt` once ``stop`` is set."""

    @contextmanager
    def shown(what: str, total: int) -> Iterator[Advance]:
        with progress(what, total) as advance:

            def checked(steps: int) -> None:
                if stop.is_set():
                    raise KeyboardInterrupt
                advance(steps)

            yield checked

    return shown
