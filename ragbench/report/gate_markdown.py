"""A gate as Markdown: the step summary of a pipeline, or a comment."""

import re

from ragbench.harness.gate.result import Gate
from ragbench.report.gate_words import against, bound, chances, notes, reasons, room, shown, value_with_interval

MARKS = {"pass": "✅ pass", "fail": "❌ fail", "inconclusive": "❔ inconclusive", "skipped": "➖ skipped"}
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#!|~])")


def gate_markdown(gate: Gate) -> str:
    """Sentence, table of rules, reasons, notes."""
    rows = [
        f"| {MARKS[one.outcome]} | {escaped(one.name)} | {value_with_interval(one)} | {bound(one)} | {room(one)} |"
        for one in shown(gate)
    ]
    told = [f"- {escaped(sentence)}" for _, sentence in reasons(gate)]
    said = [f"- note: {escaped(note)}" for note in notes(gate)]
    parts = [
        f"## {MARKS[gate.outcome]}",
        escaped(gate.sentence),
        escaped(against(gate)),
        "\n".join(["| outcome | rule | value [interval] | bound | to turn |", "|---|---|---:|---:|---:|", *rows]),
        *(["\n".join(told + said)] if told or said else []),
        f"<sub>{escaped(chances(gate))}</sub>",
    ]
    return "\n\n".join(parts) + "\n"


def escaped(text: str) -> str:
    """Text that Markdown shows as it stands: one line, no markup, no HTML."""
    line = " ".join(text.split())
    return (
        _SPECIAL.sub(r"\\\1", line)
        .replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("@", "&#64;")
    )
