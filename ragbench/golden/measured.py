"""Measure the wordings of queries that a language model wrote.

A model is asked for a wording and may write another, for example copy terms that it should avoid. Verdicts over
wordings need the wordings that the queries have. So each query gets the one that is measured, by its length and its
overlap with its document, and keeps the one that was asked for as ``wording_asked``. Rejecting such queries instead
would waste paid ones, and the others would have the same wordings.
"""

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from ragbench.core.context import generator
from ragbench.core.documents import Chunks, Corpus
from ragbench.golden.corpus_words import CorpusWords
from ragbench.golden.drafting import ASKED
from ragbench.golden.drafts import Draft
from ragbench.golden.lead import LEAST_SEEDS, Leads, SeedLead
from ragbench.golden.masked import SAMPLE, styles_of_wordings
from ragbench.golden.masked_pool import SNOWBALL
from ragbench.golden.spool import kept_like
from ragbench.golden.stages.base import count_words
from ragbench.golden.wordings import WORDINGS, WordingReport, measured_wording, shifted

BLOCK = 8192
"""Queries that are measured together."""


@dataclass(frozen=True)
class Worded:
    """What was measured of the wordings of a set.

    Attributes:
        wordings: report by wording.
        seeds: lead of the seed queries; None where there are too few.
        relabelled: queries of a model by the wording that was asked for and the one that was measured, where the two
            differ.
    """

    wordings: Mapping[str, WordingReport]
    seeds: SeedLead | None = None
    relabelled: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Counted:
    """The queries of a wording: their numbers, words and overlaps."""

    rows: "array[int]" = field(default_factory=lambda: array("Q"))
    lengths: "array[int]" = field(default_factory=lambda: array("Q"))
    overlaps: "array[float]" = field(default_factory=lambda: array("d"))

    def add(self, row: int, length: int, overlap: float) -> None:
        self.rows.append(row)
        self.lengths.append(length)
        self.overlaps.append(overlap)


@dataclass(frozen=True, eq=False)
class Meter:
    """Measures queries about a corpus.

    Attributes:
        corpus: the documents.
        chunks: their chunks.
        language: Snowball language of the stemmer and the stop words.
    """

    corpus: Corpus
    chunks: Chunks
    language: str

    @classmethod
    def of(cls, corpus: Corpus, chunks: Chunks, languages: Sequence[str]) -> "Meter":
        """Make a meter for the first of several languages, by ISO 639-1 code."""
        return cls(corpus, chunks, SNOWBALL.get(languages[0], languages[0]))

    @cached_property
    def words(self) -> CorpusWords:
        """The words of the corpus, counted when they are first needed."""
        return CorpusWords.of(self.corpus, self.language)

    def shares(self, wordings: Mapping[str, float], asked: Chunks, seeds: Sequence[str], seed: int) -> dict[str, float]:
        """Shift shares to the wordings that the seed queries resemble (`ragbench.golden.wordings.shifted`).

        Nothing is written yet, so the styles to expect are those of masked text in each wording.

        Args:
            wordings: share by wording, summing to 1.
            asked: the chunks to ask about.
            seeds: queries of real users, without labels; fewer than ten change nothing.
            seed: seed of all draws.
        """
        lead = self._lead(seeds)
        if lead is None or len(wordings) < 2:
            return dict(wordings)
        styles = styles_of_wordings(self.corpus, asked, self.words, list(wordings), seed=seed)
        return shifted(wordings, styles, lead.style, lead.errors)

    def measure(
        self, drafts: Sequence[Draft], shares: Mapping[str, float], seeds: Sequence[str], seed: int
    ) -> tuple[Sequence[Draft], Worded]:
        """Give each draft the wording that is measured, and report on all of them.

        Args:
            drafts: drafts of a model, with the wording that was asked for in their provenance.
            shares: share by wording that was asked for.
            seeds: queries of real users.
            seed: seed of the sample whose leads are measured.

        Returns:
            The drafts with ``wording``, ``wording_asked`` and ``overlap`` in their provenance, and the report. Rejected
            drafts do not count in it.
        """
        place = {document.id: row for row, document in enumerate(self.corpus)}
        pairs = Counter[tuple[str, str]]()
        counted: dict[str, _Counted] = {}

        def measured() -> Iterator[Draft]:
            for start in range(0, len(drafts), BLOCK):
                block = list(drafts[start : start + BLOCK])
                for row, (draft, length, overlap) in enumerate(self._measured(block, place), start):
                    yield draft
                    if draft.rejected_by is None:
                        wording = str(draft.provenance["wording"])
                        pairs[str(draft.provenance.get(ASKED, "")), wording] += 1
                        counted.setdefault(wording, _Counted()).add(row, length, overlap)

        found = kept_like(drafts, measured())
        reports = {}
        for name in WORDINGS:
            own = counted.get(name, _Counted())
            if own.rows or name in shares:
                reports[name] = WordingReport(
                    sum(count for (asked, _), count in pairs.items() if asked == name), len(own.rows),
                    shares.get(name, 0.0), _mean(own.lengths), _mean(own.overlaps),
                    self._mean_lead(found, own.rows, generator(seed, "measured", name)),
                )  # fmt: skip
        relabelled = {
            name: {other: pairs[name, other] for other in WORDINGS if other != name and pairs[name, other]}
            for name in WORDINGS
        }
        return found, Worded(reports, self._lead(seeds), {name: row for name, row in relabelled.items() if row})

    def _measured(self, drafts: Sequence[Draft], place: Mapping[str, int]) -> Iterator[tuple[Draft, int, float]]:
        """Each draft with its wording, its words, and its overlap with its documents."""
        chunks = self.chunks
        sources = [[place[chunks[chunks.row[id_]].document_id] for id_ in one.chunk_ids] for one in drafts]
        overlaps = self.words.of_queries([one.text for one in drafts], sources, self.language).tolist()
        for draft, overlap in zip(drafts, overlaps, strict=True):
            length = count_words(draft.text)
            more = {"wording": measured_wording(length, overlap), "overlap": round(overlap, 3)}
            yield replace(draft, provenance={**draft.provenance, **more}), length, overlap

    def _mean_lead(self, drafts: Sequence[Draft], rows: Sequence[int], rng: np.random.Generator) -> float:
        """Mean lead of at most `SAMPLE` queries."""
        if len(rows) > SAMPLE:
            rows = [rows[at] for at in sorted(rng.choice(len(rows), size=SAMPLE, replace=False).tolist())]
        leads = self._leads.of_queries([drafts[row].text for row in rows], self.language) if rows else np.empty(0)
        return _mean(leads[~np.isnan(leads)].tolist())

    @cached_property
    def _leads(self) -> Leads:
        return Leads.of(self.words)

    def _lead(self, seeds: Sequence[str]) -> SeedLead | None:
        return self._leads.of_seeds(seeds, self.language) if len(seeds) >= LEAST_SEEDS else None


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else float("nan")
