"""The workers of a Ray cluster each hold a part of the chunks, and answer calls about it.

A worker builds what it needs from the table of its part, which Ray keeps in its object store. If a worker ends, Ray
starts it again: it builds its parts again and repeats the calls that were in flight. Calls change nothing outside of
the worker, so the results are the same.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ragbench.core.context import Spread
from ragbench.core.errors import RagbenchError
from ragbench.core.spelling import named
from ragbench.engines.base import EngineSettings, Table
from ragbench.engines.ray import RETRIES, Fault, worker_error
from ragbench.engines.session import Cluster, session

Make = Callable[[Table], object]
"""Builds what a worker holds for a part. Calls name its methods."""


@contextmanager
def spreading(settings: EngineSettings, make: Make) -> Iterator[Spread | None]:
    """Yield what gives chunks to the workers of the chosen engine, or None if this process searches them.

    A Ray session that starts here ends with the block. Open it in a thread that lasts as long as the block.

    Args:
        settings: where the workers run.
        make: builds what a worker holds for a part, from a table with the columns ``id`` and ``content``.

    Raises:
        MissingExtra: Ray is chosen and not installed.
        InputError: there is no cluster at the address, or it cannot be used.
        SettingError: the cluster has no room for so many workers.
    """
    if settings.name == "local":
        yield None
        return
    with session(settings) as cluster:
        yield RaySpread(cluster, settings, make)


class RaySpread:
    """Gives chunks to the workers of a session. See `ragbench.core.context.Spread`.

    The workers start at the first call, and are the same for all chunks. Systems that run at the same time call it from
    several threads.
    """

    def __init__(self, cluster: Cluster, settings: EngineSettings, make: Make) -> None:
        self._cluster, self._settings, self._make = cluster, settings, make
        self._lock = threading.Lock()
        self._actors: list[Any] = []
        self._crews: list[tuple[Sequence[str], Sequence[str], RayCrew]] = []

    @property
    def name(self) -> str:
        """What kind of workers there are, and how many."""
        return f"ray, {self._cluster.workers} worker{'s' if self._cluster.workers != 1 else ''}"

    def __call__(self, ids: Sequence[str], contents: Sequence[str]) -> "RayCrew":
        """The workers that hold these chunks: ids and contents, n each."""
        with self._lock:
            for known_ids, known_contents, crew in self._crews:
                if known_ids is ids and known_contents is contents:
                    return crew
            if not self._actors:
                self._start()
            crew = RayCrew(len(self._crews), self._actors, ids, contents)
            self._crews.append((ids, contents, crew))
            return crew

    def _start(self) -> None:
        import ray

        worker = ray.remote(_Worker).options(
            num_cpus=self._cluster.cpus_per_worker, num_gpus=self._settings.gpus_per_worker, max_restarts=-1,
            max_task_retries=RETRIES, scheduling_strategy="SPREAD",
        )  # fmt: skip
        self._actors = [worker.remote(self._make) for _ in range(self._cluster.workers)]


class RayCrew:
    """Workers that hold the parts of some chunks. See `ragbench.core.context.Crew`.

    Args:
        number: identifies the chunks to the workers.
        actors: the workers. With fewer chunks than workers, the last workers hold none.
        ids: ids of the n chunks.
        contents: the text that is searched in each of them.
    """

    def __init__(self, number: int, actors: Sequence[Any], ids: Sequence[str], contents: Sequence[str]) -> None:
        import pyarrow
        import ray

        count = min(len(actors), len(ids))
        self.bounds = [at * len(ids) // count for at in range(count + 1)]
        self._number, self._actors = number, actors[:count]
        self._parts = [
            ray.put(pyarrow.table({"id": pyarrow.array(ids[low:high], pyarrow.large_string()),
                                   "content": pyarrow.array(contents[low:high], pyarrow.large_string())}))
            for low, high in zip(self.bounds[:-1], self.bounds[1:], strict=True)
        ]  # fmt: skip

    def each(self, method: str, *given: object, own: Sequence[object] | None = None) -> list[Any]:
        """Call a method of the part of every worker, and return the results in the order of the parts.

        Raises:
            RagbenchError: the method raised it, or a worker ended again and again.
        """
        import ray

        shared = ray.put(given)
        last: list[list[object]] = [[] for _ in self._actors] if own is None else [[one] for one in own]
        calls = [
            actor.call.remote(self._number, part, method, shared, *more)
            for actor, part, more in zip(self._actors, self._parts, last, strict=True)
        ]
        try:
            found: list[Any] = ray.get(calls)
        except ray.exceptions.RayError as error:
            advice = f"each holds its share of the corpus, so give more {named('workers')} on more machines"
            raise worker_error(error, advice) from error
        for one in found:
            if isinstance(one, Fault):
                raise one.error()
        return found


class _Worker:
    """A worker in a process of Ray."""

    def __init__(self, make: Make) -> None:
        self._make = make
        self._parts: dict[int, object] = {}

    def call(self, number: int, table: Table, method: str, shared: tuple[Any, ...], *own: Any) -> object:
        """Call a method of a part, which is built if the worker does not hold it yet."""
        try:
            if number not in self._parts:
                self._parts[number] = self._make(table)
            return getattr(self._parts[number], method)(*shared, *own)
        except RagbenchError as error:
            return Fault(error)
