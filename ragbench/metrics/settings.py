"""Settings of an evaluation: cut-offs, metrics, judged level, ties and resampling."""

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
    """Settings of an evaluation.

    Attributes:
        k: cut-offs.
        metrics: names of metrics; empty means `default_metrics` of k.
        level: whether chunks or documents are judged. ``auto`` judges chunks if evidence points at parts of documents
            that were cut, else documents.
        overlap: share of the shorter of span and chunk that they must have in common to make the chunk relevant.
        ties: ``trec`` orders equal scores by id, ``expected`` averages over their orders.
        allow_missing: continue if the golden set names documents that the corpus lacks.
        drop_self: exclude a document from the ranking of the query with the same id (as in ArguAna).
        seed: seed for resampling, sampling and retrievers with a random part.
        resamples: number of bootstrap resamples and of sign assignments.
        jobs: how many systems run at a time; above 1, measured times are not reliable.
        fresh: run everything again, even if a stored run exists.

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
            raise SettingError(f"{', '.join(without)}: no expected value under ties; remove it or use ties=trec")
        if self.seed < 0:
            raise SettingError(f"seed is {self.seed}; it must be 0 or more")
        if not 0 < self.overlap <= 1:
            raise SettingError(f"overlap is {self.overlap}; it must lie in (0, 1]")
        if self.jobs < 1:
            raise SettingError(f"jobs is {self.jobs}; it must be at least 1")

    @property
    def depth(self) -> int:
        """How many items are retrieved: the largest cut-off, and at least 100, because MAP and R-precision have no
        cut-off.
        """
        cuts = (getattr(metric, "k", None) or 0 for metric in parse_all(self.metric_names))
        return max(*self.k, *cuts, LEAST_DEPTH)

    @property
    def metric_names(self) -> tuple[str, ...]:
        """Names of the metrics to compute."""
        return self.metrics or default_metrics(self.k)


_KINDS: dict[str, object] = {
    **get_type_hints(EvaluationSettings), "k": Collection[int], "metrics": str | Collection[str | Metric],
}  # fmt: skip
"""Kinds of the settings. Any collection of cut-offs and metrics is accepted."""


def default_metrics(k: Sequence[int]) -> tuple[str, ...]:
    """Return hit, MRR, nDCG, recall, precision and judged at each k, then MAP and R-precision."""
    cuts = sorted(set(k))
    kinds = ("hit", "mrr", "ndcg", "recall", "p", "judged")
    return (*(f"{kind}@{cut}" for kind in kinds for cut in cuts), "map", "rprec")


def tie_cut(k: Sequence[int]) -> int:
    """Return the cut-off of the tie rate: the largest one up to 10, else the smallest.

    Ties far down a list (BM25 on short texts has many) do not affect the usual metrics.
    """
    return max((cut for cut in k if cut <= TIE_DEPTH), default=min(k))
