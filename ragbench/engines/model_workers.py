"""Calls of a language model by workers of Ray.

Only the calls leave the process of the job. The client stays there, with the rates, the budget, the circuit breaker
and the answer cache. There is thus one of each, however many workers make the calls, and an answer is on disk before
anything uses it. A worker holds the model alone: the connections to its service, or its weights.

When a worker ends, its calls in flight are lost. They count against the budget, since the service may bill them, and
another worker makes them again.
"""

import asyncio
import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from ragbench.core.errors import RagbenchError
from ragbench.engines.base import EngineSettings
from ragbench.engines.ray import Fault
from ragbench.engines.session import session
from ragbench.models.llm.base import CALL, LLM, UNREADABLE, LLMError, Request, Response
from ragbench.models.llm.connect import Connection, Through

MOST_LOSSES = 3
"""The run ends if workers end this many times as often as there are workers, with no answer in between."""
CLOSING_SECONDS = 5.0


@contextmanager
def calls_through(settings: EngineSettings) -> Iterator[Through | None]:
    """Yield what makes the calls of models on the chosen engine, or None if this process makes them.

    A Ray session that starts here ends with the block. Open it in a thread that lasts as long as the block: the
    processes of a session end with the thread that started them.

    Raises:
        MissingExtra: Ray is chosen and not installed.
        InputError: there is no cluster at the address, or it cannot be used.
    """
    if settings.name == "local":
        yield None
        return
    with session(settings, cores=False) as cluster:
        yield partial(ModelWorkers, workers=cluster.workers, gpus=settings.gpus_per_worker)


class Worker:
    """What runs in a worker: one model. Ray runs its calls in one event loop."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def open(self) -> Fault[LLMError] | None:
        """Make the model, and load its weights if it has any. Returns why it cannot be used, or None."""
        try:
            self._llm: LLM = self._connection.open()
            await self._llm.open()
        except RagbenchError as error:
            return Fault(LLMError(str(error), retry=False, fatal=True))
        except LLMError as error:
            return Fault(error)
        return None

    async def complete(self, request: Request, call: str) -> Response | Fault[LLMError]:
        """Make one call.

        Args:
            request: the question.
            call: identity of the call, for services that know repeated ones.
        """
        CALL.set(call)
        try:
            return await self._llm.complete(request)
        except LLMError as error:
            return Fault(error)
        except UNREADABLE as error:
            reason = f"the reply cannot be read ({type(error).__name__}: {error})"
            return Fault(LLMError(reason, retry=False, in_doubt=True))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._llm.aclose()


@dataclass(eq=False)
class _Actor:
    """A worker of Ray, and how many calls it has in flight."""

    handle: Any
    in_flight: int = 0


class ModelWorkers(LLM):
    """A language model that workers of Ray call. They start at the first call.

    It needs an open session of Ray. Like the client in front of it, it works in one event loop. It does not stream.

    Args:
        connection: makes the model, in each worker.
        llm: the same model in this process, which gives name and identity.
        workers: how many workers call it.
        gpus: GPUs of each.
    """

    def __init__(self, connection: Connection, llm: LLM, *, workers: int, gpus: float = 0.0) -> None:
        self.name = llm.name
        self._connection, self._llm, self._count, self._gpus = connection, llm, workers, gpus
        self._actors: list[_Actor] = []
        self._starting: set[asyncio.Task[None]] = set()
        self._lost = 0
        """Workers that ended since the last answer."""

    def fingerprint(self) -> str:
        """Identity of the model, whoever calls it."""
        return self._llm.fingerprint()

    async def open(self) -> None:
        """Start the workers, and wait until one of them is ready.

        Raises:
            LLMError: a worker cannot use the model, or the workers end while they start.
        """
        if not self._actors and not self._starting:
            self._add(self._count)
        while not self._actors:
            done, _ = await asyncio.wait(self._starting, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()

    async def complete(self, request: Request) -> Response:
        """Have the worker with the fewest calls in flight make the call."""
        import ray

        await self.open()
        actor = min(self._actors, key=lambda one: one.in_flight)
        actor.in_flight += 1
        call = actor.handle.complete.remote(request, CALL.get())
        try:
            outcome: Response | Fault[LLMError] = await call
        except asyncio.CancelledError:
            ray.cancel(call)
            raise
        except ray.exceptions.RayTaskError:  # an error in our own code, as in a call without workers
            raise
        except ray.exceptions.RayError as error:
            raise self._ended(actor, error) from error
        finally:
            actor.in_flight -= 1
        if isinstance(outcome, Fault):
            raise outcome.error()
        self._lost = 0
        return outcome

    async def aclose(self) -> None:
        """End the workers."""
        for task in self._starting:
            task.cancel()
        if self._actors:
            import ray

            closing = [actor.handle.aclose.remote() for actor in self._actors]
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSING_SECONDS):
                    await asyncio.gather(*closing, return_exceptions=True)
            for actor in self._actors:
                ray.kill(actor.handle)
        self._actors.clear()
        await self._llm.aclose()

    def _add(self, count: int) -> None:
        for _ in range(count):
            task = asyncio.create_task(self._open())
            self._starting.add(task)
            task.add_done_callback(self._opened)

    def _opened(self, task: "asyncio.Task[None]") -> None:
        # A task that failed stays, so that whoever waits for a worker is given its error.
        if task.cancelled() or task.exception() is None:
            self._starting.discard(task)

    async def _open(self) -> None:
        """Start a worker, and another one if it ends while it starts."""
        import ray

        # Calls wait for a service most of the time, so a worker without a GPU takes no share of a core.
        worker = ray.remote(Worker).options(
            num_cpus=0, num_gpus=self._gpus, max_concurrency=self._connection.concurrency + 1, max_restarts=0,
            scheduling_strategy="SPREAD",
        )  # fmt: skip
        while True:
            handle = worker.remote(self._connection)
            try:
                fault = await handle.open.remote()
            except ray.exceptions.RayTaskError:
                raise
            except ray.exceptions.RayError as error:
                self._lost += 1
                if self._too_many_lost():
                    raise LLMError(self._lost_as(error), retry=False, fatal=True) from error
                continue
            if fault is not None:
                ray.kill(handle)
                raise fault.error()
            self._actors.append(_Actor(handle))
            return

    def _ended(self, actor: _Actor, error: Exception) -> LLMError:
        """Replace a worker that ended. Returns the error of a call that it had in flight."""
        if actor in self._actors:
            self._actors.remove(actor)
            self._lost += 1
            self._add(1)
        if self._too_many_lost():
            return LLMError(self._lost_as(error), retry=False, fatal=True, in_doubt=True)
        # The request may be what ends workers, so it counts like a failure of the service on this request.
        reason = f"the worker that made the call ended: {_reason(error)}"
        return LLMError(reason, retry=True, in_doubt=True, broken=True)

    def _too_many_lost(self) -> bool:
        return self._lost >= MOST_LOSSES * self._count

    def _lost_as(self, error: Exception) -> str:
        return f"{self._lost} workers of Ray ended one after another without an answer; the last: {_reason(error)}"


def _reason(error: Exception) -> str:
    """The first line of one of Ray's errors, which go on for many."""
    return str(error).strip().partition("\n")[0]
