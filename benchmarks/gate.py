"""The gate on an unchanged system and on worse ones, beside a plain threshold on the mean."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.command import main
from benchmarks.figures import Figure, Options, Section
from ragbench import api
from ragbench.comparison.gate.best import shown_better
from ragbench.comparison.gate.bounds import difference_bounds
from ragbench.comparison.gate.decide import decide_rule, outcome_of
from ragbench.comparison.gate.forecast import forecast
from ragbench.comparison.gate.result import Outcome, weigh
from ragbench.comparison.gate.rules import MetricRule, Rules
from ragbench.comparison.pairing import Pair
from ragbench.core.scored import QueryTable, ScoredRun
from ragbench.core.scores import Scores
from ragbench.metrics.settings import EvaluationSettings
from ragbench.stats.clusters import cluster_index
from ragbench.workflows.run_systems import evaluate

RUNS = 500
MARGIN = 0.02
METRICS = ("hit@5", "mrr@10", "ndcg@10")
SYSTEMS = ("bm25", "bm25:k1=2.5")
DISTANT = ("bm25", "bm25:stem=false")
"""A pair that differs on more queries, as two different systems do."""
MOST_ALARMS = 0.02
SHOP = Path(__file__).resolve().parents[1] / "datasets" / "shop"
HOW = (
    f"The data are {SYSTEMS[0]} and {SYSTEMS[1]} on the sample shop (196 judged queries from 170 documents). Each of "
    f"{RUNS} runs draws documents with replacement, with all of their queries. For each document, a coin decides "
    "which of the two systems is the baseline and which the candidate. So scores differ from query to query, but "
    f"neither system is better. The rules are a floor for each of {', '.join(METRICS)}, and a loss of nDCG@10 of at "
    f"most {MARGIN:g}. The floors are the true means, which is the hardest case of a rule that holds, or lie .03 "
    "below them. The plain threshold applies the same rules to the means alone. A worse system finds nothing for a "
    "share of the documents; for it, only the rule on the loss is tested. If the gate does not fail a worse system, "
    "it is inconclusive; it does not pass the system. The last lines ask what an inconclusive gate "
    "does to a team. They draw 50 or 200 documents of a pair that differs more, and decide the rule on the loss alone. "
    "Then come six rules: a loss of at most .02 and a floor .02 below the true mean for each metric. Last, a project "
    "merges commits that each change 5% of its queries and lose a little or nothing. Each becomes the next "
    "baseline."
)
Array = npt.NDArray[np.float64]
Draw = Callable[[np.random.Generator], tuple[ScoredRun, ScoredRun]]


def run(options: Options) -> Section:
    """Some four minutes."""
    runs = 10 if options.small else RUNS
    shop = Population.measured()
    figures = []
    for where, below in (("floors at the true means", 0.0), ("floors .03 below", 0.03)):
        options.say(f"  unchanged system, {where}")
        floors = tuple(MetricRule(metric=name, min=mean - below) for name, mean in shop.means().items())
        rules = (*floors, MetricRule(metric="ndcg@10", margin=MARGIN))
        ours = outcomes(shop.unchanged, rules, runs)
        plain = outcomes(shop.unchanged, tuple(replace(rule, decide="mean") for rule in rules), runs)
        figures.append(
            Figure(
                f"unchanged system, {where}",
                "share of runs that fail",
                ours["fail"] / runs,
                target=f"under {MOST_ALARMS:g}",
                met=ours["fail"] / runs < MOST_ALARMS,
                peer=f"{plain['fail'] / runs:.3f} (plain threshold)",
            )
        )
    figures += margin_figures(shop, options, runs)
    figures += inconclusive_figures(options)
    figures += role_figures(shop, options)
    figures += forecast_figures(options)
    figures += drift_figures(options)
    figures += series_figures(options)
    return Section("gate", "The gate", HOW, tuple(figures))


def margin_figures(shop: "Population", options: Options, runs: int) -> list[Figure]:
    """The margin alone: an unchanged system, one at the margin, and worse ones."""
    rules = (MetricRule(metric="ndcg@10", margin=MARGIN),)
    plain_rules = (replace(rules[0], decide="mean"),)
    figures = []
    mean = shop.means()["ndcg@10"]
    for loss in (0.0, MARGIN, 0.06, 0.1, 0.15):
        options.say(f"  true loss {loss:g}")
        draw = shop.broken(loss / mean) if loss else shop.unchanged
        ours, plain = outcomes(draw, rules, runs), outcomes(draw, plain_rules, runs)
        word = "pass" if loss <= MARGIN else "fail"
        shares = ", ".join(f"{ours[outcome] / runs:.3f} {outcome}" for outcome in ("pass", "inconclusive", "fail"))
        figures.append(
            Figure(
                f"true loss of nDCG@10 {loss:g}, margin {MARGIN:g}",
                f"share of runs that {word}",
                ours[word] / runs,
                peer=f"{plain[word] / runs:.3f} (plain threshold); here {shares}",
                reason="the nominal rate is 0.05; all of the loss is in 3% of the documents, the hardest case for t"
                if loss == MARGIN
                else "",
            )
        )
    return figures


def inconclusive_figures(options: Options) -> list[Figure]:
    """How often a change is held up under each choice for an inconclusive gate, by size of the set and true loss."""
    shop = Population.measured(DISTANT)
    runs = 20 if options.small else 2_000
    figures = []
    for documents in (50, 200):
        for times in (0, 1, 2, 4):
            options.say(f"  {documents} documents, true loss of {times} margins")
            found = shop.margin_outcomes(documents, times * MARGIN, runs)
            fails, passes = found["fail"] / runs, found["pass"] / runs
            figures.append(
                Figure(
                    f"{documents} documents, {DISTANT[0]} or {DISTANT[1]}, true loss {times * MARGIN:g}, "
                    f"margin {MARGIN:g}",
                    "share of runs that are held up by 'inconclusive: neutral' or 'pass'",
                    fails,
                    target=f"under {MOST_ALARMS:g}" if not times else "",
                    met=fails < MOST_ALARMS if not times else None,
                    peer=f"{1 - passes:.3f} by 'fail'; outcomes: {passes:.3f} pass, {1 - passes - fails:.3f} "
                    f"inconclusive, {fails:.3f} fail",
                )
            )
    return figures


def role_figures(shop: "Population", options: Options) -> list[Figure]:
    """Six rules that all must pass, beside one that decides and five that guard."""
    runs = 5 if options.small else 300
    metrics = dict(reversed(list(shop.means().items())))  # nDCG first, which is the primary rule
    rules = [MetricRule(metric=name, margin=MARGIN) for name in metrics]
    rules += [MetricRule(metric=name, min=mean - 0.02) for name, mean in metrics.items()]
    guarded = Rules(rules=(rules[0], *(replace(rule, role="guard") for rule in rules[1:])), source="benchmark")
    together = Rules(rules=tuple(rules), source="benchmark")
    figures = []
    for loss in (0.0, MARGIN, 2 * MARGIN, 4 * MARGIN):
        options.say(f"  six rules, true loss {loss:g}")
        draw = shop.broken(loss / metrics["ndcg@10"]) if loss else shop.unchanged
        counts = {"roles": outcomes(draw, guarded, runs), "all": outcomes(draw, together, runs)}
        before, after = (counts[name]["pass"] / runs for name in ("all", "roles"))
        fails = ", ".join(f"{counts[name]['fail'] / runs:.3f}" for name in ("roles", "all"))
        figures.append(
            Figure(
                f"six rules, one primary and five guards, true loss {loss:g}, margin {MARGIN:g}",
                "share of runs that pass",
                after,
                target="at most 0.06" if loss >= MARGIN else "",
                met=after <= 0.06 if loss >= MARGIN else None,
                peer=f"{before:.3f} if all six must pass; fail: {fails}",
            )
        )
    return figures


def forecast_figures(options: Options) -> Iterator[Figure]:
    """What `ragbench plan --rules` predicts for an unchanged candidate, beside gates of real runs."""
    runs = 20 if options.small else 500
    for systems in (SYSTEMS, DISTANT):
        shop = Population.measured(systems)
        means = shop.means()
        margins = [MetricRule(metric=name, margin=0.04) for name in METRICS]
        floors = [MetricRule(metric=name, min=mean - 0.06) for name, mean in means.items()]
        for what, asked in (
            ("a margin of .02", [MetricRule(metric="ndcg@10", margin=MARGIN)]),
            ("three margins of .04", margins),
            ("three margins of .04, and floors .06 below the means", margins + floors),
        ):
            options.say(f"  forecast of {what}")
            rules = Rules(rules=tuple(asked), source="benchmark")
            got = outcomes(shop.unchanged, rules, runs)["pass"] / runs
            first, second = shop.runs()
            pair = forecast(first, rules, other=second, gates=runs).sizes[0].passes
            alike = float(np.corrcoef(first.scores.column("ndcg@10"), second.scores.column("ndcg@10"))[0, 1])
            one = forecast(first, rules, correlation=alike, gates=runs)
            assert one.between is not None
            alone, (more, less) = one.sizes[0].passes, one.between
            yield Figure(
                f"{what}, {systems[0]} or {systems[1]}",
                "predicted minus actual share of gates that an unchanged candidate passes",
                pair - got,
                target="within 0.05",
                met=abs(pair - got) <= 0.05,
                peer=f"{got:.3f} actual",
            )
            inside = more - 0.05 <= got <= less + 0.05
            yield Figure(
                f"{what}, {systems[0]} or {systems[1]}, from one system and a correlation of {alike:.2f} in nDCG@10",
                "predicted share of gates that an unchanged candidate passes",
                alone,
                target="a range that holds the actual share, within 0.05",
                met=inside,
                peer=f"{got:.3f} actual; range {more:.3f} to {less:.3f}",
            )


COMMITS, COMMIT_LOSS, QUERIES, ANCHOR = 30, 0.005, 500, 0.03


def drift_figures(options: Options) -> list[Figure]:
    """What is left of a system after commits that each lose a little, with and without an anchor."""
    series = 3 if options.small else 100
    figures = []
    for choice in ("neutral", "fail"):
        options.say(f"  {COMMITS} commits of -{COMMIT_LOSS:g}, inconclusive: {choice}")
        found = {
            name: project(COMMIT_LOSS, COMMITS, series, choice=choice, anchor=ANCHOR, **how)
            for name, how in {
                "release": {"kind": "release"},
                "best": {"kind": "best"},
                "series": {"kind": "best", "alarms": 0.05 / COMMITS},
                "none": {"kind": "none"},
            }.items()
        }  # fmt: skip
        what = f"{COMMITS} commits of -{COMMIT_LOSS:g}, {QUERIES} queries, inconclusive: {choice}, anchor {ANCHOR:g}"
        peer = (
            f"{found['none'].lost:.3f} without an anchor; {found['best'].lost:.3f} with the best so far, "
            f"{found['series'].lost:.3f} with it and 'gates: {COMMITS}', false_alarms .05"
        )
        figures.append(Figure(what, "mean true loss of main", found["release"].lost, peer=peer))
        still = project(0.0, COMMITS, series, choice=choice, anchor=ANCHOR, kind="release")
        measure = "share of series of unchanged systems in which the anchor holds up a commit"
        figures.append(Figure(what.replace(f"-{COMMIT_LOSS:g}", "-0"), measure, still.held))
    return figures


GATES, NOISE = 100, 0.2


def series_figures(options: Options) -> Iterator[Figure]:
    """A hundred gates of an unchanged system at its hardest, a margin of 0, and two kinds of best system so far."""
    series = 3 if options.small else 40
    for kind, name in (("none", "no anchor"), ("highest", "the highest mean"), ("best", "the best that was shown")):
        options.say(f"  {GATES} gates of an unchanged system, {name}")
        alone, spent = (
            project(0.0, GATES, series, kind=kind, anchor=0.0, margin=0.0, noise=NOISE, alarms=alarms)
            for alarms in (0.01, 0.05 / GATES)
        )
        bias = "" if kind == "none" else f"; the anchor lies {spent.excess:.3f} too high"
        yield Figure(
            f"{GATES} gates of an unchanged system, margin 0, anchor: {name}",
            f"share of series with a false fail, 'gates: {GATES}', false_alarms .05",
            spent.failed,
            target="at most 0.05",
            met=spent.failed <= 0.05,
            peer=f"{alone.failed:.3f} with false_alarms .01 for each gate{bias}",
        )


@dataclass(frozen=True)
class Project:
    """Means over simulated projects.

    Attributes:
        lost: true loss of main after all commits.
        held: share of projects in which the anchor held up a commit.
        failed: share of projects with a gate that failed.
        excess: measured minus true value of the anchor, at the end.
    """

    lost: float
    held: float
    failed: float
    excess: float


def project(
    loss: float, commits: int, series: int, *, kind: str, anchor: float, choice: str = "neutral",
    margin: float = MARGIN, noise: float = 0.1, alarms: float = 0.01,
) -> Project:  # fmt: skip
    """Simulate projects whose commits each change 5% of the queries.

    A commit is merged unless a rule holds it up, and then becomes the baseline. All rules see the same queries each
    time. The anchor is the first state (``release``), the state with the highest mean, or the best as
    `ragbench.comparison.gate.best` moves it.
    """
    lost = held = failed = excess = 0.0
    units = np.arange(QUERIES)
    for seed in range(series):
        rng = np.random.default_rng(seed)
        main = start = held_up = rng.uniform(0.3, 0.7, QUERIES)
        truth = best_truth = 0.0
        stopped = broken = False
        for _ in range(commits):
            changed = rng.random(QUERIES) < 0.05
            candidate = main + np.where(changed, rng.normal(-loss / 0.05, noise, QUERIES), 0.0)
            asked = [(main, margin)] + ([] if kind == "none" else [(held_up, anchor)])
            # The alarms are divided by the number of rules, as in the gate.
            bounds = [difference_bounds(candidate - other, units, below=0.05, above=alarms / len(asked))
                      for other, _ in asked]  # fmt: skip
            said = [weigh(one.low, one.high, -limit, at_least=True)[0]
                    for one, (_, limit) in zip(bounds, asked, strict=True)]  # fmt: skip
            blocked = [one == "fail" or (choice == "fail" and one == "inconclusive") for one in said]
            broken |= "fail" in said
            stopped |= blocked[-1] and kind != "none"
            if any(blocked):
                continue
            main, truth = candidate, truth - loss
            moved = kind == "highest" and main.mean() > held_up.mean()
            if kind == "best":
                moved = shown_better(main - held_up, units)
            if moved:
                held_up, best_truth = main, truth
        lost, held, failed = lost - truth, held + stopped, failed + broken
        excess += float(held_up.mean() - start.mean()) - best_truth
    return Project(lost / series, held / series, failed / series, excess / series)


def outcomes(draw: Draw, rules: Rules | tuple[MetricRule, ...], runs: int) -> Counter[str]:
    """How so many runs come out; the same seeds for whatever rules. Nothing is compared beside, which would be slow."""
    asked = rules if isinstance(rules, Rules) else Rules(rules=rules, source="benchmark")
    found: Counter[str] = Counter()
    for seed in range(runs):
        baseline, candidate = draw(np.random.default_rng(seed))
        both = Pair(baseline, candidate)
        decided = (one for rule in asked.rules for one in decide_rule(rule, asked, both, baseline, candidate))
        found[outcome_of(tuple(decided))] += 1
    return found


class Population:
    """The queries that runs are drawn from, by document."""

    def __init__(self, first: Array, second: Array, units: list[str]) -> None:
        self.first, self.second = first, second
        clusters = cluster_index(units)
        self.rows = [np.flatnonzero(clusters == c) for c in range(int(clusters.max()) + 1)]

    @classmethod
    def measured(cls, systems: tuple[str, str] = SYSTEMS) -> "Population":
        """Evaluate both systems on the shop; queries without a relevant item are skipped."""
        chunks = api.chunk(api.load_corpus(SHOP / "product_catalog.csv"), "whole")
        first, second = evaluate(chunks, api.load_golden(SHOP), systems, EvaluationSettings(metrics=METRICS)).scored
        kept = ~np.isnan(first.scores.values).any(axis=1)
        units = [unit for unit, keep in zip(first.queries.units, kept, strict=True) if keep]
        return cls(first.scores.values[kept], second.scores.values[kept], units)

    def runs(self) -> tuple[ScoredRun, ScoredRun]:
        """The two systems as they were measured."""
        documents = np.repeat(np.arange(len(self.rows)), [len(rows) for rows in self.rows])
        order = np.concatenate(self.rows)
        return scored("first", self.first[order], documents), scored("second", self.second[order], documents)

    def means(self) -> dict[str, float]:
        """Means of a system that is either of the two by the toss of a coin."""
        means = (self.first.mean(axis=0) + self.second.mean(axis=0)) / 2
        return dict(zip(METRICS, means.tolist(), strict=True))

    def unchanged(self, rng: np.random.Generator) -> tuple[ScoredRun, ScoredRun]:
        """Two systems of the same quality on queries drawn by document."""
        rows, documents = self._drawn(rng)
        swapped = (rng.random(documents.max() + 1) < 0.5)[documents, None]
        a, b = self.first[rows], self.second[rows]
        return scored("baseline", np.where(swapped, b, a), documents), scored(
            "candidate", np.where(swapped, a, b), documents
        )

    def broken(self, share: float) -> Draw:
        """As `unchanged`, but the candidate finds nothing for this share of the documents."""

        def draw(rng: np.random.Generator) -> tuple[ScoredRun, ScoredRun]:
            baseline, candidate = self.unchanged(rng)
            documents = cluster_index(candidate.queries.units)
            dead = (rng.random(int(documents.max()) + 1) < share)[documents]
            values = np.where(dead[:, None], 0.0, candidate.scores.values)
            return baseline, scored("candidate", values, documents)

        return draw

    def margin_outcomes(self, documents: int, loss: float, runs: int) -> Counter[Outcome]:
        """Outcomes of a margin on nDCG@10 alone.

        A coin decides for each document which system is the candidate, and another whether the candidate finds nothing
        there; it does so often enough for the true loss.
        """
        column = METRICS.index("ndcg@10")
        share = loss / self.means()["ndcg@10"]
        found: Counter[Outcome] = Counter()
        for seed in range(runs):
            rng = np.random.default_rng(seed)
            chosen = [self.rows[c] for c in rng.integers(0, len(self.rows), size=documents).tolist()]
            clusters = np.repeat(np.arange(documents), [len(rows) for rows in chosen])
            first, second = (values[np.concatenate(chosen), column] for values in (self.first, self.second))
            swapped, dead = ((rng.random(documents) < chance)[clusters] for chance in (0.5, share))
            baseline, candidate = np.where(swapped, second, first), np.where(swapped, first, second)
            bounds = difference_bounds(np.where(dead, 0.0, candidate) - baseline, clusters, below=0.05, above=0.01)
            found[weigh(bounds.low, bounds.high, -MARGIN, at_least=True)[0]] += 1
        return found

    def _drawn(self, rng: np.random.Generator) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        chosen = rng.integers(0, len(self.rows), size=len(self.rows))
        rows = [self.rows[c] for c in chosen.tolist()]
        return np.concatenate(rows), np.repeat(np.arange(len(rows)), [len(part) for part in rows])


def scored(name: str, values: Array, documents: npt.NDArray[np.int64]) -> ScoredRun:
    """A run of these scores."""
    ids = [f"q{i}" for i in range(len(values))]
    table = QueryTable(ids, [""] * len(ids), [""] * len(ids), [f"document:{d}" for d in documents.tolist()])
    return ScoredRun(name, Scores(ids, METRICS, values), table)


if __name__ == "__main__":
    sys.exit(main(only="gate"))
