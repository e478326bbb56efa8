"""Graded labels of a log: what users did with a document, for each time that they looked at it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ragbench.core.brief import brief
from ragbench.core.errors import InputError, SettingError, did_you_mean
from ragbench.learning.interactions import EVENTS, Interactions, pairs_of
from ragbench.learning.propensities import Propensities

UNKNOWN = -1
"""Grade of a pair with too little evidence."""
FEWEST_POSITIVES = 50
"""Pairs with a grade above 0 that training data need."""


@brief
@dataclass(frozen=True)
class LabelRules:
    """How counts become grades.

    Attributes:
        weights: value of a click, of a cart and of a purchase; the strongest event of an impression counts.
        grades: ascending shares of the best value of the query; a pair that reaches the first has grade 1, and so on.
        min_sessions: fewest sessions with an event on a relevant document.
        min_looks: fewest looks (the sum of propensities) at a document that is labelled, whatever its grade.
        prior: looks without an event that are added to every pair, so that a rate from few looks is not taken for a
            high one.

    Raises:
        SettingError: a value is out of its range.
    """

    weights: tuple[float, float, float] = (1.0, 2.0, 4.0)
    grades: tuple[float, ...] = (0.25, 0.6)
    min_sessions: int = 2
    min_looks: float = 2.0
    prior: float = 2.0

    def __post_init__(self) -> None:
        if (
            not self.grades
            or not all(0 < share <= 1 for share in self.grades)
            or sorted(set(self.grades)) != list(self.grades)
        ):
            raise SettingError("must be ascending shares above 0 and at most 1, as in .25,.6", option="grades")
        if not all(0 <= weight < float("inf") for weight in self.weights) or not any(self.weights):
            raise SettingError("must be 0 or more, and one of them above 0", option="weights")


@brief
@dataclass(frozen=True, eq=False)
class LogLabels:
    """Labels of pairs of query and document, p rows.

    Attributes:
        queries: the distinct queries.
        items: ids of the documents.
        query, item: int64 (p,), rows of the two.
        shown: int64 (p,), times that the document was shown for the query.
        looks: float64 (p,), how often it was probably looked at: the sum of the propensities.
        events: int64 (p, 3), times that it was clicked, put into the cart and bought.
        sessions: int64 (p,), sessions with an event on it.
        value: float64 (p,), weighted events for each look, with the prior.
        grade: int64 (p,), the label; -1 if there is too little evidence.
    """

    queries: Sequence[str]
    items: Sequence[str]
    query: npt.NDArray[np.int64]
    item: npt.NDArray[np.int64]
    shown: npt.NDArray[np.int64]
    looks: npt.NDArray[np.float64]
    events: npt.NDArray[np.int64]
    sessions: npt.NDArray[np.int64]
    value: npt.NDArray[np.float64]
    grade: npt.NDArray[np.int64]

    @property
    def positives(self) -> int:
        """Pairs with a grade above 0."""
        return int((self.grade > 0).sum())


def event_weights(given: Mapping[str, float] | None) -> tuple[float, float, float]:
    """The weights of clicks, carts and purchases; those that are not given keep their default.

    Raises:
        SettingError: there is no such event.
    """
    weights = dict(zip(EVENTS, LabelRules.weights, strict=True))
    for name, weight in (given or {}).items():
        if name not in weights:
            raise SettingError(f"has no event {name!r}{did_you_mean(name, EVENTS)}", option="weights")
        weights[name] = weight
    clicks, carts, purchases = (weights[name] for name in EVENTS)
    return clicks, carts, purchases


def label(found: Interactions, bias: Propensities, rules: LabelRules) -> LogLabels:
    """Grade each pair of query and document by its events for each look.

    A document that is shown far down is looked at less often, so the same number of clicks there counts for more
    (inverse propensity weighting, Joachims et al. 2017). The value is a ratio of sums, which has less variance than the
    mean of weighted clicks and needs no clipping.
    """
    query, item, pair = pairs_of(found)
    p = len(query)
    looks = np.bincount(pair, weights=bias.of(found), minlength=p).astype(np.float64)
    events = np.stack([np.bincount(pair, weights=found.acted[:, kind], minlength=p) for kind in range(3)], axis=1)
    strongest = np.where(found.acted, np.array(rules.weights), 0.0).max(axis=1)
    value = np.bincount(pair, weights=strongest, minlength=p) / (looks + rules.prior)
    acted = np.unique(np.stack([pair[found.clicked], found.session[found.clicked]]), axis=1)[0]
    sessions = np.bincount(acted, minlength=p)
    enough = sessions >= rules.min_sessions
    best = np.zeros(len(found.queries))
    np.maximum.at(best, query[enough], value[enough])
    share = np.divide(value, best[query], out=np.zeros(p), where=best[query] > 0)
    reached = np.searchsorted(np.array(rules.grades), share + 1e-12, side="right")
    grade = np.where(enough, reached, np.where(reached > 0, UNKNOWN, 0))
    grade = np.where((looks < rules.min_looks) & (grade <= 0), UNKNOWN, grade)
    return LogLabels(
        found.queries, found.items, query, item, np.bincount(pair, minlength=p), looks, events.astype(np.int64),
        sessions, value, grade.astype(np.int64),
    )  # fmt: skip


def check_positives(labels: LogLabels, name: str) -> None:
    """Refuse labels that are too few to learn from.

    Raises:
        InputError: there are fewer positives; the message has their number and the number that is needed.
    """
    if labels.positives < FEWEST_POSITIVES:
        raise InputError(
            f"{name}: {labels.positives} pairs of query and document have a grade above 0, and {FEWEST_POSITIVES} are "
            "needed. Use a longer log, or lower the evidence that a label needs (--min-sessions, --min-looks)"
        )
