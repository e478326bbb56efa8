"""The documented, versioned JSON object of an evaluation (docs/results-json.md)."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from ragbench.core.fingerprint import plain
from ragbench.core.ledger import Ledger
from ragbench.core.scored import MEDIAN, known_intervals
from ragbench.harness.results import SCHEMA_VERSION, Arm, Comparison, Evaluation

JSON = dict[str, object]


def evaluation_json(evaluation: Evaluation) -> JSON:
    """The whole object."""
    return results_json(evaluation.arms, evaluation.comparisons, evaluation.ledger, evaluation.manifest)


def results_json(
    arms: Sequence[Arm], comparisons: Sequence[Comparison], ledger: Ledger, manifest: Mapping[str, object]
) -> JSON:
    """The object from its parts; also of an evaluation that was interrupted."""
    return {
        "schema_version": SCHEMA_VERSION,
        "arms": [arm_json(arm) for arm in arms],
        "comparisons": [comparison_json(comparison) for comparison in comparisons],
        "ledger": {"counts": ledger.counts(), "entries": [entry._asdict() for entry in ledger.entries]},
        "manifest": plain(manifest),
    }


def arm_json(arm: Arm) -> JSON:
    """One arm; ``arms[].metrics["ndcg@10"].mean``."""
    if arm.status == "error" or arm.cost is None:
        return {"name": arm.name, "status": "error", "error": arm.error}
    latency = arm.cost.latency_ms
    known = known_intervals({MEDIAN: (latency.p50_low, latency.p50_high)})
    return {
        "name": arm.name,
        "status": "ok",
        "metrics": {name: asdict(value) for name, value in arm.metrics.items()},
        "directions": {} if arm.scores is None else dict(arm.scores.directions),
        "latency_ms": {name: getattr(latency, name) for name in ("p50", "p95", "p99", "n")},
        "latency_ms_intervals": {MEDIAN: interval_json(known, MEDIAN)},
        "qps": arm.cost.qps,
        "index_seconds": arm.cost.index_seconds,
        "search_seconds": arm.cost.search_seconds,
        "peak_memory_mib": arm.cost.peak_memory_mib,
        "cost_per_query": arm.cost.cost_per_query,
        "tie_rate": arm.tie_rate,
        "failed_queries": arm.failed,
        "empty_queries": arm.empty,
        "lessened_queries": len(arm.lessened),
        "from_store": arm.from_store,
        "notes": plain(arm.notes),
        "warnings": list(arm.warnings),
    }


def interval_json(known: Mapping[str, Sequence[float]], name: str) -> list[float] | None:
    """Its two ends; None where they are not known."""
    return list(known[name]) if name in known else None


def comparison_json(comparison: Comparison) -> JSON:
    """One paired difference."""
    return {
        "baseline": comparison.baseline,
        "candidate": comparison.candidate,
        "metric": comparison.metric,
        "difference": asdict(comparison.difference),
        "p": comparison.p,
        "wins": comparison.wins,
        "ties": comparison.ties,
        "losses": comparison.losses,
    }
