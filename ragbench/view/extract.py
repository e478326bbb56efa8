"""Which words of a source the question has too, and the sentences that have most of them."""

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ragbench.core.answers import Source
from ragbench.corpus.boundaries import sentence_spans

_WORD = re.compile(r"\w+")
_ASKING = """
about am any can could did do does from had has have how i me more most my our should than them these those was we
were what when where which who whom whose why would you your
"""
SENTENCES = 3
LONGEST = 600
"""Characters of one sentence of an extract."""
Mark = tuple[int, int]


class Sentence(NamedTuple):
    """A sentence of an extract: the number of its source, from 1, and its text."""

    source: int
    text: str


class Words:
    """The content words of a question, by their stems as the retriever ``bm25`` makes them."""

    def __init__(self, question: str) -> None:
        import Stemmer
        from bm25s.stopwords import STOPWORDS_EN

        self._stem: Callable[[str], str] = Stemmer.Stemmer("english").stemWord
        empty = {*STOPWORDS_EN, *_ASKING.split()}
        self.stems = {self._stem(word) for word in map(str.lower, _WORD.findall(question)) if word not in empty}

    def marks(self, text: str) -> list[Mark]:
        """First and last character of each word that the question has too."""
        return [found.span() for found in _WORD.finditer(text) if self._stem(found.group().lower()) in self.stems]

    def shared(self, text: str) -> frozenset[str]:
        """The stems that a text shares with the question."""
        return frozenset(stem for word in _WORD.findall(text) if (stem := self._stem(word.lower())) in self.stems)


def extract(words: Words, sources: Sequence[Source]) -> list[Sentence]:
    """The sentences that share most words with the question, the rarer where as many; in the order of the sources.

    No model is behind this: it shows where to read, and is no answer.
    """
    every: dict[str, tuple[int, frozenset[str]]] = {}
    for number, source in enumerate(sources, 1):
        for start, end in sentence_spans(source.text):
            text = source.text[start:end]
            every.setdefault(text, (number, words.shared(text)))
    in_sentences = Counter(stem for _, shared in every.values() for stem in shared)

    def weight(text: str) -> float:
        return sum(math.log(1 + len(every) / in_sentences[stem]) for stem in every[text][1])

    sharing = [text for text in every if every[text][1]]
    best = sorted(sharing, key=lambda text: (-len(every[text][1]), -weight(text), every[text][0], text))
    chosen = sorted(best[:SENTENCES], key=lambda text: every[text][0])
    return [Sentence(every[text][0], text[:LONGEST]) for text in chosen]
