"""Plans for systems that answer differently each time, beside simulated comparisons."""

import sys
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from benchmarks.command import main
from benchmarks.figures import Figure, Options, Section
from ragbench.comparison.pairing import Pair
from ragbench.comparison.pilot import measure_pilot
from ragbench.comparison.plan import make_plan
from ragbench.comparison.plan_settings import PlanSettings
from ragbench.core.scored import QueryTable, ScoredRun
from ragbench.core.scores import Scores
from ragbench.stats.clusters import clustered_means
from ragbench.stats.distributions import t_above
from ragbench.stats.power import Design, RunEffects, power_of, smallest_size
from ragbench.stats.repeats import both_errors, run_errors, with_runs

QUERIES, BETWEEN, NOISE, POWER = 50, 0.3, 0.15, 0.8
SHARED = (0.0, 0.25, 1.0)
"""What whole runs add to the variance of the mean difference, beside that of queries."""
HOW = (
    f"Differences of {QUERIES} queries have a standard deviation of {BETWEEN:g} between queries and of {NOISE:g} from "
    "run to run. Whole runs add 0, .25 or 1 times the variance that queries give the mean. Power: comparisons have the "
    f"smallest difference that the plan promises to detect in {POWER:.0%} of them, from the true variances, and the "
    "t-test with the variance between runs decides. Plans: a pilot plans for a difference that three times its queries "
    "detect, with 80% assurance. Its number of queries is enough if it has the wanted power by the true variances."
)
Array = npt.NDArray[np.float64]


def run(options: Options) -> Section:
    """Some two minutes."""
    figures = [*powers(40 if options.small else 2_000), *plans(2 if options.small else 60)]
    return Section("repeat_plans", "Plans from pilots with repeated runs", HOW, tuple(figures))


def powers(experiments: int) -> Iterator[Figure]:
    """Power of comparisons of systems that ran several times, planned with the true variances."""
    rng = np.random.default_rng(6)
    for runs in (3, 5, 10):
        found = []
        for systems in (1, 2):
            for ratio in SHARED:
                design = design_of(runs, systems, ratio)
                size = smallest_size(design, QUERIES)
                assert size is not None
                own = rng.normal(0, NOISE, (systems, runs, 1, QUERIES, experiments))
                if design.runs is not None:
                    own += rng.normal(
                        0, (design.runs.shared * runs / systems) ** 0.5, (systems, runs, 1, 1, experiments)
                    )
                values = rng.normal(size, BETWEEN, (QUERIES, experiments)) + own.mean(axis=(1, 2)).sum(axis=0)
                clusters = np.arange(QUERIES)
                errors = [run_errors(one, clusters) for one in own]
                got = with_runs(clustered_means(values, clusters), errors[0] if systems == 1 else both_errors(*errors))
                found.append(float((t_above(np.abs(got.means / got.errors), got.df) < 0.025).mean()))
        low, high = min(found), max(found)
        yield Figure(
            f"{runs} runs of one or both systems, {QUERIES} queries", "lowest power", low,
            target=f"within 0.05 of {POWER:g}", met=low >= POWER - 0.05 and high <= POWER + 0.05,
            peer=f"highest {high:.3f}; whole runs add {', '.join(f'{one:g}' for one in SHARED)} times the variance of "
            "the queries",
            reason="" if low >= POWER - 0.05 else "with three runs, the degrees of freedom are themselves estimated",
        )  # fmt: skip


def design_of(runs: int, systems: int, ratio: float) -> Design:
    """The true design of `QUERIES` queries, if whole runs add ``ratio`` times the variance of the queries."""
    within = systems * NOISE**2 / runs
    total = BETWEEN**2 + within
    effects = RunEffects(ratio * total / QUERIES, within, systems * (runs - 1.0)) if ratio else None
    return Design(total**0.5, runs=effects)


def plans(pilots: int) -> Iterator[Figure]:
    """How often the number of queries that a repeated pilot gives has the power that was asked for."""
    for runs in (3, 5):
        for ratio in (0.25, 1.0):
            rng = np.random.default_rng([runs, int(4 * ratio)])
            true = design_of(runs, 1, ratio)
            assert true.runs is not None
            size = smallest_size(true, 3 * QUERIES)
            assert size is not None
            enough, without = 0, 0
            for _ in range(pilots):
                base = rng.uniform(0, 1, (1, QUERIES))
                own = rng.normal(0, NOISE, (runs, QUERIES)) + rng.normal(0, (true.runs.shared * runs) ** 0.5, (runs, 1))
                pilot = measure_pilot(
                    Pair(system("old", base), system("new", base + rng.normal(0, BETWEEN, QUERIES) + own)), "x"
                )
                queries = make_plan(PlanSettings(metric="x", delta=size), pilot).goals[0].queries
                without += queries is None
                enough += queries is None or power_of(true, queries, size) >= POWER - 0.001
            share = enough / pilots
            yield Figure(
                f"pilots of {QUERIES} queries, {runs} runs of one system that add {ratio:g} times the variance of the "
                "queries",
                "share whose planned number has the wanted power, or that find none that is enough", share,
                target="about 0.8 (0.72 to 0.9)", met=0.72 <= share <= 0.9,
                peer=f"{pilots} pilots; {without / pilots:.0%} find no number that is enough with so many runs",
            )  # fmt: skip


def system(name: str, values: Array) -> ScoredRun:
    """A system with (runs, queries) values."""
    ids = tuple(map(str, range(values.shape[1])))
    each = [[Scores(ids, ("x",), one[:, None])] for one in values]
    scores = each[0][0] if len(each) == 1 else Scores.mean_of(each)
    return ScoredRun(name, scores, QueryTable(ids, [""] * len(ids), [""] * len(ids), ids))


if __name__ == "__main__":
    sys.exit(main(only="repeat_plans"))
