"""A gate's outcome from the JSON that ``ragbench gate`` writes, for a report."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ragbench.core.errors import InputError
from ragbench.harness.gate.result import Decided, Gate, Outcome
from ragbench.report.gate_json import SCHEMA_VERSION, gate_json
from ragbench.report.json_file import checked, read_object

FILE = "gate.json"


@dataclass(frozen=True)
class System:
    """One side of a gate.

    Attributes:
        name: of the system.
        queries: how many.
        fingerprints: of golden set, chunks and judgements.
    """

    name: str
    queries: int
    fingerprints: Mapping[str, str | None]


@dataclass(frozen=True)
class GateRecord:
    """What a gate decided, without the scores it rests on; attributes as of `ragbench.harness.gate.result.Gate`."""

    outcome: Outcome
    sentence: str
    baseline: System | None
    candidate: System
    rules: tuple[Decided, ...]
    notes: tuple[str, ...]

    @property
    def decided(self) -> tuple[Decided, ...]:
        """Every rule, in the order written."""
        return self.rules


def read_gate(given: Path | Gate) -> GateRecord:
    """The record of a gate.

    Args:
        given: a gate, the file of ``ragbench gate --json``, or the folder of ``--out``.

    Raises:
        InputError: the file cannot be read, or is something else.
    """
    if isinstance(given, Gate):
        return _record(gate_json(given), "the gate")
    path = given / FILE if given.is_dir() else given
    return _record(read_object(path, "ragbench gate --json"), str(path))


def _record(content: Mapping[str, Any], where: str) -> GateRecord:
    if content.get("schema_version") != SCHEMA_VERSION or "rules" not in content:
        raise InputError(f"{where}: is no outcome of 'ragbench gate --json'")
    return checked(GateRecord, content, where, "ragbench gate --json")
