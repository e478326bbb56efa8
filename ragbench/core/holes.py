"""Results of filling holes: items at the top of a ranking that have no label."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Interval:
    """A mean with its interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class FilledHoles:
    """A difference after a model labelled the items without a label, corrected for the model's errors.

    Attributes:
        baseline, candidate, metric: what is compared.
        confidence: confidence of the intervals.
        holes_baseline, holes_candidate: share of the items within the cut that have no label.
        filled: number of holes of both systems that the model labelled.
        unfilled: number of holes without a label of the model; they count as not relevant.
        measured: number of items with labels of both kinds, from which the model's errors are estimated.
        mean_baseline, mean_candidate: means of the two systems with corrected labels.
        difference: candidate minus baseline with corrected labels. The interval includes the model's errors, and how
            well they are known.
        irrelevant: the difference if no hole is relevant, as it is without the model.
        relevant: the difference if every hole has the highest label.
        lowest, highest: the difference if the holes of one system alone have the highest label, and those of the other
            and the shared ones are not relevant. No labels give a difference that is much further out.
    """

    baseline: str
    candidate: str
    metric: str
    confidence: float
    holes_baseline: float
    holes_candidate: float
    filled: int
    unfilled: int
    measured: int
    mean_baseline: Interval
    mean_candidate: Interval
    difference: Interval
    irrelevant: float
    relevant: float
    lowest: float
    highest: float
