"""Sentences that can be asked: those that stand alone, and where they are in their document."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from ragbench.core.documents import Corpus
from ragbench.corpus.sentences import sentence_spans

FEWEST_WORDS, MOST_WORDS = 6, 60
LETTER_SHARE = 0.7
"""Of the characters that are no white space; tables, formulas and lists of references have fewer."""
UPPER_SHARE = 0.002
"""Text with a smaller share of capitals was lowered: a stop then ends a sentence whatever follows."""

_LEANING_WORDS = """
this that these those it its they them their he she his her him such both either neither another others
here there then thus hence therefore however moreover furthermore additionally also besides nevertheless nonetheless
consequently accordingly similarly likewise conversely meanwhile otherwise instead indeed finally lastly secondly
thirdly and but or nor so yet because although though whereas while if when which who whose whom where
"""
_LEANING = frozenset(_LEANING_WORDS.split())
_POINTS_AWAY = re.compile(
    r"\b(?:the (?:former|latter)|as (?:above|below|follows)|(?:see|in|from) (?:fig|table|section|eq|ref)\w*\b|"
    r"(?:fig|table|section|equation|chapter) \d)",
    re.IGNORECASE,
)
_NOT_PROSE = re.compile(
    r"^\s*(?:[#|>*•▪–—+=~`-]|\d{1,3}[.)]\s|\[\d|https?:)|\||\t|https?://|\bdoi:|\bet al\b.*\(\d{4}\)\.?$"
)
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_VERB_WORDS = """
is are was were be been am has have had do does did can could may might must shall should will would
"""
_VERBS = frozenset(_VERB_WORDS.split())
_JOINING_WORDS = "the a an of to in on at with for from by that who which and"
_JOINING = frozenset(_JOINING_WORDS.split())
FEWEST_JOINING = 2
_VERB_ENDING = re.compile(r"(?:[^\saeiou]ed|[aeiou][a-z]ed|ies|[^\ss]s|ing)(?= |$)")


class Sentence(NamedTuple):
    """A sentence of a document.

    Attributes:
        document: row of its document in the corpus.
        start, end: characters of the document's text.
        text: as it stands there.
    """

    document: int
    start: int
    end: int
    text: str


def sentences_of(corpus: Corpus) -> Iterator[Sentence]:
    """Every sentence, in order."""
    for row, document in enumerate(corpus):
        for start, end in spans_in_any_case(document.text):
            yield Sentence(row, start, end, document.text[start:end])


def spans_in_any_case(text: str) -> list[tuple[int, int]]:
    """Spans of the sentences, also of a text that was put into lower case."""
    capitals = sum(map(str.isupper, text))
    raised = text.upper() if capitals < UPPER_SHARE * len(text) else text
    return sentence_spans(raised if len(raised) == len(text) else text)


def as_query(sentence: str) -> str:
    """The sentence on one line, without blanks before its marks and without its last stop."""
    line = " ".join(sentence.split())
    return re.sub(r"\s+([.,;:!?])", r"\1", line).rstrip(".").strip()


def stands_alone(sentence: str) -> bool:
    """Whether a reader who sees only this sentence knows what it is about, as far as rules can tell.

    It has `FEWEST_WORDS` to `MOST_WORDS` words and something like a verb, ends
    as a sentence does, does not begin with a pronoun or a connective that leans
    on what was before, points at no figure or section, and is no heading, list
    item, table row or reference.
    """
    line = " ".join(sentence.split())
    if line[-1] not in ".!?\"'”’)":
        return False
    words = _WORD.findall(line)
    if not FEWEST_WORDS <= len(words) <= MOST_WORDS:
        return False
    letters = sum(map(str.isalpha, line))
    if letters < LETTER_SHARE * (len(line) - line.count(" ")):
        return False
    if words[0].lower() in _LEANING or _NOT_PROSE.search(line) or _POINTS_AWAY.search(line):
        return False
    lowered = [word.lower() for word in words]
    if not _VERBS.isdisjoint(lowered) or _VERB_ENDING.search(" ".join(lowered[1:])):
        return True
    # A verb in its plain form ("readers enjoy it") has no mark; what joins words tells such a sentence from a list.
    return sum(word in _JOINING for word in lowered) >= FEWEST_JOINING
