"""Masked queries: queries without a language model, by the inverse cloze task.

A sentence or a clause of a document becomes the query and is masked in the document; the rest of the document is what a
retriever must find. The writer asks in several wordings (`ragbench.golden.wordings`), from the sentence that repeats
least of its document to clauses that the document repeats. Each wording has masks of its own: a mask of one wording
leaves the documents of the others as they are.

Reference: K. Lee, M.-W. Chang, K. Toutanova, "Latent Retrieval for Weakly Supervised Open Domain Question Answering",
ACL 2019, section 4: they train a retriever on the inverse cloze task; here it evaluates retrievers.

Seed queries need no labels. Their mean lead (`ragbench.golden.lead`) and their length shift the shares of the wordings
to those whose queries are like them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ragbench.core.context import generator
from ragbench.core.documents import Chunks, Corpus
from ragbench.core.errors import InputError, SettingError
from ragbench.core.fingerprint import fingerprint
from ragbench.core.goldens import Evidence, Span
from ragbench.golden.corpus_words import CorpusWords, Rows
from ragbench.golden.drafts import Draft
from ragbench.golden.lead import Leads, SeedLead, log_lengths
from ragbench.golden.masked_pool import LEAST_WORDS, Pieces, as_query
from ragbench.golden.wordings import (
    CLAUSE_WRITER,
    FEWEST,
    MOST,
    TOLERANCE,
    WORDINGS,
    WRITER,
    Style,
    Wording,
    WordingReport,
    counts_of,
    queries_for,
    shares_of,
    shifted,
)

VERSION = 2
FEWEST_CONTENT = 3
"""Content words of a clause."""
PER_WORD = 0.01
"""A clause that is a word longer or shorter than the drawn length counts as this much farther from its target."""
SAMPLE = 300
"""How many queries of a wording have their leads measured."""
DOCUMENTS_AT_A_TIME = 200


class Pick(NamedTuple):
    """What is masked in a document.

    Attributes:
        piece: the sentence or window it is in.
        first, last: its first and last word (`CorpusWords`).
        start, end: character offsets in its document.
        overlap: share of it that the rest of the document repeats.
    """

    piece: int
    first: int
    last: int
    start: int
    end: int
    overlap: float


@dataclass(frozen=True)
class Masked:
    """Masked queries, and what was measured of them.

    Attributes:
        drafts: the queries, by document and wording.
        wordings: report by wording.
        seeds: lead of the seed queries; None where there are too few.
        documents: documents that were asked about.
        in_windows: those without sentences, which were cut into windows of words.
        without: those with nothing to mask.
    """

    drafts: tuple[Draft, ...]
    wordings: Mapping[str, WordingReport] = field(default_factory=dict)
    seeds: SeedLead | None = None
    documents: int = 0
    in_windows: int = 0
    without: int = 0


def write(
    corpus: Corpus,
    chunks: Chunks,
    *,
    wordings: Mapping[str, float] | None = None,
    count: int | None = None,
    per_document: int | None = None,
    seed: int = 0,
    language: str = "english",
    seeds: Sequence[str] = (),
) -> Masked:
    """Write queries for a corpus, ordered by document.

    Each query masks only its own words. The choice assumes that all queries of one wording are masked together, as
    `ragbench.golden.masked_corpus` does.

    Args:
        corpus: the documents.
        chunks: the chunks to ask about; text outside them is not used.
        wordings: share by wording (`ragbench.golden.wordings.WORDINGS`); equal shares of all by default.
        count: how many queries; the default depends on the number of documents
            (`ragbench.golden.wordings.queries_for`). Documents are drawn at random, each once before any is drawn
            again.
        per_document: queries per document, instead of ``count``.
        seed: seed of all draws.
        language: Snowball language of the stemmer and the stop words.
        seeds: queries of real users, without labels, which shift the shares. Fewer than ten change nothing.

    Returns:
        Drafts with their masked span and the whole document as evidence, and what was measured. ``provenance`` has the
        document's id (``"source"``), the ``"writer"``, the ``"wording"`` and the ``"overlap"``. There are fewer drafts
        than wanted if the documents cannot give more.

    Raises:
        SettingError: ``count`` or ``per_document`` is below 1, or a wording is wrong.
        InputError: nothing in the corpus qualifies.
    """
    for name, value in (("count", count), ("per_document", per_document)):
        if value is not None and value < 1:
            raise SettingError(f"{name} is {value}; it must be at least 1")
    shares = shares_of(wordings if wordings is not None else dict.fromkeys(WORDINGS, 1.0))
    words = CorpusWords.of(corpus, language)
    pieces = Pieces.of(corpus, chunks, words)
    asked = len(chunks.document_ids)
    by_wording = {name: _Masks(WORDINGS[name], pieces, words, corpus, seed) for name in shares}
    able = {name: masks.pick() for name, masks in by_wording.items()}
    if not any(able.values()):
        raise InputError(
            f"nothing can be masked in {asked} documents: each needs {LEAST_WORDS} content words in a sentence or "
            "window of words, and as many in the rest of the document. Are the documents longer than a title?"
        )
    leads = Leads.of(words)
    styles = _styles(leads, able, seed)
    lead = leads.of_seeds(seeds, language) if seeds else None
    if lead is not None:
        shares = shifted(shares, styles, lead.style, lead.errors)
    total = count or (per_document * asked if per_document else queries_for(asked, len(shares)))
    wanted = counts_of(shares, total)
    taken = _deal(by_wording, able, wanted, seed)
    order = list(WORDINGS)
    rows = sorted((pieces.sentences[pick.piece].document, order.index(name), pick)
                  for name, picks in taken.items() for pick in picks)  # fmt: skip
    return Masked(
        tuple(_draft(corpus, pieces, order[at], pick, seed) for _, at, pick in rows),
        {
            name: WordingReport(
                wanted[name], len(picks), shares[name],
                float(np.mean([pick.last - pick.first + 1 for pick in picks])) if picks else float("nan"),
                float(np.mean([pick.overlap for pick in picks])) if picks else float("nan"),
                styles[name].lead if name in styles else float("nan"),
            )
            for name, picks in taken.items()
        },
        lead, asked, pieces.in_windows, pieces.without,
    )  # fmt: skip


def _deal(
    by_wording: Mapping[str, "_Masks"],
    able: Mapping[str, Mapping[int, Pick]],
    wanted: Mapping[str, int],
    seed: int,
) -> dict[str, list[Pick]]:
    """Deal documents to wordings. A document is asked about in a second wording when all have been asked about in one.

    A document goes to the wording that lacks the largest part of its queries.
    """
    taken: dict[str, list[Pick]] = {name: [] for name in wanted}
    now = dict(able)
    while any(now.values()):
        documents = sorted(set().union(*now.values()))
        order = [documents[at] for at in generator(seed, "masked", "documents").permutation(len(documents)).tolist()]
        used: dict[int, set[str]] = {}
        dealt = {name: list[Pick]() for name in wanted}
        for _ in wanted:
            for document in order:
                open_ = [
                    name for name in wanted
                    if document in now[name] and name not in used.get(document, ()) and len(taken[name]) < wanted[name]
                ]  # fmt: skip
                if open_:
                    name = min(open_, key=lambda one: len(taken[one]) / wanted[one])
                    used.setdefault(document, set()).add(name)
                    taken[name].append(now[name][document])
                    dealt[name].append(now[name][document])
        # Only a wording that still lacks queries asks about its documents again.
        now = {
            name: by_wording[name].pick(dealt[name]) if dealt[name] and len(taken[name]) < wanted[name] else {}
            for name in wanted
        }
    return taken


def styles_of_wordings(
    corpus: Corpus, chunks: Chunks, words: CorpusWords, wordings: Sequence[str], *, seed: int = 0
) -> dict[str, Style]:
    """Style of masked text in each wording, which shows what to expect of queries in this wording.

    Args:
        corpus: the documents.
        chunks: the chunks to ask about; `SAMPLE` documents are drawn from them.
        words: the words of the corpus.
        wordings: names of wordings.
        seed: seed of all draws.

    Returns:
        Style by wording, without wordings that the documents cannot give.
    """
    documents = list(chunks.document_ids)
    if len(documents) > SAMPLE:
        drawn = generator(seed, "masked", "leads").choice(len(documents), size=SAMPLE, replace=False)
        kept = {documents[at] for at in drawn.tolist()}
        chunks = Chunks.of(chunk for chunk in chunks if chunk.document_id in kept)
    pieces = Pieces.of(corpus, chunks, words)
    able = {name: _Masks(WORDINGS[name], pieces, words, corpus, seed).pick() for name in wordings}
    return _styles(Leads.of(words), able, seed)


def _styles(leads: Leads, able: Mapping[str, Mapping[int, Pick]], seed: int) -> dict[str, Style]:
    """Style by wording; none for a single document, because a lead is over a second one."""
    found = {}
    for name, picks in able.items():
        chosen = list(picks.values())
        if len(chosen) > SAMPLE:
            drawn = generator(seed, "masked", "sample", name).choice(len(chosen), size=SAMPLE, replace=False)
            chosen = [chosen[at] for at in sorted(drawn.tolist())]
        if chosen and len(leads.words.titles) > 1:
            first = np.array([pick.first for pick in chosen], dtype=np.int64)
            last = np.array([pick.last for pick in chosen], dtype=np.int64)
            lengths = log_lengths(last - first + 1)
            found[name] = Style(float(leads.of_masked(first, last).mean()), float(lengths.mean()))
    return found


class _Masks:
    """What one wording masks."""

    def __init__(self, wording: Wording, pieces: Pieces, words: CorpusWords, corpus: Corpus, seed: int) -> None:
        self.wording, self.pieces, self.corpus, self.seed = wording, pieces, corpus, seed
        self.words = words.unmasked()
        self.left = pieces.most.copy()
        self.open = np.ones(len(pieces.first), dtype=bool)
        rng = generator(seed, "masked", wording.name)
        self.ties = rng.random(len(pieces.first))
        self.lengths = rng.integers(FEWEST, MOST + 1, size=len(corpus))

    def pick(self, dealt: Sequence[Pick] = ()) -> dict[int, Pick]:
        """Mask what was dealt to the wording, and pick what each document can give it next."""
        for pick in dealt:
            self.words.mask(pick.first, pick.last)
            self.open[pick.piece] = False
            self.left[self.pieces.document[pick.piece]] -= 1
        rows = np.flatnonzero(self.open & (self.left[self.pieces.document] > 0))
        if self.wording.target is None:
            return self._whole(rows)
        found: dict[int, Pick] = {}
        documents = np.unique(self.pieces.document[rows])
        for low in range(0, len(documents), DOCUMENTS_AT_A_TIME):
            block = documents[low : low + DOCUMENTS_AT_A_TIME]
            inside = (self.pieces.document[rows] >= block[0]) & (self.pieces.document[rows] <= block[-1])
            found |= self._clauses(rows[inside], self.wording.target)
        return found

    def _whole(self, rows: Rows) -> dict[int, Pick]:
        first, last = self.pieces.first[rows], self.pieces.last[rows]
        measured = self.words.overlaps(first, last)
        usable = (measured.content >= LEAST_WORDS) & (measured.left >= LEAST_WORDS)
        documents = self.pieces.document[rows]
        if self.wording.most:
            # The sentence of most overlap of a document with one sentence is the one of least overlap.
            usable &= (np.bincount(documents, weights=usable)[documents] if len(documents) else usable) > 1
        cost = np.round(-measured.overlap if self.wording.most else measured.overlap, 9) + 1e-9 * self.ties[rows]
        spans = [(self.pieces.sentences[row].start, self.pieces.sentences[row].end) for row in rows.tolist()]
        return self._best(rows, first, last, np.where(usable, cost, np.inf), measured.overlap, spans)

    def _clauses(self, rows: Rows, target: float) -> dict[int, Pick]:
        piece, first, last = _runs(self.pieces.first[rows], self.pieces.last[rows], self.words)
        measured = self.words.overlaps(first, last)
        gap = np.abs(measured.overlap - target)
        usable = (measured.content >= FEWEST_CONTENT) & (measured.left >= LEAST_WORDS) & (gap <= TOLERANCE)
        drawn = self.lengths[self.pieces.document[rows]][piece]
        cost = np.round(gap + PER_WORD * np.abs(last - first + 1 - drawn), 9) + 1e-9 * self.ties[rows][piece]
        return self._best(rows[piece], first, last, np.where(usable, cost, np.inf), measured.overlap, None)

    def _best(
        self,
        rows: Rows,
        first: Rows,
        last: Rows,
        cost: npt.NDArray[np.float64],
        overlap: npt.NDArray[np.float64],
        spans: Sequence[tuple[int, int]] | None,
    ) -> dict[int, Pick]:
        """The cheapest candidate of each document that stands in it only once. Candidates are in order of document."""
        found: dict[int, Pick] = {}
        documents = self.pieces.document[rows]
        edges = np.append(np.flatnonzero(np.diff(documents, prepend=-1)), len(documents)).tolist()
        for low, high in pairwise(edges):
            own = cost[low:high]
            while np.isfinite(own).any():
                at = low + int(own.argmin())
                document = int(documents[at])
                span = spans[at] if spans else self._trimmed(document, int(first[at]), int(last[at]))
                if self._once(document, *span):
                    found[document] = Pick(
                        int(rows[at]), int(first[at]), int(last[at]), span[0], span[1], float(overlap[at])
                    )
                    break
                own[at - low] = np.inf
        return found

    def _trimmed(self, document: int, first: int, last: int) -> tuple[int, int]:
        """The span of a clause, without punctuation at its ends."""
        text = self.corpus.documents[document].text
        start, end = int(self.words.start[first]), int(self.words.end[last])
        while not text[start].isalnum():
            start += 1
        while not text[end - 1].isalnum():
            end -= 1
        return start, end

    def _once(self, document: int, start: int, end: int) -> bool:
        """Whether neither the title nor the text without the span has the query."""
        one = self.corpus.documents[document]
        query = as_query(one.text[start:end]).lower()
        rest = f"{one.title}\n{one.text[:start]} {one.text[end:]}".lower()
        return bool(query) and query not in " ".join(rest.split())


def _runs(first: Rows, last: Rows, words: CorpusWords) -> tuple[Rows, Rows, Rows]:
    """Every run of `FEWEST` to `MOST` words in pieces that begins and ends with a content word: piece, first, last."""
    size = last - first + 1
    piece = np.repeat(np.arange(len(first)), size)
    begin = np.arange(len(piece)) - np.repeat(np.cumsum(size) - size, size) + np.repeat(first, size)
    says = words.content[begin + 1] > words.content[begin]
    piece, begin = piece[says], begin[says]
    lengths = np.arange(FEWEST, MOST + 1)
    end = (begin[:, None] + lengths - 1).ravel()
    piece, begin = np.repeat(piece, len(lengths)), np.repeat(begin, len(lengths))
    inside = end <= last[piece]
    piece, begin, end = piece[inside], begin[inside], end[inside]
    says = words.content[end + 1] > words.content[end]
    return piece[says], begin[says], end[says]


def _draft(corpus: Corpus, pieces: Pieces, wording: str, pick: Pick, seed: int) -> Draft:
    """Make the query of a masked span."""
    sentence = pieces.sentences[pick.piece]
    document = corpus.documents[sentence.document]
    text = document.text[pick.start : pick.end]
    writer = WRITER if WORDINGS[wording].target is None else CLAUSE_WRITER
    return Draft(
        id=fingerprint([wording, VERSION, document.id, pick.start, pick.end, text])[:16],
        text=as_query(text),
        type=writer,
        answer=None,
        quotes=(),
        chunk_ids=pieces.chunk_ids[pick.piece],
        evidence=(Evidence(document.id),),
        masked=(Span(document.id, pick.start, pick.end),),
        provenance={
            "writer": writer, "version": VERSION, "seed": seed, "wording": wording,
            "overlap": round(pick.overlap, 3), "source": document.id,
        },
    )  # fmt: skip


WITHOUT_SEEDS = (
    "without ten or more queries of your users as seeds, all wordings have the same share: nothing shows which of "
    "them your users' queries resemble"
)
"""The note that goes with a set made without seeds."""
