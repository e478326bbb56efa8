"""The chance that a gate passes a candidate as good as the baseline, and the number of queries that it needs."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from math import floor, log10, sqrt

import numpy as np
import numpy.typing as npt

from ragbench.comparison.gate.applicable import check_applicable, wanted_slices
from ragbench.comparison.gate.decide import anchor_of, decide_rule, outcome_of
from ragbench.comparison.gate.result import Decided, Gate
from ragbench.comparison.gate.rules import MetricRule, Role, Rules
from ragbench.comparison.pairing import Pair, align
from ragbench.comparison.wordings import COLUMN as WORDING
from ragbench.comparison.wordings import asks_in_wordings
from ragbench.core.brief import brief
from ragbench.core.context import generator
from ragbench.core.errors import ArmError, SettingError
from ragbench.core.scored import QueryTable, ScoredRun
from ragbench.core.scores import Scores, mean_of_defined
from ragbench.core.shown import Shown
from ragbench.core.spelling import named
from ragbench.stats.clusters import cluster_index

CORRELATION = 0.8
"""Correlation of candidate and baseline, as of two settings of one system."""
HITS = 1.5
"""How much more hits change than graded metrics: a correlation of .8 in nDCG goes with about .7 in hits."""
GATES, LARGER = 500, 100
"""Simulated gates with the present number of queries, and with a larger one."""
TIMES = (2, 4, 8)
MOST_QUERIES = 20_000
"""Larger sets are not simulated."""
Array = npt.NDArray[np.float64]
Rulings = tuple[tuple[Decided, ...], ...]
"""The decisions of one gate, by rule and slice."""


@dataclass(frozen=True)
class RuleChance:
    """How often a rule passes, fails, or is undecided for an unchanged candidate.

    Attributes:
        name: name of the rule, given or derived from its content.
        role: ``primary`` or ``guard``.
        passes, fails, inconclusive: shares of the simulated gates.
        others: share of the gates that would pass without this rule.
    """

    name: str
    role: Role
    passes: float
    fails: float
    inconclusive: float
    others: float


@dataclass(frozen=True)
class SizeChance:
    """How often the gate passes an unchanged candidate with a number of queries.

    Attributes:
        queries, documents: size of the set.
        passes, fails, blocked: shares of the simulated gates; ``blocked`` counts what does not exit with 0.
    """

    queries: int
    documents: int
    passes: float
    fails: float
    blocked: float


@brief
@dataclass(frozen=True)
class Forecast(Shown):
    """What a gate will say to a candidate that is as good as the baseline.

    Attributes:
        baseline: name of the baseline.
        other: name of the system whose differences from the baseline the candidate has; empty if ``correlation`` is
            assumed.
        rules: the rules.
        correlation: assumed correlation of the values of candidate and baseline; None if ``other`` gives the noise.
        between: chances to pass if half as many values more, or half as many less, change than ``correlation`` says;
            None if ``other`` gives the noise.
        power: wanted share of passes.
        gates: number of simulated gates.
        chances: of each rule, in the written order.
        bottleneck: the rule without which most gates would pass; None if no single rule matters.
        sizes: chances with the present and with larger sets.
        queries: about how many queries pass an unchanged candidate with the wanted chance; None if more than the
            largest simulated set.
        repeated: whether a system ran several times. Every simulated system then has runs of its own.
        wordings: whether the queries are in several wordings. The simulated candidate is as good in each of them.
    """

    baseline: str
    other: str
    rules: Rules
    correlation: float | None
    power: float
    gates: int
    chances: tuple[RuleChance, ...]
    bottleneck: RuleChance | None
    sizes: tuple[SizeChance, ...]
    queries: int | None
    repeated: bool = False
    between: tuple[float, float] | None = None
    wordings: bool = False


def forecast(
    baseline: ScoredRun,
    rules: Rules,
    *,
    other: ScoredRun | None = None,
    anchors: Mapping[str, ScoredRun] | None = None,
    correlation: float = CORRELATION,
    power: float = 0.8,
    intersect: bool = False,
    seed: int = 0,
    gates: int = GATES,
) -> Forecast:
    """Simulate gates of a candidate that is as good as the baseline.

    Each gate draws documents of the baseline with replacement, with all of their queries. The candidate changes some of
    them: with probability ``1 - correlation`` the queries of a document get the values of other queries of their slices
    and wording, so that its mean is that of the baseline and its values correlate by ``correlation``. Values of 0 and 1
    change 1.5 times as often (`HITS`), since hits of two systems correlate less than their graded metrics. With
    ``other``, a coin decides for each document which of the two systems is the baseline and which the candidate. A
    system that ran several times draws its runs anew for every gate. The gate's own code decides the rules on metrics.
    Other rules see the figures of the baseline.

    Args:
        baseline: the system to compare with.
        rules: the rules.
        other: another system, if candidates differ from the baseline as much as it does.
        anchors: systems that rules measure their margin from, by name.
        correlation: correlation of candidate and baseline, in [0, 1).
        power: wanted share of passes, which gives the number of queries.
        intersect: use only the queries that all systems have.
        seed: seed of the draws.
        gates: number of simulated gates.

    Raises:
        ArmError: a system did not run.
        SettingError: a rule names something that the baseline lacks, or asks for a gain, which such a candidate does
            not have.
        InputError: the systems have different queries.
    """
    if baseline.error is not None:
        raise ArmError(f"{baseline.name} did not run, so there is nothing to plan with: {baseline.error}")
    anchors = anchors or {}
    _check_unchanged(rules)
    check_applicable(rules, baseline, baseline if other is None else other, anchors)
    used = list(dict.fromkeys(filter(None, map(anchor_of, rules.rules))))
    systems = [baseline, *([other] if other else []), *(anchors[name] for name in used)]
    (first, *rest), _ = align(systems, intersect=intersect)
    second = rest.pop(0) if other else None
    if second is not None:
        shared = [name for name in first.scores.metrics if name in second.scores.metrics]
        first, second = (replace(run, scores=run.scores.select(metrics=shared)) for run in (first, second))
    others = dict(zip(used, rest, strict=True))
    source = _Source(first, second, others, rules, 1 - correlation)
    rng = generator(seed, "forecast")
    found = [source.gate(rng, 1) for _ in range(gates)]
    sizes = [source.chance(found, 1)]
    for times in TIMES:
        if sizes[-1].passes >= power or times * source.queries > MOST_QUERIES:
            break
        sizes.append(source.chance([source.gate(rng, times) for _ in range(min(gates, LARGER))], times))
    chances = _chances(rules, found)
    between = None
    if second is None:
        # The same draws as before, so that the chances differ by the correlation alone.
        more, less = (
            source.chance([source.gate(again, 1) for _ in range(gates)], 1).passes
            for source, again in (
                (_Source(first, None, others, rules, times * (1 - correlation)), generator(seed, "forecast"))
                for times in (1.5, 0.5)
            )
        )
        between = (more, less)
    return Forecast(
        baseline.name, "" if other is None else other.name, rules, None if other else correlation, power, gates,
        chances, _bottleneck(chances, sizes[0].passes, power), tuple(sizes), _needed(sizes, power),
        any(one.scores.repeats is not None for one in (first, second, *rest) if one is not None), between,
        asks_in_wordings(first.queries),
    )  # fmt: skip


def _check_unchanged(rules: Rules) -> None:
    """Refuse rules that a candidate as good as the baseline cannot keep.

    Raises:
        SettingError: a rule asks for a gain.
    """
    for number, rule in enumerate(rules.rules, 1):
        if isinstance(rule, MetricRule) and (rule.improves or (rule.min_ratio or 0.0) > 1):
            raise SettingError(
                f"rule {number} asks for a gain, which a candidate as good as the baseline does not have: leave the "
                f"rule out here, and plan the queries for a gain with {named('delta')} and without {named('rules')}"
            )


class _Source:
    """Draws sets of queries with a baseline, its anchors and an unchanged candidate, and decides their gates."""

    def __init__(
        self, baseline: ScoredRun, other: ScoredRun | None, anchors: Mapping[str, ScoredRun], rules: Rules,
        changes: float,
    ) -> None:  # fmt: skip
        self.baseline, self.other, self.anchors = baseline, other, anchors
        self.rules, self.changes = rules, _changes(baseline.scores.values, changes)
        units = cluster_index(baseline.queries.units)
        self.rows = [np.flatnonzero(units == unit) for unit in range(int(units.max()) + 1)]
        self.queries, self.documents = len(units), len(self.rows)
        self.patterns = _alike(baseline, rules)
        # Rules on other figures than those of queries see the baseline, and say the same in every gate.
        self.fixed = {
            at: decide_rule(rule, rules, None, baseline, baseline)
            for at, rule in enumerate(rules.rules)
            if not isinstance(rule, MetricRule)
        }

    def gate(self, rng: np.random.Generator, times: int) -> Rulings:
        """Decide one gate of a set that is ``times`` as large."""
        drawn = rng.integers(0, self.documents, size=times * self.documents)
        rows = np.concatenate([self.rows[document] for document in drawn.tolist()])
        units = np.repeat(np.arange(len(drawn)), [len(self.rows[document]) for document in drawn.tolist()])
        table = self.baseline.queries.select(rows)
        table = QueryTable(
            table.ids, table.texts, table.types, [f"document:{i}" for i in units.tolist()], table.columns
        )
        mine, again = (_runs_of(self.baseline, rng) for _ in range(2))
        if self.other is None:
            changed = (rng.random(len(drawn))[:, None] < self.changes)[units]
            before = mine[:, :, rows]
            after = np.where(changed, again[:, :, self._exchanged(rng, rows)], again[:, :, rows])
        else:
            swapped = (rng.random(len(drawn)) < 0.5)[units, None]
            theirs, theirs_again = (_runs_of(self.other, rng) for _ in range(2))
            before = _mixed(swapped, theirs[:, :, rows], mine[:, :, rows])
            after = _mixed(swapped, again[:, :, rows], theirs_again[:, :, rows])
        candidate = _run(self.baseline, table, after)
        pairs = {"": Pair(_run(self.baseline, table, before), candidate)} | {
            name: Pair(_run(anchor, table, _runs_of(anchor, rng)[:, :, rows]), candidate)
            for name, anchor in self.anchors.items()
        }
        return tuple(
            self.fixed.get(at) or decide_rule(rule, self.rules, pairs.get(anchor_of(rule)), self.baseline, candidate)
            for at, rule in enumerate(self.rules.rules)
        )  # fmt: skip

    def _exchanged(self, rng: np.random.Generator, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """For each row, a random row that is alike (`_alike`)."""
        found = np.empty_like(rows)
        for pattern in np.unique(self.patterns[rows]).tolist():
            at = np.flatnonzero(self.patterns[rows] == pattern)
            found[at] = rng.choice(np.flatnonzero(self.patterns == pattern), size=len(at))
        return found

    def chance(self, found: Sequence[Rulings], times: int) -> SizeChance:
        """Count the outcomes of gates."""
        passes, fails, blocked = 0, 0, 0
        for rulings in found:
            decided = tuple(chain.from_iterable(rulings))
            outcome = outcome_of(decided)
            passes, fails = passes + (outcome == "pass"), fails + (outcome == "fail")
            blocked += Gate(outcome, "", decided, (), self.rules, self.baseline, self.baseline).blocks
        n = len(found)
        return SizeChance(times * self.queries, times * self.documents, passes / n, fails / n, blocked / n)


def _alike(run: ScoredRun, rules: Rules) -> npt.NDArray[np.int64]:
    """(q,) Numbers that are the same for queries that can exchange their values.

    They lack the same metrics, and are in the same slices and wording, so that a candidate is as good as the baseline
    in each of these, too.
    """
    n = len(run.queries)
    marks: list[Sequence[object]] = [[row.tobytes() for row in np.isnan(run.scores.values)]]
    marks.append(run.queries.columns.get(WORDING) or [None] * n)
    for rule in (rule for rule in rules.rules if isinstance(rule, MetricRule)):
        for part in wanted_slices(rule, run):
            if rule.by is None or len(part.rows) >= rule.min_queries:
                marks.append(np.isin(np.arange(n), part.rows).tolist())
    return cluster_index([repr(mark) for mark in zip(*marks, strict=True)])


def _changes(values: Array, share: float) -> Array:
    """(m,) Share of the documents whose values change, for each metric."""
    binary = (np.isnan(values) | np.isin(values, (0.0, 1.0))).all(axis=0)
    return np.minimum(share * np.where(binary, HITS, 1.0), 1.0)


def _runs_of(system: ScoredRun, rng: np.random.Generator) -> Array:
    """(r, j, q, m) Values of as many runs as the system had, drawn with replacement from these.

    Deviations from the mean of the runs are stretched by ``sqrt(r / (r - 1))``, because drawn runs vary less than true
    ones, and stay within the range of the metric.
    """
    repeats = system.scores.repeats
    if repeats is None:
        return system.scores.values[None, None]
    runs = len(repeats)
    mean = repeats.mean(axis=0)
    drawn = mean + (repeats[rng.integers(0, runs, size=runs)] - mean) * sqrt(runs / max(runs - 1, 1))
    least, most = (reduce(repeats, axis=(0, 1, 2)) for reduce in (np.fmin.reduce, np.fmax.reduce))
    within: Array = np.clip(drawn, np.fmin(least, 0.0), np.fmax(most, 1.0))
    return within


def _mixed(swapped: npt.NDArray[np.bool_], first: Array, second: Array) -> Array:
    """Values of the first where swapped, else of the second; the fewer runs of the two."""
    runs, judged = (
        max(a, b) if min(a, b) == 1 else min(a, b) for a, b in zip(first.shape[:2], second.shape[:2], strict=True)
    )
    return np.where(swapped, first[:runs, :judged], second[:runs, :judged])


def _run(like: ScoredRun, table: QueryTable, repeats: Array) -> ScoredRun:
    """A system with these (r, j, q, m) values."""
    scores = like.scores
    several = repeats.shape[:2] != (1, 1)
    values = mean_of_defined(repeats) if several else repeats[0, 0]
    return ScoredRun(
        like.name,
        Scores(
            table.ids,
            scores.metrics,
            values,
            scores.ledger,
            scores.directions,
            scores.averages,
            repeats if several else None,
        ),
        table,
        latency_ms=like.latency_ms,
        cost_per_query=like.cost_per_query,
        failed=like.failed,
        manifest=like.manifest,
    )


def _chances(rules: Rules, found: Sequence[Rulings]) -> tuple[RuleChance, ...]:
    chances = []
    for i, rule in enumerate(rules.rules):
        outcomes = Counter(_of_slices(rulings[i]) for rulings in found)
        others = sum(outcome_of(tuple(chain(*rulings[:i], *rulings[i + 1 :]))) == "pass" for rulings in found)
        n = len(found)
        chances.append(
            RuleChance(
                found[0][i][0].name if rule.name or len(found[0][i]) == 1 else f"{found[0][i][0].metric} by slice",
                rule.role, outcomes["pass"] / n, outcomes["fail"] / n, outcomes["inconclusive"] / n, others / n,
            )
        )  # fmt: skip
    return tuple(chances)


def _of_slices(decided: Sequence[Decided]) -> str:
    outcomes = {one.outcome for one in decided}
    return next((outcome for outcome in ("fail", "inconclusive", "pass") if outcome in outcomes), "skipped")


def _bottleneck(chances: Sequence[RuleChance], passes: float, power: float) -> RuleChance | None:
    """The rule without which most gates would pass, if there are several and they pass less often than is wanted."""
    worst = max(chances, key=lambda chance: chance.others)
    return worst if len(chances) > 1 and passes < power and worst.others > passes else None


def _needed(sizes: Sequence[SizeChance], power: float) -> int | None:
    """Interpolate the number of queries, to two digits: the normal quantile of a power is linear in its root."""
    from scipy.special import ndtri

    last = sizes[-1]
    if last.passes < power:
        return None
    if len(sizes) == 1:
        return last.queries
    before = sizes[-2]
    low, high = (float(ndtri(min(max(size.passes, 1 / LARGER), 1 - 1 / LARGER))) for size in (before, last))
    share = min((float(ndtri(power)) - low) / (high - low), 1.0) if high > low else 1.0
    needed = (sqrt(before.queries) + share * (sqrt(last.queries) - sqrt(before.queries))) ** 2
    return int(round(needed, 1 - floor(log10(needed))))
