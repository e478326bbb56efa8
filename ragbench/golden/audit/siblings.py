"""Siblings: items that retrievers find and nobody judged, and that may answer the query too.

A language model can grade these candidates from 0 to 3. Its grades become labels of a new set.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ragbench.core.brief import brief
from ragbench.core.context import Progress, silent
from ragbench.core.goldens import Evidence, GoldenItem, GoldenSet
from ragbench.core.ledger import Ledger, LedgerEntry, first_ten
from ragbench.core.runs import Run
from ragbench.engine import UntilEnded, ask
from ragbench.golden.audit.findings import Finding
from ragbench.golden.audit.retrieval import Retrieved
from ragbench.models.llm.base import Asker, BudgetSpent, Message, Request
from ragbench.models.llm.costs import Estimate
from ragbench.models.rerank.llm import grading

DEPTH = 10


@brief
@dataclass(frozen=True)
class Candidate:
    """An item that retrievers rank high and that is not judged for the query.

    Attributes:
        query_id: the query.
        item_id: the chunk or document.
        ranks: rank by retriever, from 1, for retrievers that have it within the depth.
        above: whether all of these retrievers rank it above the first relevant item.
    """

    query_id: str
    item_id: str
    ranks: dict[str, int]
    above: bool


@brief
@dataclass(frozen=True)
class Siblings:
    """Unjudged items in the top of the rankings.

    Attributes:
        unit: whether items are chunks or documents.
        depth: depth of the rankings.
        judged: share of judged items in the top, by retriever.
        pool: every unjudged item within the depth of some independent retriever.
        agreed: items of the pool that at least two of these retrievers have; empty if there is only one. They are
            candidates: nobody has judged whether they answer.
        findings: what to do about it.
    """

    unit: str
    depth: int
    judged: dict[str, float]
    pool: tuple[Candidate, ...]
    agreed: tuple[Candidate, ...]
    findings: tuple[Finding, ...]


def siblings(retrieved: Retrieved, *, depth: int = DEPTH) -> Siblings:
    """Pool the rankings and remove the judged items.

    Only queries with something relevant take part.
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
            f"{len(agreed)} unjudged items are in the top {depth} of several retrievers; judged there: {share}",
            "let a language model or annotators grade them; until then they count as not relevant",
        )
    ]
    if above:
        found.append(
            Finding(
                "warning" if asked > 0.1 * queries else "note",
                "siblings",
                f"for {asked} of {queries} queries the retrievers agree on an unjudged item above everything known to "
                f"be relevant: {first_ten(f'{c.query_id}: {c.item_id}' for c in above)}",
                "check these first: each is a wrong answer of all retrievers, or a right one that the set lacks",
            )
        )
    return tuple(found)


PROMPT_NAME = "sibling-grade/1"
MAX_CHARACTERS = 4000
ANSWERS = 2
"""The least grade of an item that answers, at least in part (as in TREC Deep Learning)."""
SCHEMA: dict[str, object] = {
    "title": "Grade",
    "type": "object",
    "properties": {"grade": {"type": "integer", "enum": [0, 1, 2, 3]}},
    "required": ["grade"],
    "additionalProperties": False,
}


@dataclass(frozen=True)
class Grade:
    """The model's ``grade`` for one candidate, from 0 (unrelated) to 3 (answers fully)."""

    query_id: str
    item_id: str
    grade: int


@dataclass(frozen=True)
class GradingPlan:
    """What grading would take.

    Attributes:
        candidates: number of unjudged items.
        estimate: calls, tokens and cost; None if the set cannot be searched.
    """

    candidates: int
    estimate: Estimate | None


@brief
@dataclass(frozen=True)
class SiblingGrades:
    """The model's grades for the candidates.

    Attributes:
        model: the model that graded.
        grades: one per candidate that has one.
        answering: number of candidates that answer (grade 2 or 3).
        queries: number of queries that gain an answer.
        cost: cost of the grades, in the currency of the price table.
        ledger: candidates without a grade, and why.
        findings: notes and warnings about the grades.
    """

    model: str
    grades: tuple[Grade, ...]
    answering: int
    queries: int
    cost: float
    ledger: Ledger
    findings: tuple[Finding, ...]


async def grade_siblings(
    candidates: Sequence[Candidate], retrieved: Retrieved, asker: Asker, model: str, *,
    seed: int = 0, progress: Progress = silent,
) -> SiblingGrades:  # fmt: skip
    """Ask the model once per candidate. The asker applies limits, budget and cache.

    When the budget is spent, the remaining candidates get no grade, and the issue log says so.

    Raises:
        RagbenchError: every call would fail (wrong key, service down).
    """
    requests = grade_requests(candidates, retrieved, seed)
    asking = UntilEnded(asker, ends=(BudgetSpent,))
    answers = await ask(asking, requests, what="grading siblings", progress=progress)
    grades, entries = [], []
    for candidate, answer in zip(candidates, answers, strict=True):
        grade = answer.value.get("grade") if isinstance(answer.value, dict) else None
        if isinstance(grade, int) and not isinstance(grade, bool) and 0 <= grade <= 3:
            grades.append(Grade(candidate.query_id, candidate.item_id, grade))
        else:
            reason = answer.failure or f"the grade is {grade!r}, not 0, 1, 2 or 3"
            name = f"{candidate.query_id}: {candidate.item_id}"
            entries.append(LedgerEntry("audit", name, f"{reason}; the reply was {answer.raw!r:.200}", "not-graded"))
    cost = sum(answer.cost for answer in answers)
    return _result(model, tuple(grades), cost, Ledger(tuple(entries)), len(retrieved.golden))


def grade_requests(candidates: Sequence[Candidate], retrieved: Retrieved, seed: int) -> list[Request]:
    """Make one request per candidate, in order."""
    queries = {item.id: item.text for item in retrieved.golden}
    passages = {candidate.item_id: "" for candidate in candidates}
    for item_id in passages:
        passages[item_id] = _passage(item_id, retrieved)
    return [grade_request(queries[c.query_id], passages[c.item_id], seed) for c in candidates]


def grade_request(query: str, passage: str, seed: int) -> Request:
    """Make the request for one candidate. Query and passage are fenced, because they may contain instructions."""
    text = grading(query, passage[:MAX_CHARACTERS])
    return Request(PROMPT_NAME, (Message("user", text),), schema=SCHEMA, max_tokens=64, seed=seed)


def _passage(item_id: str, retrieved: Retrieved) -> str:
    if retrieved.task.unit == "chunk":
        return retrieved.chunks[retrieved.chunks.row[item_id]].content
    document = retrieved.corpus.by_id[item_id]
    return f"{document.title}\n{document.text}" if document.title else document.text


def _result(model: str, grades: tuple[Grade, ...], cost: float, ledger: Ledger, queries: int) -> SiblingGrades:
    answering = [grade for grade in grades if grade.grade >= ANSWERS]
    asked = len({grade.query_id for grade in answering})
    findings = []
    if answering:
        findings.append(
            Finding(
                "warning" if asked > 0.1 * queries else "note",
                "answered-elsewhere",
                f"{model} finds an answer in {len(answering)} of {len(grades)} unjudged items, for {asked} of "
                f"{queries} queries: {first_ten(f'{grade.query_id}: {grade.item_id}' for grade in answering)}",
                "evaluate on the set with these labels, and let annotators check a sample of them",
            )
        )
    if len(ledger):
        findings.append(
            Finding(
                "warning",
                "not-graded",
                f"{len(ledger)} candidates have no grade: {first_ten(entry.item for entry in ledger.entries)}",
                "run the audit again; the grades so far are kept",
            )
        )
    return SiblingGrades(model, grades, len(answering), asked, cost, ledger, tuple(findings))


def with_grades(golden: GoldenSet, graded: SiblingGrades, retrieved: Retrieved) -> GoldenSet:
    """Add the grades to the set as labels. Labels by annotators or by the writer do not change.

    A grade of 2 becomes label 1 and a grade of 3 label 2, but never more than the highest label of the query. An item
    that is on the topic but does not answer (grade 1) must not count as relevant. Grades 0 and 1 become label 0:
    judged, not relevant. The metadata keep the grades under ``sibling_grades``.
    """
    by_query: dict[str, list[Grade]] = {}
    for grade in graded.grades:
        by_query.setdefault(grade.query_id, []).append(grade)
    items = [_labelled(item, by_query.get(item.id, []), graded.model, retrieved) for item in golden]
    return GoldenSet(tuple(items), f"{golden.name} with siblings", golden.ledger + graded.ledger)


def _labelled(item: GoldenItem, grades: Sequence[Grade], model: str, retrieved: Retrieved) -> GoldenItem:
    if not grades:
        return item
    best = max(e.grade for e in item.evidence)
    more = []
    for grade in grades:
        label = min(max(grade.grade - 1, 0), best)
        if retrieved.task.unit == "chunk":
            chunk = retrieved.chunks[retrieved.chunks.row[grade.item_id]]
            more.append(Evidence(chunk.document_id, chunk.start, chunk.end, label))
        else:
            more.append(Evidence(grade.item_id, grade=label))
    kept = {"model": model, "prompt": PROMPT_NAME, "grades": {grade.item_id: grade.grade for grade in grades}}
    metadata = {**item.metadata, "sibling_grades": kept}
    return replace(item, evidence=(*item.evidence, *more), metadata=metadata)
