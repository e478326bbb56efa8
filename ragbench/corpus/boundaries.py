"""Find the places to cut a text: sentences, Markdown headings, and the separators of LangChain's recursive splitter.

All functions return offsets, not text, because searching for a chunk in its document finds the wrong place if the text
repeats itself.

Sentences are found by rules, without a model. A sentence ends at ``.``, ``!``,
``?`` or an ellipsis before white space, unless the dot belongs to an
abbreviation or an initial or the next word is in lower case; at the full stops
of Chinese and Japanese; at a blank line; and where the next line is a list item
or a heading.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, cast

from ragbench.corpus.chunkers.base import trimmed

if TYPE_CHECKING:
    from langchain_text_splitters import RecursiveCharacterTextSplitter
from collections.abc import Iterator
from typing import NamedTuple

_BOUNDARY = re.compile(
    r"""
      # A stop, what closes with it, white space; a run of dots is looked at once, from its start.
      (?<![.!?…])(?P<stop>[.!?…]++)["'”’»)\]]*+(?=\s)
    | [。！？｡]["'”’」』）]*
    | \n[ \t\r]*\n                           # a blank line
    | \n(?=[ \t]*(?:[-*+•▪–]|\d{1,3}[.)]|\#{1,6})[ \t])
    """,
    re.VERBOSE,
)
_WORD_BEFORE = re.compile(r"[^\s(\[\"'“‘]+\Z")
_ABBREVIATIONS_WORDS = """
mr mrs ms dr prof st jr sr vs etc al fig figs eq eqs ref refs sec ch vol no nos pp ed eds approx ca cf inc ltd
co corp dept est gen gov hon rev sgt capt col jan feb mar apr jun jul aug sep sept oct nov dec
e.g i.e e.g. i.e. a.m p.m u.s u.k u.n
"""
_ABBREVIATIONS = frozenset(_ABBREVIATIONS_WORDS.split())
# These may end a sentence or not, so the case of the next word decides.
_UNDECIDED_WORDS = "etc al inc ltd co corp no a.m p.m u.s u.k u.n"
_UNDECIDED = frozenset(_UNDECIDED_WORDS.split())


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Return the spans of the sentences, in order and without white space at their ends.

    Every character except white space belongs to exactly one sentence.
    """
    spans = []
    start = 0
    for match in _BOUNDARY.finditer(text):
        if match["stop"] and not _ends(text, match):
            continue
        spans.append(trimmed(text, start, match.end()))
        start = match.end()
    spans.append(trimmed(text, start, len(text)))
    return [span for span in spans if span[1] > span[0]]


def _ends(text: str, match: "re.Match[str]") -> bool:
    """Whether a stop before white space ends a sentence."""
    following = _first_word_character(text, match.end())
    if following.islower():
        return False
    if match["stop"] != ".":
        return True
    before = _WORD_BEFORE.search(text, max(0, match.start() - 24), match.start())
    word = before.group() if before else ""
    if len(word) == 1 and word.isupper():
        # An initial ("J. Smith"), but not the end of "vitamin C. The".
        return not following.isupper() or not _name_before(text, match.start() - 1)
    lowered = word.lower()
    if lowered in _UNDECIDED:
        return following.isupper() and lowered != "no"
    return lowered not in _ABBREVIATIONS


def _first_word_character(text: str, at: int) -> str:
    """Return the first character after white space and opening marks, among the next few characters."""
    return text[at : at + 12].lstrip(" \t\r\n\"'“‘([{«*_")[:1]


def _name_before(text: str, at: int) -> bool:
    """Whether an initial is at the place of a name: at the start, or after another initial, a comma or a capitalised
    word.
    """
    before = text[max(0, at - 24) : at].rstrip()
    if not before or before[-1] in ".,;:(&–-\"'“":
        return True
    return before.split()[-1][:1].isupper()


class _Piece(str):
    """A string that knows where in the document it begins."""

    __slots__ = ("start",)
    start: int

    @classmethod
    def at(cls, start: int, text: str) -> "_Piece":
        piece = cls(text)
        piece.start = start
        return piece


@lru_cache(maxsize=1)
def _tracker() -> "type[RecursiveCharacterTextSplitter]":
    """Make the splitter's class with offsets. It is made on first use, because the import is slow."""
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    class Tracker(RecursiveCharacterTextSplitter):
        """The splitter with methods that see the pieces in text order, before and after they are joined."""

        reached = 0

        def _merge_splits(self, splits: Iterable[str], separator: str) -> list[str]:
            pieces = []
            for split in splits:
                pieces.append(_Piece.at(self.reached, split))
                self.reached += len(split)
            return super()._merge_splits(pieces, separator)

        def _join_docs(self, docs: list[str], separator: str) -> str | None:
            joined = separator.join(docs)
            text = joined.strip()
            first = docs[0] if docs else None
            if not text or not isinstance(first, _Piece):
                return None
            return _Piece.at(first.start + len(joined) - len(joined.lstrip()), text)

    return Tracker


def split_spans(text: str, size: int, overlap: int, separators: Sequence[str]) -> list[tuple[int, int]]:
    """Return the spans of the splitter's chunks, without white space at their ends.

    Args:
        text: the text.
        size: most characters of a chunk, at least 2.
        overlap: most characters that neighbours share.
        separators: texts to cut at, preferred ones first; "" (between characters) is always the last.
    """
    if len(text) <= size:
        # The splitter would return the text as it is, trimmed.
        start, end = trimmed(text, 0, len(text))
        return [(start, end)] if end > start else []
    # With "" at the end every chunk passes through `_merge_splits`, and so has its offset.
    every = [*separators, ""] if "" not in separators else list(separators)
    splitter = _tracker()(chunk_size=size, chunk_overlap=overlap, separators=every, keep_separator=True)
    chunks = cast("list[_Piece]", splitter.split_text(text))
    return [(chunk.start, chunk.start + len(chunk)) for chunk in chunks]


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
    """Find headings in order, as in CommonMark: ``# ATX`` and underlined ones, but not in fenced code.

    An underlined paragraph counts as a heading only if it has one line.
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


@lru_cache(maxsize=16)
def _outline(text: str) -> tuple[Heading, ...]:
    return tuple(headings(text))


def headings_above(text: str, at: int) -> tuple[str, ...]:
    """Return the headings that a place in a text stands under, outermost first. The text from that place on counts for
    none of them: a part that begins with a heading stands under those of a higher level only.

    Examples:
        >>> text = "# Tents\\n## Care\\nDry it.\\n## Repair\\nSew it.\\n"
        >>> headings_above(text, text.index("Sew")), headings_above(text, text.index("## Repair"))
        (('Tents', 'Repair'), ('Tents',))
    """
    outline = _outline(text)
    row = bisect_left(outline, at, key=lambda heading: heading.start)
    begins = text[at : outline[row].start].isspace() or outline[row].start == at if row < len(outline) else False
    level = outline[row].level if begins else 7
    found = []
    while row > 0 and level > 1:
        row -= 1
        if outline[row].level < level:
            level = outline[row].level
            found.append(_line_of(text, outline[row]))
    return tuple(one for one in reversed(found) if one)


def _line_of(text: str, heading: Heading) -> str:
    """The words of a heading, without its marks."""
    line = text[heading.start : heading.after].strip().split("\n", 1)[0].strip()
    return line.lstrip("#").strip().rstrip("#").strip() if line.startswith("#") else line


def first_title(text: str) -> str:
    """Return the text of the first heading of level 1, or an empty string."""
    return next((_line_of(text, heading) for heading in headings(text) if heading.level == 1), "")
