"""How to evaluate."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal, get_type_hints

from ragbench.core.errors import SettingError
from ragbench.core.kinds import check_kinds, taken
from ragbench.metrics.base import Metric
from ragbench.metrics.parse import parse_all

DEFAULT_K = (1, 5, 10, 100)
TIE_DEPTH = 10
LEAST_DEPTH = 100


@dataclass(frozen=True)
class EvaluationSettings:
    """How to evaluate.

    Attributes:
        k: cut-offs.
        metrics: metric names; empty means `default_metrics` of k.
        level: judge chunks or documents; ``auto`` takes chunks where evidence
            points at parts of documents that were cut, else documents.
        overlap: share of the shorter of span and chunk that makes a chunk relevant.
        ties: ``trec`` orders equal scores by id, ``expected`` averages over their orders.
        allow_missing: go on when the golden set names documents the corpus lacks.
        drop_self: leave a document out of the ranking of a query with the same id (ArguAna).
        seed: for resampling, sampling and retrievers with a random part.
        resamples: bootstrap resamples and sign assignments.
        jobs: arms at a time; above 1 their times disturb each other.
        fresh: run everything again, whatever is stored.

    Examples:
        >>> rb.Settings(k=(5,)).metric_names
        ('hit@5', 'mrr@5', 'ndcg@5', 'recall@5', 'p@5', 'judged@5', 'map', 'rprec')
    """

    k: tuple[int, ...] = DEFAULT_K
    metrics: tuple[str, ...] = ()
    level: Literal["auto", "chunk", "document"] = "auto"
    overlap: float = 0.5
    ties: Literal["trec", "expected"] = "trec"
    allow_missing: bool = False
    drop_self: bool = False
    seed: int = 0
    resamples: int = 10_000
    jobs: int = 1
    fresh: bool = False

    def __post_init__(self) -> None:
        given = {name: taken(getattr(self, name), kind) for name, kind in _KINDS.items()}
        check_kinds(
            "EvaluationSettings", _KINDS, given, {"k": "cut-offs, as in k=(5, 10)", "metrics": "a list of names"}
        )
        given["k"] = tuple(map(int, given["k"]))
        if not isinstance(given["metrics"], str):
            given["metrics"] = tuple(given["metrics"])
        for name, value in given.items():
            object.__setattr__(self, name, value)
        if not self.k or min(self.k) < 1:
            raise SettingError(f"k is {list(self.k)}; every cut-off must be at least 1")
        if self.resamples < 100:
            raise SettingError(f"resamples is {self.resamples}; an interval needs at least 100")
        without = [str(m) for m in parse_all(self.metric_names) if type(m).expected is Metric.expected]
        if self.ties == "expected" and without:
            raise SettingError(f"{', '.join(without)}: no expected value under ties; leave it out or use ties=trec")
        if self.seed < 0:
            raise SettingError(f"seed is {self.seed}; it must be 0 or more")
        if not 0 < self.overlap <= 1:
            raise SettingError(f"overlap is {self.overlap}; it must lie in (0, 1]")
        if self.jobs < 1:
            raise SettingError(f"jobs is {self.jobs}; it must be at least 1")

    @property
    def depth(self) -> int:
        """How much is retrieved: the largest cut-off of all, and at least 100, since MAP and R-precision read on."""
        cuts = (getattr(metric, "k", None) or 0 for metric in parse_all(self.metric_names))
        return max(*self.k, *cuts, LEAST_DEPTH)

    @property
    def metric_names(self) -> tuple[str, ...]:
        """What is measured."""
        return self.metrics or default_metrics(self.k)


_KINDS: dict[str, object] = {
    **get_type_hints(EvaluationSettings), "k": Collection[int], "metrics": str | Collection[str | Metric],
}  # fmt: skip
"""Any collection of cut-offs and metrics will do."""


def default_metrics(k: Sequence[int]) -> tuple[str, ...]:
    """Hit, MRR, nDCG, recall, precision and judged at each k, then MAP and R-precision."""
    cuts = sorted(set(k))
    kinds = ("hit", "mrr", "ndcg", "recall", "p", "judged")
    return (*(f"{kind}@{cut}" for kind in kinds for cut in cuts), "map", "rprec")


def tie_cut(k: Sequence[int]) -> int:
    """Where the tie rate is taken: the largest cut-off up to 10, else the smallest.

    Ties far down a list (BM25 on short texts is full of them) move no metric that is read.
    """
    return max((cut for cut in k if cut <= TIE_DEPTH), default=min(k))
