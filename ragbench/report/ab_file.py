"""An A/B analysis from the JSON that ``ragbench ab --json`` writes, for a report."""

from dataclasses import dataclass
from pathlib import Path

from ragbench.core.errors import InputError
from ragbench.harness.ab.paired_runs import PairedResult, WatchedFigure
from ragbench.harness.ab.results import AbResult, Decision
from ragbench.report.ab_json import VERSION
from ragbench.report.ab_runs import paired_json
from ragbench.report.json_file import checked, read_object

COMMAND = "ragbench ab --json"


@dataclass(frozen=True)
class PairedComparison:
    """What a comparison of two runs says, a sentence for each metric."""

    sentences: tuple[str, ...] = ()


@dataclass(frozen=True)
class PairedRecord:
    """What ``ragbench ab --runs`` found, as `ragbench.report.ab_runs.paired_json` writes it."""

    decision: Decision
    control: str
    challenger: str
    reasons: tuple[str, ...]
    guardrails: tuple[WatchedFigure, ...]
    comparisons: tuple[PairedComparison, ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        """Of all comparisons."""
        return tuple(sentence for one in self.comparisons for sentence in one.sentences)


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
        return checked(PairedRecord, paired_json(given), "the test", COMMAND)
    content = read_object(given, COMMAND)
    if content.get("version") != VERSION or "decision" not in content:
        raise InputError(f"{given}: is no outcome of '{COMMAND}'")
    if "comparisons" in content:
        return checked(PairedRecord, content, str(given), COMMAND)
    return checked(AbResult, content, str(given), COMMAND)
