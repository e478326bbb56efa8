"""The history of a baseline as a table and as JSON (docs/guides/ci.md)."""

from dataclasses import asdict
from typing import TYPE_CHECKING

from ragbench.comparison.gate.history import History
from ragbench.core.evaluations import Estimate
from ragbench.render.blocks import Block, Line, terminal
from ragbench.render.numbers import counted, with_interval

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import RenderableType

SCHEMA_VERSION = 1
"""Version of the JSON object; it is raised when a key changes its meaning or is removed."""


def history_table(history: History) -> "RenderableType":
    """A row per stored run, oldest first."""
    anchor, metric = history.anchor, history.metric
    rows = []
    for i, entry in enumerate(history.entries):
        best = history.best[i]
        so_far = "" if best is None else "new best" if best == i else _value(history.entries[best].metrics, metric)
        rows.append((entry.label or str(i + 1), entry.arm, _value(entry.metrics, metric), so_far))
    lines = [Line(f"{history.name}: {counted(len(rows), 'stored run')}", "strong")]
    if anchor is not None:
        lines.append(Line(f"anchor {anchor.name}: {anchor.arm}, {metric} {_value(anchor.metrics, metric)}"))
    if len({entry.golden for entry in history.entries}) > 1:
        lines.append(Line("the golden set changed on the way, so these values do not compare with each other", "note"))
    head = ("state", "system", metric, "best so far")
    return terminal([Block(lines=tuple(lines)), Block("", head, tuple(rows), align="llrr")])


def history_json(history: History) -> dict[str, object]:
    """The JSON object of a history."""
    anchor = history.anchor
    return {
        "schema_version": SCHEMA_VERSION,
        "name": history.name,
        "metric": history.metric,
        "entries": [
            {**asdict(entry), "best_so_far": best} for entry, best in zip(history.entries, history.best, strict=True)
        ],
        "anchor": None if anchor is None else {"name": anchor.name, "arm": anchor.arm, "metrics": anchor.metrics},
    }


def _value(metrics: "Mapping[str, Mapping[str, float | None]]", metric: str) -> str:
    found = metrics[metric]
    return with_interval(Estimate(found["mean"], found["low"], found["high"], 0))
