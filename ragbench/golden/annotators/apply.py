"""Apply the decisions of annotators to a golden set. Every query keeps its history."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ragbench.core.brief import brief
from ragbench.core.errors import InputError
from ragbench.core.goldens import GoldenItem, GoldenSet
from ragbench.golden.annotators.labels import write_labels
from ragbench.golden.annotators.sheet import Decision

HISTORY = "people"
"""Metadata key of the list of decisions, latest last."""


@brief
@dataclass(frozen=True)
class Reviewed:
    """The result of a review.

    Attributes:
        golden: the queries that stay: accepted, edited, not reviewed, and the judge's rejects that an annotator
            accepted or edited.
        rejected: the queries that annotators rejected.
        counts: number of decisions by word.
        recovered: ids of the judge's rejects that the review brought back.
    """

    golden: GoldenSet
    rejected: tuple[GoldenItem, ...]
    counts: dict[str, int]
    recovered: tuple[str, ...]


def apply_decisions(
    golden: GoldenSet, decisions: Sequence[Decision], rejects: Sequence[GoldenItem] = (), *, reviewer: str | None = None
) -> Reviewed:
    """Apply the decisions.

    A grade becomes the label of every span that was relevant, and labels of single items count after it. The history
    keeps what a decision changed (text, grades).

    Args:
        golden: the set the sample was drawn from.
        decisions: at most one per query.
        rejects: queries that the judge rejected, and that annotators may bring back.
        reviewer: name of the annotator, for the history.

    Raises:
        InputError: no query is left.
    """
    by_id = {decision.query_id: decision for decision in decisions}
    kept: list[GoldenItem] = []
    out: list[GoldenItem] = []
    recovered = []
    inside = {item.id for item in golden}
    for item in (*golden, *(item for item in rejects if item.id not in inside)):
        decision = by_id.get(item.id)
        if decision is None:
            kept += [item] if item.id in inside else []
            continue
        after = _decided(item, decision, reviewer)
        (out if decision.word == "reject" else kept).append(after)
        if item.id not in inside and decision.word != "reject":
            recovered.append(item.id)
    if not kept:
        raise InputError(f"golden set {golden.name!r}: every query was rejected, so there is no set to write")
    counts = Counter(decision.word for decision in decisions)
    return Reviewed(
        replace(golden, items=tuple(kept)),
        tuple(out),
        {word: counts.get(word, 0) for word in ("accept", "edit", "reject")},
        tuple(recovered),
    )


def _decided(item: GoldenItem, decision: Decision, reviewer: str | None) -> GoldenItem:
    entry: dict[str, object] = {"decision": decision.word}
    if reviewer:
        entry["reviewer"] = reviewer
    if decision.comment:
        entry["comment"] = decision.comment
    if decision.grade is not None:
        entry["grade"] = decision.grade
    if decision.labels:
        entry["labels"] = write_labels(decision.labels).split("\n")
    if decision.grade is not None or decision.labels:
        entry["grades_before"] = [e.grade for e in item.evidence]
    if decision.text is not None:
        entry["text_before"] = item.text
    metadata: Mapping[str, object] = {**item.metadata, HISTORY: [*history(item), entry]}
    return replace(item, text=decision.text or item.text, evidence=decision.evidence_of(item), metadata=metadata)


def history(item: GoldenItem) -> list[object]:
    """The decisions on a query so far, latest last."""
    found = item.metadata.get(HISTORY)
    return list(found) if isinstance(found, list) else []
