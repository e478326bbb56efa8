"""Decide by human queries and a masked set of the same systems together.

The masked set is a prior. How far its differences carry over to human queries was learned on public collections
(`ragbench.comparison.masked_pool`). The human queries are the data.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ragbench.comparison.masked_pool import masked_pool
from ragbench.comparison.pairing import Pair, pair
from ragbench.comparison.runs import errors_of_pair
from ragbench.comparison.wordings import are_masked, wordings_of, written_from_documents
from ragbench.core.errors import InputError, did_you_mean
from ragbench.core.options import named
from ragbench.core.scored import QueryTable, ScoredRun
from ragbench.core.verdicts import Decision, Verdict, WithMasked
from ragbench.stats.borrowing import BorrowedDifference, Proxy, borrowed_difference
from ragbench.stats.clusters import cluster_index
from ragbench.stats.distributions import t_quantile
from ragbench.stats.paired_tests import TIE
from ragbench.stats.posterior import t_posterior
from ragbench.stats.prediction import groups_of

FEWEST_QUERIES, FEWEST_UNITS = 10, 5
"""Human queries, and documents that they come from, below which nothing was measured."""
CARRIED = ("ndcg", "recall", "mrr", "hit")
"""Metrics whose differences carry over. A masked query has one relevant document. Where human queries have many, their
precision and MAP are on another scale: of the differences on MED, 95% intervals of the prior hold .43 in p@10 and .55
in map."""


@dataclass(frozen=True, eq=False)
class MaskedSet:
    """The systems of a comparison on a masked set.

    Attributes:
        systems: system by name.
    """

    systems: dict[str, ScoredRun]

    @classmethod
    def of(cls, masked: Sequence[ScoredRun], systems: Sequence[ScoredRun]) -> "MaskedSet":
        """Match the systems of a comparison by name.

        Args:
            masked: the systems on the masked set.
            systems: the systems on human queries.

        Raises:
            InputError: a system is missing or did not run, one set is of the wrong kind, or there are too few queries.
        """
        human = systems[0].queries
        if written_from_documents(human):
            raise InputError(
                f"the queries of {systems[0].name} were written from documents: compare an evaluation of human "
                f"queries, and give that of the masked set by {named('masked')}"
            )
        if len(human) < FEWEST_QUERIES or len(set(human.units)) < FEWEST_UNITS:
            raise InputError(
                f"there are {len(human)} human queries from {len(set(human.units))} documents; a masked set helps from "
                f"{FEWEST_QUERIES} queries and {FEWEST_UNITS} documents on"
            )
        there = {run.name: run for run in masked}
        for run in systems:
            found = there.get(run.name)
            if found is None:
                raise InputError(
                    f"{named('masked')}: there is no system {run.name!r}{did_you_mean(run.name, list(there))}; "
                    "evaluate the same systems under the same names on both sets"
                )
            if found.error is not None:
                raise InputError(f"{named('masked')}: {run.name} did not run there: {found.error}")
            if not are_masked(found.queries) or not _groups(found.queries, np.arange(len(found.queries))):
                raise InputError(
                    f"{named('masked')}: the queries of {run.name} are not masked in at least three wordings, of ten "
                    "queries each. How far a set can be trusted was learned on such queries: write one with 'ragbench "
                    "generate --llm none'"
                )
        return cls({run.name: there[run.name] for run in systems})

    def pair(self, asked: Pair) -> Pair:
        """The same pair on the masked set."""
        return pair(self.systems[asked.baseline.name], self.systems[asked.candidate.name])


def with_masked(
    asked: Sequence[tuple[Pair, str]], verdicts: Sequence[Verdict], masked: MaskedSet
) -> tuple[WithMasked, ...]:
    """Decide each comparison by both kinds of queries.

    Comparisons without a difference, of the same run, or in a metric that does not carry over, are skipped.

    Args:
        asked: pairs of systems on the human queries, and printed names of metrics.
        verdicts: their verdicts by the human queries alone.
        masked: the systems on the masked set.

    Raises:
        InputError: the masked set lacks the metric.
    """
    found = [_decided(one, metric, verdict, masked) for (one, metric), verdict in zip(asked, verdicts, strict=True)]
    return tuple(one for one in found if one is not None)


def not_carried(metrics: Sequence[str]) -> list[str]:
    """Note the metrics in which a masked set gives no verdict."""
    others = [metric for metric in metrics if not carries(metric)]
    if not others:
        return []
    return [
        f"warning: the masked set gives no verdict in {', '.join(others)}: how far it can be trusted was learned on "
        f"{', '.join(CARRIED)}"
    ]


def carries(metric: str) -> bool:
    """Whether differences in the metric carry over from masked to human queries."""
    return any(metric == name or metric.startswith((f"{name}@", f"{name}:")) for name in CARRIED)


class Borrowed(NamedTuple):
    """A difference by human queries and a masked set together.

    Attributes:
        found: the difference.
        queries: number of human queries.
        clusters: number of documents that they come from.
        masked_queries: number of masked queries.
        wordings: their wordings.
    """

    found: BorrowedDifference
    queries: int
    clusters: int
    masked_queries: int
    wordings: tuple[str, ...]


def borrowed(human: Pair, metric: str, masked: MaskedSet, confidence: float) -> Borrowed | None:
    """Compute the posterior of a difference; None if one of the sets shows none, or the masked one lacks wordings.

    Args:
        human: the pair on human queries.
        metric: printed name of a metric that carries over (`carries`).
        masked: the systems on the masked set.
        confidence: probability of the credible interval.

    Raises:
        InputError: the masked set lacks the metric.
    """
    rows, differences = _differences(human, metric)
    other = masked.pair(human)
    masked_rows, masked_differences = _differences(other, metric)
    groups = _groups(other.queries, masked_rows)
    if not groups:
        return None
    chosen = np.concatenate([at for _, at in groups])
    proxy = Proxy.of(masked_differences[chosen], np.repeat(np.arange(len(groups)), [len(at) for _, at in groups]))
    clusters = cluster_index([human.queries.units[row] for row in rows.tolist()])
    found = borrowed_difference(
        differences, clusters, proxy, masked_pool().transfer, confidence=confidence,
        runs=errors_of_pair(human, metric, rows, clusters),
    )  # fmt: skip
    if found is None:
        return None
    return Borrowed(found, len(rows), int(clusters.max()) + 1, len(chosen), tuple(name for name, _ in groups))


def _decided(human: Pair, metric: str, verdict: Verdict, masked: MaskedSet) -> WithMasked | None:
    if verdict.difference is None or verdict.same_run or not carries(metric):
        return None
    both = borrowed(human, metric, masked, verdict.confidence)
    if both is None:
        return None
    found, after = both.found, both.found.posterior
    reach = float(t_quantile((1 + verdict.confidence) / 2, found.prior.df)) * found.prior.scale
    return WithMasked(
        baseline=verdict.baseline,
        candidate=verdict.candidate,
        metric=metric,
        decision=_decision(found, verdict),
        better=after.above,
        difference=after.median,
        low=after.low,
        high=after.high,
        confidence=verdict.confidence,
        queries=both.queries,
        effective=found.effective,
        alone=verdict.difference,
        alone_low=verdict.low,
        alone_high=verdict.high,
        predicted=found.prior.center,
        predicted_low=found.prior.center - reach,
        predicted_high=found.prior.center + reach,
        agreement=found.agreement,
        masked_queries=both.masked_queries,
        wordings=both.wordings,
    )


def _decision(found: BorrowedDifference, verdict: Verdict) -> Decision:
    """Decide by probabilities: the level that a test uses on each side is the chance of a wrong sign."""
    alpha, better = 1 - verdict.confidence, found.posterior.above
    if verdict.margin is not None:
        within = t_posterior(found.mean, found.error, found.df, found.prior, rope=verdict.margin).within
        if within > 1 - alpha:
            return "equivalent"
    if max(better, 1 - better) > 1 - alpha / 2:
        return "better" if better > 0.5 else "worse"
    return "no difference shown"


def _differences(one: Pair, metric: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Rows of the queries that have a value of both systems, and the differences there."""
    before, after = one.values(metric)
    differences = after - before
    rows = np.flatnonzero(~np.isnan(differences))
    values = differences[rows]
    return rows, np.where(np.abs(values) < TIE, 0.0, values)


def _groups(queries: QueryTable, rows: npt.NDArray[np.int64]) -> list[tuple[str, npt.NDArray[np.intp]]]:
    """Wordings with enough queries, and where these are among the rows."""
    wordings = wordings_of(queries, rows)
    return [] if wordings is None else groups_of(wordings)
