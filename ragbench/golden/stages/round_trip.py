"""Reject a query if no search for it finds its evidence."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ragbench import plugins
from ragbench.core.errors import SettingError
from ragbench.core.goldens import GoldenItem, GoldenSet
from ragbench.core.judgements import project_labels
from ragbench.golden.drafts import Draft, Opinion
from ragbench.golden.stages.base import ReviewContext, Stage


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
        items = tuple(
            GoldenItem(draft.id, draft.text, evidence=draft.evidence, masked=draft.masked)
            for draft in drafts
            if draft.evidence
        )
        ranks: dict[str, dict[str, int | None]] = {item.id: {} for item in items}
        for spec in self.retrievers if items else ():
            for id_, rank in self._ranks(spec, GoldenSet(items), context).items():
                ranks[id_][spec] = rank
        return [self._opinion(draft, ranks.get(draft.id)) for draft in drafts]

    def _ranks(self, spec: str, golden: GoldenSet, context: ReviewContext) -> dict[str, int | None]:
        stored = replace(context.context, stored_queries=True)
        index = plugins.build(plugins.RETRIEVERS, spec).index(context.chunks, stored)
        try:
            task = project_labels(golden, context.chunks, unit=index.unit)
            run = index.search(task.queries, self.k)
        finally:
            index.close()
        labels = task.judgements.to_dict()
        found: dict[str, int | None] = {}
        for at, query in enumerate(task.queries):
            relevant = {id_ for id_, label in labels.get(query.id, {}).items() if label > 0}
            hits = [rank for rank, (id_, _) in enumerate(run.ranking(at), 1) if id_ in relevant]
            found[query.id] = hits[0] if hits else None
        return found

    def _opinion(self, draft: Draft, ranks: dict[str, int | None] | None) -> Opinion:
        if ranks is None:
            return Opinion("round_trip", True, "there is nothing to find")
        found = any(rank is not None for rank in ranks.values())
        if found or not self.reject:
            return Opinion("round_trip", True, "" if found else "not found", {"ranks": ranks})
        reason = f"its evidence is not among the first {self.k} of {', '.join(self.retrievers)}"
        return Opinion("round_trip", False, reason, {"ranks": ranks})


def survival(drafts: Sequence[Draft]) -> dict[str, float]:
    """Return the share of queries with evidence that each retriever found on its own; empty if no retriever ran."""
    found: dict[str, list[bool]] = {}
    for draft in drafts:
        for opinion in draft.opinions:
            ranks = opinion.detail.get("ranks") if opinion.stage == "round_trip" else None
            if isinstance(ranks, dict):
                for spec, rank in ranks.items():
                    found.setdefault(spec, []).append(rank is not None)
    return {spec: float(np.mean(hits)) for spec, hits in sorted(found.items())}
