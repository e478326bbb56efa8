"""The table of ``docs/concepts/reliability.md``: commands, faults, and what is guaranteed.

``python -m tests.faults --table`` prints it.
"""

from tests.faults.cells import FAULTS
from tests.faults.commands import COMMANDS
from tests.faults.warm import ROOT

PAGE = ROOT / "docs" / "concepts" / "reliability.md"
NOTES = "abcdefghijklmnop"


def table() -> str:
    """What each fault must not do, and which commands are tested under it."""
    reasons = list(dict.fromkeys(reason for command in COMMANDS for reason in command.senseless.values()))
    lines = ["| fault | when | what is guaranteed |", "| --- | --- | --- |"]
    lines += [f"| {name} | {_parts(fault.__doc__ or '')} |" for name, fault in FAULTS.items()]
    lines += ["", "| command | " + " | ".join(FAULTS) + " |", "| --- |" + " --- |" * len(FAULTS)]
    for command in COMMANDS:
        cells = [f"({NOTES[reasons.index(command.senseless[name])]})" if name in command.senseless else "tested"
                 for name in FAULTS]  # fmt: skip
        lines.append(f"| `{command.name}` | " + " | ".join(cells) + " |")
    notes = [f"({NOTES[at]}) {reason}" for at, reason in enumerate(reasons)]
    return "\n".join([*lines, "", "; ".join(notes) + ".", ""])


def _parts(text: str) -> str:
    """The two halves of the sentence that describes a fault."""
    when, _, guarantee = " ".join(text.split()).partition(": ")
    return f"{when} | {guarantee}"
