"""The values of trec_eval's measures for every query: those of ragbench's metrics, and those that only it has."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ragbench.metrics.ap import AveragePrecision
from ragbench.metrics.base import Metric
from ragbench.metrics.bin_g import BinG
from ragbench.metrics.bpref import Bpref
from ragbench.metrics.hit import Hit
from ragbench.metrics.infap import InferredAP
from ragbench.metrics.iprec import interpolated
from ragbench.metrics.mrr import ReciprocalRank
from ragbench.metrics.ndcg import NDCG
from ragbench.metrics.precision import Precision
from ragbench.metrics.r_precision import RPrecision
from ragbench.metrics.ranked import Floats, Ints, Ranked
from ragbench.metrics.recall import Recall
from ragbench.metrics.set_f import SetF
from ragbench.metrics.set_precision import SetPrecision
from ragbench.metrics.set_recall import SetRecall
from ragbench.metrics.trec_eval import gains

LEAST_OF_GEOMETRIC = 1e-5
"""The least value in a geometric mean."""


@dataclass(frozen=True, eq=False)
class Look:
    """What a measure is computed from.

    Attributes:
        ranked: the judged rows of the run.
        level: the least label that counts as relevant.
        nine: whether trec_eval 9 is followed where 10 differs.
        collection: number of documents in the collection, for ``utility``.
    """

    ranked: Ranked
    level: int = 1
    nine: bool = False
    collection: int = 0

    @property
    def relevant(self) -> Ints:
        """(q,) Number of relevant items."""
        return self.ranked.total(self.level)

    @property
    def found(self) -> Ints:
        """(q,) Number of relevant items that were retrieved."""
        return np.diff(self.ranked.relevant(self.level).bounds)

    @property
    def precisions(self) -> Floats:
        """(q,) Sum of the precisions at the ranks of relevant items."""
        relevant = self.ranked.relevant(self.level)
        return self.ranked.sum(relevant.query, relevant.nth / relevant.rank)

    def of(self, metric: Metric) -> Floats:
        """(q,) Values of a metric of ragbench."""
        return metric.values(self.ranked)

    def share(self, part: Floats | Ints, whole: Floats | Ints) -> Floats:
        """(q,) A ratio, 0 where the whole is 0."""
        value: Floats = np.divide(part, whole, out=np.zeros(len(self.ranked)), where=np.asarray(whole) > 0)
        return value


Value = Callable[[Look, Sequence[float]], Floats]
"""Value of a measure; with a cut-off, it is the only parameter."""
Graded = Callable[[gains.Walk], float]


def level_of(metric: type[Metric]) -> Value:
    """A metric of ragbench without a cut-off."""
    return lambda look, _: look.of(metric(level=look.level))  # type: ignore[call-arg]


def cut(metric: type[Metric]) -> Value:
    """A metric of ragbench with a cut-off."""
    return lambda look, given: look.of(metric(k=int(given[0]), level=look.level))  # type: ignore[call-arg]


def geometric(metric: type[Metric]) -> Value:
    """The logarithm of a metric, whose mean is the logarithm of the geometric mean."""
    return lambda look, _: np.log(np.maximum(look.of(metric(level=look.level)), LEAST_OF_GEOMETRIC))  # type: ignore[call-arg]


def interpolated_precision(look: Look, given: Sequence[float]) -> Floats:
    """Highest precision from the rank on where recall is reached."""
    return interpolated(look.ranked, look.level, given[0], nearest=not look.nine)


def points(look: Look, given: Sequence[float]) -> Floats:
    """Mean of the interpolated precisions at levels of recall."""
    total = np.zeros(len(look.ranked))
    for recall in given:
        total += interpolated_precision(look, [recall])
    return total / len(given)


def r_multiple(look: Look, given: Sequence[float]) -> Floats:
    """Precision at a multiple of R."""
    at = (given[0] * look.relevant + 0.9).astype(np.int64)
    relevant = look.ranked.relevant(look.level)
    inside = relevant.query[relevant.rank <= at.take(relevant.query)]
    return look.share(np.bincount(inside, minlength=len(look.ranked)), at)


def relative_precision(look: Look, given: Sequence[float]) -> Floats:
    """Precision divided by the highest possible one."""
    k = int(given[0])
    return look.share(look.ranked.relevant(look.level).found(k), np.minimum(k, look.relevant))


def utility(look: Look, given: Sequence[float]) -> Floats:
    """Weighted sum of the four counts of relevant and retrieved items."""
    a, b, c, d = given
    retrieved, rest = look.ranked.retrieved, look.collection + look.found - look.ranked.retrieved - look.relevant
    value: Floats = a * look.found + b * (retrieved - look.found) + c * (look.relevant - look.found) + d * rest
    return value


def set_f(look: Look, given: Sequence[float]) -> Floats:
    """Set F; the parameter is the square of beta."""
    return look.of(SetF(beta=float(np.sqrt(given[0])), level=look.level))


def unjudged(look: Look, given: Sequence[float]) -> Floats:
    """Share of unjudged items in the top k."""
    k = int(given[0])
    seen = look.ranked.query[(look.ranked.label >= 0) & (look.ranked.rank <= k)]
    value: Floats = (np.minimum(look.ranked.retrieved, k) - np.bincount(seen, minlength=len(look.ranked))) / k
    return value


def residual(look: Look, _: Sequence[float]) -> Floats:
    """What rank-biased precision could gain if unjudged items were relevant."""
    p, ranked = gains.PERSISTENCE, look.ranked
    rows = np.flatnonzero(ranked.label >= 0)
    weight: Floats = (1 - p) * np.power(p, ranked.rank[rows] - 1.0)
    judged = ranked.sum(ranked.query[rows], weight)
    complete = np.bincount(ranked.query[rows], minlength=len(ranked)) == ranked.retrieved
    return np.where(complete, 0.0, 1 - judged)


VALUES: dict[str, Value] = {
    "num_ret": lambda look, _: look.ranked.retrieved.astype(np.float64),
    "num_rel": lambda look, _: look.relevant.astype(np.float64),
    "num_rel_ret": lambda look, _: look.found.astype(np.float64),
    "map": level_of(AveragePrecision),
    "gm_map": geometric(AveragePrecision),
    "Rprec": level_of(RPrecision),
    "bpref": level_of(Bpref),
    "recip_rank": level_of(ReciprocalRank),
    "iprec_at_recall": interpolated_precision,
    "P": cut(Precision),
    "recall": cut(Recall),
    "infAP": level_of(InferredAP),
    "gm_bpref": geometric(Bpref),
    "Rprec_mult": r_multiple,
    "utility": utility,
    "11pt_avg": points,
    "binG": level_of(BinG),
    "ndcg_cut": lambda look, given: look.of(NDCG(k=int(given[0]))),
    "map_cut": cut(AveragePrecision),
    "relative_P": relative_precision,
    "success": cut(Hit),
    "set_P": level_of(SetPrecision),
    "set_relative_P": lambda look, _: look.share(look.found, np.minimum(look.ranked.retrieved, look.relevant)),
    "set_recall": level_of(SetRecall),
    "set_map": lambda look, _: look.share(look.found**2, look.ranked.retrieved * look.relevant),
    "set_F": set_f,
    "num_nonrel_judged_ret": lambda look, _: np.bincount(
        look.ranked.query[(look.ranked.label >= 0) & (look.ranked.label < look.level)], minlength=len(look.ranked)
    ).astype(np.float64),
    "num_nonjudged_ret": lambda look, _: (
        look.ranked.retrieved - np.bincount(look.ranked.query[look.ranked.label >= 0], minlength=len(look.ranked))
    ).astype(np.float64),
    "yaap": lambda look, _: np.log((1 + look.precisions) / (1 + look.relevant - look.precisions)),
    "rbp_resid": residual,
    "unj": unjudged,
}
GRADED: dict[str, Graded] = {
    "G": gains.g,
    "dcg": gains.dcg,
    "ideal_dcg": gains.ideal_dcg,
    "ndcg": gains.ndcg,
    "ndcg_rel": gains.ndcg_rel,
    "Rndcg": gains.rndcg,
}


def values(look: Look, family: str, given: Sequence[float], pairs: gains.Given) -> Floats:
    """(q,) Values of a measure.

    Args:
        look: the judged rows and the settings.
        family: its name without parameters.
        given: numbers, or the one cut-off.
        pairs: gains by label, or ``p`` of ``rbp``.
    """
    if family == "ndcg" and not pairs:
        return look.of(NDCG())
    if family == "rbp":
        return gains.by_query(look.ranked, look.level, pairs, gains.rbp(pairs.get("p", gains.PERSISTENCE)))
    if family in GRADED:
        return gains.by_query(look.ranked, look.level, pairs, GRADED[family])
    return VALUES[family](look, given)
