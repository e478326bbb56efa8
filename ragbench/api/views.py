"""The base of every view: rows as an HTML table, with intervals beside their means."""

from collections.abc import Sequence
from html import escape
from typing import Any

from ragbench.core.shown import View
from ragbench.render.numbers import p_value

MOST_ROWS = 20
P_VALUES = ("p", "p_adjusted", "any_look_p")
LONGEST = 160
"""Most characters of a cell in HTML."""


class TableView(View):
    """A view with sentences, and the rows of a frame below them."""

    def sentences(self, thing: Any) -> Sequence[str]:
        """Return the lines above the table."""
        return ()

    def shown(self, thing: Any) -> Any:
        """Return the frame to show; by default that of `frame`."""
        return self.frame(thing)

    def dataset(self, thing: Any) -> Any:
        """Return the rows of `frame`."""
        from datasets import Dataset

        return Dataset.from_pandas(self.frame(thing), preserve_index=False)

    def text(self, thing: Any) -> str:
        """Return the sentences."""
        return "\n".join(self.sentences(thing)) or super().text(thing)

    def html(self, thing: Any) -> str:
        """Return HTML with at most `MOST_ROWS` rows; everything in them is escaped."""
        frame = self.shown(thing)
        above = "".join(f"<p>{escape(line)}</p>" for line in self.sentences(thing))
        return above + html_table(frame)


def html_table(frame: Any) -> str:
    """Render a table with a head; ``low`` and ``high`` go into the cell before them."""
    head, rows = merged(frame.head(MOST_ROWS))
    cells = "".join(f"<th scope='col'>{escape(name)}</th>" for name in head)
    lines = ["".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows]
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    more = len(frame) - len(rows)
    below = f"<p>and {more:,} more rows; .to_pandas() has all</p>" if more > 0 else ""
    return f"<table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>{below}"


def merged(frame: Any) -> tuple[list[str], list[list[str]]]:
    """Format head and cells; a value with ``low`` and ``high`` after it becomes ``.62 [.58, .66]``."""
    names = [str(name) for name in frame.columns]
    columns = {
        name: [(p_value if name in P_VALUES else cell_text)(value) for value in frame[name].tolist()] for name in names
    }
    if "low" in names and "high" in names:
        at = names.index("low") - 1
        triples = zip(columns[names[at]], columns["low"], columns["high"], strict=True)
        columns[names[at]] = [value if low == "-" else f"{value} [{low}, {high}]" for value, low, high in triples]
        names = [name for name in names if name not in ("low", "high")]
    return names, [list(row) for row in zip(*(columns[name] for name in names), strict=True)]


def cell_text(value: object) -> str:
    """Format a value for a reader."""
    if value is None or value != value:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}" if abs(value) >= 10 else f"{value:.3f}"
    text = " ".join(str(value).split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
