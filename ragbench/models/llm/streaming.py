"""An answer that is read while it is written."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from concurrent.futures import Executor
from typing import Any, TypeVar

from ragbench.models.llm.base import Show

T = TypeVar("T")


class Shown:
    """What one call has handed on so far, for all who watch it; true once that is anything."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._watching: list[Show] = []

    @property
    def text(self) -> str:
        """Of all pieces."""
        return "".join(self._pieces)

    def __bool__(self) -> bool:
        return bool(self._pieces)

    def __call__(self, piece: str) -> None:
        """Hand a piece on."""
        if not piece:
            return
        self._pieces.append(piece)
        for show in self._watching:
            show(piece)

    def add(self, show: Show) -> None:
        """One more watches; it gets what came before at once."""
        if self:
            show(self.text)
        self._watching.append(show)

    def whole(self, text: str) -> None:
        """The answer is there, from the cache or a model that does not stream: hand it on if nothing was before."""
        if not self:
            self(text)


async def as_it_comes(work: Callable[[Show], Awaitable[T]]) -> AsyncGenerator[str | T]:
    """The pieces that a piece of work shows, and at last what it gives; pieces that wait together come as one.

    Who leaves early must close the iterator (`contextlib.aclosing`): the work is then cancelled.

    Args:
        work: ``lambda show: client.ask(request, show)``; its result must be no text.

    Raises:
        Exception: whatever the work raises, after the pieces that came before.
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
    """Go through an iterator in a thread and take its items in this event loop; who is cancelled ends it at the next.

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
    """What a task that was just made gives; who leaves ends it."""
    try:
        # A task that is cancelled before its first step never takes it, nor what it would do at its end.
        await asyncio.sleep(0)
        return await task
    except asyncio.CancelledError:
        task.cancel()
        raise


def looked_at(task: "asyncio.Task[Any]") -> None:
    """Whoever waited may be gone; asyncio would complain on stderr that nobody looked at the failure."""
    if not task.cancelled():
        task.exception()
