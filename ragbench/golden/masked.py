"""Masked sentences: queries without a language model, by the inverse cloze task.

A sentence of a document becomes the query and is masked in the document; the
rest of the document is what a retriever must find. Of the sentences that stand
alone, the writer takes the one that shares the fewest content words with the
rest, because human queries share few words with what answers them, and a query
copied from its target makes every lexical retriever look perfect.

Reference: K. Lee, M.-W. Chang, K. Toutanova, "Latent Retrieval for Weakly
Supervised Open Domain Question Answering", ACL 2019, section 4: they train a
retriever on the inverse cloze task; here it evaluates retrievers.

Seed queries need no labels, and they can show that the users of a corpus do copy. A query's *lead* is the share of its
stems (weighted by rarity) in the best-matching document, minus the share in the second best. A query that repeats the
words of one document has a large lead. A query about a topic in its own words has a small one, although some document
always has half of its words by chance.
If the seeds lead by as much as copies would, the writer masks clauses instead. A clause is a run of words inside one
sentence. It is as long as a seed and overlaps with the rest of its document as much as the seeds do. Whole sentences
reach neither the overlap nor the length of such queries.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ragbench.core.context import generator
from ragbench.core.documents import Chunks, Corpus
from ragbench.core.errors import InputError, SettingError
from ragbench.golden.drafts import Draft
from ragbench.golden.masked_pool import CLAUSE_WRITER, VERSION, WRITER, Pick, Pool
from ragbench.golden.overlap import ContentWords

_TOKEN = re.compile(r"\b\w\w+\b")  # the default of `ContentWords.of`


class Windows(NamedTuple):
    """Runs of content words, as columns.

    Attributes:
        row: the sentence of each run.
        first, last: its first and last content word, rows of `Clauses.start`.
        overlap: the mean of two shares, of its words and of its stems, that other sentences of its document or the
            title have; words are weighted by rarity.
        stems: the second of the two shares.
    """

    row: npt.NDArray[np.int64]
    first: npt.NDArray[np.int64]
    last: npt.NDArray[np.int64]
    overlap: npt.NDArray[np.float64]
    stems: npt.NDArray[np.float64]


@dataclass(eq=False)
class Clauses:
    """The content words of all sentences in order, with their rarity.

    Attributes:
        pool: the sentences.
        stems: stems of every sentence and title, in the layout of ``pool.words``.
        rarity: (stems,) logarithm of the number of documents over the number of documents with the stem.
        start, end: (n,) offsets of each content word in its document.
        word, stem: (n,) rows of the word in the pairs of ``pool.words`` and ``stems``.
        bounds: (sentences + 1,) row of the first word of each sentence.
    """

    pool: Pool
    stems: ContentWords
    rarity: npt.NDArray[np.float64]
    start: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]
    word: npt.NDArray[np.int64]
    stem: npt.NDArray[np.int64]
    bounds: npt.NDArray[np.int64]

    @classmethod
    def of(cls, pool: Pool, language: str) -> "Clauses":
        """Find the content words of every sentence."""
        words = pool.words
        stems, stem_of = words.stemmed(language)
        id_of = {word: row for row, word in enumerate(words.vocabulary)}
        sentence, start, end, id_ = [], [], [], []
        for row, one in enumerate(pool.sentences):
            for match in _TOKEN.finditer(one.text):
                word = id_of.get(match.group().lower())
                if word is not None:
                    sentence.append(row)
                    start.append(one.start + match.start())
                    end.append(one.start + match.end())
                    id_.append(word)
        at, ids = np.array(sentence, dtype=np.int64), np.array(id_, dtype=np.int64)
        documents = int(pool.group.max(initial=-1)) + 1
        width = max(len(stems.vocabulary), 1)
        in_documents = np.unique(pool.group[stems.row] * width + stems.word) % width
        frequency = np.bincount(in_documents, minlength=len(stems.vocabulary))
        return cls(
            pool,
            stems,
            np.log(1 + documents / (1 + frequency)),
            np.array(start, dtype=np.int64),
            np.array(end, dtype=np.int64),
            _pair_rows(words, at, ids),
            _pair_rows(stems, at, stem_of[ids]),
            np.searchsorted(at, np.arange(len(pool.sentences) + 1)),
        )

    def windows(self, lengths: npt.NDArray[np.int64], documents: npt.NDArray[np.bool_] | None = None) -> Windows:
        """List every run of the given length in the sentences that may be masked now. A shorter sentence is one run.

        Args:
            lengths: (documents,) content words per run.
            documents: (documents,) the documents to look at; all by default.
        """
        rows = self.pool.rows()
        if documents is not None:
            rows = rows[documents[self.pool.group[rows]]]
        size = self.bounds[rows + 1] - self.bounds[rows]
        rows, size = rows[size > 0], size[size > 0]
        length = np.minimum(size, lengths[self.pool.group[rows]])
        runs = size - length + 1
        step = np.arange(runs.sum()) - np.repeat(np.cumsum(runs) - runs, runs)
        first = np.repeat(self.bounds[rows], runs) + step
        last = first + np.repeat(length, runs) - 1
        weight = self.rarity[self.stems.word[self.stem]]
        total = _run_sums(weight, first, last)
        by_word = _run_sums(weight * self._elsewhere(self.pool.words)[self.word], first, last) / total
        by_stem = _run_sums(weight * self._elsewhere(self.stems)[self.stem], first, last) / total
        return Windows(np.repeat(rows, runs), first, last, (by_word + by_stem) / 2, by_stem)

    def pool_row(self, word: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the sentence of each content word."""
        return self.pool.words.row[self.word[word]]

    def nearest(self, windows: Windows, overlap: float) -> npt.NDArray[np.intp]:
        """For each document in order, return the row of the run whose overlap is nearest to ``overlap``."""
        document = self.pool.group[windows.row]
        # Rounding keeps the order of a sum from deciding between runs.
        distance = np.round(np.abs(windows.overlap - overlap), 9)
        order = np.lexsort((windows.first, self.pool.tiebreak[windows.row], distance, document))
        _, first = np.unique(document[order], return_index=True)
        return order[first]

    def pick(self, windows: Windows, overlap: float) -> dict[int, Pick]:
        """Pick the clause to mask in each document."""
        picks = {}
        for at in self.nearest(windows, overlap).tolist():
            row, first, last = int(windows.row[at]), int(windows.first[at]), int(windows.last[at])
            sentence = self.pool.sentences[row]
            whole = last - first + 1 == self.bounds[row + 1] - self.bounds[row]
            span = (sentence.start, sentence.end) if whole else (int(self.start[first]), int(self.end[last]))
            picks[sentence.document] = Pick(row, *span)
        return picks

    def _elsewhere(self, words: ContentWords) -> npt.NDArray[np.bool_]:
        return words.elsewhere(self.pool.group, self.pool.present)


def _pair_rows(words: ContentWords, text: npt.NDArray[np.int64], word: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the row of each (text, word) pair among the sorted pairs."""
    width = max(len(words.vocabulary), 1)
    return np.searchsorted(words.row * width + words.word, text * width + word)


def _run_sums(
    values: npt.NDArray[np.float64], first: npt.NDArray[np.int64], last: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    sums = np.concatenate(([0.0], np.cumsum(values)))
    return sums[last + 1] - sums[first]


def lengths_of(seeds: Sequence[str], language: str) -> npt.NDArray[np.int64]:
    """(n,) Count the content words of each query; queries without any are skipped."""
    counts = ContentWords.of(seeds, language, stem=False).counts()
    return counts[counts > 0]


LEAST_SEEDS = 10
"""With fewer seeds, a mean says nothing."""
LEAST_LENGTH = 3
OVERLAPS = (0.7, 0.8)
"""Overlaps to try, in this order. Below the first, clauses rank settings worse than sentences do. Beyond the last, the
nearest clause is seldom near."""
SAMPLE = 400
"""How many documents have their clauses measured."""
CONFIDENCE = 1.645
"""Standard errors to subtract from the seeds' lead, for a one-sided 95% limit."""
CELLS = 20_000_000
"""Shares that are held in memory at a time."""


@dataclass(frozen=True)
class SeedShape:
    """Length and lead of the seed queries, measured on the corpus.

    Attributes:
        lengths: content words per seed, at least `LEAST_LENGTH`.
        lead, error: mean lead of the seeds and its standard error.
        leads: mean lead of clauses as long as the seeds, for each of `OVERLAPS`.
        overlap: the largest of `OVERLAPS` whose lead the seeds reach with confidence; None if they do not reach the
            first, so that there is no sign that they copy.
    """

    lengths: tuple[int, ...]
    lead: float
    error: float
    leads: tuple[float, ...]
    overlap: float | None


def shape_of(clauses: Clauses, seeds: Sequence[str], seed: int, language: str) -> SeedShape | None:
    """Measure the seeds. The result is None if fewer than `LEAST_SEEDS` have content words, or only one document can be
    asked about.

    Memory: `CELLS` shares of 8 bytes at a time.
    """
    lengths = np.maximum(lengths_of(seeds, language), LEAST_LENGTH)
    able = np.unique(clauses.pool.group[clauses.pool.rows()])
    if len(lengths) < LEAST_SEEDS or len(able) < 2:
        return None
    documents = _Documents.of(clauses)
    theirs = documents.leads_of_texts(seeds, clauses.stems.vocabulary, language)
    lead, error = float(theirs.mean()), float(theirs.std(ddof=1) / np.sqrt(len(theirs)))
    rng = generator(seed, "struck", "sample")
    drawn = np.zeros(documents.count, dtype=bool)
    drawn[rng.choice(able, size=min(SAMPLE, len(able)), replace=False)] = True
    windows = clauses.windows(rng.choice(lengths, size=documents.count), drawn)
    leads = tuple(
        float(documents.leads_of_clauses(clauses, windows.first[at], windows.last[at], windows.stems[at]).mean())
        for at in (clauses.nearest(windows, overlap) for overlap in OVERLAPS)
    )
    reached = [o for o, least in zip(OVERLAPS, leads, strict=True) if lead - CONFIDENCE * error > least]
    return SeedShape(tuple(sorted(lengths.tolist())), lead, error, leads, max(reached, default=None))


@dataclass(frozen=True, eq=False)
class _Documents:
    """The stems of each document, as a sparse matrix.

    Attributes:
        has: scipy sparse matrix (stems, documents) of ones.
        rarity: (stems,) weight of each.
        count: number of documents.
    """

    has: Any
    rarity: npt.NDArray[np.float64]
    count: int

    @classmethod
    def of(cls, clauses: Clauses) -> "_Documents":
        import scipy.sparse

        stems, group = clauses.stems, clauses.pool.group
        width, count = len(stems.vocabulary), int(group.max()) + 1
        pairs = np.unique(stems.word * count + group[stems.row])
        shape = (width, count)
        has = scipy.sparse.csr_array((np.ones(len(pairs)), (pairs // count, pairs % count)), shape=shape)
        return cls(has, clauses.rarity, count)

    def leads_of_texts(
        self, texts: Sequence[str], vocabulary: tuple[str, ...], language: str
    ) -> npt.NDArray[np.float64]:
        """(n,) Measure the leads of texts; texts without content words are skipped."""
        words = ContentWords.of(texts, language)
        id_of = {stem: row for row, stem in enumerate(vocabulary)}
        ids = np.array([id_of.get(stem, -1) for stem in words.vocabulary], dtype=np.int64)[words.word]
        # A word that no document has gets the highest rarity.
        weight = np.where(ids >= 0, self.rarity[ids], np.log(1 + self.count))
        total = np.bincount(words.row, weights=weight, minlength=words.texts).astype(np.float64)
        known = ids >= 0
        asked = self._asked(words.row[known], ids[known], words.texts)
        return self._leads(asked, total)[total > 0]

    def leads_of_clauses(
        self,
        clauses: Clauses,
        first: npt.NDArray[np.int64],
        last: npt.NDArray[np.int64],
        share: npt.NDArray[np.float64],
    ) -> npt.NDArray[np.float64]:
        """(n,) Measure the leads of clauses. Each is masked in its own document, which then has the given share of its
        stems.
        """
        stem = clauses.stems.word[clauses.stem]
        size = last - first + 1
        row = np.repeat(np.arange(len(first)), size)
        at = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size) + np.repeat(first, size)
        pairs = np.unique(row * len(self.rarity) + stem[at])
        row, id_ = pairs // len(self.rarity), pairs % len(self.rarity)
        total = np.bincount(row, weights=self.rarity[id_], minlength=len(first)).astype(np.float64)
        own = clauses.pool.group[clauses.pool_row(first)]
        return self._leads(self._asked(row, id_, len(first)), total, own, share)

    def _asked(self, row: npt.NDArray[np.int64], stem: npt.NDArray[np.int64], count: int) -> Any:
        import scipy.sparse

        return scipy.sparse.csr_array((self.rarity[stem], (row, stem)), shape=(count, len(self.rarity)))

    def _leads(
        self,
        asked: Any,
        total: npt.NDArray[np.float64],
        own: npt.NDArray[np.int64] | None = None,
        share: npt.NDArray[np.float64] | None = None,
    ) -> npt.NDArray[np.float64]:
        leads = np.zeros(len(total))
        block = max(1, CELLS // self.count)
        for low in range(0, len(total), block):
            rows = slice(low, min(low + block, len(total)))
            shares = (asked[rows] @ self.has).toarray() / np.where(total[rows] > 0, total[rows], 1.0)[:, None]
            if own is not None and share is not None:
                shares[np.arange(len(shares)), own[rows]] = share[rows]
            best = np.partition(shares, -2, axis=1)[:, -2:]
            leads[rows] = best[:, 1] - best[:, 0]
        return leads


WITHOUT_SEEDS = (
    "without ten or more queries of your users as seeds, each query is the sentence that shares the fewest words with "
    "the rest of its document: where users repeat the words of documents, lexical retrievers look worse than they are"
)
"""The warning that goes with a set made without seeds."""


def write(
    corpus: Corpus,
    chunks: Chunks,
    *,
    count: int | None = None,
    per_document: int | None = None,
    seed: int = 0,
    language: str = "english",
    like: Sequence[str] = (),
) -> list[Draft]:
    """Write queries for a corpus, ordered by document.

    Each query masks only its own sentence. The choice of sentences assumes that all of them are masked together, as
    `ragbench.golden.masked_corpus` does.

    Args:
        corpus: the documents.
        chunks: the chunks to ask about; sentences outside them are not used.
        count: how many queries. Documents are drawn at random, each once before any is drawn again.
        per_document: the most queries per document. The default is 1 without ``count``, else as many as needed.
        seed: seed for drawing documents and for choosing between sentences of equal overlap.
        language: Snowball language of the stemmer and the stop words.
        like: thirty or more queries of real users, without labels. If they copy the words of the documents, clauses of
            their length and overlap are masked. Otherwise, or with fewer than ten, they change nothing.

    Returns:
        Drafts with their masked span and the whole document as evidence. ``provenance`` has the document's id
        (``"source"``), the ``"writer"`` and, for a clause, the wanted ``"overlap"``. There are fewer than ``count``
        drafts if the corpus has too few sentences that qualify.

    Raises:
        SettingError: ``count`` or ``per_document`` is below 1.
        InputError: no sentence of the corpus qualifies.
    """
    for name, value in (("count", count), ("per_document", per_document)):
        if value is not None and value < 1:
            raise SettingError(f"{name} is {value}; it must be at least 1")
    if count is None and per_document is None:
        per_document = 1
    pool = Pool.of(corpus, chunks, seed, language)
    clauses = Clauses.of(pool, language) if like else None
    shape = shape_of(clauses, like, seed, language) if clauses else None
    lengths = generator(seed, "struck", "lengths")
    provenance: dict[str, object] = {"writer": WRITER, "version": VERSION, "seed": seed}
    if shape is not None and shape.overlap is not None:
        provenance = {**provenance, "writer": CLAUSE_WRITER, "overlap": shape.overlap}
    taken: list[Pick] = []
    order = generator(seed, "struck", "documents").permutation(len(corpus))
    for _ in range(per_document if per_document is not None else pool.most):
        if clauses is not None and shape is not None and shape.overlap is not None:
            drawn = lengths.choice(shape.lengths, size=len(corpus))
            picks = clauses.pick(clauses.windows(drawn), shape.overlap)
        else:
            picks = pool.pick()
        chosen = [picks[document] for document in order.tolist() if document in picks]
        chosen = chosen if count is None else chosen[: count - len(taken)]
        pool.mask(chosen)
        taken += chosen
        if not chosen or len(taken) == count:
            break
    if not taken:
        raise InputError(
            "no sentence of the corpus can be masked: none stands alone in a document that says more than it. "
            "Are the documents prose, and longer than one sentence?"
        )
    return [pool.draft(pick, corpus, provenance) for pick in sorted(taken)]
