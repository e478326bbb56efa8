"""Serve connections in a thread and an event loop of their own."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextmanager
def listening(handle: Handle, port: int = 0) -> Iterator[int]:
    """Serve on this machine; gives the port.

    Args:
        handle: serves one connection.
        port: where; 0 takes a free port.
    """
    loop = asyncio.new_event_loop()
    opened = loop.run_until_complete(asyncio.start_server(handle, "127.0.0.1", port))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield opened.sockets[0].getsockname()[1]
    finally:

        def stop() -> None:
            opened.close()
            for task in asyncio.all_tasks(loop):
                task.cancel()
            loop.call_soon(loop.stop)

        loop.call_soon_threadsafe(stop)
        thread.join()
        loop.close()
