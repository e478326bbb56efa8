"""Requests that wait at the same time are computed as one batch."""

import asyncio
import threading
import time
from abc import abstractmethod
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from ragbench.models.llm.base import LLMError, Response
from ragbench.models.llm.local.base import Asked, Engine, shortened

GATHER_SECONDS = 0.01
"""How long a batch waits for the requests that the same event loop is about to make."""


class BatchEngine(Engine):
    """An engine that computes several requests at once, in one thread.

    Args:
        most: requests of one batch.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._thread = ThreadPoolExecutor(1, "ragbench-local-llm")
        self._queue: deque[tuple[Asked, Future[Response]]] = deque()
        self._lock = threading.Lock()

    @abstractmethod
    def generate(self, batch: Sequence[Asked]) -> list[Response]:
        """Compute the answers of a batch, in order.

        Raises:
            LLMError: the batch has one request, and the engine refuses it.
            Exception: whatever the library raises. A batch of several is then computed in two halves.
        """

    async def answer(self, asked: Asked) -> Response:
        """Wait for a place in a batch, and for the batch."""
        future: Future[Response] = Future()
        with self._lock:
            self._queue.append((asked, future))
        self._thread.submit(self._next)
        return await asyncio.wrap_future(future)

    def _next(self) -> None:
        if not self._queue:
            return  # an earlier batch had it
        time.sleep(GATHER_SECONDS)
        with self._lock:
            taken = [self._queue.popleft() for _ in range(min(self._most, len(self._queue)))]
        live = [(asked, future) for asked, future in taken if future.set_running_or_notify_cancel()]
        if live:
            self._compute(live)

    def _compute(self, batch: Sequence[tuple[Asked, "Future[Response]"]]) -> None:
        """Compute a batch. What fails in company is tried in halves, so that a request fails only by itself."""
        try:
            found = self.generate([asked for asked, _ in batch])
        # The future of each request takes its error, and the client sorts it.
        except BaseException as error:
            if len(batch) > 1 and isinstance(error, Exception):
                half = len(batch) // 2
                self._compute(batch[:half])
                self._compute(batch[half:])
                return
            for _, future in batch:
                future.set_exception(_failure(error))
            return
        for (_, future), response in zip(batch, found, strict=True):
            future.set_result(response)


def _failure(error: BaseException) -> BaseException:
    if isinstance(error, LLMError) or not isinstance(error, Exception):
        return error
    return LLMError(f"the model failed on this request: {shortened(error)}", retry=False)
