"""What a synthetic golden set claims about pairs of retriever settings, and what human queries say about the claims.

A set claims that one setting is better than another where `ragbench compare` would: the difference is significant and
not small, and no wording contradicts it. Human queries show a difference where it is significant on them.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from ragbench.stats.bootstrap import resampled_means
from ragbench.stats.paired_tests import paired_t
from ragbench.stats.prediction import lasting_differences

ALPHA, RESAMPLES = 0.05, 2000


@dataclass(frozen=True)
class PerQuery:
    """Metric values of one set of queries.

    Attributes:
        values: (n, m) metric per query and setting; queries without anything relevant are skipped.
        clusters: (n,) resampling unit of each query.
        wordings: (n,) wording of each query, empty where it has none.
    """

    values: npt.NDArray[np.float64]
    clusters: npt.NDArray[np.int64]
    wordings: npt.NDArray[np.str_]


@dataclass(frozen=True)
class Claims:
    """The claims of a set over all pairs of settings, beside what human queries show.

    Attributes:
        pairs: number of pairs of settings.
        confirmed: claims that human queries show too.
        contradicted: claims whose opposite human queries show.
        open: claims on which human queries show nothing.
        missed: differences that human queries show, and the set does not claim.
        slope, slope_low, slope_high: difference on human queries per difference on this set, by regression through zero
            over all pairs, with its 95% bootstrap interval over both sets of queries. Noise in the means of a small set
            pulls it towards 0.
        residual: root mean square of the differences on human queries less the slope times those on this set.
    """

    pairs: int
    confirmed: int
    contradicted: int
    open: int
    missed: int
    slope: float
    slope_low: float
    slope_high: float
    residual: float


def claims_of(ours: PerQuery, theirs: PerQuery, rng: np.random.Generator) -> Claims:
    """Compare the claims of a synthetic set with human queries.

    Tests are paired t tests by resampling unit, two-sided at .05, without a correction for the number of pairs.

    Args:
        ours: the synthetic set.
        theirs: the human queries, on the same settings.
        rng: generator for the bootstrap.
    """
    claimed = _shown(ours) * lasting_differences(_differences(ours.values), ours.wordings)
    shown = _shown(theirs)
    synthetic, human = ours.values.mean(axis=0), theirs.values.mean(axis=0)
    resampled = [resampled_means(one.values, one.clusters, rng, RESAMPLES) for one in (ours, theirs)]
    low, high = np.nanquantile(_slope(*resampled), [0.025, 0.975]).tolist()
    slope = float(_slope(synthetic[None], human[None])[0])
    left = _differences(human[None]) - slope * _differences(synthetic[None])
    return Claims(
        pairs=len(claimed),
        confirmed=int(((claimed != 0) & (claimed == shown)).sum()),
        contradicted=int(((claimed != 0) & (claimed == -shown)).sum()),
        open=int(((claimed != 0) & (shown == 0)).sum()),
        missed=int(((claimed == 0) & (shown != 0)).sum()),
        slope=slope,
        slope_low=low,
        slope_high=high,
        residual=float(np.sqrt((left**2).mean())),
    )


def _differences(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(n, pairs) The later setting of each pair less the earlier one."""
    first, second = np.array(list(combinations(range(values.shape[1]), 2))).T
    return values[:, second] - values[:, first]


def _shown(one: PerQuery) -> npt.NDArray[np.int64]:
    """(pairs,) Sign of each significant difference, else 0."""
    differences = _differences(one.values)
    signs = np.sign(differences.mean(axis=0)).astype(np.int64)
    return np.where(paired_t(differences, one.clusters).p < ALPHA, signs, 0)


def _slope(synthetic: npt.NDArray[np.float64], human: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(n,) Regression through zero of the differences of the means (n, m); NaN where the set has none."""
    ours = synthetic - synthetic.mean(axis=1, keepdims=True)
    theirs = human - human.mean(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        found: npt.NDArray[np.float64] = (ours * theirs).sum(axis=1) / (ours**2).sum(axis=1)
    return found
