"""Comparisons of systems that ran several times."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from ragbench.comparison.compare import Compared, CompareSettings, compare_metrics, compare_runs
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


def test_several_systems_have_no_simultaneous_intervals_that_ignore_runs() -> None:
    three = [system("a", values(1, 3, 0.05)), system("b", values(2, 3, 0.05)), system("c", values(3, 3, 0.05))]
    found = compared(*three, correction="max-t")
    assert all(one.simultaneous_low is None for one in found.verdicts)
    assert found.leaderboard is None
    assert all(any("whole runs vary" in note for note in one.notes) for one in found.verdicts)
    holm = compared(*three, correction="holm")
    assert [one.p_adjusted for one in found.verdicts] == [one.p_adjusted for one in holm.verdicts]
    assert found.choice == holm.choice
    assert found.choice.endswith("2 comparisons: Holm.")
    assert all(any("Holm in place of max-t" in note for note in one.notes) for one in found.verdicts)
    assert not any("Holm" in note for one in holm.verdicts for note in one.notes)
    table = compare_metrics(three, CompareSettings(metrics=("x",), resamples=500))
    assert [one.p_adjusted for one in table] == [one.p_adjusted for one in holm.verdicts]


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
