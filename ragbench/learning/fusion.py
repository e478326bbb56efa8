"""Learn the weights of a fusion: pairwise logistic regression, held near the untrained blend.

The untrained blend adds three standardised signals with weight 1. Few queries teach little, so the regression is
penalised for its distance from these weights, and the strength of the penalty is chosen by cross-validation. If no
strength is better than the blend by more than its standard error, the blend stays as it is.

Source: Joachims 2002 for learning from pairs of a relevant and a less relevant item; Burges et al. 2005 (RankNet) for
the logistic loss; Friedman et al. 2010 for choosing within one standard error.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ragbench.core.brief import brief
from ragbench.core.context import generator
from ragbench.core.errors import InputError
from ragbench.core.spelling import named
from ragbench.metrics.ndcg import discount
from ragbench.retrievers._signals import BLEND, NAMES

Floats = npt.NDArray[np.float64]

STRENGTHS = (1.0, 3.0, 10.0, 30.0)
"""Strengths of the penalty that are tried; a pair-complete query has weight 1."""
FOLDS, CUT = 5, 10
FEWEST_POSITIVES, FEWEST_QUERIES = 50, 10
UNTRAINED = np.array([float(name in BLEND) for name in NAMES])
"""The weights of the untrained blend."""


@brief
@dataclass(frozen=True, eq=False)
class Examples:
    """Candidates of queries with their signals and labels.

    Attributes:
        signals: float32 (s, q, c), as `ragbench.retrievers._signals.Signals` gives them.
        valid: bool (q, c), whether there is a candidate.
        labels: int32 (q, c), its label; 0 if it has none.
        ideal: float64 (q,), DCG@10 of the best ranking of all judged items.
        units: resampling unit of each query.
    """

    signals: npt.NDArray[np.float32]
    valid: npt.NDArray[np.bool_]
    labels: npt.NDArray[np.int32]
    ideal: Floats
    units: Sequence[str]

    def __len__(self) -> int:
        return len(self.ideal)

    @property
    def positives(self) -> int:
        """Relevant candidates."""
        return int((self.labels > 0).sum())

    @property
    def usable(self) -> npt.NDArray[np.bool_]:
        """Bool (q,), queries with a relevant candidate and a less relevant one."""
        highest = np.where(self.valid, self.labels, -1).max(axis=1, initial=-1)
        lowest = np.where(self.valid, self.labels, np.iinfo(np.int32).max).min(axis=1, initial=np.iinfo(np.int32).max)
        found: npt.NDArray[np.bool_] = (highest > 0) & (lowest < highest)
        return found


@brief
@dataclass(frozen=True, eq=False)
class Learned:
    """Weights, and how they were chosen.

    Attributes:
        weights: float64 (s,), in the order of `ragbench.retrievers._signals.NAMES`.
        strength: the penalty; None if the untrained blend stays.
        gains: mean gain in nDCG@10 over the blend in cross-validation, by strength.
        errors: its standard error, by strength.
    """

    weights: Floats
    strength: float | None
    gains: dict[float, float]
    errors: dict[float, float]


def joined(parts: Sequence[Examples]) -> Examples:
    """Put examples of several searches together. They have the same number of candidates."""
    return Examples(
        np.concatenate([part.signals for part in parts], axis=1),
        np.concatenate([part.valid for part in parts]),
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.ideal for part in parts]),
        [unit for part in parts for unit in part.units],
    )


def learn(examples: Examples, seed: int = 0) -> Learned:
    """Choose the penalty by cross-validation over units, and fit all queries with it.

    Raises:
        InputError: there are too few relevant candidates or queries.
    """
    usable = np.flatnonzero(examples.usable)
    units = {examples.units[row] for row in usable.tolist()}
    if examples.positives < FEWEST_POSITIVES or len(units) < FEWEST_QUERIES:
        raise InputError(
            f"{examples.positives} relevant candidates in {len(units)} independent queries; a fusion needs at least "
            f"{FEWEST_POSITIVES} in {FEWEST_QUERIES}. Give more labelled queries, or raise {named('depth')}"
        )
    order = generator(seed, "fusion folds").permutation(len(set(examples.units)))
    place = {unit: int(order[at]) % FOLDS for at, unit in enumerate(dict.fromkeys(examples.units))}
    fold = np.array([place[unit] for unit in examples.units])
    judged = examples.ideal > 0
    base = ndcg(examples, UNTRAINED)
    gains, errors = {}, {}
    for strength in STRENGTHS:
        held_out = np.zeros(len(examples))
        for at in range(FOLDS):
            test = fold == at
            held_out[test] = ndcg(examples, fit(examples, usable[~test[usable]], strength))[test]
        gain = (held_out - base)[judged]
        gains[strength] = float(gain.mean())
        errors[strength] = float(gain.std(ddof=1) / np.sqrt(len(gain)))
    best = max(STRENGTHS, key=lambda strength: (gains[strength], strength))
    if gains[best] <= errors[best]:
        return Learned(UNTRAINED.copy(), None, gains, errors)
    return Learned(fit(examples, usable, best), best, gains, errors)


def fit(examples: Examples, queries: npt.NDArray[np.int64], strength: float) -> Floats:
    """Fit the weights (s,) to some queries. Every query counts alike, however many pairs it has."""
    from scipy.optimize import minimize

    differences, shares = [np.zeros((0, len(NAMES)))], [np.zeros(0)]
    for row in queries.tolist():
        x = examples.signals[:, row, examples.valid[row]].T.astype(np.float64)
        labels = examples.labels[row, examples.valid[row]]
        better, worse = np.nonzero((labels[:, None] > 0) & (labels[:, None] > labels[None, :]))
        differences.append(x[better] - x[worse])
        shares.append(np.full(len(better), 1 / max(len(better), 1)))
    x, share = np.concatenate(differences), np.concatenate(shares)

    def loss(weights: Floats) -> tuple[float, Floats]:
        margin = x @ weights
        moved = weights - UNTRAINED
        value = share @ np.logaddexp(0, -margin) + strength * moved @ moved / 2
        slope = -share * np.exp(-np.logaddexp(0, margin))
        return float(value), x.T @ slope + strength * moved

    found: Floats = np.asarray(minimize(loss, UNTRAINED.copy(), jac=True, method="L-BFGS-B").x, dtype=np.float64)
    return found


def ndcg(examples: Examples, weights: Floats) -> Floats:
    """NDCG@10 (q,) of the candidates in the order of their weighted signals; 0 for queries without a judged item."""
    scores = np.einsum("s,sqc->qc", weights, examples.signals.astype(np.float64))
    order = np.argsort(np.where(examples.valid, -scores, np.inf), axis=1, kind="stable")[:, :CUT]
    gains = np.take_along_axis(np.where(examples.valid, np.maximum(examples.labels, 0), 0), order, axis=1)
    found = gains @ discount(order.shape[1])
    return np.divide(found, examples.ideal, out=np.zeros(len(examples)), where=examples.ideal > 0)
