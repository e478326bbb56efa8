"""What a result says, as blocks, and how blocks are shown: on a terminal, as Markdown and as HTML.

Every module of this package that shows a result makes blocks from it once (``compare_blocks(compared)``); the
renderers below are the only code that knows about rich, Markdown or HTML tables. Texts in blocks are plain: each
renderer escapes them for its own medium.
"""

import html as html_module
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ragbench.core.foreign import in_lines, in_markdown, one_line

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.table import Table

Style = Literal["", "strong", "quiet", "note", "warning", "good", "bad", "open"]
"""``open`` marks an outcome that is not decided."""
_RICH: dict[Style, str] = {
    "": "",
    "strong": "bold",
    "quiet": "dim",
    "note": "yellow",
    "warning": "yellow",
    "good": "bold green",
    "bad": "bold red",
    "open": "bold yellow",
}
MARKS: dict[str, str] = {"good": "✅", "bad": "❌", "open": "❔"}
"""Markdown has no colours, so these styles are shown as marks."""
NOTES = "Notes"
UNLIMITED = 100_000
"""Columns of a terminal on which every table fits."""
SHORT_NAME = 13
"""A column of numbers with a name shorter than this never wraps on a terminal."""


@dataclass(frozen=True)
class Cell:
    """A table cell with a style.

    Attributes:
        text: what it says.
        style: how it is emphasised.
        tag: a short remark beside it, such as ``baseline``.
    """

    text: str
    style: Style = ""
    tag: str = ""


@dataclass(frozen=True)
class Line:
    """A paragraph.

    Attributes:
        text: what it says.
        style: how it is emphasised; a ``note`` is introduced as one on a terminal.
        indent: columns of indentation on a terminal.
        bullet: whether it is an item of a list.
    """

    text: str
    style: Style = ""
    indent: int = 0
    bullet: bool = False


Row = Sequence[str | Cell]


@dataclass(frozen=True)
class Block:
    """A titled table with paragraphs around it; every part is optional.

    Attributes:
        title: the heading of the block and the caption of its table.
        head: the names of the columns.
        rows: the cells. In a row that is shorter than the head, the last cell spans the columns that remain.
        lines: paragraphs below the table.
        above: paragraphs above the table.
        align: ``l`` or ``r`` for each column; by default, the first column is left-aligned and the others are
            right-aligned.
        level: of the heading in a document.
        main: whether the reader wants this block most. A document puts it first; a terminal puts it last, where the
            eye rests when the command ends.
        columns: the most columns after the first that a terminal shows side by side; 0 for all of them.
        spare: the columns that a terminal hides if it is too narrow for the table, the first of them first.
    """

    title: str = ""
    head: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    lines: tuple[str | Line, ...] = ()
    above: tuple[str | Line, ...] = ()
    align: str = ""
    level: int = 2
    main: bool = False
    columns: int = 0
    spare: tuple[str, ...] = ()

    @property
    def alignment(self) -> str:
        """One letter for each column."""
        return self.align or "l" + "r" * (len(self.head) - 1)


def notes_block(texts: Iterable[str]) -> list[Block]:
    """The block of notes; none if there are no notes.

    Args:
        texts: the notes; one that starts with ``warning: `` is shown as a warning.
    """
    lines = tuple(Line(text, "warning" if text.startswith("warning: ") else "note", bullet=True) for text in texts)
    return [Block(NOTES, lines=lines)] if lines else []


def strong(cells: Iterable[str]) -> tuple[Cell, ...]:
    """A table row in which every cell is emphasised."""
    return tuple(Cell(text, "strong") for text in cells)


def _cell(cell: str | Cell) -> Cell:
    return Cell(cell) if isinstance(cell, str) else cell


def _line(line: str | Line) -> Line:
    return Line(line) if isinstance(line, str) else line


# Terminal


def terminal(blocks: Sequence[Block]) -> "RenderableType":
    """The blocks for a rich console, separated by empty lines; main blocks come last."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = []
    for block in sorted(blocks, key=lambda block: block.main):
        shown = _terminal_block(block)
        parts += [Text(), *shown] if parts and shown else shown
    return Group(*parts)


def _terminal_block(block: Block) -> list["RenderableType"]:
    parts: list[RenderableType] = []
    # Each note on a terminal says that it is one, so their block needs no title.
    if block.title and block.title != NOTES:
        parts.append(_rich_text(block.title, "strong"))
    parts += [_terminal_line(_line(line)) for line in block.above]
    if block.rows and block.spare:
        parts.append(_FittedTable(block))
    elif block.rows:
        parts += [_terminal_table(block, [0, *range(*ends)]) for ends in _side_by_side(block)]
    return [*parts, *(_terminal_line(_line(line)) for line in block.lines)]


def _side_by_side(block: Block) -> list[tuple[int, int]]:
    """Ranges of columns after the first, of nearly equal size, for tables that are too wide for a terminal."""
    others = len(block.head) - 1
    if not block.columns or others <= block.columns:
        return [(1, len(block.head))]
    tables = -(-others // block.columns)
    width = -(-others // tables)
    return [(start, min(start + width, others + 1)) for start in range(1, others + 1, width)]


@dataclass(frozen=True)
class _FittedTable:
    """A table without as many of its spare columns as it takes to fit the terminal."""

    block: Block

    def __rich_console__(self, console: "Console", options: "ConsoleOptions") -> Iterator["RenderableType"]:
        shown = list(range(len(self.block.head)))
        table = _terminal_table(self.block, shown)
        for name in self.block.spare:
            if console.measure(table, options=options.update(max_width=UNLIMITED)).maximum <= options.max_width:
                break
            shown = [at for at in shown if self.block.head[at] != name]
            table = _terminal_table(self.block, shown)
        yield table


def _terminal_table(block: Block, shown: Sequence[int]) -> "Table":
    """The table with the columns of these numbers."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=any(block.head))
    for at in shown:
        name, right = block.head[at], block.alignment[at] == "r"
        # Names fold on a narrow terminal; numbers never break.
        table.add_column(
            _rich_text(name),
            justify="right" if right else "left",
            overflow="fold",
            no_wrap=right and len(name) < SHORT_NAME,
        )
    for row in block.rows:
        cells = [_cell(cell) for cell in row]
        table.add_row(*(_rich_text(_tagged(cells[at]), cells[at].style) for at in shown if at < len(cells)))
    return table


def _terminal_line(line: Line) -> "RenderableType":
    from rich.padding import Padding
    from rich.table import Table

    if line.style == "note":
        return _rich_text(f"note: {line.text}", "note")
    text = _rich_text(line.text, line.style)
    if line.bullet and line.style != "warning":
        grid = Table.grid(padding=(0, 1))
        grid.add_column(width=3, justify="right")
        grid.add_column(overflow="fold")
        grid.add_row("-", text)
        return grid
    return Padding(text, (0, 0, 0, line.indent)) if line.indent else text


def _rich_text(text: str, style: Style = "") -> "RenderableType":
    from rich.text import Text

    return Text(one_line(text), style=_RICH[style])


def _tagged(cell: Cell) -> str:
    return f"{cell.text} ({cell.tag})" if cell.tag else cell.text


# Markdown


def markdown(title: str, blocks: Sequence[Block], *, level: int = 1) -> str:
    """The blocks as a Markdown document; main blocks come first.

    Args:
        title: of the document, unescaped.
        blocks: its parts.
        level: of the title's heading.
    """
    parts = [f"{'#' * level} {in_markdown(title)}"]
    for block in sorted(blocks, key=lambda block: not block.main):
        if block.title:
            parts.append(f"{'#' * block.level} {in_markdown(block.title)}")
        parts += _markdown_lines(block.above)
        if block.rows:
            parts.append(markdown_table(block.head, block.rows, block.alignment))
        parts += _markdown_lines(block.lines)
    return "\n\n".join(parts) + "\n"


def markdown_table(head: Sequence[str], rows: Sequence[Row], align: str = "") -> str:
    """A Markdown table; what would break a cell is escaped.

    Args:
        head: the names of the columns.
        rows: the cells; a short row is filled up with empty ones.
        align: ``l`` or ``r`` for each column; left by default.
    """
    rule = "".join(" ---: |" if side == "r" else " --- |" for side in (align or "l" * len(head)))
    lines = ["| " + " | ".join(in_markdown(name) for name in head) + " |", "|" + rule]
    for row in rows:
        cells = [_marked(_tagged(cell), cell.style) for cell in map(_cell, row)]
        lines.append("| " + " | ".join([*cells, *[""] * (len(head) - len(cells))]) + " |")
    return "\n".join(lines)


def _markdown_lines(lines: Sequence[str | Line]) -> list[str]:
    """Neighbouring items of a list form one list; other neighbours are lines of one paragraph."""
    parts: list[str] = []
    was_item: bool | None = None
    for line in map(_line, lines):
        text = _marked(line.text.strip(), line.style)
        if line.bullet == was_item:
            parts[-1] += f"\n- {text}" if line.bullet else f"  \n{text}"
        else:
            parts.append(f"- {text}" if line.bullet else text)
        was_item = line.bullet
    return parts


def _marked(text: str, style: Style) -> str:
    shown = in_markdown(text)
    if style == "strong" and shown:
        return f"**{shown}**"
    if style == "quiet":
        return f"<sub>{shown}</sub>"
    return f"{MARKS[style]} {shown}" if style in MARKS else shown


# HTML


def html(block: Block, *, caption: bool = True) -> str:
    """The block as HTML; everything in it is escaped, and names may wrap after separators.

    Args:
        block: what to show.
        caption: whether the title is visible; a hidden one is still read aloud.
    """
    parts = [_html_line(_line(line)) for line in block.above]
    if block.rows:
        parts.append(_html_table(block, caption))
    return "\n".join([*parts, *(_html_line(_line(line)) for line in block.lines)])


def _html_table(block: Block, caption: bool) -> str:
    title = _html_text(block.title)
    head = "".join(f'<th scope="col" dir="auto">{breakable(name)}</th>' for name in block.head)
    hidden = "" if caption else ' class="hidden"'
    texts = " texts" if set(block.alignment) == {"l"} else ""
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{title}">\n<table class="plain{texts}">\n'
        f"<caption{hidden}>{title}</caption>\n"
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n"
        + "\n".join(_html_row(row, len(block.head)) for row in block.rows)
        + "\n</tbody>\n</table>\n</div>"
    )


def _html_row(row: Row, columns: int) -> str:
    cells = [_cell(cell) for cell in row]
    found = []
    for at, cell in enumerate(cells):
        span = columns - at if at == len(cells) - 1 else 1
        attributes = (f' colspan="{span}"' if span > 1 else "") + (f' class="{cell.style}"' if cell.style else "")
        tag = f' <span class="tag">{_html_text(cell.tag)}</span>' if cell.tag else ""
        name, text = ('th scope="row"', breakable(cell.text)) if at == 0 else ("td", _html_text(cell.text))
        found.append(f'<{name} dir="auto"{attributes}>{text}{tag}</{name.split()[0]}>')
    return f"<tr>{''.join(found)}</tr>"


def _html_line(line: Line) -> str:
    style = line.style or "quiet"
    return f'<p class="{style}" dir="auto">{_html_text(line.text)}</p>'


def in_template(value: object) -> object:
    """What a template shows for a value: nothing in a text stays invisible. Markup is left as it is."""
    return in_lines(value) if type(value) is str else value


def _html_text(text: str) -> str:
    """A text for the content of an element, or an attribute between double quotes."""
    return html_module.escape(one_line(text))


def breakable(name: str) -> str:
    """An escaped name that may wrap after separators; ``breakable`` in ``assets/elements.js`` does the same."""
    return "<wbr>".join(_html_text(part) for part in re.split(r"(?<=[:,;_/])", name))
