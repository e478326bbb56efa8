"""GMAP: the mean, its interval and its difference belong together."""

import numpy as np
import pytest
import pytrec_eval
import scipy.stats

from ragbench.comparison.compare import CompareSettings, compare_runs
from ragbench.comparison.pairing import Pair
from ragbench.comparison.pilot import measure_pilot
from ragbench.core.errors import SettingError
from ragbench.core.judgements import Judgements
from ragbench.core.runs import Run
from ragbench.core.scored import QueryTable, ScoredRun
from ragbench.core.scores import Scores
from ragbench.metrics.score import score
from ragbench.stats.equivalence import non_inferior
from ragbench.stats.intervals import estimates

IDS = [f"q{i}" for i in range(12)]
QRELS = {id_: {"a": 1, "b": 1, "c": 0} for id_ in IDS}


def system(name: str, seed: int) -> ScoredRun:
    rng = np.random.default_rng(seed)
    run = Run.from_dict({id_: {item: float(rng.random()) for item in "abcdefgh"} for id_ in IDS})
    scores = score(run, Judgements.from_dict(QRELS), ["map", "gm_map", "num_ret"])
    return ScoredRun(name, scores, QueryTable(IDS, IDS, [""] * 6 + ["late"] * 6, IDS), run)


ONE, TWO = system("one", 1), system("two", 2)


def test_the_mean_is_trec_evals() -> None:
    values = pytrec_eval.RelevanceEvaluator(QRELS, {"gm_map"}).evaluate(ONE.run.to_dict())  # type: ignore[union-attr]
    theirs = pytrec_eval.compute_aggregated_measure("gm_map", [row["gm_map"] for row in values.values()])
    assert ONE.scores.means()["gm_map"] == pytest.approx(theirs, rel=1e-9)
    assert ONE.scores.averages == {"gm_map": "geometric", "num_ret": "sum"}


def test_nothing_found_counts_as_the_least() -> None:
    scores = score(Run.from_dict({"q": {"x": 1.0}}), Judgements.from_dict({"q": {"a": 1}, "r": {"a": 1}}), "gm_map")
    assert scores.means()["gm_map"] == pytest.approx(1e-5)


def test_the_interval_is_that_of_the_logarithms() -> None:
    found = estimates(ONE.scores, np.arange(12), np.random.default_rng(0), 1000)["gm_map"]
    log = ONE.scores.column("gm_map")
    ends = scipy.stats.t.interval(0.95, 11, log.mean(), scipy.stats.sem(log))
    assert (found.low, found.high) == pytest.approx(tuple(np.exp(ends)))
    assert found.low < found.mean < found.high  # type: ignore[operator]


def test_the_interval_of_perfect_rankings_ends_at_one() -> None:
    perfect = Scores(IDS, ("gm_map",), np.zeros((12, 1)), averages={"gm_map": "geometric"})
    found = estimates(perfect, np.arange(12), np.random.default_rng(0), 1000)["gm_map"]
    assert (found.mean, found.high) == (1.0, 1.0)
    assert 0.6 < found.low < 0.9  # type: ignore[operator]


def test_a_difference_is_that_of_the_means_with_the_interval_of_their_ratio() -> None:
    compared = compare_runs([ONE, TWO], CompareSettings(metrics=("gm_map",), by=("type",), margin=0.1))
    (found,) = compared.verdicts
    one, two = ONE.scores.means()["gm_map"], TWO.scores.means()["gm_map"]
    assert (found.baseline_mean, found.candidate_mean) == pytest.approx((one, two))
    assert found.difference == pytest.approx(two - one)
    log = TWO.scores.column("gm_map") - ONE.scores.column("gm_map")
    ends = scipy.stats.t.interval(0.95, 11, log.mean(), scipy.stats.sem(log))
    assert (found.low, found.high) == pytest.approx(tuple(one * (np.exp(end) - 1) for end in ends))
    # tests/stats has the test of equivalence itself; here it gets the logarithms of the ratios that the margin allows.
    sides = [non_inferior(sign * log, np.arange(12), m).p for sign, m in ((1, -np.log(1 - 0.1 / one)),
                                                                          (-1, np.log(1 + 0.1 / one)))]  # fmt: skip
    assert found.p_equivalence == pytest.approx(max(sides))
    assert sum(part.adds for part in compared.slices) == pytest.approx(found.difference)


def test_simultaneous_intervals_have_the_unit_of_the_difference() -> None:
    compared = compare_runs([ONE, TWO, system("three", 3)], CompareSettings(metrics=("gm_map",)))
    for found in compared.verdicts:
        assert found.simultaneous_low < found.low < found.high < found.simultaneous_high  # type: ignore[operator]
        assert found.simultaneous_low > -found.baseline_mean  # type: ignore[operator]
        assert found.simultaneous_high < 5 * found.high  # type: ignore[operator]


def test_a_plan_wants_an_arithmetic_mean() -> None:
    with pytest.raises(SettingError, match="gm_map is a geometric mean"):
        measure_pilot(Pair(ONE, TWO), "gm_map")


def pair_of_logs(logs: tuple[np.ndarray, np.ndarray]) -> list[ScoredRun]:
    ids = [f"q{i}" for i in range(len(logs[0]))]
    return [
        ScoredRun(name, Scores(ids, ("gm_map",), log[:, None], averages={"gm_map": "geometric"}),
                  QueryTable(ids, ids, [""] * len(ids), ids))
        for name, log in zip(("a", "b"), logs, strict=True)
    ]  # fmt: skip


def test_a_loss_within_the_margin_is_equivalent_on_both_sides() -> None:
    """The region around a geometric mean of .2 is .1 to .3, which is not symmetric for logarithms."""
    rng = np.random.default_rng(0)
    base = rng.normal(np.log(0.2), 0.3, 400)
    base += np.log(0.2) - base.mean()
    noise = rng.normal(0, 0.3, 400)
    noise -= noise.mean()
    decisions = []
    for ratio in (0.45, 0.55, 1.0, 1.45, 1.55):
        runs = pair_of_logs((base, base + noise + np.log(ratio)))
        settings = CompareSettings(metrics=("gm_map",), margin=0.1, bayes=True, rope=0.1, prior_scale=1.0)
        found = compare_runs(runs, settings)
        decisions.append((found.verdicts[0].decision == "equivalent", round(found.posteriors[0].equivalent)))
    assert decisions == [(False, 0), (True, 1), (True, 1), (True, 1), (False, 0)]


def test_a_margin_above_the_mean_leaves_one_side() -> None:
    rng = np.random.default_rng(1)
    base, noise = rng.normal(np.log(0.05), 0.2, 60), rng.normal(-2, 0.2, 60)
    found = compare_runs(
        pair_of_logs((base, base + noise)), CompareSettings(metrics=("gm_map",), margin=0.1, bayes=True)
    )
    assert found.verdicts[0].decision == "equivalent"
