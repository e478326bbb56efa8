"""The documented JSON object of a gate (docs/ci.md)."""

from collections.abc import Mapping
from dataclasses import asdict

from ragbench.core.scored import ScoredRun
from ragbench.harness.gate.result import Gate
from ragbench.report.gate_words import notes

SCHEMA_VERSION = 1


def gate_json(gate: Gate) -> dict[str, object]:
    """The whole object; every number is finite or null."""
    return {
        "schema_version": SCHEMA_VERSION,
        "outcome": gate.outcome,
        "exit_code": gate.exit_code,
        "sentence": gate.sentence,
        "baseline": None if gate.baseline is None else _system(gate.baseline),
        "candidate": _system(gate.candidate),
        "false_alarms": gate.rules.false_alarms,
        "false_passes": gate.rules.false_passes,
        "rules": [asdict(one) for one in gate.decided],
        "notes": notes(gate),
    }


def _system(run: ScoredRun) -> dict[str, object]:
    prints = {
        name: part.get("fingerprint")
        for name in ("golden", "chunks", "judgements")
        if isinstance(part := run.manifest.get(name), Mapping)
    }
    return {
        "name": run.name,
        "queries": len(run.queries),
        "units": len(set(run.queries.units)),
        "failed": run.failed,
        "fingerprints": prints,
    }
