"""Reject a query that is copied from its source."""

from collections.abc import Sequence
from dataclasses import dataclass

from ragbench.core.errors import SettingError
from ragbench.golden.drafts import Draft, Opinion
from ragbench.golden.stages.base import ReviewContext, Stage, content_words, words


@dataclass(frozen=True)
class Overlap(Stage):
    """Reject queries that are copied from their source, because they make every lexical retriever look perfect.

    Every draft keeps its overlap, so that you can read scores by overlap. A query whose own sentence is masked is not
    compared here, because its writer already measured the overlap with the rest of the document.

    Attributes:
        max_run: the most words in a row that query and source may share; a longer run is a copy.
        max_share: the largest share of the query's content words that the source may have. 1 rejects none, because
            attribute and keyword queries name what the source names.
    """

    max_run: int = 8
    max_share: float = 1.0

    def __post_init__(self) -> None:
        if self.max_run < 1 or not 0 < self.max_share <= 1:
            raise SettingError("stage 'overlap': max_run must be 1 or more and max_share in (0, 1]")

    async def review(self, drafts: Sequence[Draft], context: ReviewContext) -> list[Opinion]:
        """Give one opinion per draft."""
        return [self._opinion(draft, context) for draft in drafts]

    def _opinion(self, draft: Draft, context: ReviewContext) -> Opinion:
        if draft.masked:
            return Opinion("overlap", True, "its sentence is masked")
        chunks = context.chunks
        source = " \n ".join(chunks[chunks.row[id_]].content for id_ in draft.chunk_ids)
        said = content_words(draft.text)
        share = len(said & content_words(source)) / len(said) if said else 0.0
        run = longest_run(words(draft.text), words(source))
        detail = {"share": round(share, 4), "run": run}
        if run > self.max_run:
            return Opinion("overlap", False, f"{run} words in a row are copied from the source", detail)
        if share > self.max_share:
            return Opinion("overlap", False, f"{share:.0%} of its content words stand in the source", detail)
        return Opinion("overlap", True, "", detail)


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
