"""Two systems beside each other on the same live queries, without labels: how much their results differ."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ragbench.comparison.overlap import PATIENCE, common_items, rank_biased_overlap
from ragbench.core.brief import brief
from ragbench.core.context import generator
from ragbench.core.errors import InputError
from ragbench.core.evaluations import Estimate, Latency, estimate
from ragbench.core.ledger import Ledger
from ragbench.core.runs import Run
from ragbench.core.shown import Shown
from ragbench.golden.personal_data import personal_data
from ragbench.golden.query_types import LOGGED_TYPES, query_type
from ragbench.golden.seeds import key_of
from ragbench.stats.clusters import cluster_index
from ragbench.stats.intervals import mean_interval

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LiveQueries:
    """The searches of users, and the distinct queries that the systems were asked.

    Attributes:
        ids, texts: the q distinct queries.
        asked: (n,) the query of each search.
        sessions: the session of each search, length n; searches of one session are resampled together.
        ledger: searches that were skipped.
    """

    ids: Sequence[str]
    texts: Sequence[str]
    asked: npt.NDArray[np.int64]
    sessions: Sequence[str]
    ledger: Ledger = field(default_factory=Ledger)

    def __len__(self) -> int:
        return len(self.asked)


@dataclass(frozen=True, eq=False)
class Answered:
    """What a system answered.

    Attributes:
        name: name of the system.
        run: its rankings of the distinct queries.
        latency: milliseconds of single queries; None if none were timed.
        degraded: queries that were not searched as the settings of the system say.
    """

    name: str
    run: Run
    latency: Latency | None = None
    degraded: int = 0


@brief
@dataclass(frozen=True)
class Served:
    """How a system served the live queries.

    Attributes:
        name: name of the system.
        failed: share of the searches without an answer.
        empty: share of the searches whose answer has no result; failed ones do not count.
        latency: milliseconds of single queries; None if none were timed.
        degraded: distinct queries that were not searched as the settings of the system say.
        reasons: number of failed queries by reason, the most frequent first.
    """

    name: str
    failed: Estimate
    empty: Estimate
    latency: Latency | None
    degraded: int
    reasons: Mapping[str, int]


@dataclass(frozen=True)
class OfType:
    """The queries of a type.

    Attributes:
        type: type of the queries, by rules.
        searches: number of searches.
        rbo: rank-biased overlap.
        changed: share of the searches with another first result.
    """

    type: str
    searches: int
    rbo: Estimate
    changed: Estimate


@brief
@dataclass(frozen=True)
class Disagreement:
    """A query whose results differ.

    Attributes:
        query_id, text, type: the query.
        searches: number of searches with it.
        rbo: rank-biased overlap of the two rankings.
        first, second: the ids at the top of the two systems.
    """

    query_id: str
    text: str
    type: str
    searches: int
    rbo: float
    first: tuple[str, ...]
    second: tuple[str, ...]


@brief
@dataclass(frozen=True)
class Shadow(Shown):
    """Two systems on the same live queries.

    Intervals are at 95%, and searches of one session are resampled together.

    Attributes:
        first, second: how the two systems served the queries.
        searches, sessions, queries: numbers of searches, sessions and distinct queries. There are as many sessions as
            searches if the queries have none.
        compared: searches that both systems answered; the figures on results are about these.
        k: cut-offs.
        overlap: by cut-off, the share of items at the top of one system that are at the top of the other.
        changed: by cut-off, the share of searches whose items at the top are not the same, whatever their order.
        rbo: rank-biased overlap.
        slower: mean milliseconds by which the second system is slower on the same queries; None if one was not timed.
        failed_more: failed searches of the second system minus those of the first, as a share.
        by_type: the same by type of query.
        disagreements: the queries with the largest disagreement, the worst first. Spellings that differ in letter case
            alone are listed once.
        private: distinct queries that are not listed because they have personal data.
        ledger: searches that were skipped.
    """

    first: Served
    second: Served
    searches: int
    sessions: int
    queries: int
    compared: int
    k: tuple[int, ...]
    overlap: Mapping[int, Estimate]
    changed: Mapping[int, Estimate]
    rbo: Estimate
    slower: Estimate | None
    failed_more: Estimate
    by_type: tuple[OfType, ...]
    disagreements: tuple[Disagreement, ...]
    private: int
    ledger: Ledger


def shadow(
    live: LiveQueries,
    first: Answered,
    second: Answered,
    *,
    k: Sequence[int] = (1, 3, 10),
    most: int = 50,
    seed: int = 0,
) -> Shadow:
    """Compare what two systems answered.

    Args:
        live: the searches.
        first: the system in use; its run has the queries of ``live`` in its order.
        second: the other system, likewise.
        k: cut-offs.
        most: number of disagreements to list.
        seed: seed of the resampling.

    Raises:
        InputError: no query was answered by both systems.
    """
    one, other = first.run, second.run
    if one.unit != other.unit:
        raise InputError(
            f"{first.name} ranks {one.unit}s and {second.name} ranks {other.unit}s, so their results cannot be "
            "compared: give the corpus, or set returns= of the retriever"
        )
    clusters = cluster_index(live.sessions)
    broken = np.array([[id_ in run.failures for id_ in live.ids] for run in (one, other)])
    both = ~(broken[0] | broken[1])
    answered = both[live.asked]
    if not answered.any():
        raise InputError(f"{first.name} and {second.name} have no query that both of them answered")
    rbo = rank_biased_overlap(one, other, PATIENCE)
    shares = {cut: overlap_at(one, other, cut) for cut in k}
    top = overlap_at(one, other, 1)
    means = _Means(clusters, seed)
    types = [query_type(text) for text in live.texts]
    kinds = np.array([LOGGED_TYPES.index(name) for name in types], dtype=np.int64)[live.asked]
    by_type = [
        OfType(
            name, int(rows.sum()), means.of(rbo[live.asked], rows), means.of((top < 1)[live.asked], rows)
        )
        for at, name in enumerate(LOGGED_TYPES)
        if (rows := answered & (kinds == at)).any()
    ]  # fmt: skip
    everything = np.ones(len(live), dtype=bool)
    private = np.array([bool(personal_data(text)) for text in live.texts])
    failed = broken[:, live.asked].astype(np.float64)
    return Shadow(
        first=_served(first, live, failed[0], means),
        second=_served(second, live, failed[1], means),
        searches=len(live),
        sessions=int(clusters.max()) + 1,
        queries=len(live.ids),
        compared=int(answered.sum()),
        k=tuple(k),
        overlap={cut: means.of(share[live.asked], answered) for cut, share in shares.items()},
        changed={cut: means.of((share < 1)[live.asked], answered) for cut, share in shares.items()},
        rbo=means.of(rbo[live.asked], answered),
        slower=_slower(first.latency, second.latency, live, seed),
        failed_more=means.of(failed[1] - failed[0], everything, levels=False),
        by_type=tuple(by_type),
        disagreements=_disagreements(live, one, other, rbo, both & ~private, types, max(k), most),
        private=int(private.sum()),
        ledger=live.ledger,
    )


def overlap_at(one: Run, other: Run, k: int) -> Floats:
    """(q,) Share of the top k items of each query that are in the top k of the other run, too.

    If a list is shorter than k, the length of the longer one counts. Two empty rankings are the same (1).
    """
    query, mine, theirs = common_items(one, other)
    shared = np.bincount(query[(mine <= k) & (theirs <= k)], minlength=len(one))
    longest = np.maximum(np.minimum(one.lengths, k), np.minimum(other.lengths, k))
    return np.divide(shared, longest, out=np.ones(len(one)), where=longest > 0)


@dataclass(frozen=True, eq=False)
class _Means:
    """Means over searches with clustered intervals."""

    clusters: npt.NDArray[np.int64]
    seed: int

    def of(self, values: npt.NDArray[np.generic], rows: npt.NDArray[np.bool_], *, levels: bool = True) -> Estimate:
        chosen = values[rows].astype(np.float64)
        _, clusters = np.unique(self.clusters[rows], return_inverse=True)
        low, high, _ = mean_interval(chosen[:, None], clusters, generator(self.seed, "shadow"), levels=levels)
        return estimate(float(chosen.mean()), float(low[0]), float(high[0]), len(chosen))


def _served(system: Answered, live: LiveQueries, failed: Floats, means: _Means) -> Served:
    everything = np.ones(len(live), dtype=bool)
    empty = (system.run.lengths == 0)[live.asked] & (failed == 0)
    reasons = Counter(system.run.failures.values())
    return Served(
        system.name, means.of(failed, everything), means.of(empty, everything), system.latency, system.degraded,
        dict(reasons.most_common()),
    )  # fmt: skip


def _slower(first: Latency | None, second: Latency | None, live: LiveQueries, seed: int) -> Estimate | None:
    """Mean difference in milliseconds over the queries that were timed for both systems."""
    if first is None or second is None:
        return None
    timed = [id_ for id_ in first.by_query if id_ in second.by_query]
    if not timed:
        return None
    session = {live.ids[query]: session for query, session in zip(live.asked.tolist(), live.sessions, strict=True)}
    values = np.array([second.by_query[id_] - first.by_query[id_] for id_ in timed])
    means = _Means(cluster_index([session[id_] for id_ in timed]), seed)
    return means.of(values, np.ones(len(timed), dtype=bool), levels=False)


def _disagreements(
    live: LiveQueries, one: Run, other: Run, rbo: Floats, listed: npt.NDArray[np.bool_], types: Sequence[str], top: int,
    most: int,
) -> tuple[Disagreement, ...]:  # fmt: skip
    """The queries with the smallest overlap; of equals, the most frequent first."""
    searches = np.bincount(live.asked, minlength=len(live.ids))
    order = np.lexsort((np.arange(len(rbo)), -searches, rbo.round(9)))
    chosen: dict[str, int] = {}
    for row in order[listed[order] & (rbo[order] < 1 - 1e-9)].tolist():
        if len(chosen) < most:
            chosen.setdefault(key_of(live.texts[row]), row)
    tops = [[tuple(item for item, _ in run.ranking(row)[:top]) for row in chosen.values()] for run in (one, other)]
    return tuple(
        Disagreement(live.ids[row], live.texts[row], types[row], int(searches[row]), float(rbo[row]), first, second)
        for row, first, second in zip(chosen.values(), *tops, strict=True)
    )
