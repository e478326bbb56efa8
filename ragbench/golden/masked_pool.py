"""The pieces of documents that can be masked.

A sentence can be masked if rules find that it stands alone. A document without such a sentence (a transcript, notes,
text in capitals without stops) is cut into windows of words. The rules for sentences are English; the stemmers and stop
words are those of Snowball (https://snowballstem.org/algorithms/).
"""

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ragbench.core.documents import Chunks, Corpus
from ragbench.core.errors import SettingError
from ragbench.core.spelling import given
from ragbench.corpus.boundaries import sentence_spans
from ragbench.golden.corpus_words import CorpusWords

FEWEST_WORDS, MOST_WORDS = 6, 60
LETTER_SHARE = 0.7
"""Least share of letters among the characters that are not white space. Tables, formulas and reference lists have
fewer."""
UPPER_SHARE = 0.002
"""A text with a smaller share of capitals was put into lower case. There, a full stop ends a sentence whatever
follows."""

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
        start, end: character offsets in the document's text.
        text: the text between them.
    """

    document: int
    start: int
    end: int
    text: str


def spans_in_any_case(text: str) -> list[tuple[int, int]]:
    """Find the spans of sentences, also in a text that was put into lower case."""
    capitals = sum(map(str.isupper, text))
    raised = text.upper() if capitals < UPPER_SHARE * len(text) else text
    return sentence_spans(raised if len(raised) == len(text) else text)


def as_query(sentence: str) -> str:
    """Write the sentence on one line, without spaces before punctuation and without the final full stop."""
    line = " ".join(sentence.split())
    return re.sub(r"\s+([.,;:!?])", r"\1", line).rstrip(".").strip()


def stands_alone(sentence: str) -> bool:
    """Decide by rules whether a reader who sees only this sentence knows what it is about.

    Such a sentence has `FEWEST_WORDS` to `MOST_WORDS` words, something like a verb and a sentence ending. It does not
    begin with a pronoun or connective that refers to earlier text, does not refer to a figure or section, and is not a
    heading, list item, table row or reference.
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
    # A verb in its plain form ("readers enjoy it") has no ending; function words distinguish such a sentence from a
    # list.
    return sum(word in _JOINING for word in lowered) >= FEWEST_JOINING


LEAST_WORDS = 4
"""Least content words of a masked sentence, and of the rest of its document."""
MOST_MASKED = 1 / 3
"""Largest share of a document's sentences to mask for one wording. One may always be masked if enough text is left."""
WINDOW, SHORTEST_WINDOW = 15, 8
"""Words of a window of a text without sentences. The rest of a paragraph joins the window before it if it is shorter
than the second."""
WINDOW_LETTERS = 0.5
"""Least share of letters of a window, as `LETTER_SHARE` for sentences. Notes and tables have many numbers."""
_BLANK_LINE = re.compile(r"\n[ \t\r]*\n")


@dataclass(frozen=True, eq=False)
class Pieces:
    """What can be masked: the sentences that stand alone, or windows of words in documents without any.

    Attributes:
        sentences: the pieces.
        first, last: (n,) the first and the last word of each (`CorpusWords`).
        document: (n,) its document.
        chunk_ids: the chunks that hold each.
        most: (documents,) how many pieces of a document may be masked for one wording.
        in_windows: documents that were cut into windows.
        without: documents that have nothing to mask.
    """

    sentences: Sequence[Sentence]
    first: npt.NDArray[np.int64]
    last: npt.NDArray[np.int64]
    document: npt.NDArray[np.int64]
    chunk_ids: Sequence[tuple[str, ...]]
    most: npt.NDArray[np.int64]
    in_windows: int
    without: int

    @classmethod
    def of(cls, corpus: Corpus, chunks: Chunks, words: CorpusWords) -> "Pieces":
        """Cut the documents. Pieces outside the chunks are skipped."""
        asked = _Places.of(chunks)
        pieces, chunk_ids = list[Sentence](), list[tuple[str, ...]]()
        most = np.zeros(len(corpus), dtype=np.int64)
        in_windows = without = 0
        for row, document in enumerate(corpus):
            if not asked.known(document.id):
                continue
            spans = spans_in_any_case(document.text)
            cut = [Sentence(row, start, end, document.text[start:end]) for start, end in spans]
            found = [(one, ids) for one in cut if (ids := asked.around(document.id, one)) and stands_alone(one.text)]
            if not found or len(cut) == 1:
                cut = [Sentence(row, start, end, document.text[start:end]) for start, end in windows(document.text)]
                found = [
                    (one, ids) for one in cut if (ids := asked.around(document.id, one)) and _has_letters(one.text)
                ]
                in_windows += bool(found)
            without += not found
            most[row] = max(int(len(cut) * MOST_MASKED), 1)
            pieces += [one for one, _ in found]
            chunk_ids += [ids for _, ids in found]
        first, last = _words_of(pieces, words)
        there = np.flatnonzero(last >= first)
        kept = [pieces[at] for at in there.tolist()]
        return cls(
            kept, first[there], last[there], np.array([one.document for one in kept], dtype=np.int64),
            [chunk_ids[at] for at in there.tolist()], most, in_windows, without,
        )  # fmt: skip


def windows(text: str) -> list[tuple[int, int]]:
    """Cut a text into windows of `WINDOW` words, none across a blank line.

    Examples:
        >>> text = " ".join(f"w{n}" for n in range(40))
        >>> [len(text[start:end].split()) for start, end in windows(text)]
        [15, 15, 10]
    """
    found = []
    edges = [0, *(match.end() for match in _BLANK_LINE.finditer(text)), len(text)]
    for low, high in pairwise(edges):
        words = [match.span() for match in re.finditer(r"\S+", text[low:high])]
        starts = list(range(0, len(words), WINDOW))
        if len(starts) > 1 and len(words) - starts[-1] < SHORTEST_WINDOW:
            starts.pop()
        for at, stop in pairwise([*starts, len(words)]):
            found.append((low + words[at][0], low + words[stop - 1][1]))
    return found


def _has_letters(text: str) -> bool:
    characters = [char for char in text if not char.isspace()]
    return sum(map(str.isalpha, characters)) >= WINDOW_LETTERS * len(characters)


def _words_of(pieces: Sequence[Sentence], words: CorpusWords) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """First and last whole word of each piece."""
    first, last = np.zeros(len(pieces), dtype=np.int64), np.zeros(len(pieces), dtype=np.int64)
    for at, piece in enumerate(pieces):
        low, high = words.bounds[piece.document], words.titles[piece.document]
        first[at] = low + np.searchsorted(words.start[low:high], piece.start)
        last[at] = low + np.searchsorted(words.end[low:high], piece.end, side="right") - 1
    return first, last


@dataclass(frozen=True)
class _Places:
    """Start, end and id of the chunks of each document, in order."""

    chunks: Mapping[str, Sequence[tuple[int, int, str]]]

    @classmethod
    def of(cls, chunks: Chunks) -> "_Places":
        places: dict[str, list[tuple[int, int, str]]] = {}
        for at, start, end, id_ in zip(
            chunks.document_index.tolist(), chunks.starts.tolist(), chunks.ends.tolist(), chunks.ids, strict=True
        ):
            places.setdefault(chunks.document_ids[at], []).append((start, end, id_))
        return cls({id_: sorted(rows) for id_, rows in places.items()})

    def known(self, document_id: str) -> bool:
        """Whether the document has any chunk."""
        return document_id in self.chunks

    def around(self, document_id: str, piece: Sentence) -> tuple[str, ...]:
        """Ids of the chunks that hold the whole piece."""
        rows = self.chunks[document_id]
        last = bisect_right(rows, piece.start, key=lambda row: row[0])
        return tuple(id_ for _, end, id_ in rows[:last] if end >= piece.end)


SNOWBALL = {
    "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "el": "greek", "en": "english",
    "es": "spanish", "et": "estonian", "eu": "basque", "fa": "persian", "fi": "finnish", "fr": "french", "ga": "irish",
    "hi": "hindi", "hu": "hungarian", "hy": "armenian", "id": "indonesian", "it": "italian", "lt": "lithuanian",
    "ne": "nepali", "nl": "dutch", "no": "norwegian", "pl": "polish", "pt": "portuguese", "ro": "romanian",
    "ru": "russian", "sr": "serbian", "sv": "swedish", "ta": "tamil", "tr": "turkish", "yi": "yiddish",
}  # fmt: skip


def masked_language(codes: Sequence[str]) -> tuple[str, str]:
    """Return the code and the Snowball name of the language in which sentences are masked.

    Raises:
        SettingError: there are several codes (a sentence is in the language of its document, so none can be requested),
            or the language has no stemmer.
    """
    if len(codes) > 1:
        raise SettingError(
            f"{given('languages', ','.join(codes))}: without a model sentences stay in the language of their document; "
            "name one language, and run once for each: the review keeps the sentences that are in it"
        )
    (code,) = codes
    if code not in SNOWBALL:
        raise SettingError(
            f"{given('languages', code)}: sentences cannot be masked in it without a model; "
            f"these can: {', '.join(SNOWBALL)}"
        )
    return code, SNOWBALL[code]
