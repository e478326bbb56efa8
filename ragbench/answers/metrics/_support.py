"""How far the sentences of an answer are supported by sentences of its sources; no model judges it."""

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
# Words that carry no subject in English; other languages keep all of theirs.
_EMPTY_WORDS = """
a about above after again all also am an and any are as at be because been before being below between both but by can
could did do does doing down during each few for from further had has have having he her here hers him his how i if
in into is it its just like may me might more most must my no nor not of off on once only or other our out over own
per same shall she should so some such than that the their them then there these they this those through to too
under until up us very was we were what when where which while who whom whose why will with would you your
"""
EMPTY = frozenset(_EMPTY_WORDS.split())
STRANGE_WEIGHT = 0.5
"""What is left of a sentence's support if every number and name of it is in no source."""


@dataclass(frozen=True, slots=True)
class Support:
    """One sentence of an answer.

    Attributes:
        start, end: its characters in the answer.
        lexical: share of its content words that the best source sentence has, with multiplicity left out.
        cosine: with the most similar source sentence; None without an embedder.
        strange: numbers and names in it that no source has.
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
    """The sentences of a text that have a word."""
    return [text[start:end] for start, end in sentence_spans(text) if _WORD.search(text[start:end])]


def content_words(text: str) -> frozenset[str]:
    """Words that say what a sentence is about, in lower case; all of its words where it has no such word."""
    words = [match.group().lower() for match in _WORD.finditer(text)]
    return frozenset(word for word in words if word not in EMPTY) or frozenset(words)


def support(
    answer: str,
    sources: Sequence[Source],
    similarity: npt.NDArray[np.float64] | None,
) -> list[Support]:
    """The support of every sentence of an answer.

    Args:
        answer: its text.
        sources: what the model was shown.
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
    """Numbers and names that no source has, and how many were looked for."""
    said = numbers(sentence)
    # Extracted text often has "1, 056" for 1,056, so the sources are read with and without such gaps.
    held = [*numbers(sources), *numbers(_GAP.sub(r"\1", sources))] if said else []
    missing = [one.written for one in said if not any(one.matches(other, 1e-9, 0.0) for other in held)]
    known = {match.group().lower() for match in _WORD.finditer(sources)}
    first = _WORD.search(sentence)
    # The first word is in capitals whatever it is.
    names = [match for match in _NAME.finditer(sentence) if first is None or match.start() != first.start()]
    missing += [match.group() for match in names if match.group().lower() not in known]
    return tuple(dict.fromkeys(missing)), len(said) + len(names)
