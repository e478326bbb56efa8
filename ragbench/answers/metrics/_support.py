"""Measure how far the sentences of an answer are supported by sentences of its sources, without a judge."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ragbench.answers.metrics._numbers import numbers
from ragbench.core.answers import Source
from ragbench.corpus.boundaries import sentence_spans

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_NAME = re.compile(r"\b[A-Z][^\W\d_]*[^\W_]\b")
_GAP = re.compile(r"(?<=\d)([.,])\s(?=\d)")
# English words without content of their own. Other languages keep all their words.
_EMPTY_WORDS = """
a about above after again all also am an and any are as at be because been before being below between both but by can
could did do does doing down during each few for from further had has have having he her here hers him his how i if
in into is it its just like may me might more most must my no nor not of off on once only or other our out over own
per same shall she should so some such than that the their them then there these they this those through to too
under until up us very was we were what when where which while who whom whose why will with would you your
"""
EMPTY = frozenset(_EMPTY_WORDS.split())
STRANGE_WEIGHT = 0.5
"""The share of a sentence's support that remains if none of its numbers and names is in a source."""


@dataclass(frozen=True, slots=True)
class Support:
    """One sentence of an answer.

    Attributes:
        start, end: position of the sentence in the answer.
        lexical: share of its distinct content words that the best source sentence has.
        cosine: cosine with the most similar source sentence; None without an embedder.
        strange: its numbers and names that no source has.
        score: 0 to 1.
        source: id of the source with the best sentence by ``lexical``, or empty.
    """

    start: int
    end: int
    lexical: float
    cosine: float | None
    strange: tuple[str, ...]
    score: float
    source: str


def sentences(text: str) -> list[str]:
    """Split a text into sentences that contain a word."""
    return [text[start:end] for start, end in sentence_spans(text) if _WORD.search(text[start:end])]


def content_words(text: str) -> frozenset[str]:
    """The content words of a sentence in lower case, or all its words if it has none."""
    words = [match.group().lower() for match in _WORD.finditer(text)]
    return frozenset(word for word in words if word not in EMPTY) or frozenset(words)


def support(
    answer: str,
    sources: Sequence[Source],
    similarity: npt.NDArray[np.float64] | None,
) -> list[Support]:
    """Measure the support of every sentence of an answer.

    Args:
        answer: the text of the answer.
        sources: the passages that the model saw.
        similarity: (sentences of the answer, sentences of all sources) cosines, or None.
    """
    spans = [(a, b) for a, b in sentence_spans(answer) if _WORD.search(answer[a:b])]
    owner = [source.id for source in sources for _ in sentences(source.text)]
    held = [content_words(one) for source in sources for one in sentences(source.text)]
    everything = " ".join(source.text for source in sources)
    found = []
    for at, (start, end) in enumerate(spans):
        words = content_words(answer[start:end])
        shares = [len(words & other) / len(words) for other in held]
        best = int(np.argmax(shares)) if shares else -1
        lexical = shares[best] if shares else 0.0
        cosine = None
        if similarity is not None:
            cosine = float(similarity[at].max()) if similarity.shape[1] else 0.0
        strange, checked = _strange(answer[start:end], everything)
        base = lexical if cosine is None else (lexical + max(cosine, 0.0)) / 2
        kept = 1 - (1 - STRANGE_WEIGHT) * (len(strange) / checked if checked else 0.0)
        source_id = owner[best] if shares and lexical > 0 else ""
        found.append(Support(start, end, lexical, cosine, strange, min(base * kept, 1.0), source_id))
    return found


def _strange(sentence: str, sources: str) -> tuple[tuple[str, ...], int]:
    """Find numbers and names that no source has, and count those that were looked for."""
    said = numbers(sentence)
    # Extracted text often has "1, 056" for 1,056, so the sources are read with and without such gaps.
    held = [*numbers(sources), *numbers(_GAP.sub(r"\1", sources))] if said else []
    missing = [one.written for one in said if not any(one.matches(other, 1e-9, 0.0) for other in held)]
    known = {match.group().lower() for match in _WORD.finditer(sources)}
    first = _WORD.search(sentence)
    # The first word always has a capital.
    names = [match for match in _NAME.finditer(sentence) if first is None or match.start() != first.start()]
    missing += [match.group() for match in names if match.group().lower() not in known]
    return tuple(dict.fromkeys(missing)), len(said) + len(names)
