"""What else may answer: items that retrievers find and nobody judged."""

from dataclasses import dataclass

import numpy as np

from ragbench.core.ledger import first_ten
from ragbench.core.runs import Run
from ragbench.golden.audit.findings import Finding
from ragbench.golden.audit.retrieval import Retrieved

DEPTH = 10


@dataclass(frozen=True)
class Candidate:
    """An item that is not judged for a query, though retrievers rank it high.

    Attributes:
        query_id: the query.
        item_id: the chunk or document.
        ranks: its rank by retriever, from 1; only those that have it within the depth.
        above: whether every one of these ranks it above the first item known to be relevant.
    """

    query_id: str
    item_id: str
    ranks: dict[str, int]
    above: bool


@dataclass(frozen=True)
class Siblings:
    """Items in the top of the rankings that nobody judged.

    Attributes:
        unit: whether items are chunks or documents.
        depth: how far down was looked.
        judged: share of the top items that are judged, by retriever.
        pool: every unjudged item within the depth of an independent retriever.
        agreed: the part of the pool that at least two of them have; empty where there is
            only one. They are candidates: no one has said that they answer.
        findings: what to do about it.
    """

    unit: str
    depth: int
    judged: dict[str, float]
    pool: tuple[Candidate, ...]
    agreed: tuple[Candidate, ...]
    findings: tuple[Finding, ...]


def siblings(retrieved: Retrieved, *, depth: int = DEPTH) -> Siblings:
    """Pool the rankings and take out what is judged.

    Only queries with something relevant are looked at.
    """
    labels = retrieved.task.judgements.to_dict()
    known = {query: row for query, row in labels.items() if any(label > 0 for label in row.values())}
    tops = {spec: _tops(run, depth) for spec, run in retrieved.independent.items()}
    rows = {spec: {query: at for at, query in enumerate(run.query_ids)} for spec, run in retrieved.independent.items()}
    pool = []
    for query, row in known.items():
        found: dict[str, dict[str, int]] = {}
        for spec, top in tops.items():
            for rank, item in enumerate(top.get(query, []), 1):
                if item not in row:
                    found.setdefault(item, {})[spec] = rank
        first = {spec: _first_relevant(run, rows[spec][query], row) for spec, run in retrieved.independent.items()}
        order = sorted(found, key=lambda item: (-len(found[item]), sum(found[item].values()), item))
        pool += [
            Candidate(query, item, found[item], all(rank < first[spec] for spec, rank in found[item].items()))
            for item in order
        ]
    agreed = tuple(candidate for candidate in pool if len(candidate.ranks) >= 2)
    judged = {spec: _judged_share(run, known, depth) for spec, run in retrieved.runs.items()}
    findings = _findings(agreed, judged, depth, len(known))
    return Siblings(retrieved.task.unit, depth, judged, tuple(pool), agreed, findings)


def _tops(run: Run, depth: int) -> dict[str, list[str]]:
    cut = run.top(depth)
    return {query: [item for item, _ in cut.ranking(at)] for at, query in enumerate(cut.query_ids)}


def _first_relevant(run: Run, at: int, row: dict[str, int]) -> float:
    ranks = (rank for rank, (item, _) in enumerate(run.ranking(at), 1) if row.get(item, 0) > 0)
    return next(ranks, float("inf"))


def _judged_share(run: Run, known: dict[str, dict[str, int]], depth: int) -> float:
    tops = _tops(run, depth)
    shares = [np.mean([item in row for item in tops[query]]) for query, row in known.items() if tops.get(query)]
    return round(float(np.mean(shares)), 4) if shares else float("nan")


def _findings(agreed: tuple[Candidate, ...], judged: dict[str, float], depth: int, queries: int) -> tuple[Finding, ...]:
    above = [candidate for candidate in agreed if candidate.above]
    if not agreed:
        return ()
    asked = len({candidate.query_id for candidate in above})
    share = "; ".join(f"{spec} {value:.0%}" for spec, value in judged.items())
    found = [
        Finding(
            "note",
            "unjudged",
            f"{len(agreed)} items that nobody judged stand in the top {depth} of several retrievers; "
            f"judged there: {share}",
            "name a language model (--llm) or people to grade them; until then they count as not relevant",
        )
    ]
    if above:
        found.append(
            Finding(
                "warning" if asked > 0.1 * queries else "note",
                "siblings",
                f"for {asked} of {queries} queries the retrievers agree on an unjudged item above everything known to "
                f"be relevant: {first_ten(f'{c.query_id}: {c.item_id}' for c in above)}",
                "look at these first: each is a wrong answer of all retrievers, or a right one that the set lacks",
            )
        )
    return tuple(found)
