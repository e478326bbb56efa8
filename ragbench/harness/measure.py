"""Running one retriever: index, answer everything, then time single queries."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ragbench.core.context import Context
from ragbench.core.documents import Chunks
from ragbench.core.errors import ArmError
from ragbench.core.queries import Query
from ragbench.core.runs import Run
from ragbench.core.seeds import generator
from ragbench.harness.load.percentiles import percentile
from ragbench.harness.memory import PeakMemory
from ragbench.harness.results import Cost, Latency
from ragbench.retrievers.base import Index, Retriever

QUERIES_PER_BATCH = 1024
LATENCY_QUERIES = 200
LATENCY_SECONDS = 20.0
"""Single queries are timed until so many are done or so much time is spent, whichever comes first."""


@dataclass(frozen=True)
class Measured:
    """A run, what it took, and what the index said of itself."""

    run: Run
    cost: Cost
    notes: dict[str, object]
    lessened: dict[str, str] = field(default_factory=dict)


def measure(retriever: Retriever, chunks: Chunks, queries: Sequence[Query], k: int, context: Context) -> Measured:
    """Index the chunks, answer all queries, and time a sample of them one by one.

    Raises:
        ArmError: it did not really run: nothing indexed, every query failed,
            nothing retrieved at all, or one score for everything.
    """
    with PeakMemory() as peak:
        start = time.perf_counter()
        index = retriever.index(chunks, context)
        index_seconds = time.perf_counter() - start
        try:
            if retriever.needs_chunks and not index.item_ids:
                raise ArmError("its index is empty")
            run, search_seconds = _batch(index, queries, k, context)
            refuse_dead(run)
            # Before single queries are timed, which are asked twice so.
            paid, lessened = _paid(index), _lessened(index)
            latency = _latency(index, queries, k, context)
        finally:
            index.close()
    qps = len(queries) / max(search_seconds, 1e-9)
    per_query = None if paid is None else paid / len(queries)
    cost = Cost(index_seconds, search_seconds, qps, latency, peak.mib, per_query)
    return Measured(run, cost, dict(index.notes), lessened)


def _paid(index: Index) -> float | None:
    """What an index and its parts cost; None where none of them costs anything that is known."""
    known = [cost for cost in (index.cost, *map(_paid, index.parts)) if cost is not None]
    return sum(known) if known else None


def _lessened(index: Index) -> dict[str, str]:
    """Reason by query id over an index and its parts; the outermost names it."""
    found: dict[str, str] = {}
    for part in index.parts:
        found |= _lessened(part)
    return found | index.lessened


def refuse_dead(run: Run) -> None:
    """Raise `ArmError` for a run whose score would be a lie."""
    if len(run.failures) == len(run):
        reason = next(iter(run.failures.values()))
        raise ArmError(f"every one of its {len(run)} queries failed; the first: {reason}")
    if len(run.items) == 0:
        raise ArmError(f"it found nothing for any of the {len(run)} queries: is its index empty?")
    if run.constant:
        raise ArmError(
            "it gives every item the same score, so its order means nothing. "
            "If it returns an order without scores, let it leave the scores out"
        )


def _batch(index: Index, queries: Sequence[Query], k: int, context: Context) -> tuple[Run, float]:
    runs = []
    seconds = 0.0
    with context.progress("searching", len(queries)) as advance:
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


def _latency(index: Index, queries: Sequence[Query], k: int, context: Context) -> Latency:
    size = min(LATENCY_QUERIES, len(queries))
    chosen = generator(context.seed, "latency").choice(len(queries), size=size, replace=False)
    milliseconds: list[float] = []
    began = time.perf_counter()
    with context.progress("timing single queries", size) as advance:
        for at in chosen:
            start = time.perf_counter()
            index.search([queries[at]], k)
            milliseconds.append((time.perf_counter() - start) * 1000)
            advance(1)
            if time.perf_counter() - began > LATENCY_SECONDS:
                break
    p50, p95, p99 = np.percentile(milliseconds, [50, 95, 99])
    median = percentile(np.sort(milliseconds), 0.5)
    low, high = (median.low, median.high) if median is not None else (None, None)
    return Latency(float(p50), float(p95), float(p99), len(milliseconds), low, high)
