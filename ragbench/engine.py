"""How work on batches runs: search a batch at a time, and several systems side by side.

There is one engine today, in this process.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Protocol, TypeVar

import numpy as np

from ragbench.core.progress import Advance, Progress
from ragbench.core.queries import Query
from ragbench.core.runs import Run

QUERIES_PER_BATCH = 1024


class Searchable(Protocol):
    """What can be searched: an index of `ragbench.retrievers.base`."""

    def search(self, queries: Sequence[Query], k: int) -> Run:
        """The first k items of each query."""
        ...


def search(index: Searchable, queries: Sequence[Query], k: int, progress: Progress) -> tuple[Run, float]:
    """The rankings of all queries, and the seconds that searching took."""
    runs = []
    seconds = 0.0
    with progress("searching", len(queries)) as advance:
        for start in range(0, len(queries), QUERIES_PER_BATCH):
            batch = queries[start : start + QUERIES_PER_BATCH]
            began = time.perf_counter()
            runs.append(index.search(batch, k))
            seconds += time.perf_counter() - began
            advance(len(batch))
    return joined(runs), seconds


def joined(runs: Sequence[Run]) -> Run:
    """Runs of different queries as one; the last knows every item id, since vocabularies only grow."""
    if len(runs) == 1:
        return runs[0]
    ends = np.cumsum([0] + [run.offsets[-1] for run in runs])
    return Run(
        query_ids=[id_ for run in runs for id_ in run.query_ids],
        offsets=np.concatenate([[0]] + [run.offsets[1:] + end for run, end in zip(runs, ends, strict=False)]),
        items=np.concatenate([run.items for run in runs]),
        scores=np.concatenate([run.scores for run in runs]),
        item_ids=runs[-1].item_ids,
        unit=runs[-1].unit,
        failures={id_: reason for run in runs for id_, reason in run.failures.items()},
        repeated=sum(run.repeated for run in runs),
    )


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
