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
from ragbench.golden.stages.base import count_words
from ragbench.golden.wordings import WORDINGS, WordingReport, measured_wording, shifted

NAMES = tuple(WORDINGS)


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
        lead = self.lead(seeds)
        if lead is None or len(wordings) < 2:
            return dict(wordings)
        styles = styles_of_wordings(self.corpus, asked, self.words, list(wordings), seed=seed)
        return shifted(wordings, styles, lead.style, lead.errors)

    def measured(self, drafts: Sequence[Draft]) -> Iterator[tuple[Draft, int, float]]:
        """Measure drafts. Yields each with ``wording`` and ``overlap`` in its provenance, its words, and its overlap
        with its documents. A measure does not depend on the other drafts.
        """
        chunks, place = self.chunks, self._place
        sources = [[place[chunks[chunks.row[id_]].document_id] for id_ in one.chunk_ids] for one in drafts]
        overlaps = self.words.of_queries([one.text for one in drafts], sources, self.language).tolist()
        for draft, overlap in zip(drafts, overlaps, strict=True):
            length = count_words(draft.text)
            more = {"wording": measured_wording(length, overlap), "overlap": round(overlap, 3)}
            yield replace(draft, provenance={**draft.provenance, **more}), length, overlap

    @cached_property
    def _place(self) -> dict[str, int]:
        """Row of each document."""
        return {document.id: row for row, document in enumerate(self.corpus)}

    def mean_lead(self, drafts: Sequence[Draft], rows: Sequence[int], rng: np.random.Generator) -> float:
        """Mean lead of at most `SAMPLE` queries."""
        if len(rows) > SAMPLE:
            rows = [rows[at] for at in sorted(rng.choice(len(rows), size=SAMPLE, replace=False).tolist())]
        leads = self._leads.of_queries([drafts[row].text for row in rows], self.language) if rows else np.empty(0)
        return _mean(leads[~np.isnan(leads)].tolist())

    @cached_property
    def _leads(self) -> Leads:
        return Leads.of(self.words)

    def lead(self, seeds: Sequence[str]) -> SeedLead | None:
        """Lead of the seed queries; None where there are too few."""
        return self._leads.of_seeds(seeds, self.language) if len(seeds) >= LEAST_SEEDS else None


class Measures:
    """What is measured of drafts that come in any order, a few at a time.

    Args:
        meter: measures them.
    """

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._wordings, self._lengths, self._overlaps = array("b"), array("Q"), array("d")
        """By number of the draft. The wording is a place in `WORDINGS`, or -1 where the draft does not count."""
        self._pairs = Counter[tuple[str, str]]()

    def prepare(self) -> None:
        """Count the words of the corpus, which the first measure needs."""
        _ = self._meter.words

    def add(self, drafts: Sequence[Draft]) -> list[Draft]:
        """Give drafts the wording that is measured. Rejected ones do not count in the report.

        Args:
            drafts: drafts of a model, with the wording that was asked for in their provenance.

        Returns:
            The drafts with ``wording``, ``wording_asked`` and ``overlap`` in their provenance. They are numbered from 0
            in the order in which they are added.
        """
        found = []
        for draft, length, overlap in self._meter.measured(drafts):
            wording = str(draft.provenance["wording"])
            counts = draft.rejected_by is None
            if counts:
                self._pairs[str(draft.provenance.get(ASKED, "")), wording] += 1
            self._wordings.append(NAMES.index(wording) if counts else -1)
            self._lengths.append(length)
            self._overlaps.append(overlap)
            found.append(draft)
        return found

    def report(
        self, drafts: Sequence[Draft], numbers: Sequence[int], shares: Mapping[str, float], seeds: Sequence[str],
        seed: int,
    ) -> Worded:  # fmt: skip
        """Report on all drafts.

        Args:
            drafts: the drafts, in the order of the set.
            numbers: their numbers.
            shares: share by wording that was asked for.
            seeds: queries of real users.
            seed: seed of the sample whose leads are measured.
        """
        rows = {name: array("Q") for name in NAMES}
        for row, number in enumerate(numbers):
            if self._wordings[number] >= 0:
                rows[NAMES[self._wordings[number]]].append(row)
        reports = {}
        for name, own in rows.items():
            if own or name in shares:
                reports[name] = WordingReport(
                    sum(count for (asked, _), count in self._pairs.items() if asked == name), len(own),
                    shares.get(name, 0.0), _mean([self._lengths[numbers[row]] for row in own]),
                    _mean([self._overlaps[numbers[row]] for row in own]),
                    self._meter.mean_lead(drafts, own, generator(seed, "measured", name)),
                )  # fmt: skip
        relabelled = {
            name: {other: self._pairs[name, other] for other in NAMES if other != name and self._pairs[name, other]}
            for name in NAMES
        }
        return Worded(reports, self._meter.lead(seeds), {name: row for name, row in relabelled.items() if row})


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else float("nan")
