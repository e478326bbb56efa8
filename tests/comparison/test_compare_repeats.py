"""Comparisons of systems that ran several times."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from ragbench.comparison.compare import Compared, CompareSettings, compare_runs
from ragbench.comparison.gate.best import is_new_best
from ragbench.comparison.gate.bounds import difference_bounds, more_queries
from ragbench.comparison.gate.decide import decide_gate
from ragbench.comparison.gate.rules import MetricRule, Rules
from ragbench.comparison.pairing import Pair
from ragbench.core.scored import QueryTable, ScoredRun
from ragbench.core.scores import Scores
from ragbench.render.compare import compare_json, compare_markdown

N, DOCUMENTS = 80, 40
IDS = tuple(f"q{i}" for i in range(N))
QUERIES = QueryTable(IDS, [""] * N, [""] * N, [f"document:{i // 2}" for i in range(N)])


def system(name: str, runs: npt.NDArray[np.float64], **manifest: object) -> ScoredRun:
    """A system with the values of each run, (r, q)."""
    each = [[Scores(IDS, ("x",), one[:, None])] for one in runs]
    scores = each[0][0] if len(runs) == 1 else Scores.mean_of(each)
    return ScoredRun(name, scores, QUERIES, manifest=manifest)


def values(seed: int, runs: int, shared: float, gain: float = 0.0) -> npt.NDArray[np.float64]:
    level = np.random.default_rng(0).uniform(0.2, 0.8, N)
    rng = np.random.default_rng(seed)
    return level + gain + rng.normal(0, 0.05, (runs, N)) + rng.normal(0, shared, (runs, 1))


def compared(*systems: ScoredRun, **settings: object) -> Compared:
    return compare_runs(list(systems), CompareSettings(metrics=("x",), resamples=500, **settings))  # type: ignore[arg-type]


def test_a_lucky_run_is_no_better_system() -> None:
    lucky, other = values(3, 1, 0.0, gain=0.04), values(4, 1, 0.0)
    assert compared(system("a", other), system("b", lucky)).verdicts[0].decision == "better"
    # The same mean, from runs that differ by .08.
    shifts = np.array([-0.08, 0.0, 0.08])[:, None]
    found = compared(system("a", other), system("b", lucky + shifts)).verdicts[0]
    assert found.difference == pytest.approx(0.04, abs=0.02)
    assert found.decision == "no difference shown"
    assert "variance between runs" in found.test
    assert found.runs is not None
    assert (found.runs.baseline_runs, found.runs.candidate_runs) == (1, 3)
    assert found.runs.shared > 0.9
    assert found.runs.df == pytest.approx(2, abs=0.3)
    assert found.low is not None
    assert found.low < 0
    assert any("comes from run to run" in note for note in found.notes)
    assert any(note.startswith("a ran once") for note in found.notes)


def test_the_interval_is_student_t_of_the_run_means_where_only_they_vary() -> None:
    steady = values(5, 1, 0.0)
    shifts = np.array([-0.05, 0.02, 0.09, 0.0])
    found = compared(system("a", steady), system("b", steady + shifts[:, None])).verdicts[0]
    assert found.low is not None
    assert found.high is not None
    reach = 3.1824463 * shifts.std(ddof=1) / 2  # t at .975 with 3 degrees of freedom
    assert found.low == pytest.approx(shifts.mean() - reach, rel=1e-6)
    assert found.high == pytest.approx(shifts.mean() + reach, rel=1e-6)
    assert (found.p < 0.05) == (found.low > 0)


def test_runs_that_do_not_vary_give_the_verdict_of_one_run() -> None:
    one, other = values(6, 1, 0.0), values(7, 1, 0.0, gain=0.02)
    single = compared(system("a", one), system("b", other)).verdicts[0]
    repeated = compared(system("a", np.repeat(one, 3, axis=0)), system("b", np.repeat(other, 3, axis=0))).verdicts[0]
    assert replace(repeated, runs=None) == single
    assert repeated.runs is not None
    assert repeated.runs.shared == repeated.runs.within == 0


def test_a_system_that_ran_once_beside_repeats_gets_no_note_where_it_cannot_vary() -> None:
    made = {"settings": {"repeats": 3}}
    found = compared(system("a", values(1, 1, 0.0), **made), system("b", values(2, 3, 0.05), **made)).verdicts[0]
    assert not any("ran once" in note for note in found.notes)


def test_equivalence_and_documents_include_the_runs() -> None:
    steady = values(5, 1, 0.0)
    shifts = np.array([-0.12, 0.12, 0.0])[:, None]
    settings = {"margin": 0.1, "average": "documents"}
    sure = compared(system("a", steady), system("b", values(8, 1, 0.0)), **settings).verdicts[0]
    unsure = compared(system("a", steady), system("b", values(8, 1, 0.0) + shifts), **settings).verdicts[0]
    assert sure.decision == "equivalent"
    assert unsure.item == "document"
    assert unsure.decision == "no difference shown"
    assert unsure.low is not None
    assert sure.low is not None
    assert unsure.low < sure.low - 0.06


def test_the_bayesian_reading_includes_the_runs() -> None:
    steady, better = values(5, 1, 0.0), values(8, 1, 0.0, gain=0.05)
    shifts = np.array([-0.12, 0.12, 0.0])[:, None]
    for average in ("queries", "documents"):
        settings = {"bayes": True, "average": average}
        sure = compared(system("a", steady), system("b", better), **settings).posteriors[0]
        unsure = compared(system("a", steady), system("b", better + shifts), **settings).posteriors[0]
        assert sure.better > 0.99
        assert unsure.better < 0.9
        assert unsure.high - unsure.low > 3 * (sure.high - sure.low)


def test_several_systems_together_include_the_runs() -> None:
    """A gain that a lucky run explains is none in max-t, simultaneous intervals, ranks and the gain of the best."""
    steady = [system("a", values(1, 1, 0.0)), system("b", values(2, 1, 0.0, gain=0.06)), system("c", values(3, 1, 0.0))]
    shifts = np.array([-0.08, 0.0, 0.08])[:, None]
    varying = [steady[0], system("b", values(2, 1, 0.0, gain=0.06) + shifts), steady[2]]
    once, repeated = (compared(*systems, correction="max-t", all_pairs=True) for systems in (steady, varying))
    for before, after in zip(once.verdicts, repeated.verdicts, strict=True):
        alone = compared(*[one for one in varying if one.name in (after.baseline, after.candidate)]).verdicts[0]
        assert (after.p, after.low) == pytest.approx((alone.p, alone.low))
        assert after.p_adjusted >= after.p
        assert after.simultaneous_low < after.low < after.high < after.simultaneous_high  # type: ignore[operator]
        if "b" in (before.baseline, before.candidate):
            assert before.p_adjusted < 0.01
            assert after.p_adjusted > 0.2
    assert once.choice.endswith("3 comparisons: max-t by sign flips.")
    assert repeated.choice.endswith("3 comparisons: max-t by t with the variance between runs.")
    boards = [once.leaderboard, repeated.leaderboard]
    assert boards[0] is not None
    assert boards[1] is not None
    places = [board.place("b") for board in boards if board is not None]
    assert (places[0].low, places[0].high, places[0].best) == (1, 1, 1.0)  # type: ignore[union-attr]
    assert (places[1].low, places[1].high) == (1, 3)  # type: ignore[union-attr]
    assert 0.6 < places[1].best < 0.99  # type: ignore[union-attr]
    gains = [board.gain for board in boards]
    assert gains[0].low > 0 > gains[1].low  # type: ignore[union-attr]
    assert gains[0].measured == pytest.approx(gains[1].measured)  # type: ignore[union-attr]


def test_simultaneous_intervals_of_documents_and_metrics_that_move_together() -> None:
    """Two metrics of the same runs are one comparison seen twice, so the family costs nothing."""
    rng, level = np.random.default_rng(4), values(1, 1, 0.0)
    runs = values(2, 4, 0.05)
    both = [
        ScoredRun(
            name, Scores.mean_of([[Scores(IDS, ("x", "y"), np.column_stack((one, one)))] for one in each]), QUERIES
        )
        for name, each in (("a", np.repeat(level, 4, axis=0) + rng.normal(0, 0.01, (4, 1))), ("b", runs))
    ]
    for average in ("queries", "documents"):
        settings = CompareSettings(metrics=("x", "y"), correction="max-t", average=average, resamples=2000)
        found = compare_runs(both, settings).verdicts
        assert found[0].p_adjusted == pytest.approx(found[0].p, rel=0.2)
        assert found[0].simultaneous_low == pytest.approx(found[0].low, rel=0.1)


def test_output_has_the_components_of_the_systems_that_ran_several_times() -> None:
    found = compared(system("a", values(1, 1, 0.0)), system("b", values(2, 4, 0.05)))
    assert set(found.variance) == {"b"}
    assert "Share of the variance of x" in compare_markdown(found)
    assert compare_json(found)["variance"]["b"]["runs"] == 4  # type: ignore[index]


def test_a_gate_includes_how_whole_runs_vary() -> None:
    base = values(1, 1, 0.0)
    shifts = np.array([-0.05, 0.05, 0.0])[:, None]
    rules = Rules(rules=(MetricRule(metric="x", margin=0.08), MetricRule(metric="x", min=0.44)), source="gate.yaml")
    steady = decide_gate(system("a", base), system("b", np.repeat(base, 3, axis=0) + 0.001), rules)
    varied = decide_gate(system("a", base), system("b", base + 0.001 + shifts), rules)
    assert [one.outcome for one in steady.decided] == ["pass", "pass"]
    assert [one.outcome for one in varied.decided] == ["inconclusive", "inconclusive"]
    low = varied.decided[0].low
    assert low is not None
    # At most the one-sided t bound of three run means: .001 - 2.92 x .05 / sqrt(3).
    assert low <= 0.001 - 2.92 * 0.05 / np.sqrt(3) + 1e-3


def test_a_lucky_run_is_no_new_best() -> None:
    best, lucky = system("a", values(4, 1, 0.0)), values(3, 1, 0.0, gain=0.04)
    shifts = np.array([-0.08, 0.0, 0.08])[:, None]
    assert is_new_best(best, system("b", lucky), "x")
    assert not is_new_best(best, system("b", lucky + shifts), "x")


def test_runs_that_vary_around_the_same_mean_are_not_the_same_run() -> None:
    base = np.full((1, N), 0.5)
    varied = system("b", base + np.array([-0.25, 0.25, 0.0])[:, None])
    assert not Pair(system("a", base), varied).same_run
    assert Pair(varied, replace(varied, name="copy")).same_run
    assert Pair(system("a", base), system("b", np.repeat(base, 3, axis=0))).same_run


def test_no_number_of_queries_decides_what_whole_runs_leave_open() -> None:
    base = values(1, 1, 0.0)
    shifts = np.array([-0.05, 0.05, 0.0])[:, None]
    rules = Rules(rules=(MetricRule(metric="x", margin=0.05),), source="gate.yaml")
    (found,) = decide_gate(system("a", base), system("b", base + 0.001 + shifts), rules).decided
    assert found.outcome == "inconclusive"
    assert found.more_queries is None
    one = difference_bounds(np.tile([0.1, -0.1], 40), np.arange(80), below=0.05, above=0.05)
    several = replace(one, error=np.hypot(one.error or 0.0, 0.005), shared=0.005**2)
    z = 1.644854 + 0.841621  # of 95% and 80%
    share = ((one.error or 0.0) * z) ** 2 / (0.03**2 - (0.005 * z) ** 2)
    assert more_queries(several, -0.03, 0.05, 0.05) == max(1, int(np.ceil((max(share, 98.4 / 80) - 1) * 80)))
