"""The writer that needs no language model: struck sentences.

A sentence of a document is the query, and is struck from what must be found:
the rest of its document is the answer. Of the sentences that stand alone, the
one that shares the fewest content words with the rest is taken, because
people's queries share few words with what answers them; a query copied from
its target makes every lexical retriever look perfect.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ragbench.core.documents import Chunks, Corpus
from ragbench.core.errors import InputError, SettingError
from ragbench.core.fingerprint import fingerprint
from ragbench.core.goldens import Evidence, Span
from ragbench.core.seeds import generator
from ragbench.golden.drafts import Draft
from ragbench.golden.overlap import ContentWords
from ragbench.golden.struck_sentences import Sentence, as_query, sentences_of, stands_alone

WRITER = "struck-sentence"
VERSION = 1
LEAST_WORDS = 4
"""Distinct content words that a query, and what is left of its document, must have."""
MOST_STRUCK = 1 / 3
"""Of the sentences of one document; one may always go if something is left."""


def write(
    corpus: Corpus,
    chunks: Chunks,
    *,
    count: int | None = None,
    per_document: int | None = None,
    seed: int = 0,
    language: str = "english",
) -> list[Draft]:
    """Queries for a corpus, ordered by document.

    Each query strikes its own sentence only; sentences are chosen as if all of
    them were struck together, as `ragbench.golden.corpus_without` does.

    Args:
        corpus: the documents.
        chunks: the pieces to ask about; sentences outside them are not taken.
        count: how many queries; documents are drawn with the seed, each once
            before any is asked about again.
        per_document: at most so many queries a document (default 1 without
            ``count``, else as many as it takes).
        seed: draws documents and decides between sentences of equal overlap.
        language: Snowball language of stemmer and stop words.

    Returns:
        Drafts with their struck span, the whole document as evidence and
        ``provenance["source"]``, its id; fewer than ``count`` where the corpus
        has no more sentences that qualify.

    Raises:
        SettingError: ``count`` or ``per_document`` below 1.
        InputError: no sentence of the corpus qualifies.
    """
    for name, value in (("count", count), ("per_document", per_document)):
        if value is not None and value < 1:
            raise SettingError(f"{name} is {value}; it must be at least 1")
    if count is None and per_document is None:
        per_document = 1
    pool = _Pool.of(corpus, chunks, seed, language)
    taken: list[int] = []
    order = generator(seed, "struck", "documents").permutation(len(corpus))
    for _ in range(per_document if per_document is not None else pool.most):
        picks = pool.pick()
        chosen = [picks[document] for document in order.tolist() if document in picks]
        chosen = chosen if count is None else chosen[: count - len(taken)]
        pool.strike(chosen)
        taken += chosen
        if not chosen or len(taken) == count:
            break
    if not taken:
        raise InputError(
            "no sentence of the corpus can be struck: none stands alone in a document that says more than it. "
            "Are the documents prose, and longer than one sentence?"
        )
    return [pool.draft(row, corpus, seed, language) for row in sorted(taken)]


@dataclass(eq=False)
class _Pool:
    """Sentences of all documents, and which are struck so far."""

    sentences: Sequence[Sentence]
    words: ContentWords
    group: npt.NDArray[np.int64]
    chunk_ids: Sequence[tuple[str, ...]]
    eligible: npt.NDArray[np.bool_]
    tiebreak: npt.NDArray[np.float64]
    present: npt.NDArray[np.bool_]
    left: npt.NDArray[np.int64]

    @classmethod
    def of(cls, corpus: Corpus, chunks: Chunks, seed: int, language: str) -> "_Pool":
        sentences = list(sentences_of(corpus))
        titles = [document.title for document in corpus]
        # Titles stay where they are, so they count as text of their documents that is never struck.
        # Words as written: chosen by stems, the sentences would be those that stemming finds least, and settings
        # without a stemmer would look too good (tau .73 against .85 on Cranfield).
        texts = [*(sentence.text for sentence in sentences), *titles]
        words = ContentWords.of(texts, language, stem=False)
        group = np.array([*(s.document for s in sentences), *range(len(corpus))], dtype=np.int64)
        chunk_ids = _chunks_of(sentences, corpus, chunks)
        enough = words.counts() >= LEAST_WORDS
        eligible = np.zeros(len(group), dtype=bool)
        for row, sentence in enumerate(sentences):
            eligible[row] = enough[row] and chunk_ids[row] and stands_alone(sentence.text)
        per_document = np.bincount(group[: len(sentences)], minlength=len(corpus))
        left = np.maximum((per_document * MOST_STRUCK).astype(np.int64), (per_document > 1).astype(np.int64))
        tiebreak = generator(seed, "struck", "ties").random(len(group))
        return cls(sentences, words, group, chunk_ids, eligible, tiebreak, np.ones(len(group), dtype=bool), left)

    @property
    def most(self) -> int:
        """The most queries any document can give."""
        return int(self.left.max(initial=0))

    def pick(self) -> dict[int, int]:
        """By document, the sentence not yet struck that shares least with what is left of it."""
        shares = self.words.rest_shares(self.group, self.present)
        rows = np.flatnonzero(self.eligible & self.present & (self.left[self.group] > 0))
        rows = rows[np.lexsort((self.tiebreak[rows], shares[rows], self.group[rows]))]
        # What must be left: words of other sentences; a title alone is no document to be found.
        counts = self.words.counts()
        sentences = self.present.copy()
        sentences[len(self.sentences) :] = False
        said = np.bincount(self.group, weights=counts * sentences)
        rows = rows[said[self.group[rows]] - counts[rows] >= LEAST_WORDS]
        documents, first = np.unique(self.group[rows], return_index=True)
        return dict(zip(documents.tolist(), rows[first].tolist(), strict=True))

    def strike(self, rows: Sequence[int]) -> None:
        """Take sentences out of their documents."""
        self.present[list(rows)] = False
        np.subtract.at(self.left, self.group[list(rows)], 1)

    def draft(self, row: int, corpus: Corpus, seed: int, language: str) -> Draft:
        """The query of one struck sentence."""
        sentence = self.sentences[row]
        document = corpus.documents[sentence.document].id
        return Draft(
            id=fingerprint([WRITER, VERSION, document, sentence.start, sentence.end, sentence.text])[:16],
            text=as_query(sentence.text),
            type=WRITER,
            answer=None,
            quotes=(),
            chunk_ids=self.chunk_ids[row],
            evidence=(Evidence(document),),
            struck=(Span(document, sentence.start, sentence.end),),
            provenance={"writer": WRITER, "version": VERSION, "seed": seed, "source": document},
        )


def _chunks_of(sentences: Sequence[Sentence], corpus: Corpus, chunks: Chunks) -> list[tuple[str, ...]]:
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
