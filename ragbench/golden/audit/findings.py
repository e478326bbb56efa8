"""What an audit found, how bad it is, and what to do about it."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


@dataclass(frozen=True)
class Finding:
    """One thing to know.

    Attributes:
        severity: ``error``: scores on this set are wrong; ``warning``: they may
            mislead; ``note``: nothing is wrong, but it helps to read them.
        code: the kind of finding, stable for machines.
        message: what was found, with its numbers.
        action: what to do.
    """

    severity: Severity
    code: str
    message: str
    action: str


def worst_first(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Errors, then warnings, then notes; within each, the order given."""
    return tuple(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)))
