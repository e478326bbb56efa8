"""Reject a query that is copied from its source, or that has nothing in common with it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ragbench.core.errors import SettingError
from ragbench.golden.drafts import Draft, Opinion
from ragbench.golden.masked_pool import SNOWBALL
from ragbench.golden.overlap import overlaps
from ragbench.golden.stages.base import ReviewContext, Stage, content_words, words
from ragbench.golden.stages.language import likeliest_language


@dataclass(frozen=True)
class Overlap(Stage):
    """Reject queries that are copied from their source, because they make every lexical retriever look perfect, and
    queries that share no word with it, because they are about something else.

    Every draft keeps its overlap, so that you can read scores by overlap. A query whose own sentence is masked is not
    compared here, because its writer already measured the overlap with the rest of the document.

    Attributes:
        max_run: the most words in a row that query and source may share; a longer run is a copy.
        max_share: the largest share of the query's content words that the source may have. 1 rejects none, because
            attribute and keyword queries name what the source names.
        min_share: the smallest share of the query's content words whose stems the source must have. Of 2,040 human
            queries of eight collections, 0.9% have less in common with the best of their relevant passages. Queries
            in another language than their source are not compared. 0 rejects none.
    """

    alone: ClassVar[bool] = True

    max_run: int = 8
    max_share: float = 1.0
    min_share: float = 0.05

    def __post_init__(self) -> None:
        if self.max_run < 1 or not 0 < self.max_share <= 1:
            raise SettingError("stage 'overlap': max_run must be 1 or more and max_share in (0, 1]")
        if not 0 <= self.min_share < self.max_share:
            raise SettingError("stage 'overlap': min_share must be 0 or more and below max_share")

    async def review(self, drafts: Sequence[Draft], context: ReviewContext) -> list[Opinion]:
        """Give one opinion per draft."""
        chunks = context.chunks
        sources = [" \n ".join(chunks[chunks.row[id_]].content for id_ in draft.chunk_ids) for draft in drafts]
        return [
            self._opinion(draft, source, stems)
            for draft, source, stems in zip(drafts, sources, _shared_stems(drafts, sources), strict=True)
        ]

    def _opinion(self, draft: Draft, source: str, stems: float) -> Opinion:
        if draft.masked:
            return Opinion("overlap", True, "its sentence is masked")
        said = content_words(draft.text)
        share = len(said & content_words(source)) / len(said) if said else 0.0
        run = longest_run(words(draft.text), words(source))
        detail = {"share": round(share, 4), "run": run}
        if stems < self.min_share and likeliest_language(source) == draft.language:
            return Opinion("overlap", False, f"{stems:.0%} of its content words stand in the source", detail)
        if run > self.max_run:
            return Opinion("overlap", False, f"{run} words in a row are copied from the source", detail)
        if share > self.max_share:
            return Opinion("overlap", False, f"{share:.0%} of its content words stand in the source", detail)
        return Opinion("overlap", True, "", detail)


def _shared_stems(drafts: Sequence[Draft], sources: Sequence[str]) -> list[float]:
    """Share of each query's content words whose stems its source has; NaN without content words or a stemmer."""
    shares = [math.nan] * len(drafts)
    for code in {draft.language for draft in drafts} & SNOWBALL.keys():
        rows = [row for row, draft in enumerate(drafts) if draft.language == code]
        found = overlaps([drafts[row].text for row in rows], [sources[row] for row in rows], SNOWBALL[code])
        for row, share in zip(rows, found.tolist(), strict=True):
            shares[row] = share
    return shares


def longest_run(query: Sequence[str], source: Sequence[str]) -> int:
    """Return the length of the longest run of words that both have, in n x m steps for lengths n and m."""
    best, before = 0, [0] * (len(source) + 1)
    for word in query:
        now = [0] * (len(source) + 1)
        for at, other in enumerate(source):
            if word == other:
                now[at + 1] = before[at] + 1
                best = max(best, now[at + 1])
        before = now
    return best
