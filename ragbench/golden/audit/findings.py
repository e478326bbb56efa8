"""Findings of audits: what was found, how serious it is, and what to do."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


@dataclass(frozen=True)
class Finding:
    """One finding of an audit.

    Attributes:
        severity: ``error`` if scores on this set are wrong, ``warning`` if they may mislead, ``note`` if they are right
            and the finding helps to read them.
        code: stable code of the kind of finding.
        message: what was found, with its numbers.
        action: what to do.
    """

    severity: Severity
    code: str
    message: str
    action: str


def worst_first(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Sort errors first, then warnings, then notes; within each, keep the order."""
    return tuple(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)))
