"""Read an answer while it is written."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from concurrent.futures import Executor
from typing import Any, TypeVar

from ragbench.models.llm.base import Show

T = TypeVar("T")


class Shown:
    """The text that one call has passed on so far, for all its watchers. It is true once there is any."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._watching: list[Show] = []

    @property
    def text(self) -> str:
        """The text of all pieces."""
        return "".join(self._pieces)

    def __bool__(self) -> bool:
        return bool(self._pieces)

    def __call__(self, piece: str) -> None:
        """Pass a piece on."""
        if not piece:
            return
        self._pieces.append(piece)
        for show in self._watching:
            show(piece)

    def add(self, show: Show) -> None:
        """Add a watcher. It receives earlier pieces at once."""
        if self:
            show(self.text)
        self._watching.append(show)

    def whole(self, text: str) -> None:
        """Pass on a complete answer (cached, or from a model that does not stream) if nothing was passed on before."""
        if not self:
            self(text)


async def as_it_comes(work: Callable[[Show], Awaitable[T]]) -> AsyncGenerator[str | T]:
    """Yield the pieces of text that some work shows, and at last its result. Pieces that wait together arrive as one.

    To leave early, close the iterator (`contextlib.aclosing`), which cancels the work.

    Args:
        work: ``lambda show: client.ask(request, show)``; its result must not be a text.

    Raises:
        Exception: whatever the work raises, after the pieces that arrived before.
    """
    pieces: list[str] = []
    there = asyncio.Event()

    def show(piece: str) -> None:
        pieces.append(piece)
        there.set()

    async def working() -> T:
        return await work(show)

    task = asyncio.create_task(working())
    task.add_done_callback(lambda _: there.set())
    task.add_done_callback(looked_at)
    try:
        while not (task.done() and not pieces):
            await there.wait()
            there.clear()
            if pieces:
                text = "".join(pieces)
                pieces.clear()
                yield text
        yield task.result()
    finally:
        task.cancel()


async def from_thread(threads: Executor, each: Callable[[], Iterator[T]], take: Callable[[T], None]) -> None:
    """Run an iterator in a thread and yield its items in this event loop. A cancelled caller ends it at the next item.

    Raises:
        Exception: whatever the iterator raises.
    """
    loop = asyncio.get_running_loop()
    ended = threading.Event()

    def go() -> None:
        for item in each():
            if ended.is_set():
                return
            loop.call_soon_threadsafe(take, item)

    try:
        await loop.run_in_executor(threads, go)
    finally:
        ended.set()


async def until_left(task: "asyncio.Task[T]") -> T:
    """Wait for a new task. A caller that leaves cancels it."""
    try:
        # A task that is cancelled before its first step never runs, not even its cleanup.
        await asyncio.sleep(0)
        return await task
    except asyncio.CancelledError:
        task.cancel()
        raise


def looked_at(task: "asyncio.Task[Any]") -> None:
    """Retrieve the task's exception, so that asyncio does not report it on stderr after every waiter has left."""
    if not task.cancelled():
        task.exception()
