"""What ``ragbench plan`` promises beside what experiments give, and intervals from few labels of annotators."""

import sys
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from benchmarks.command import main
from benchmarks.figures import Figure, Options, Section
from benchmarks.gate import SHOP
from ragbench import api
from ragbench.comparison.assumed import assume
from ragbench.comparison.layout import layout_of
from ragbench.comparison.pairing import pair
from ragbench.comparison.pilot import Pilot, measure_pilot
from ragbench.comparison.plan import make_plan
from ragbench.comparison.plan_settings import PlanSettings
from ragbench.comparison.tests import paired_test
from ragbench.core.judgements import Judgements
from ragbench.metrics.settings import EvaluationSettings
from ragbench.stats.clusters import standard_errors
from ragbench.stats.equivalence import non_inferior
from ragbench.stats.icc import resampled_errors
from ragbench.stats.paired_tests import sign_flip_test
from ragbench.stats.power import Design, power_of, smallest_size
from ragbench.stats.prediction_powered import prediction_powered_mean
from ragbench.workflows.run_systems import evaluate

EXPERIMENTS, COLUMNS = 2_000, 50
DOCUMENTS, EACH, ICC, SD = 100, 5, 0.3, 0.3
POWER, NEAR = 0.8, 0.03
PAIRS = (("bm25", "bm25:stem=false"), ("bm25", "bm25:k1=2.5"), ("bm25", "bm25:stop=false"))
"""Pairs of systems on the shop."""
METRIC = "ndcg@10"
HOW = (
    f"The plan gives the smallest difference that {POWER:.0%} of comparisons detect. Simulated experiments have this "
    f"difference, and the default test of `compare` decides them at .05. Normal values come from {DOCUMENTS} "
    f"documents with {EACH} queries each, standard deviation {SD} and intra-class correlation {ICC}. Shop draws "
    "documents of the sample shop with replacement, with the measured differences of all of their queries, shifted "
    "to the planned mean. Tilted draws documents with unequal weights instead, so that values stay bounded and "
    "mostly tied; this changes their variance. Plans from a level draw hits and misses with that level and "
    "correlation. Plans from labels alone draw normal values with the assumed correlation of queries from one "
    "document. In the prediction-powered experiments, a judge with known error rates labels all items, and annotators "
    "label some. Pilots of few queries plan with an upper bound of the standard deviation, which holds in 80% of "
    "pilots."
)
Array = npt.NDArray[np.float64]
Clusters = npt.NDArray[np.int64]


def run(options: Options) -> Section:
    """Some two minutes."""
    experiments = 100 if options.small else EXPERIMENTS
    figures = list(normal_figures(experiments))
    options.say("  shop")
    for baseline, candidate in PAIRS:
        figures += shop_figures(shop_pilot(baseline, candidate), experiments)
    options.say("  hit rates, margin, pilots")
    figures += level_figures(experiments)
    figures += labels_figures(experiments)
    figures.append(margin_figure(experiments))
    figures.append(pilot_figure(experiments // 4))
    figures += assurance_figures(experiments // 4)
    options.say("  prediction-powered")
    figures += prediction_figures(experiments)
    return Section("power", "Plans and power", HOW, tuple(figures))


def normal_figures(experiments: int) -> Iterator[Figure]:
    """Normal differences, many documents and few; and what a plan without the design effect would have promised."""
    for documents in (DOCUMENTS, 12):
        design = Design(SD, ICC, EACH)
        size = planned(design, documents * EACH)
        got = share_found(normal_sums(design, documents, size), np.random.default_rng(1), experiments)
        naive = Design(SD)
        small = planned(naive, documents * EACH)
        lost = share_found(normal_sums(design, documents, small), np.random.default_rng(2), experiments)
        yield promised(
            f"normal, {documents} documents x {EACH} queries, difference {size:.4f}",
            got,
            POWER,
            f"{lost:.3f} at {small:.4f}, which the plan without a design effect promises",
        )


def shop_figures(pilot: Pilot, experiments: int) -> Iterator[Figure]:
    """Documents of a real pair, as many as there are and four times as many."""
    sums, sizes = np.bincount(pilot.clusters, weights=pilot.differences), np.bincount(pilot.clusters)
    equal = np.full(len(sums), 1 / len(sums))
    for times in (1, 4):
        documents = pilot.sizes.clusters * times
        size = planned(pilot_design(pilot), pilot.sizes.n * times)
        added = sums + (size - pilot.differences.mean()) * sizes
        got = share_found(Sums(documents, added, equal), np.random.default_rng(3), experiments)
        what = f"shop, {pilot.candidate} against {pilot.baseline}, {documents} documents, difference {size:.4f}"
        yield promised(what, got, POWER, f"{pilot.differing} of {pilot.sizes.clusters} documents differ")
    # The last plan, for a true difference that changes the spread too.
    other = share_found(Sums(documents, sums, tilted(pilot, size)), np.random.default_rng(3), experiments)
    yield Figure(
        f"{what}, tilted",
        "power",
        other,
        reason="there is no target, because a plan cannot know how another pair will vary",
    )


def level_figures(experiments: int) -> Iterator[Figure]:
    """Hits planned from a level and a correlation alone: a difference by McNemar's mid-p, and the gate's margin."""
    for level, correlation, n in ((0.84, 0.5, 300), (0.5, 0.8, 100), (0.95, 0.3, 300)):
        rng = np.random.default_rng(4)
        assumed = assume("hit@10", level, correlation)
        design = Design(assumed.sd, binary=True)
        size = planned(design, n)
        found = [
            paired_test("auto", baseline, candidate, np.arange(n), rng, 1).p < 0.05
            for baseline, candidate in hits(rng, level - size / 2, level + size / 2, correlation, n, experiments)
        ]
        what = f"hit@10 of {level:g}, correlation {correlation:g}, {n} queries"
        yield promised(f"{what}, difference {size:.4f}", float(np.mean(found)), POWER, "planned from the level alone")
        margin = smallest_size(design, n, aim="margin", power=POWER) or 0.0
        passed = [
            non_inferior(candidate - baseline, np.arange(n), margin).decision == "non-inferior"
            for baseline, candidate in hits(rng, level, level, correlation, n, experiments)
        ]
        yield promised(f"{what}, margin {margin:.4f}", float(np.mean(passed)), POWER, "planned from the level alone")


def labels_figures(experiments: int) -> Iterator[Figure]:
    """Plans from labels alone, with documents of unequal numbers of queries."""
    for name, counts in (
        ("120 documents with 1, 2, 3 or 10 queries", (1, 2, 3, 10) * 30),
        ("40 documents with 2 queries, and 5 with 20", (2,) * 40 + (20,) * 5),
    ):
        rng = np.random.default_rng(8)
        sizes = np.array(counts)
        labels = {f"{document}-{i}": {str(document): 1} for document, m in enumerate(counts) for i in range(m)}
        layout = layout_of(Judgements.from_dict(labels))
        design = make_plan(PlanSettings(metric="ndcg@10", level=0.6), layout=layout).design
        size = planned(design, layout.sizes.n)
        shared = rng.normal(0, np.sqrt(design.icc), (len(sizes), experiments))
        own = rng.normal(0, np.sqrt(1 - design.icc), (len(sizes), experiments))
        # The sum of m queries of a document: m times the mean and the shared part, and sqrt(m) times one query's own.
        rows, root = sizes[:, None], np.sqrt(sizes)[:, None]
        sums = rows * size + design.sd * (rows * shared + root * own)
        p = np.concatenate(
            [sign_flip_test(sums[:, at : at + COLUMNS], np.arange(len(sizes)), rng)
             for at in range(0, experiments, COLUMNS)]
        )  # fmt: skip
        got = float((p < 0.05).mean())
        yield promised(
            f"labels alone, {name}, difference {size:.4f}",
            got,
            POWER,
            f"they count as {layout.effective:.0f} of equal size",
        )


def hits(
    rng: np.random.Generator, first: float, second: float, correlation: float, n: int, experiments: int
) -> Iterator[tuple[Array, Array]]:
    """Hits and misses of two systems with these rates and this correlation."""
    both = first * second + correlation * np.sqrt(first * (1 - first) * second * (1 - second))
    for _ in range(experiments):
        kind = rng.choice(4, size=n, p=(both, first - both, second - both, 1 - first - second + both))
        yield (kind < 2).astype(np.float64), ((kind == 0) | (kind == 2)).astype(np.float64)


def margin_figure(experiments: int) -> Figure:
    """The gate's margin for a candidate that is just as good."""
    rng, design = np.random.default_rng(5), Design(SD, ICC, EACH)
    margin = smallest_size(design, DOCUMENTS * EACH, aim="margin", power=POWER) or 0.0
    clusters = np.repeat(np.arange(DOCUMENTS), EACH)
    values = normal(design, DOCUMENTS, 0.0, rng, experiments)
    passed = [non_inferior(column, clusters, margin).decision == "non-inferior" for column in values.T]
    return promised(f"gate, equally good, margin {margin:.4f}", float(np.mean(passed)), POWER, "")


def pilot_figure(experiments: int) -> Figure:
    """How often the range that a pilot gives holds the truth."""
    rng, design = np.random.default_rng(6), Design(SD, ICC, EACH)
    truth = SD * np.sqrt(design.effect)
    clusters = np.repeat(np.arange(DOCUMENTS), EACH)
    held = 0
    for column in normal(design, DOCUMENTS, 0.0, rng, experiments).T:
        low, high = np.quantile(resampled_errors(column, clusters, EACH, rng, resamples=500), (0.025, 0.975))
        held += low <= truth <= high
    return Figure(
        f"pilots of {DOCUMENTS} documents x {EACH} queries",
        "95% ranges that hold the true error",
        held / experiments,
        peer=f"sd {SD}, ICC {ICC}",
    )


def pilots(kind: str, n: int, rng: np.random.Generator, columns: int) -> Array:
    """(n, columns) differences of a pilot with n queries."""
    if kind == "normal":
        return rng.normal(size=(n, columns))
    if kind == "skewed (exponential)":
        return rng.exponential(size=(n, columns))
    changed = rng.random((n, columns)) < 0.2
    if kind == "80% ties":
        return np.where(changed, rng.uniform(-1, 1, (n, columns)), 0.0)
    if kind == "80% ties, losses alone":
        return np.where(changed, rng.uniform(-1, 0, (n, columns)), 0.0)
    values = normal(Design(1.0, ICC, 2), n // 2, 0.0, rng, columns)
    return np.where(changed, values, 0.0) if kind == "80% ties, 2 queries per document" else values


def assurance_figures(experiments: int) -> Iterator[Figure]:
    """How often the number of queries that a pilot gives has the power that was asked for."""
    for kind in (
        "normal",
        "skewed (exponential)",
        "80% ties",
        "80% ties, losses alone",
        "2 queries per document",
        "80% ties, 2 queries per document",
    ):
        for n in (30, 50, 100):
            rng = np.random.default_rng(n)
            each = 2 if "2 queries" in kind else 1
            clusters = np.repeat(np.arange(n // each), each)
            many = pilots(kind, 200 * each, rng, 2_000).reshape(-1, each, 2_000).sum(axis=1)
            truth = float(many.std() / np.sqrt(each))
            enough, powers, measured = 0, [], []
            columns = [column for column in pilots(kind, n, rng, experiments).T if np.ptp(column) > 0]
            for column in columns:
                draws = resampled_errors(column, clusters, None, rng, resamples=500)
                error = float(standard_errors(column[:, None], clusters)[0]) * np.sqrt(n)
                bound = max(error, float(np.quantile(draws, 0.8)))
                enough += bound >= truth
                powers.append(power_at(bound / truth))
                measured.append(power_at(error / truth))
            share = float(enough / len(columns))
            yield Figure(
                f"pilots of {n} queries, {kind}",
                "share whose planned number has the wanted power",
                share,
                target="about 0.8 (0.72 to 0.9)",
                met=0.72 <= share <= 0.9,
                peer=f"mean true power {np.mean(powers):.2f} for {POWER:g}; without assurance {np.mean(measured):.2f}",
            )


def power_at(factor: float) -> float:
    """True power of a number of queries that was planned with ``factor`` times the true spread, by the normal."""
    limit = ndtri(0.975)
    return float(ndtr((limit + ndtri(POWER)) * factor - limit))


def prediction_figures(experiments: int) -> Iterator[Figure]:
    """Coverage and width for four judges and samples."""
    rng = np.random.default_rng(7)
    for rate, right, wrong, people, machine in (
        (0.8, 0.95, 0.10, 50, 1_000),
        (0.8, 0.90, 0.30, 50, 400),
        (0.9, 0.98, 0.10, 30, 300),
        (0.5, 0.50, 0.50, 50, 400),
    ):
        held, widths, alone = 0, 0.0, 0.0
        for _ in range(experiments):
            truth = rng.random(people + machine) < rate
            said = (rng.random(people + machine) < np.where(truth, right, wrong)).astype(np.float64)
            found = prediction_powered_mean(truth[:people].astype(np.float64), said[:people], said[people:])
            low, high = found.low or 0.0, found.high or 0.0
            held += low <= rate <= high
            widths += high - low
            alone += (found.people_high or 0.0) - (found.people_low or 0.0)
        coverage = held / experiments
        yield Figure(
            f"{people} labels of annotators, {machine:,} of a judge who accepts {right:.0%} of the valid and "
            f"{wrong:.0%} of the others, {rate:.0%} valid",
            "coverage of the 95% prediction-powered interval",
            coverage,
            target="at least .94",
            met=coverage >= 0.94,
            peer=f"width {widths / experiments:.3f}; from annotators alone {alone / experiments:.3f}",
        )


def promised(what: str, got: float, promise: float, peer: str) -> Figure:
    """A power beside its promise."""
    met = abs(got - promise) <= NEAR
    return Figure(what, "power", got, target=f"within {NEAR:g} of the planned {promise:g}", met=met, peer=peer)


def planned(design: Design, n: float) -> float:
    """The smallest difference that the plan promises to show."""
    size = smallest_size(design, n, power=POWER)
    if size is None or abs(power_of(design, n, size) - POWER) > 1e-3:
        raise ValueError(f"no difference is shown by {n:g} queries")
    return size


def pilot_design(pilot: Pilot) -> Design:
    """What the plan takes from a pilot."""
    return Design(pilot.sd, 0.0, pilot.sizes.mean, pilot.sizes.unevenness, pilot.binary, pilot.effect)


class Sums:
    """Draws sums of differences by document, which is all that sign flips look at."""

    def __init__(self, documents: int, values: Array, weights: Array) -> None:
        self.documents, self.values, self.weights = documents, values, weights

    def draw(self, rng: np.random.Generator, columns: int) -> Array:
        """(documents, columns)."""
        return rng.choice(self.values, size=(self.documents, columns), p=self.weights)


class NormalSums(Sums):
    """The same of normal differences."""

    def __init__(self, design: Design, documents: int, size: float) -> None:
        super().__init__(documents, np.zeros(0), np.zeros(0))
        self.design, self.size = design, size

    def draw(self, rng: np.random.Generator, columns: int) -> Array:
        """(documents, columns)."""
        values = normal(self.design, self.documents, self.size, rng, columns)
        return values.reshape(self.documents, -1, columns).sum(axis=1)


def normal_sums(design: Design, documents: int, size: float) -> Sums:
    """Documents of normal differences."""
    return NormalSums(design, documents, size)


def share_found(sums: Sums, rng: np.random.Generator, experiments: int) -> float:
    """Share of experiments in which the default test shows the difference."""
    units = np.arange(sums.documents)
    found = 0
    for start in range(0, experiments, COLUMNS):
        drawn = sums.draw(rng, min(COLUMNS, experiments - start))
        found += int((sign_flip_test(drawn, units, rng) < 0.05).sum())
    return found / experiments


def normal(design: Design, documents: int, mean: float, rng: np.random.Generator, columns: int) -> Array:
    """(documents x queries of each, columns) differences with the variance and correlation of the design."""
    each = int(design.per_document)
    shared = np.repeat(rng.normal(0, np.sqrt(design.icc), size=(documents, columns)), each, axis=0)
    own = rng.normal(0, np.sqrt(1 - design.icc), size=(documents * each, columns))
    values: Array = mean + design.sd * (shared + own)
    return values


def shop_pilot(baseline: str, candidate: str) -> Pilot:
    """Two systems on the sample shop."""
    chunks = api.chunk(api.load_corpus(SHOP / "product_catalog.csv"), "whole")
    first, second = evaluate(
        chunks, api.load_golden(SHOP), (baseline, candidate), EvaluationSettings(metrics=(METRIC,))
    ).scored
    return measure_pilot(pair(first, second), METRIC)


def tilted(pilot: Pilot, size: float) -> Array:
    """Weights of the pilot's documents under which the mean difference is ``size``: exp of a multiple of the excess.

    Among all weights that have this mean they are the nearest to equal ones (Csiszar 1975).
    """
    from scipy.optimize import brentq

    excess = np.bincount(pilot.clusters, weights=pilot.differences) - size * np.bincount(pilot.clusters)
    scale = float(np.abs(excess).max())

    def weights(power: float) -> Array:
        raw = np.exp(power * excess / scale)
        found: Array = raw / raw.sum()
        return found

    return weights(float(brentq(lambda power: float(weights(power) @ excess), -50.0, 50.0)))


if __name__ == "__main__":
    sys.exit(main(only="power"))
