"""The result of an evaluation: systems, their scores and costs, and the differences between them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np

from ragbench.core.attributes import Attributes
from ragbench.core.brief import brief, numbered
from ragbench.core.documents import Chunks
from ragbench.core.errors import InputError, did_you_mean
from ragbench.core.judgements import EvaluationTask
from ragbench.core.ledger import Ledger
from ragbench.core.runs import Run
from ragbench.core.scored import MEDIAN, QueryTable, ScoredRun, known_intervals
from ragbench.core.scores import NO_SCORES, Components, HoleRange, Scores, headline
from ragbench.core.shown import Shown, view_of
from ragbench.core.steps import Steps
from ragbench.core.verdicts import Leaderboard, Verdict

SCHEMA_VERSION = 1
"""Version of the JSON object (`Evaluation.to_json`); raised when a key changes its meaning or is removed."""


@dataclass(frozen=True)
class Estimate:
    """A mean with its 95% interval.

    Attributes:
        mean: mean over the queries where the metric is defined; None if there are none.
        low, high: ends of the interval.
        n: number of queries.
    """

    mean: float | None
    low: float | None
    high: float | None
    n: int

    def __str__(self) -> str:
        if self.mean is None or self.low is None or self.high is None:
            return _three(self.mean)
        return f"{_three(self.mean)} [{_three(self.low)}, {_three(self.high)}]"


@brief
@dataclass(frozen=True)
class SliceScores:
    """The scores of the queries of one slice.

    Attributes:
        by: name of the column.
        label: value in it.
        queries: number of queries.
        metrics: mean and interval by metric.
    """

    by: str
    label: str
    queries: int
    metrics: Mapping[str, Estimate]


@brief
@dataclass(frozen=True)
class Latency:
    """Milliseconds of single queries, asked one at a time after the batch.

    Attributes:
        p50, p95, p99: percentiles.
        n: number of timed queries.
        p50_low, p50_high: 95% interval of the median without assumptions about the distribution
            (`ragbench.stats.intervals.percentile`); None for fewer than six timed queries.
        by_query: milliseconds of each timed query, by its id; empty in runs stored by earlier versions.
    """

    p50: float
    p95: float
    p99: float
    n: int
    p50_low: float | None = None
    p50_high: float | None = None
    by_query: Mapping[str, float] = field(default_factory=dict)


@brief
@dataclass(frozen=True)
class Cost:
    """Cost of a system in time, memory and money.

    Attributes:
        index_seconds: time to build the index, including embedding unless it was cached.
        search_seconds: time to answer all queries as a batch.
        qps: queries per second of that batch; None for rankings that were computed elsewhere.
        latency_ms: latency of single queries; None for rankings that were computed elsewhere.
        peak_memory_mib: highest resident size of the whole process while the arm ran.
        cost_per_query: average price of the model answers behind a query, whenever they were paid for, in the
            currency of the price table; None if nothing is paid for or the price is unknown.
    """

    index_seconds: float
    search_seconds: float
    qps: float | None
    latency_ms: Latency | None
    peak_memory_mib: float
    cost_per_query: float | None = None


@dataclass(frozen=True)
class SearchSpeed:
    """Queries per second of a vector search, without embedding the queries.

    Attributes:
        batch_qps: all queries at once.
        single_qps: one query at a time, with one thread.
        threads: threads that the batch may use.
    """

    batch_qps: float
    single_qps: float
    threads: int


@brief
@dataclass(frozen=True)
class ApproximateSearch:
    """An approximate index beside exact search, on the queries of the evaluation.

    Attributes:
        index: the library and index that search.
        recall: share of the k nearest neighbours that the index found, by k. Items with the exact score of the k-th
            nearest neighbour count as found.
        queries: number of queries, as they are written in the golden set.
        vectors: number of vectors.
        depth: neighbours that were asked for.
        build_seconds: time to train and fill the index, without embedding.
        index_bytes: bytes of the index as FAISS writes it.
        exact_bytes: bytes of the vectors, which exact search needs.
        speed: queries per second of the index.
        exact_speed: queries per second of exact search.
    """

    index: str
    recall: Mapping[int, float]
    queries: int
    vectors: int
    depth: int
    build_seconds: float
    index_bytes: int
    exact_bytes: int
    speed: SearchSpeed
    exact_speed: SearchSpeed


@brief
@dataclass(frozen=True)
class Setup:
    """What a system consists of, as the user wrote it.

    Attributes:
        retriever: what searches, ``NAME:key=value,...``, with transformation and reranker around it.
        chunker: how its documents are cut, if the system has a chunker of its own.
        embedder: the embedder of the retriever and the reranker, if it was named apart from them.
        transform: the query transformation, if it was named apart from the retriever.
        reranker: what reorders the results, if it was named apart from the retriever.
        filter: what the system may find, if it was named apart from the retriever.
        notes: what the user notes about the system.
        named: whether the user gave the system a name.
    """

    retriever: str
    chunker: str | None = None
    embedder: str | None = None
    transform: str | None = None
    reranker: str | None = None
    filter: str | None = None
    notes: str = ""
    named: bool = False


@brief
@dataclass(frozen=True)
class Arm(Shown):
    """One system of an evaluation, ``evaluation["bm25"]``. Comparisons, gates and plans accept it.

    Attributes:
        name: the name that the user gave it.
        status: ``error`` if it did not run properly; then it has no score.
        error: the error, or None.
        run: the rankings, in the judged unit.
        scores: scores per query.
        metrics: estimate by metric name.
        cost: cost of the run.
        tie_rate: share of the items in the top 10 (or the nearest cut-off) that have the same score as a neighbour.
        failed: queries that could not be answered; each is in the issue log and scores 0.
        empty: queries with an empty ranking; they score 0.
        degraded: reason by query id, for queries that were not searched as the settings say (`Index.degraded`).
        from_store: whether the rankings (and the cost measured then) come from the run store.
        notes: facts that the index reports about itself.
        warnings: caveats on the numbers.
        repeats: the rankings of every run, the first included, if the system ran several times; else empty. Costs,
            rankings and failures of the system are those of its first run.
        changed: ids of the queries whose score, or whose ranking at the top, was not the same in all of them.
        variance: components of variance by metric; empty for a single run.
        holes: what items without a label could change, by metric; empty unless it was asked for.
        setup: what it consists of; None in evaluations without this record.
        approximate: the approximate indexes in it, beside exact search; empty for most systems.
        system: the same system with its queries and labels, which its evaluation sets; use `scored`.

    Examples:
        >>> bm25 = rb.load_evaluation("reports/example")["bm25"]
        >>> round(bm25["ndcg@10"].mean, 3)
        0.661
        >>> bm25
        Arm('bm25', ndcg@10 0.661 [0.609, 0.709])
    """

    name: str
    status: Literal["ok", "error"]
    error: str | None = None
    run: Run | None = None
    scores: Scores | None = None
    metrics: Mapping[str, Estimate] = field(default_factory=dict)
    cost: Cost | None = None
    tie_rate: float | None = None
    failed: int = 0
    empty: int = 0
    degraded: Mapping[str, str] = field(default_factory=dict)
    from_store: bool = False
    notes: Mapping[str, object] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    repeats: tuple[Run, ...] = ()
    changed: tuple[str, ...] = ()
    variance: Mapping[str, Components] = field(default_factory=dict)
    holes: Mapping[str, HoleRange] = field(default_factory=dict)
    setup: Setup | None = None
    approximate: tuple[ApproximateSearch, ...] = ()
    system: ScoredRun | None = field(default=None, compare=False)

    def __getitem__(self, metric: str) -> Estimate:
        """Return the mean of a metric with its interval.

        Raises:
            InputError: the metric was not computed.
        """
        if metric in self.metrics:
            return self.metrics[metric]
        why = f"it did not run: {self.error}" if self.status == "error" else did_you_mean(str(metric), self.metrics)
        raise InputError(f"{self.name!r} has no metric {metric!r}{': ' if self.error else ''}{why}")

    @property
    def scored(self) -> ScoredRun:
        """The system in the form that comparisons, gates and plans accept.

        Raises:
            InputError: it is not part of a finished evaluation.
        """
        if self.system is None:
            raise InputError(f"{self.name!r} is not part of a finished evaluation: use one of evaluation.arms")
        return self.system

    def _brief(self) -> str:
        """Return the name, and the headline metric or the error."""
        if self.status == "error":
            return f"{self.name!r}, did not run: {self.error}"
        if not self.metrics:
            return repr(self.name)
        metric = headline(list(self.metrics))
        return f"{self.name!r}, {metric} {self.metrics[metric]}"


@brief
@dataclass(frozen=True)
class Evaluation(Shown):
    """The result of an evaluation. ``evaluation["bm25"]`` is one system of it.

    Attributes:
        arms: the systems, in the given order.
        comparisons: each later system against the first that ran, by metric; p-values are corrected over the systems
            within a metric.
        ledger: issue log of everything without a score, with reasons.
        manifest: fingerprints, versions, settings, counts.
        task: queries and labels that were used.
        chunks: the indexed chunks; None if run files were evaluated without a corpus.
        queries: the queries and their properties.
        leaderboard: ranks and groups in the headline metric; None for fewer than three systems.
        steps: each system against the one before it and the first, in the headline metric; None for a single system.
        by: columns that the queries are sliced by.
        attributes: values of the items of rankings and labels by name of the attribute, for columns of the corpus.

    Examples:
        >>> corpus = rb.load_corpus("datasets/shop/product_catalog.csv")
        >>> golden = rb.load_golden("datasets/shop")
        >>> evaluation = rb.evaluate(rb.chunk(corpus), golden, ["bm25", "bm25:stem=false"], metrics="ndcg@10")
        >>> round(evaluation["bm25"]["ndcg@10"].mean, 3)
        0.661
        >>> evaluation.comparisons[0].decision
        'worse'
        >>> evaluation
        Evaluation(198 queries; ndcg@10: bm25 0.661, bm25:stem=false 0.590)
    """

    arms: tuple[Arm, ...]
    comparisons: tuple[Verdict, ...]
    ledger: Ledger
    manifest: Mapping[str, object]
    task: EvaluationTask
    chunks: Chunks | None
    queries: QueryTable
    leaderboard: Leaderboard | None = None
    steps: Steps | None = None
    by: tuple[str, ...] = ()
    attributes: Attributes = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "arms", tuple(replace(arm, system=self._scored(arm)) for arm in self.arms))

    def arm(self, name: str) -> Arm:
        """Return the system with that name.

        Raises:
            InputError: there is no such system.
        """
        for arm in self.arms:
            if arm.name == name:
                return arm
        raise InputError(f"no system {name!r}{did_you_mean(str(name), [arm.name for arm in self.arms])}")

    def __getitem__(self, name: str | int) -> Arm:
        """Return a system by its name or its position.

        Raises:
            InputError: there is no system with that name.
        """
        return self.arms[name] if isinstance(name, int) else self.arm(name)

    def __len__(self) -> int:
        return len(self.arms)

    def __iter__(self) -> Iterator[Arm]:
        return iter(self.arms)

    def __contains__(self, name: object) -> bool:
        return any(name in (arm.name, arm) for arm in self.arms)

    def save(self, folder: Path | str, *, force: bool = False) -> Path:
        """Write the folder that ``ragbench eval --out`` writes. `ragbench.load_evaluation` reads it again, and
        ``ragbench compare``, ``gate``, ``report`` and ``view`` take it.

        Args:
            folder: created if it does not exist.
            force: whether another evaluation in the folder may be replaced.

        Returns:
            The folder.

        Raises:
            InputError: the folder cannot be written, or holds another evaluation.
        """
        return view_of(self).save(self, Path(folder), force=force)

    def _brief(self) -> str:
        """Return the number of queries, and the headline metric of each system."""
        ran = [arm for arm in self.arms if arm.metrics]
        metric = headline(list(ran[0].metrics)) if ran else ""
        means = [f"{arm.name} {_three(arm.metrics[metric].mean) if arm.metrics else 'failed'}" for arm in self]
        return f"{numbered(len(self.queries), 'query')}; {metric or 'no system ran'}: {', '.join(means)}"

    @property
    def scored(self) -> tuple[ScoredRun, ...]:
        """Every system, in the form that comparisons, gates and plans accept."""
        return tuple(arm.scored for arm in self.arms)

    def _scored(self, arm: Arm) -> ScoredRun:
        if arm.scores is None or arm.cost is None:
            nothing = np.zeros(0, dtype=np.int64)
            return ScoredRun(arm.name, NO_SCORES, self.queries.select(nothing), error=arm.error, manifest=self.manifest)
        latency = arm.cost.latency_ms
        percentiles = {} if latency is None else {"p50": latency.p50, "p95": latency.p95, "p99": latency.p99}
        return ScoredRun(
            arm.name,
            arm.scores,
            self.queries,
            arm.run,
            self.task.judgements,
            percentiles,
            arm.cost.cost_per_query,
            failed=arm.failed,
            manifest=self.manifest,
            intervals={} if latency is None else known_intervals({MEDIAN: (latency.p50_low, latency.p50_high)}),
            query_ms={} if latency is None else latency.by_query,
            parts_ms={"retrieval": percentiles},
            attributes=self.attributes,
        )

    @property
    def failed(self) -> tuple[Arm, ...]:
        """Systems that did not run properly."""
        return tuple(arm for arm in self.arms if arm.status == "error")


def _three(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def estimate(mean: float, low: float, high: float, n: int) -> Estimate:
    """Make an `Estimate` from numbers. NaN becomes None."""

    def number(value: float) -> float | None:
        return None if np.isnan(value) else float(value)

    return Estimate(number(mean), number(low), number(high), n)
