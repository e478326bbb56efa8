"""Sentences of a text, as offsets.

Rules, no model: a sentence ends at ``.``, ``!``, ``?`` or an ellipsis before
white space, unless the dot belongs to an abbreviation or an initial or the next
word is in lower case; at the full stops of Chinese and Japanese; at a blank
line; and where the next line is a list item or a heading.
"""

import re

from ragbench.corpus.chunkers.base import trimmed

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
# These end sentences as often as not, so the next word's case decides.
_UNDECIDED_WORDS = "etc al inc ltd co corp no a.m p.m u.s u.k u.n"
_UNDECIDED = frozenset(_UNDECIDED_WORDS.split())


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Spans of the sentences, in order, without white space at their ends.

    Everything but white space belongs to exactly one sentence.
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
    """The first character after white space and opening marks, looked for in the next few characters only."""
    return text[at : at + 12].lstrip(" \t\r\n\"'“‘([{«*_")[:1]


def _name_before(text: str, at: int) -> bool:
    """Whether an initial stands where names do: at the start, after another initial, a comma or a capitalised word."""
    before = text[max(0, at - 24) : at].rstrip()
    if not before or before[-1] in ".,;:(&–-\"'“":
        return True
    return before.split()[-1][:1].isupper()
