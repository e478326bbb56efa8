"""A gate on a terminal."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ragbench.harness.gate.result import Gate
from ragbench.report.gate_words import against, bound, chances, notes, reasons, room, shown, value_with_interval

STYLES = {"pass": "green", "fail": "bold red", "inconclusive": "yellow", "skipped": "dim"}


def gate_table(gate: Gate) -> RenderableType:
    """The sentence first, then every rule, then why what did not pass did not."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("", no_wrap=True)
    table.add_column("rule", overflow="fold")
    for column in ("value [interval]", "bound", "to turn"):
        table.add_column(column, justify="right")
    for one in shown(gate):
        style = STYLES[one.outcome]
        table.add_row(Text(one.outcome, style=style), Text(one.name), value_with_interval(one), bound(one), room(one))
    return Group(
        Text(gate.sentence, style=STYLES[gate.outcome]),
        Text(against(gate)),
        Text(),
        table,
        Text(),
        *(Text(said, style=STYLES[outcome]) for outcome, said in reasons(gate)),
        *(Text(f"note: {note}", style="yellow") for note in notes(gate)),
        Text(chances(gate), style="dim"),
    )
