"""The sentences of a corpus that can be masked, and those that are masked already.

A sentence can be masked if rules find that it stands alone, and if enough of its document is left without it. The rules
for sentences are English;
the stemmers and stop words are those of Snowball (https://snowballstem.org/algorithms/).
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ragbench.core.context import generator
from ragbench.core.documents import Chunks, Corpus
from ragbench.core.errors import SettingError
from ragbench.core.fingerprint import fingerprint
from ragbench.core.goldens import Evidence, Span
from ragbench.core.spelling import given
from ragbench.corpus.boundaries import sentence_spans
from ragbench.golden.drafts import Draft
from ragbench.golden.overlap import ContentWords

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


def sentences_of(corpus: Corpus) -> Iterator[Sentence]:
    """Iterate over every sentence, in order."""
    for row, document in enumerate(corpus):
        for start, end in spans_in_any_case(document.text):
            yield Sentence(row, start, end, document.text[start:end])


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


WRITER = "masked-sentence"
"""The type of every query, and the name of the writer that masks whole sentences."""
CLAUSE_WRITER = "masked-clause"
"""The name of the writer that masks clauses."""
VERSION = 1
_ID_OF = {WRITER: "struck-sentence", CLAUSE_WRITER: "struck-clause"}
"""The first names of the writers. The ids of queries are made from them, so they must not change."""
LEAST_WORDS = 4
"""Least distinct content words of a query, and of the rest of its document."""
MOST_MASKED = 1 / 3
"""Largest share of a document's sentences to mask. One may always be masked if some text is left."""


class Pick(NamedTuple):
    """A masked span.

    Attributes:
        row: the sentence.
        start, end: character offsets in its document: the sentence or a part of it.
    """

    row: int
    start: int
    end: int


@dataclass(eq=False)
class Pool:
    """The sentences of all documents. It picks the one with the least overlap from each."""

    sentences: Sequence[Sentence]
    words: ContentWords
    group: npt.NDArray[np.int64]
    chunk_ids: Sequence[tuple[str, ...]]
    eligible: npt.NDArray[np.bool_]
    tiebreak: npt.NDArray[np.float64]
    present: npt.NDArray[np.bool_]
    left: npt.NDArray[np.int64]

    @classmethod
    def of(cls, corpus: Corpus, chunks: Chunks, seed: int, language: str) -> "Pool":
        """Build a pool with nothing masked. The seed decides between sentences of equal overlap."""
        sentences = list(sentences_of(corpus))
        titles = [document.title for document in corpus]
        # Titles are never masked, so they count as text of their documents.
        # Words are compared as written. With stems, the chosen sentences would be those that stemming finds least, and
        # settings without a stemmer would look too good (tau .73 against .85 on Cranfield).
        texts = [*(sentence.text for sentence in sentences), *titles]
        words = ContentWords.of(texts, language, stem=False)
        group = np.array([*(s.document for s in sentences), *range(len(corpus))], dtype=np.int64)
        chunk_ids = chunks_of(sentences, corpus, chunks)
        enough = words.counts() >= LEAST_WORDS
        eligible = np.zeros(len(group), dtype=bool)
        for row, sentence in enumerate(sentences):
            eligible[row] = enough[row] and chunk_ids[row] and stands_alone(sentence.text)
        per_document = np.bincount(group[: len(sentences)], minlength=len(corpus))
        left = np.maximum((per_document * MOST_MASKED).astype(np.int64), (per_document > 1).astype(np.int64))
        tiebreak = generator(seed, "struck", "ties").random(len(group))
        return cls(sentences, words, group, chunk_ids, eligible, tiebreak, np.ones(len(group), dtype=bool), left)

    @property
    def most(self) -> int:
        """The largest number of queries that any document can give."""
        return int(self.left.max(initial=0))

    def pick(self) -> dict[int, Pick]:
        """Pick the sentence of each document that is not masked yet and overlaps least with the rest."""
        shares = self.words.rest_shares(self.group, self.present)
        rows = self.rows()
        rows = rows[np.lexsort((self.tiebreak[rows], shares[rows], self.group[rows]))]
        documents, first = np.unique(self.group[rows], return_index=True)
        return {
            document: Pick(row, self.sentences[row].start, self.sentences[row].end)
            for document, row in zip(documents.tolist(), rows[first].tolist(), strict=True)
        }

    def rows(self) -> npt.NDArray[np.intp]:
        """Return the rows of the sentences that may be masked now."""
        rows = np.flatnonzero(self.eligible & self.present & (self.left[self.group] > 0))
        # Words of other sentences must be left: a title alone is not a document to find.
        counts = self.words.counts()
        sentences = self.present.copy()
        sentences[len(self.sentences) :] = False
        said = np.bincount(self.group, weights=counts * sentences)
        return rows[said[self.group[rows]] - counts[rows] >= LEAST_WORDS]

    def mask(self, picks: Sequence[Pick]) -> None:
        """Mask sentences in their documents."""
        rows = [pick.row for pick in picks]
        self.present[rows] = False
        np.subtract.at(self.left, self.group[rows], 1)

    def draft(self, pick: Pick, corpus: Corpus, provenance: Mapping[str, object]) -> Draft:
        """Make the query of a masked span."""
        document = corpus.documents[int(self.group[pick.row])]
        text = document.text[pick.start : pick.end]
        return Draft(
            id=fingerprint([_ID_OF[str(provenance["writer"])], VERSION, document.id, pick.start, pick.end, text])[:16],
            text=as_query(text),
            type=WRITER,
            answer=None,
            quotes=(),
            chunk_ids=self.chunk_ids[pick.row],
            evidence=(Evidence(document.id),),
            masked=(Span(document.id, pick.start, pick.end),),
            provenance={**provenance, "source": document.id},
        )


def chunks_of(sentences: Sequence[Sentence], corpus: Corpus, chunks: Chunks) -> list[tuple[str, ...]]:
    """Find the ids of the chunks that hold each whole sentence."""
    places: dict[str, list[tuple[int, int, str]]] = {}
    for at, start, end, id_ in zip(
        chunks.document_index.tolist(), chunks.starts.tolist(), chunks.ends.tolist(), chunks.ids, strict=True
    ):
        places.setdefault(chunks.document_ids[at], []).append((start, end, id_))
    for rows in places.values():
        rows.sort()
    found: list[tuple[str, ...]] = []
    for sentence in sentences:
        rows = places.get(corpus.documents[sentence.document].id, [])
        last = bisect_right(rows, sentence.start, key=lambda row: row[0])
        found.append(tuple(id_ for _, end, id_ in rows[:last] if end >= sentence.end))
    return found


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
