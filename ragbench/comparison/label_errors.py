"""How often annotators would give another label than the evaluation: estimated, or assumed if nothing is known."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ragbench.core.judgements import Judgements

Array = npt.NDArray[np.float64]
Labels = Mapping[str, Mapping[str, int]]
ASSUMED = 0.25
"""Share of labels that are replaced by one drawn from all labels, if no labels of annotators are known."""
PRIOR = 10.0
"""Weight of the assumption, in items, beside the items that have labels of both kinds."""


@dataclass(frozen=True, eq=False)
class LabelErrors:
    """Chance of every label of an annotator, given the label of the evaluation.

    Attributes:
        levels: (l,) the labels, ascending; negative ones count as 0.
        chances: (l + 1, l) chance of each label of an annotator by the label of the evaluation; the last row is for
            items without one.
        measured: number of items with both.
    """

    levels: npt.NDArray[np.int64]
    chances: Array
    measured: int

    @classmethod
    def of(cls, known: Labels, human: Labels) -> "LabelErrors":
        """Estimate the chances from the items with both labels, and a prior: `ASSUMED` of the labels are random.

        Args:
            known: labels of the evaluation.
            human: labels of annotators for some of its queries; may be empty.
        """
        both = [(known[q].get(item), label) for q, row in human.items() if q in known for item, label in row.items()]
        given = [label for row in known.values() for label in row.values()]
        levels = np.unique(np.maximum([0, 1, *given, *(label for _, label in both)], 0)).astype(np.int64)
        counts = np.zeros((len(levels) + 1, len(levels)))
        for known_label, label in both:
            row = len(levels) if known_label is None else int(np.searchsorted(levels, max(known_label, 0)))
            counts[row, np.searchsorted(levels, max(label, 0))] += 1
        shares = np.bincount(np.searchsorted(levels, np.maximum(given, 0)), minlength=len(levels)) + 1.0
        wrong = np.tile(ASSUMED * shares / shares.sum(), (len(levels) + 1, 1))
        wrong[:-1] += (1 - ASSUMED) * np.eye(len(levels))
        wrong[-1, 0] += 1 - ASSUMED
        chances = counts + PRIOR * wrong
        return cls(levels, chances / chances.sum(axis=1, keepdims=True), len(both))

    def rows(self, labels: Judgements, judged: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        """(n,) Row of `chances` of each label; that of items without one where ``judged`` is False."""
        return np.where(judged, np.searchsorted(self.levels, np.maximum(labels.labels, 0)), len(self.levels))

    def draw(self, rows: npt.NDArray[np.int64], rng: np.random.Generator) -> npt.NDArray[np.int32]:
        """(n,) Labels as annotators might give them."""
        ends = self.chances.cumsum(axis=1)[rows, :-1]
        at = (rng.random(len(rows))[:, None] > ends).sum(axis=1)
        drawn: npt.NDArray[np.int32] = self.levels.astype(np.int32)[at]
        return drawn
