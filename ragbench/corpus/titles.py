"""Keep titles with the text that they stand above, where a splitter would cut them off."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from ragbench.corpus.boundaries import headings

LONGEST_TITLE = 120
MOST_TITLES = 240
"""Characters of all titles above one text: of more short lines in a row, only the last ones count as titles."""
JOINT = "\ue000"
"""Takes the place of white space behind a title. It is no white space, so no separator finds it."""
_PARAGRAPH = re.compile(r"\S(?:.|\n(?![ \t\r]*\n))*")
_SENTENCE_END = tuple(".!?…。！？")


class _Block(NamedTuple):
    """A paragraph, and whether it is a title."""

    start: int
    end: int
    title: bool


def joined_titles(text: str, size: int) -> str:
    """Return a text of the same length, in which no white space separates a title from the text below it.

    That holds only for titles that a chunk of ``size`` characters has no room for beside the whole paragraph below; a
    splitter would give them a chunk of their own. A title is a heading of Markdown, or a line alone between blank lines
    that is short and does not end like a sentence.

    Args:
        text: the text.
        size: most characters of a chunk.
    """
    parts, done = [], 0
    for start, end in _joints(text, size):
        parts += [text[done:start], JOINT * (end - start)]
        done = end
    return "".join([*parts, text[done:]])


def _joints(text: str, size: int) -> list[tuple[int, int]]:
    """Spans of white space that a splitter must not cut at, in order."""
    if len(text) <= size:
        return []
    marked = {heading.start: heading.after for heading in headings(text)}
    found: list[tuple[int, int]] = []
    below = titles = after = 0
    for block in reversed(list(_blocks(text, marked))):
        length = block.end - block.start
        if block.title and below and length + below > size and titles + length <= MOST_TITLES:
            found += [(block.end, after), *_breaks(text, block)]
            below, titles = below + length, titles + length
        else:
            found += _own_heading(text, block, marked, size)
            below, titles = length, 0
        after = block.start
    return sorted(found)


def _blocks(text: str, marked: dict[int, int]) -> Iterator[_Block]:
    for match in _PARAGRAPH.finditer(text):
        start, end = match.start(), match.start() + len(match.group().rstrip())
        heading = start in marked and marked[start] >= end
        line = match.group().rstrip()
        plain = "\n" not in line and len(line) <= LONGEST_TITLE and not line.endswith(_SENTENCE_END)
        yield _Block(start, end, heading or plain)


def _breaks(text: str, block: _Block) -> list[tuple[int, int]]:
    """The line end above the line that underlines a heading."""
    at = text.find("\n", block.start, block.end)
    return [(at, at + 1)] if at >= 0 else []


def _own_heading(text: str, block: _Block, marked: dict[int, int], size: int) -> list[tuple[int, int]]:
    """The line end behind a heading that begins a paragraph, if the next line is too long to stay beside it."""
    after = marked.get(block.start, block.end)
    if after >= block.end:
        return []
    line = text.find("\n", after, block.end)
    return [(after - 1, after)] if (line if line >= 0 else block.end) - block.start > size else []
