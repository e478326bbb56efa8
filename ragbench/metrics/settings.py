"""Settings of an evaluation: cut-offs, metrics, judged level, ties and resampling."""

from collections.abc import Sequence
from typing import Literal

from ragbench.core.errors import SettingError
from ragbench.core.filters import Filter
from ragbench.core.options import named, option, option_group
from ragbench.core.spelling import given
from ragbench.metrics.base import Metric
from ragbench.metrics.parse import parse_all

DEFAULT_K = (1, 5, 10, 100)
TIE_DEPTH = 10
LEAST_DEPTH = 100


def cut_offs(text: str) -> tuple[int, ...]:
    """Read cut-offs as a command line has them: ``1,5,10``.

    Raises:
        SettingError: a part is no whole number.
    """
    try:
        return tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise SettingError(f"{named('k')} is {text!r}; write whole numbers, as in 1,5,10") from None


@option_group
class EvaluationSettings:
    """How systems are evaluated.

    Raises:
        SettingError: a value out of its range; every fault is listed.
    """

    k: Sequence[int] = option(
        "Cut-offs, as in 1,5,10.", default=DEFAULT_K, section="Evaluation", metavar="K,K,...", parse=cut_offs
    )
    metrics: Sequence[str | Metric] = option(
        "Metric, such as ndcg@10.", default=(), section="Evaluation", flag="--metric",
        unset="hit, mrr, ndcg, recall, p and judged at each cut-off, map and rprec",
    )  # fmt: skip
    level: Literal["auto", "chunk", "document"] = option(
        "What is judged. auto judges chunks where evidence points at parts of documents that were cut, else documents.",
        default="auto", section="Evaluation",
    )  # fmt: skip
    level_of: int = option(
        "Least label that counts as relevant, for metrics that do not set it, as in recall(level=2)@10.", default=1,
        section="Evaluation",
    )  # fmt: skip
    judged_only: bool = option(
        "Remove items without a label of 0 or above from every ranking before it is scored (trec_eval -J).",
        default=False, section="Evaluation",
    )  # fmt: skip
    filter: str | None = option(
        "Search only documents whose metadata match, as in 'price<100 and category=tents'.", default=None,
        section="Retrieval", unset="all documents", metavar="FILTER",
    )  # fmt: skip
    filter_column: str | None = option(
        "Column of the golden set with a filter for each query.", default=None, section="Retrieval", unset="none"
    )
    overlap: float = option(
        "Share of the shorter of evidence and chunk that must overlap to make the chunk relevant.", default=0.5,
        section="Evaluation",
    )  # fmt: skip
    ties: Literal["trec", "expected"] = option(
        "trec orders equal scores by id; expected averages over all orders.", default="trec", section="Evaluation"
    )
    allow_missing: bool = option(
        "Continue if the golden set names documents that the corpus lacks.", default=False, section="Evaluation"
    )
    holes: bool = option(
        "Also show how many items within each cut-off have no label, and the lowest and highest mean that their labels "
        "could give.", default=False, section="Evaluation",
    )  # fmt: skip
    average: Literal["queries", "documents"] = option(
        "Unit of the means: queries, or documents (every document counts once, however many queries it has).",
        default="queries", section="Evaluation",
    )  # fmt: skip
    drop_self: bool = option(
        "Exclude a document from the ranking of the query with the same id, as ArguAna needs.", default=False,
        section="Evaluation",
    )  # fmt: skip
    seed: int = option("Seed of all random draws.", default=0, section="Run")
    resamples: int = option("Bootstrap resamples and sign assignments.", default=10_000, section="Evaluation")
    jobs: int = option(
        "Number of systems that run at the same time; they slow each other down.", default=1, section="Run"
    )
    repeats: int = option(
        "Number of runs of each system that may answer differently each time: a service, a language model, your code.",
        default=1, section="Run",
    )  # fmt: skip
    fresh: bool = option("Run all systems again, even if their runs are stored.", default=False, section="Run")

    def __post_init__(self) -> None:
        object.__setattr__(self, "k", tuple(map(int, self.k)))
        object.__setattr__(self, "metrics", tuple(self.metrics))
        faults = []
        if not self.k or min(self.k) < 1:
            faults.append(f"{named('k')} is {', '.join(map(str, self.k))}; every cut-off must be at least 1")
        if self.filter is not None:
            try:
                Filter.parse(self.filter)
            except SettingError as error:
                faults.append(f"{named('filter')}: {error}")
        if self.level_of < 1:
            faults.append(f"{named('level_of')} is {self.level_of}; it must be at least 1")
        if self.resamples < 100:
            faults.append(f"{named('resamples')} is {self.resamples}; an interval needs at least 100")
        if self.seed < 0:
            faults.append(f"{named('seed')} is {self.seed}; it must be 0 or more")
        if not 0 < self.overlap <= 1:
            faults.append(f"{named('overlap')} is {self.overlap}; it must lie in (0, 1]")
        if self.repeats < 1:
            faults.append(f"{named('repeats')} is {self.repeats}; it must be at least 1")
        if self.jobs < 1:
            faults.append(f"{named('jobs')} is {self.jobs}; it must be at least 1")
        if not faults:
            diverse = [str(m) for m in self.chosen if m.by_intent]
            if diverse:
                faults.append(
                    f"{', '.join(diverse)}: a golden set has no labels by intent; score a run file with "
                    "'ragbench compare RUN RUN --qrels FILE', or in Python with rb.score"
                )
            without = [str(m) for m in self.chosen if type(m).expected is Metric.expected]
            if self.ties == "expected" and self.holes:
                faults.append(f"{named('holes')} needs an order of equal scores: leave out {given('ties', 'expected')}")
            if self.ties == "expected" and without:
                faults.append(
                    f"{', '.join(without)}: no expected value under ties; leave it out or use {given('ties', 'trec')}"
                )
        if faults:
            raise SettingError("\n".join(faults))

    @property
    def depth(self) -> int:
        """How many items are retrieved: the largest cut-off, and at least 100, because MAP and R-precision have no
        cut-off.
        """
        cuts = (getattr(metric, "k", None) or 0 for metric in self.chosen)
        return max(*self.k, *cuts, LEAST_DEPTH)

    @property
    def chosen(self) -> tuple[Metric, ...]:
        """The metrics to compute."""
        return parse_all(self.metrics or default_metrics(self.k), level=self.level_of, judged_only=self.judged_only)


def uncut(metric: Metric) -> bool:
    """Return whether the metric has no cut-off, so that it depends on how many items are retrieved."""
    return getattr(metric, "k", None) is None and metric.name != "num_rel"


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
