"""Labels that annotators give to single items of a ranking, as a cell of their table and in the golden set.

A cell has a line for each label: the grade, the document, and the characters of the item in it, or ``[:]`` for the
whole document::

    3 returns [0:412]
    0 delivery [:]
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from ragbench.core.errors import InputError
from ragbench.core.goldens import Evidence, Span

LABELS = "labels"
"""Column of the table; a table may lack it."""
GRADES = ("0", "1", "2", "3")
_LINE = re.compile(r"([0-9]+)\s+(.*\S)\s*\[([0-9]*):([0-9]*)\]")


class Label(NamedTuple):
    """The grade of an item, 0 to 3, and where the item is."""

    grade: int
    place: Span


def read_labels(cell: str) -> tuple[Label, ...]:
    """Read a cell.

    Raises:
        InputError: a line is no label.
    """
    return tuple(_label(line.strip()) for line in cell.split("\n") if line.strip())


def _label(line: str) -> Label:
    found = _LINE.fullmatch(line)
    if found is None:
        raise InputError(
            f"label {line[:80]!r}; write a grade, a document and its characters, as in '2 returns [0:412]'"
        )
    grade, document, start, end = found.groups()
    if grade not in GRADES:
        raise InputError(f"label {line[:80]!r} has the grade {grade[:10]}; write 0, 1, 2 or 3")
    if not (start or end):
        return Label(int(grade), Span(document))
    if not (start and end) or max(len(start), len(end)) > 12 or int(start) >= int(end):
        raise InputError(f"label {line[:80]!r}: the characters must be START:END, or ':' for the whole document")
    return Label(int(grade), Span(document, int(start), int(end)))


def write_labels(labels: Iterable[Label]) -> str:
    """Write a cell that `read_labels` reads.

    Raises:
        InputError: the id of a document has a line break, or begins or ends with a space.
    """
    lines = []
    for label in sorted(labels, key=lambda one: (one.place.document_id, one.place.start, one.place.end or 0)):
        document = label.place.document_id
        if "\n" in document or document != document.strip():
            raise InputError(
                f"the document {document!r} cannot be labelled: its id has a line break, or begins or ends with a space"
            )
        inside = ":" if label.place.end is None else f"{label.place.start}:{label.place.end}"
        lines.append(f"{label.grade} {document} [{inside}]")
    return "\n".join(lines)


def changed_labels(labels: Iterable[Label], changes: Mapping[Span, int | None]) -> tuple[Label, ...]:
    """Return the labels with those of some places replaced, added, or removed where the new grade is None."""
    kept = {label.place: label.grade for label in labels}
    return tuple(Label(grade, place) for place, grade in {**kept, **changes}.items() if grade is not None)


def with_labels(evidence: Sequence[Evidence], labels: Iterable[Label]) -> tuple[Evidence, ...]:
    """Return the evidence with these labels.

    Evidence of which more than half lies in a labelled item gets its grade. If there is none, the item itself becomes
    evidence.

    Raises:
        InputError: a label is lower than evidence that reaches beyond the item, so it would have no effect.
    """
    found = list(evidence)
    for grade, place in labels:
        inside = [at for at, one in enumerate(found) if _within(one, place)]
        for at in inside:
            found[at] = replace(found[at], grade=grade)
        above = [one for one in found if one.grade > grade and _covers(one, place)]
        if above:
            raise InputError(
                f"the label {grade} of {place.document_id} would have no effect, because evidence around it has the "
                f"grade {above[0].grade}; give it that grade or a higher one, or grade the evidence of the query"
            )
        if not inside:
            found.append(Evidence(place.document_id, place.start, place.end, grade, chunk=place.end is not None))
    return tuple(found)


def _within(evidence: Evidence, place: Span) -> bool:
    """Whether more than half of the evidence is in the place."""
    if evidence.document_id != place.document_id or evidence.end is None:
        return evidence.document_id == place.document_id and place.end is None
    if place.end is None:
        return True
    if evidence.chunk:
        return (evidence.start, evidence.end) == (place.start, place.end)
    return 2 * _shared(evidence, place.start, place.end) > evidence.end - evidence.start


def _covers(evidence: Evidence, place: Span) -> bool:
    """Whether the evidence reaches over more than half of the place, so that its grade counts there too."""
    if evidence.document_id != place.document_id or evidence.chunk or place.end is None:
        return False
    return evidence.end is None or 2 * _shared(evidence, place.start, place.end) > place.end - place.start


def _shared(evidence: Evidence, start: int, end: int) -> int:
    assert evidence.end is not None
    return min(evidence.end, end) - max(evidence.start, start)
