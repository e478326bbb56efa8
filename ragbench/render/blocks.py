"""A part of a report as a titled table and lines, whatever it is printed with."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Block:
    """A part of a report.

    Attributes:
        title: what it shows.
        head: names of the columns; the first is of text, the rest of figures unless ``texts``.
        rows: cells.
        lines: what is said below the table.
        texts: whether every column is text.
    """

    title: str
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    lines: tuple[str, ...] = ()
    texts: bool = False
