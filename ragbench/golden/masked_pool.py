"""The sentences that can be masked, and which are masked so far."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ragbench.core.documents import Chunks, Corpus
from ragbench.core.fingerprint import fingerprint
from ragbench.core.goldens import Evidence, Span
from ragbench.core.seeds import generator
from ragbench.golden.drafts import Draft
from ragbench.golden.masked_sentences import Sentence, as_query, sentences_of, stands_alone
from ragbench.golden.overlap import ContentWords

WRITER = "masked-sentence"
"""The type of every query, and the writer where whole sentences are masked."""
CLAUSE_WRITER = "masked-clause"
"""The writer where clauses are masked instead of sentences."""
VERSION = 1
_ID_OF = {WRITER: "struck-sentence", CLAUSE_WRITER: "struck-clause"}
"""What the writers were called first. Ids of queries are made from it, so that they stay the same."""
LEAST_WORDS = 4
"""Distinct content words that a query, and what is left of its document, must have."""
MOST_MASKED = 1 / 3
"""Of the sentences of one document; one may always go if something is left."""


class Pick(NamedTuple):
    """What is masked.

    Attributes:
        row: the sentence.
        start, end: characters of its document, the sentence or a part of it.
    """

    row: int
    start: int
    end: int


@dataclass(eq=False)
class Pool:
    """Sentences of all documents; picks the one of least overlap of each."""

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
        """Nothing masked yet; the seed decides between sentences of equal overlap."""
        sentences = list(sentences_of(corpus))
        titles = [document.title for document in corpus]
        # Titles stay where they are, so they count as text of their documents that is never masked.
        # Words as written: chosen by stems, the sentences would be those that stemming finds least, and settings
        # without a stemmer would look too good (tau .73 against .85 on Cranfield).
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
        """The most queries any document can give."""
        return int(self.left.max(initial=0))

    def pick(self) -> dict[int, Pick]:
        """By document, the sentence not yet masked that shares least with what is left of it."""
        shares = self.words.rest_shares(self.group, self.present)
        rows = self.rows()
        rows = rows[np.lexsort((self.tiebreak[rows], shares[rows], self.group[rows]))]
        documents, first = np.unique(self.group[rows], return_index=True)
        return {
            document: Pick(row, self.sentences[row].start, self.sentences[row].end)
            for document, row in zip(documents.tolist(), rows[first].tolist(), strict=True)
        }

    def rows(self) -> npt.NDArray[np.intp]:
        """Sentences that may be masked now."""
        rows = np.flatnonzero(self.eligible & self.present & (self.left[self.group] > 0))
        # What must be left: words of other sentences; a title alone is no document to be found.
        counts = self.words.counts()
        sentences = self.present.copy()
        sentences[len(self.sentences) :] = False
        said = np.bincount(self.group, weights=counts * sentences)
        return rows[said[self.group[rows]] - counts[rows] >= LEAST_WORDS]

    def mask(self, picks: Sequence[Pick]) -> None:
        """Take sentences out of their documents."""
        rows = [pick.row for pick in picks]
        self.present[rows] = False
        np.subtract.at(self.left, self.group[rows], 1)

    def draft(self, pick: Pick, corpus: Corpus, provenance: Mapping[str, object]) -> Draft:
        """The query of what is masked."""
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
    """Ids of the chunks that hold each sentence whole."""
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
