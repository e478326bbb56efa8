"""Labels of annotators, with what is known about how their queries were drawn."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ragbench.core.brief import brief
from ragbench.core.judgements import Judgements


@dataclass(frozen=True, eq=False)
class AnnotatorLabels:
    """Labels of annotators for some of the queries.

    Attributes:
        judgements: the labels.
        chances: chance of each query to be drawn, by its id, if they were drawn with unequal chances
            (``ragbench compare --label-next``); else empty. Items without a label of annotators then keep the one of
            the evaluation.
        unfinished: drawn queries with items that have no label yet.
        systems: names of the systems that the items were chosen for.
        metric: the metric that the items were chosen for, or empty.
    """

    judgements: Judgements
    chances: Mapping[str, float] = field(default_factory=dict)
    unfinished: tuple[str, ...] = ()
    systems: frozenset[str] = frozenset()
    metric: str = ""


@dataclass(frozen=True)
class LabelRow:
    """A row of a label sheet: an item of a query that annotators are asked to label.

    Attributes:
        query_id: the query.
        item_id: the item.
        chance: the chance of the query to be drawn.
        influence: how much the label is expected to change the difference of the query.
        label: the label, or None if it is still to be given.
    """

    query_id: str
    item_id: str
    chance: float
    influence: float
    label: int | None = None


@brief
@dataclass(frozen=True)
class LabelSheet:
    """The labels that would narrow the interval of a difference most.

    Attributes:
        rows: items to label, and those of earlier rounds with their labels, query by query.
        metric: the metric whose difference they are for.
        systems: names of the compared systems, the baseline first.
        queries: number of queries that were drawn now.
        worth: number of queries that a random draw would need for the same precision, as far as the expected errors
            of the labels are right.
        measured: number of items with labels of both kinds from which the errors of the labels were estimated; 0 if
            none are known.
    """

    rows: tuple[LabelRow, ...]
    metric: str
    systems: tuple[str, ...]
    queries: int
    worth: float
    measured: int

    @property
    def items(self) -> int:
        """Number of items that still need a label."""
        return sum(row.label is None for row in self.rows)
