"""Headings of Markdown, with their places."""

import re
from collections.abc import Iterator
from typing import NamedTuple

_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]|$)")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_NO_PARAGRAPH = re.compile(r"[ \t]*(?:[-*+>|#]|\d+[.)][ \t]|$)|(?: {4}|\t)")


class Heading(NamedTuple):
    """A heading: its level from 1 to 6, where it begins, and where the text under it does."""

    level: int
    start: int
    after: int


def headings(text: str) -> Iterator[Heading]:
    """Headings in order, as CommonMark has them: ``# ATX`` and underlined ones, none within fenced code.

    Of an underlined paragraph only one line long is taken for a heading.
    """
    fence = ""
    at = before = 0
    paragraph = False
    for line in text.split("\n"):
        after = at + len(line) + 1
        content = line.rstrip("\r")
        mark = _FENCE.match(content)
        if fence:
            if mark and mark[1].startswith(fence) and not content[mark.end() :].strip():
                fence = ""
            paragraph = False
        elif mark:
            fence, paragraph = mark[1], False
        elif heading := _HEADING.match(content):
            yield Heading(len(heading[1]), at, min(after, len(text)))
            paragraph = False
        elif paragraph and (underline := _UNDERLINE.match(content)):
            yield Heading(1 if underline[1][0] == "=" else 2, before, min(after, len(text)))
            paragraph = False
        else:
            paragraph = not paragraph and not _NO_PARAGRAPH.match(content)
        before, at = at, after


def first_title(text: str) -> str:
    """The words of the first heading of level 1, or an empty string."""
    for heading in headings(text):
        if heading.level == 1:
            line = text[heading.start : heading.after].strip().split("\n", 1)[0].strip()
            return line.lstrip("#").strip().rstrip("#").strip() if line.startswith("#") else line
    return ""
