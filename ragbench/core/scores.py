"""Scores: a value per query and metric, and where their variance comes from."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from ragbench.core.brief import brief, means_shown, numbered
from ragbench.core.errors import InputError, did_you_mean
from ragbench.core.ledger import Ledger
from ragbench.core.shown import Shown

Direction = Literal["higher", "lower", "none"]
"""Whether higher or lower values of a metric are better. ``none`` is for a metric that only describes."""

Average = Literal["mean", "geometric", "sum"]
"""How the values of all queries become one number. ``geometric``: the values are logarithms, and their mean is shown as
its exponential. ``sum``: trec_eval prints the sum; everywhere else it is the mean per query."""


@brief
@dataclass(frozen=True, eq=False)
class Scores(Shown):
    """A matrix of queries by metrics.

    Attributes:
        query_ids: ids of the queries, length q.
        metrics: printed names of the metrics (``"ndcg@10"``), length m.
        values: float64 (q, m); NaN where the metric is undefined for the query.
        ledger: issue log with the reason of every NaN.
        directions: direction by metric, for metrics whose higher values are not better.
        averages: kind of average by metric, for metrics whose values are not simply averaged.
        repeats: float64 (r, j, q, m), the values of each of r runs of the system, each judged j times; None for a
            single run. ``values`` are their means over the runs and judgements where a value is defined.
        cuts: for metrics without a cut-off, how many items the system was asked for, if it could have ranked more.
        scales: lowest and highest possible value by metric, for metrics with a scale other than 0 to 1.

    Examples:
        >>> run = rb.Run.from_dict({"q1": {"a": 0.9}, "q2": {"a": 0.8, "b": 0.7}})
        >>> labels = rb.Judgements.from_dict({"q1": {"a": 1}, "q2": {"b": 1}})
        >>> scores = rb.score(run, labels, ["mrr@10", "hit@1"])
        >>> scores.means()
        {'mrr@10': 0.75, 'hit@1': 0.5}
        >>> scores.column("mrr@10").tolist()
        [1.0, 0.5]
        >>> scores
        Scores(2 queries; mrr@10 0.750, hit@1 0.500)
    """

    query_ids: Sequence[str]
    metrics: tuple[str, ...]
    values: npt.NDArray[np.float64]
    ledger: Ledger = field(default_factory=Ledger)
    directions: Mapping[str, Direction] = field(default_factory=dict)
    averages: Mapping[str, Average] = field(default_factory=dict)
    repeats: npt.NDArray[np.float64] | None = None
    cuts: Mapping[str, int] = field(default_factory=dict)
    scales: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @classmethod
    def mean_of(cls, runs: Sequence[Sequence["Scores"]]) -> "Scores":
        """Average the scores of several runs of one system on the same queries, and keep those of each run.

        Args:
            runs: the scores of each run, once per judgement; the first one gives the issue log.
        """
        first = runs[0][0]
        repeats = np.stack([np.stack([scores.values for scores in judged]) for judged in runs])
        return replace(first, values=mean_of_defined(repeats), repeats=repeats)

    def _brief(self) -> str:
        return f"{numbered(len(self.query_ids), 'query')}; {means_shown(self.means())}"

    def select(
        self, rows: npt.NDArray[np.int64] | slice = slice(None), metrics: Sequence[str] | None = None
    ) -> "Scores":
        """Select rows of the queries, in this order, and metrics. The issue log stays whole."""
        names = self.metrics if metrics is None else tuple(metrics)
        columns = [self.metrics.index(name) for name in names]
        ids = self.query_ids[rows] if isinstance(rows, slice) else [self.query_ids[row] for row in rows.tolist()]
        repeats = None if self.repeats is None else self.repeats[:, :, rows][:, :, :, columns]
        return replace(self, query_ids=ids, metrics=names, values=self.values[rows][:, columns], repeats=repeats)

    def direction(self, metric: str) -> Direction:
        """Return whether higher or lower values of the metric are better."""
        return self.directions.get(metric, "higher")

    def geometric(self, metric: str) -> bool:
        """Return whether the values are logarithms, whose mean is shown as its exponential."""
        return self.averages.get(metric) == "geometric"

    def column(self, metric: str) -> npt.NDArray[np.float64]:
        """(q,) Values of one metric; ``scores["ndcg@10"]`` is the same.

        Raises:
            InputError: the metric was not computed.
        """
        if metric not in self.metrics:
            raise InputError(f"no scores of {metric!r}{did_you_mean(str(metric), self.metrics)}")
        values: npt.NDArray[np.float64] = self.values[:, self.metrics.index(metric)]
        return values

    __getitem__ = column

    def means(self) -> dict[str, float]:
        """Return the mean of each metric over the queries where it is defined, geometric for `geometric` ones."""
        scored = ~np.isnan(self.values)
        totals = np.where(scored, self.values, 0.0).sum(axis=0)
        counts = scored.sum(axis=0)
        means = {
            name: float(total / count) if count else float("nan")
            for name, total, count in zip(self.metrics, totals, counts, strict=True)
        }
        return {name: math.exp(mean) if self.geometric(name) else mean for name, mean in means.items()}


def mean_of_defined(repeats: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Average (r, j, q, m) values over runs and judgements, where they are defined; NaN where none is."""
    defined = ~np.isnan(repeats)
    counts = defined.sum(axis=(0, 1))
    # Deviations from the smallest value, so that the mean of equal values is exactly this value.
    least = np.fmin.reduce(repeats, axis=(0, 1))
    above = np.where(defined, repeats - least, 0.0).sum(axis=(0, 1))
    means: npt.NDArray[np.float64] = least + above / np.maximum(counts, 1)
    return means


def cut_name(metric: str, *scored: Scores) -> str:
    """Return the name of a metric for a table: ``map (first 100)`` if a system's rankings were cut there."""
    cut = max((scores.cuts.get(metric, 0) for scores in scored), default=0)
    return f"{metric} (first {cut:,})" if cut else metric


def cut_notes(systems: Mapping[str, Scores], metrics: Sequence[str] | None = None) -> list[str]:
    """Say which metrics without a cut-off used the first items of the rankings only, and of which systems."""
    groups: dict[tuple[tuple[str, ...], int], list[str]] = {}
    for name, scores in systems.items():
        for cut in dict.fromkeys(scores.cuts.values()):
            cut_there = [m for m in scores.metrics if scores.cuts.get(m) == cut and (metrics is None or m in metrics)]
            if cut_there:
                groups.setdefault((tuple(cut_there), cut), []).append(name)
    return [
        f"{', '.join(those)}: the first {cut:,} items of each ranking count, since no more were retrieved "
        f"({', '.join(names)}); evaluate with a larger cut-off, such as 1000, to retrieve more"
        for (those, cut), names in groups.items()
    ]


NO_SCORES = Scores((), (), np.zeros((0, 0)))
"""The scores of a system that did not run."""


def headline(metrics: Sequence[str]) -> str:
    """Return the headline metric of an evaluation: nDCG@10, else a variant of it, else the first nDCG or metric."""
    variants = [name for name in metrics if name.startswith("ndcg")]
    at_ten = [name for name in variants if name.endswith("@10")]
    return "ndcg@10" if "ndcg@10" in at_ten else [*at_ten, *variants, *metrics][0]


FEW_BESIDE = 4


def beside(metrics: Sequence[str], first: str) -> list[str]:
    """Return a few metrics to show beside another one: those at its cut-off first, and no shares of labelled items.

    Examples:
        >>> beside(["ndcg@5", "hit@5", "ndcg@10", "judged@10", "hit@10"], "ndcg@10")
        ['hit@10', 'ndcg@5', 'hit@5']
    """
    cut = first.partition("@")[2]
    others = [name for name in metrics if name != first and not name.startswith("judged")]
    return sorted(others, key=lambda name: name.partition("@")[2] != cut)[:FEW_BESIDE]


@brief
@dataclass(frozen=True)
class Components:
    """Where the variance of a score comes from: the parts add up to the variance of one value of one query.

    Attributes:
        document: between documents; None if every query has a document of its own, and ``query`` holds both.
        query: between the queries of a document.
        run: shared by all queries of a run; None for one run.
        run_query: from run to run, of each query on its own; None for one run.
        judge: between judgements of the same answer; None if each was judged once.
        negative: names of the parts whose estimate was below 0 and was set to 0.
        runs, judgements: numbers of runs, and of judgements of each.
        queries, documents: numbers of queries with a value in every run and judgement, and of their documents.
    """

    document: float | None
    query: float
    run: float | None
    run_query: float | None
    judge: float | None
    negative: tuple[str, ...]
    runs: int
    judgements: int
    queries: int
    documents: int

    @property
    def total(self) -> float:
        """Variance of one value."""
        return sum(self.parts.values())

    @property
    def parts(self) -> dict[str, float]:
        """The variances that could be estimated, by name."""
        names = ("document", "query", "run", "run_query", "judge")
        return {name: value for name in names if (value := getattr(self, name)) is not None}

    @property
    def shares(self) -> dict[str, float]:
        """Share of each part in the variance of one value; empty if nothing varies."""
        return {name: value / self.total for name, value in self.parts.items()} if self.total > 0 else {}

    def reliability(self, runs: int = 1, judgements: int = 1) -> float | None:
        """Correlation between the query scores of two evaluations with so many runs and judgements of each.

        It is None if nothing varies.

        Source: Brennan 2001, Generalizability Theory, chapter 4.
        """
        noise = ((self.run_query or 0.0) + (self.judge or 0.0) / judgements) / runs
        stable = (self.document or 0.0) + self.query
        return stable / (stable + noise) if stable + noise > 0 else None


@dataclass(frozen=True)
class HoleRange:
    """What the labels of holes could change in the mean of one metric of one system.

    Attributes:
        share: share of the items within the cut-off that have no label.
        lowest, highest: least and largest mean, if each hole may have the label 0 or the highest one; None if no query
            has a value.
    """

    share: float
    lowest: float | None
    highest: float | None
