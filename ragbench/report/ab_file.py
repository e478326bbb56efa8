"""An A/B analysis from the JSON that ``ragbench ab --json`` writes, for a report."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ragbench.core.errors import InputError
from ragbench.harness.ab.paired_runs import PairedResult
from ragbench.harness.ab.results import AbResult, Decision
from ragbench.report.ab_json import VERSION
from ragbench.report.ab_runs import paired_json
from ragbench.report.json_file import checked, read_object

COMMAND = "ragbench ab --json"


@dataclass(frozen=True)
class PairedGuardrail:
    """A guardrail of an offline test; ``kept`` is None where it is not decided."""

    name: str
    rule: str
    control: float | None
    challenger: float | None
    kept: bool | None


@dataclass(frozen=True)
class PairedRecord:
    """What ``ragbench ab --runs`` found; attributes as of `ragbench.harness.ab.paired_runs.PairedResult`."""

    decision: Decision
    control: str
    challenger: str
    reasons: tuple[str, ...]
    guardrails: tuple[PairedGuardrail, ...]
    sentences: tuple[str, ...] = ()


def read_ab(given: Path | AbResult | PairedResult) -> AbResult | PairedRecord:
    """An analysis of events, or the record of one of two runs.

    Args:
        given: the analysis, or a file of ``ragbench ab --json``.

    Raises:
        InputError: the file cannot be read, or is something else.
    """
    if isinstance(given, AbResult):
        return given
    if isinstance(given, PairedResult):
        return _paired(paired_json(given), "the test")
    content = read_object(given, COMMAND)
    if content.get("version") != VERSION or "decision" not in content:
        raise InputError(f"{given}: is no outcome of '{COMMAND}'")
    return _paired(content, str(given)) if "comparisons" in content else checked(AbResult, content, str(given), COMMAND)


def _paired(content: Mapping[str, Any], where: str) -> PairedRecord:
    said = [sentence for one in content["comparisons"] for sentence in one.get("sentences", ())]
    return checked(PairedRecord, {**content, "sentences": said}, where, COMMAND)
