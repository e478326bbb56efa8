"""Work that runs beside the event loop."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")
NAME = "ragbench-view-work"


async def in_thread(work: Callable[[], T]) -> T:
    """Run ``work`` in a thread and return its result.

    The interpreter does not wait for the thread at its end: an index may take minutes to build, and the viewer must
    stop at once.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if done.cancelled():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        result, failed = None, None
        try:
            result = work()
        except BaseException as error:
            failed = error
        # The loop is closed once the viewer stops: nobody waits any more.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, result, failed)

    threading.Thread(target=run, name=NAME, daemon=True).start()
    return await done


def at_work() -> bool:
    """Return whether any work is running."""
    return any(thread.name == NAME for thread in threading.enumerate())
