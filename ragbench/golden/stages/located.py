"""Reject a draft whose quoted evidence is not in the documents."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ragbench.golden.drafts import Draft, Opinion
from ragbench.golden.locate import find_quote
from ragbench.golden.stages.base import ReviewContext, Stage


@dataclass(frozen=True)
class Located(Stage):
    """Reject drafts with a quote that was not found, and queries over two passages with evidence in only one."""

    alone: ClassVar[bool] = True

    async def review(self, drafts: Sequence[Draft], context: ReviewContext) -> list[Opinion]:
        """Give one opinion per draft."""
        return [self._opinion(draft, context) for draft in drafts]

    def _opinion(self, draft: Draft, context: ReviewContext) -> Opinion:
        if draft.type == "unanswerable":
            return Opinion("located", True, "no evidence is due")
        if not draft.evidence:
            lost = [q for q in draft.quotes if find_quote(draft, q, context.corpus, context.chunks) is None]
            shown = f": {lost[0][:120]!r}" if lost else ""
            reason = f"{len(lost)} of {len(draft.quotes)} quotes are not in the document{shown}"
            return Opinion("located", False, reason, {"lost": lost})
        if draft.type == "multi-evidence":
            without = [id_ for id_ in draft.chunk_ids if not self._touches(draft, id_, context)]
            if without:
                return Opinion("located", False, f"no evidence from the chunk {without[0]}")
        return Opinion("located", True)

    def _touches(self, draft: Draft, chunk_id: str, context: ReviewContext) -> bool:
        chunk = context.chunks[context.chunks.row[chunk_id]]
        return any(
            e.document_id == chunk.document_id and (e.end is None or (e.start < chunk.end and e.end > chunk.start))
            for e in draft.evidence
        )
