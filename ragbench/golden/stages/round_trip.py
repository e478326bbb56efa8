"""Reject a query if no search for it finds its evidence."""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ragbench import plugins
from ragbench.core.errors import SettingError
from ragbench.core.goldens import GoldenItem, GoldenSet
from ragbench.core.judgements import project_labels
from ragbench.golden.drafts import Draft, Opinion
from ragbench.golden.stages.base import ReviewContext, Stage

BLOCK = 8192
"""Queries whose rankings are in memory at a time."""


@dataclass(frozen=True)
class RoundTrip(Stage):
    """Reject queries whose evidence is in the top ``k`` of none of several retrievers.

    A single retriever would keep the queries that suit it. Every query keeps the rank of its evidence in each
    retriever, so that you can see the bias of the filter and compare scores with and without it. Queries without an
    answer pass.

    Attributes:
        retrievers: specs of the retrievers; a query passes if one of them finds the evidence.
        k: the lowest rank that counts as found.
        reject: whether to reject queries; False only records the ranks.
    """

    retrievers: tuple[str, ...] = ("bm25", "dense")
    k: int = 20
    reject: bool = True

    def __post_init__(self) -> None:
        if not self.retrievers or self.k < 1:
            raise SettingError("stage 'round_trip': it needs one retriever or more, and k of at least 1")
        for spec in self.retrievers:
            plugins.load(plugins.RETRIEVERS, plugins.Spec.parse(spec).name)

    async def review(self, drafts: Sequence[Draft], context: ReviewContext) -> list[Opinion]:
        """Give one opinion per draft; ``detail["ranks"]`` has the rank by retriever, None if the evidence was not
        found.
        """
        ranks: dict[str, array[int]] = {}
        due = [bool(draft.evidence) for draft in drafts]
        for spec in self.retrievers if any(due) else ():
            ranks[spec] = self._ranks(spec, drafts, context)
        return [
            self._opinion({spec: own[row] or None for spec, own in ranks.items()} if has else None)
            for row, has in enumerate(due)
        ]

    def _ranks(self, spec: str, drafts: Sequence[Draft], context: ReviewContext) -> "array[int]":
        """The rank of the evidence of each draft; 0 if it was not found, or there is none."""
        stored = replace(context.context, stored_queries=True)
        index = plugins.build(plugins.RETRIEVERS, spec).index(context.chunks, stored)
        found = array("q")
        try:
            for start in range(0, len(drafts), BLOCK):
                found.extend(self._block(index, drafts[start : start + BLOCK], context))
        finally:
            index.close()
        return found

    def _block(self, index: Any, drafts: Sequence[Draft], context: ReviewContext) -> list[int]:
        items = [GoldenItem(d.id, d.text, evidence=d.evidence, masked=d.masked) for d in drafts if d.evidence]
        ranks: dict[str, int] = {}
        if items:
            task = project_labels(GoldenSet(tuple(items)), context.chunks, unit=index.unit)
            run = index.search(task.queries, self.k)
            labels = task.judgements.to_dict()
            for at, query in enumerate(task.queries):
                relevant = {id_ for id_, label in labels.get(query.id, {}).items() if label > 0}
                hits = (rank for rank, (id_, _) in enumerate(run.ranking(at), 1) if id_ in relevant)
                ranks[query.id] = next(hits, 0)
        return [ranks.get(draft.id, 0) for draft in drafts]

    def _opinion(self, ranks: dict[str, int | None] | None) -> Opinion:
        if ranks is None:
            return Opinion("round_trip", True, "there is nothing to find")
        found = any(rank is not None for rank in ranks.values())
        if found or not self.reject:
            return Opinion("round_trip", True, "" if found else "not found", {"ranks": ranks})
        reason = f"its evidence is not among the first {self.k} of {', '.join(self.retrievers)}"
        return Opinion("round_trip", False, reason, {"ranks": ranks})


def survival(drafts: Iterable[Draft]) -> dict[str, float]:
    """Return the share of queries with evidence that each retriever found on its own; empty if no retriever ran."""
    found: dict[str, list[bool]] = {}
    for draft in drafts:
        for opinion in draft.opinions:
            ranks = opinion.detail.get("ranks") if opinion.stage == "round_trip" else None
            if isinstance(ranks, dict):
                for spec, rank in ranks.items():
                    found.setdefault(spec, []).append(rank is not None)
    return {spec: float(np.mean(hits)) for spec, hits in sorted(found.items())}
