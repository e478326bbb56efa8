"""Normalise text and compare words with a reference, as SQuAD and MLQA do.

- ``en``: lower case, without ASCII punctuation and the words a, an, the, and with
  single spaces: the official SQuAD script.
- ``de``, ``es``: the same with their own articles and without all Unicode
  punctuation: the official MLQA script.
- ``zh``, ``ja``: without Unicode punctuation; there are no articles, and every
  Chinese or Japanese character is a token, as in MLQA.
- any other code: lower case, without Unicode punctuation, and with single spaces.
"""

import re
import string
import unicodedata
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ragbench.answers.metrics._cells import NO_GOLDEN, NO_REFERENCE, Cell, Scored, column, references, unanswerable
from ragbench.answers.metrics._phrases import abstained
from ragbench.answers.metrics.base import AnswerMetric, Column, Need, ScoringContext
from ragbench.core.answers import Answered, AnswerSet
from ragbench.core.goldens import GoldenItem

ARTICLES = {
    "en": ("a", "an", "the"),
    "es": ("un", "una", "unos", "unas", "el", "la", "los", "las"),
    "de": (
        *("ein", "eine", "einen", "einem", "eines", "einer"),
        *("der", "die", "das", "den", "dem", "des"),
    ),
}
BY_CHARACTER = ("zh", "ja")
DEFAULT_LANGUAGE = "en"
_ASCII = frozenset(string.punctuation)
_ARTICLE = {code: re.compile(rf"\b({'|'.join(words)})\b", re.UNICODE) for code, words in ARTICLES.items()}
_EAST_ASIAN = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")


def language_of(item: GoldenItem | None, setting: str | None) -> str:
    """The language of a comparison: the setting, otherwise the item's metadata ``language``, otherwise English."""
    own = item.metadata.get("language") if item is not None else None
    written = setting or (own if isinstance(own, str) else None) or DEFAULT_LANGUAGE
    return written.strip().lower().replace("_", "-").partition("-")[0]


def normalised(text: str, language: str = DEFAULT_LANGUAGE) -> str:
    """Normalise a text."""
    lowered = text.lower()
    bare = "".join(sign for sign in lowered if not _is_punctuation(sign, language))
    if language in _ARTICLE:
        bare = _ARTICLE[language].sub(" ", bare)
    if language in BY_CHARACTER:
        bare = _EAST_ASIAN.sub(lambda match: f" {match.group()} ", bare)
    return " ".join(bare.split())


def tokens(text: str, language: str = DEFAULT_LANGUAGE) -> list[str]:
    """The words of the normalised text."""
    return normalised(text, language).split()


def _is_punctuation(sign: str, language: str) -> bool:
    if sign in _ASCII:
        return True
    return language != "en" and unicodedata.category(sign).startswith("P")


@dataclass(frozen=True)
class AgainstReference(AnswerMetric):
    """Compare the words of an answer with those of each reference, and take the best.

    Abstaining from an unanswerable query gives 1, as in SQuAD 2.0. A missing answer,
    or abstaining from an answerable query, gives 0.
    """

    name: ClassVar[str]
    needs: ClassVar[frozenset[Need]] = frozenset({"golden", "reference"})

    language: str | None = None

    async def score(self, answers: AnswerSet, context: ScoringContext) -> list[Column]:
        """One column, called ``name``."""
        cells = [self._cell(answer, item) for answer, item in zip(answers, context.golden, strict=True)]
        return [column(self.name, answers, cells)]

    @abstractmethod
    def _compared(self, answer: str, expected: Sequence[str], language: str) -> Scored:
        """Score an answer against one or more references."""

    def _cell(self, answer: Answered, item: GoldenItem | None) -> Cell:
        if item is None:
            return NO_GOLDEN
        if unanswerable(item):
            return Scored(float(abstained(answer)), {"unanswerable": True})
        expected = references(item)
        if not expected:
            return NO_REFERENCE
        if answer.failure or abstained(answer):
            return Scored(0.0, {"no_answer": answer.failure or "abstained"})
        return self._compared(answer.answer, expected, language_of(item, self.language))
