"""A load as one JSON object: that of an evaluation, with an arm for each level."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from ragbench.core.fingerprint import plain
from ragbench.harness.load.percentiles import Percentile
from ragbench.harness.load.result import LevelResult, LoadResult
from ragbench.harness.results import SCHEMA_VERSION

JSON = dict[str, object]


def load_json(result: LoadResult) -> JSON:
    """The object of ``results.json`` and ``--json``; described in docs/load.md."""
    ledger = result.ledger
    manifest = plain({**result.manifest})
    assert isinstance(manifest, dict)
    return {
        "schema_version": SCHEMA_VERSION,
        "arms": [_arm(level) for level in result.levels],
        "comparisons": [],
        "ledger": {"counts": ledger.counts(), "entries": [entry._asdict() for entry in ledger.entries]},
        "manifest": {**manifest, "complete": len(result.levels) == len(result.settings.levels)},
    }


def failure_interval(level: LevelResult) -> tuple[float, float] | None:
    """95% interval of the share of requests that fail (Wilson), each request for itself; None for a single one."""
    from ragbench.stats.intervals import wilson_interval

    n = len(level.exchanges)
    if n < 2:
        return None
    values = np.array([[float(bool(e.failure))] for e in level.exchanges])
    low, high = wilson_interval(values, np.arange(n))
    return float(low[0]), float(high[0])


def _arm(level: LevelResult) -> JSON:
    base: JSON = {"name": level.name, "status": "error" if level.error else "ok"}
    if level.error:
        base["error"] = level.error
    failures = failure_interval(level)
    measured: JSON = {
        "metrics": {},
        "latency_ms": {**_values(level.latency_ms), "n": len(level.exchanges)},
        "latency_ms_intervals": _intervals(level.latency_ms),
        "latency_ms_at_least": [name for name, found in level.latency_ms.items() if not found.known],
        "answered_ms": {**_values(level.answered_ms), "n": level.answered},
        "first_token_ms": {**_values(level.first_token_ms), "n": level.streamed},
        "first_token_ms_intervals": _intervals(level.first_token_ms),
        "qps": level.per_second,
        "cost_per_query": None,
    }
    return {
        **base,
        **({} if level.error else measured),
        "failed_queries": level.failed,
        "requests": len(level.exchanges),
        "failures": dict(level.failures),
        "failure_rate": {
            "mean": level.failed / len(level.exchanges),
            "low": failures[0] if failures else None,
            "high": failures[1] if failures else None,
            "n": len(level.exchanges),
        },
        "seconds": level.seconds,
        "arrived_per_second": level.offered,
        "sent_late_ms": _late(level.late_ms),
        "client_busy": level.busy,
    }


def _values(found: Mapping[str, Percentile]) -> JSON:
    return {name: one.value for name, one in found.items()}


def _intervals(found: Mapping[str, Percentile]) -> JSON:
    return {name: [one.low, one.high] for name, one in found.items()}


def _late(late: npt.NDArray[np.float64]) -> JSON | None:
    if not len(late):
        return None
    return {"p50": float(np.median(late)), "p99": float(np.percentile(late, 99)), "max": float(late[-1])}
