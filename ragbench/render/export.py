"""A golden set that was exported, as JSON and as lines of text."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragbench.core.ledger import Ledger, issue_lines

if TYPE_CHECKING:
    from ragbench.core.goldens import GoldenSet

VERSION = 1
IN_CARD = "in-card"
"""Code of what a card beside the file holds, so that it is not lost."""


def export_json(golden: "GoldenSet", format: str, out: Path, lost: Ledger) -> dict[str, Any]:
    """The number of queries, the fingerprint, and what was skipped or lost.

    Args:
        golden: the set that was read.
        format: the format that was written.
        out: the folder or file.
        lost: what the format cannot hold.
    """
    return {
        "version": VERSION,
        "queries": len(golden),
        "format": format,
        "out": str(out),
        "fingerprint": golden.fingerprint,
        "ledger": (golden.ledger + lost).rows(),
    }


def export_lines(golden: "GoldenSet", format: str, out: Path, lost: Ledger) -> list[str]:
    """The same as text, with the first ten items of each code."""
    return [
        *(f"skipped: {line}" for line in issue_lines(golden.ledger.entries, items=10)),
        *(f"note: {entry.reason}" for entry in lost.entries if entry.code == IN_CARD),
        *(f"lost: {line}" for line in issue_lines([e for e in lost.entries if e.code != IN_CARD], items=10)),
        f"{len(golden)} queries written to {out} ({format})",
    ]
