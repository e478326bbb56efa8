"""Running one retriever: index, answer everything, then time single queries."""

import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from types import TracebackType

import numpy as np

from ragbench.core.context import Context, generator
from ragbench.core.documents import Chunks
from ragbench.core.errors import ArmError, RagbenchError
from ragbench.core.evaluations import ApproximateSearch, Cost, Latency
from ragbench.core.runs import CONSTANT, Query, Run, Unit
from ragbench.engine import search
from ragbench.retrievers.base import Index, Retriever
from ragbench.retrievers.run import ABSENT, LONGEST, UNASKED
from ragbench.retrievers.run import Run as RunFile
from ragbench.stats.intervals import percentile
from ragbench.workflows.approximate import ExactAnswers

NOT_JUDGED = "approximate_search_not_judged"
"""The note of an approximate index that could not be compared with exact search."""
LATENCY_QUERIES = 300
LATENCY_SECONDS = 20.0
"""Single queries are timed until so many are done or so much time is spent, whichever comes first."""


@dataclass(frozen=True)
class Measured:
    """A run, what it took, and what the index said of itself."""

    run: Run
    cost: Cost
    notes: dict[str, object]
    degraded: dict[str, str] = field(default_factory=dict)
    approximate: tuple[ApproximateSearch, ...] = ()


def measure(
    retriever: Retriever,
    chunks: Chunks,
    queries: Sequence[Query],
    k: int,
    context: Context,
    exact: ExactAnswers | None = None,
) -> Measured:
    """Index the chunks, answer all queries, and time a sample of them one by one. A repeat is not timed again.

    Args:
        retriever: what searches.
        chunks: what it searches.
        queries: the queries.
        k: the depth of each ranking.
        context: cache folder, seed and progress.
        exact: exact answers with which approximate indexes are compared; None compares none.

    Raises:
        ArmError: it did not really run: nothing indexed, every query failed,
            nothing retrieved at all, or one score for everything.
    """
    with ExitStack() as closing:
        with PeakMemory() as peak:
            start = time.perf_counter()
            index = retriever.index(chunks, context)
            closing.callback(index.close)
            index_seconds = time.perf_counter() - start
            if retriever.needs_chunks and not index.item_ids:
                raise ArmError("its index is empty")
            run, search_seconds = search(index, queries, max(k, index.longest), context.progress)
            refuse_dead(run)
            # Before single queries are timed, which are asked twice so.
            paid, degraded = _paid(index), _degraded(index)
            timed = not _replays(index)
            latency = _latency(index, queries, k, context) if timed and not context.repeat else None
        approximate: tuple[ApproximateSearch, ...] = ()
        if exact is not None and not context.repeat:
            try:
                approximate = exact.judge(index, k)
            except RagbenchError as error:  # such as a table of vectors that lacks the queries as they are written
                index.notes[NOT_JUDGED] = str(error)
    qps = len(queries) / max(search_seconds, 1e-9) if timed else None
    per_query = None if paid is None else paid / len(queries)
    cost = Cost(index_seconds, search_seconds, qps, latency, peak.mib, per_query)
    return Measured(run, cost, dict(index.notes), degraded, approximate)


def replay(retriever: RunFile, queries: Sequence[Query], unit: Unit) -> Measured:
    """Take the rankings of the queries from a run file, where no corpus says which of its ids exist.

    Args:
        retriever: the run file.
        queries: the queries to take.
        unit: what is judged. The ids of the file are taken for ids of that.

    Raises:
        ArmError: it has none of the queries, or every item has the same score.
        InputError: the file cannot be read.
    """
    with PeakMemory() as peak:
        start = time.perf_counter()
        rankings = retriever.read()
        asked, known = [query.id for query in queries], set(rankings.query_ids)
        run = _without_excluded(rankings.select(asked), queries)
        failures = {id_: ABSENT for id_ in asked if id_ not in known}
        run = replace(run, unit=unit, failures={**run.failures, **failures})
        seconds = time.perf_counter() - start
    refuse_dead(run)
    wanted = set(asked)
    notes: dict[str, object] = {
        LONGEST: int(run.lengths.max(initial=0)), UNASKED: [id_ for id_ in rankings.query_ids if id_ not in wanted],
    }  # fmt: skip
    return Measured(run, Cost(0.0, seconds, None, None, peak.mib), notes)


def _without_excluded(run: Run, queries: Sequence[Query]) -> Run:
    """Drop the items that must not stand in the ranking of a query."""
    excluded = {(at, id_) for at, query in enumerate(queries) for id_ in query.exclude}
    if not excluded:
        return run
    pairs = zip(run.query_index.tolist(), run.items.tolist(), strict=True)
    return run.where(np.array([(at, run.item_ids[item]) not in excluded for at, item in pairs], dtype=bool))


def _paid(index: Index) -> float | None:
    """What an index and its parts cost; None where none of them costs anything that is known."""
    known = [cost for cost in (index.cost, *map(_paid, index.parts)) if cost is not None]
    return sum(known) if known else None


def _degraded(index: Index) -> dict[str, str]:
    """Reason by query id over an index and its parts; the outermost names it."""
    found: dict[str, str] = {}
    for part in index.parts:
        found |= _degraded(part)
    return found | index.degraded


def _replays(index: Index) -> bool:
    """Whether the index or a part of it reads stored rankings, so that its time is not that of a search."""
    return index.replays or any(map(_replays, index.parts))


def search_once(retriever: Retriever, queries: Sequence[Query], chunks: Chunks, k: int, context: Context) -> Run:
    """Index chunks, rank them for queries, and close the index."""
    index = retriever.index(chunks, context)
    try:
        return search(index, queries, k, context.progress)[0]
    finally:
        index.close()


def refuse_dead(run: Run) -> None:
    """Raise `ArmError` for a run whose score would be a lie."""
    if len(run.failures) == len(run):
        reason = next(iter(run.failures.values()))
        raise ArmError(f"every one of its {len(run)} queries failed; the first: {reason}")
    if len(run.items) == 0:
        raise ArmError(f"it found nothing for any of the {len(run)} queries: is its index empty?")
    if run.constant:
        raise ArmError(CONSTANT)


def _latency(index: Index, queries: Sequence[Query], k: int, context: Context) -> Latency:
    size = min(LATENCY_QUERIES, len(queries))
    chosen = generator(context.seed, "latency").choice(len(queries), size=size, replace=False)
    by_query: dict[str, float] = {}
    began = time.perf_counter()
    with context.progress("timing single queries", size) as advance:
        for at in chosen:
            start = time.perf_counter()
            index.search([queries[at]], k)
            by_query[queries[at].id] = (time.perf_counter() - start) * 1000
            advance(1)
            if time.perf_counter() - began > LATENCY_SECONDS:
                break
    milliseconds = list(by_query.values())
    p50, p95, p99 = np.percentile(milliseconds, [50, 95, 99])
    median = percentile(np.sort(milliseconds), 0.5)
    low, high = (median.low, median.high) if median is not None else (None, None)
    return Latency(float(p50), float(p95), float(p99), len(milliseconds), low, high, by_query)


MIB = 1024 * 1024
SECONDS_BETWEEN_LOOKS = 0.01


class PeakMemory:
    """``with PeakMemory() as peak: ...; peak.mib``: the highest resident size seen, looked at every 10 ms.

    It is the size of the whole process, what was loaded before included: the
    memory a machine must have to run this.
    """

    def __init__(self) -> None:
        import psutil

        self._process = psutil.Process()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="ragbench-peak-memory", daemon=True)
        self.mib = 0.0

    def _look(self) -> None:
        self.mib = max(self.mib, self._process.memory_info().rss / MIB)

    def _watch(self) -> None:
        while not self._stop.wait(SECONDS_BETWEEN_LOOKS):
            self._look()

    def __enter__(self) -> "PeakMemory":
        self._look()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._look()
