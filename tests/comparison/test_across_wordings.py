"""A difference on queries in several wordings counts if no wording contradicts it and it is not small."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.stats

from ragbench.comparison.compare import Compared, CompareSettings, compare_runs
from ragbench.comparison.gate.best import is_new_best
from ragbench.comparison.gate.bounds import difference_bounds, over_wordings
from ragbench.comparison.pairing import pair
from ragbench.comparison.pilot import measure_pilot
from ragbench.comparison.plan import make_plan
from ragbench.comparison.plan_settings import PlanSettings
from ragbench.comparison.verdict import VerdictSettings, verdict
from ragbench.comparison.wording_plan import WordingSpread, plan_wordings
from ragbench.core.scored import ScoredRun
from ragbench.render.compare import compare_json, compare_markdown, sentence
from ragbench.render.plan import answers
from ragbench.stats.power import Design
from tests.comparison.test_compare import METRIC, scored

NAMES = ("paraphrase", "sentence", "short-paraphrase", "short-mixed", "short-copy")
EACH = 60


def runs(gains: tuple[float, ...], each: int = EACH, seed: int = 0, noise: float = 0.05) -> tuple[ScoredRun, ScoredRun]:
    """A baseline, and a candidate that gains this much on average in each wording."""
    rng = np.random.default_rng(seed)
    before = rng.uniform(0.3, 0.6, len(gains) * each)
    after = before + np.repeat(gains, each) + rng.normal(0, noise, len(before))
    wordings = [name for name in NAMES[: len(gains)] for _ in range(each)]
    both = []
    for name, values in (("a", before), ("b", after)):
        one = scored(name, values.tolist())
        both.append(replace(one, queries=replace(one.queries, columns={"wording": wordings})))
    return both[0], both[1]


def decided(gains: tuple[float, ...], margin: float | None = None) -> str:
    return verdict(pair(*runs(gains)), METRIC, VerdictSettings(margin=margin)).decision


def test_a_gain_in_all_wordings_is_better_and_a_crossing_one_depends() -> None:
    assert decided((0.1, 0.12, 0.09, 0.11, 0.08)) == "better"
    assert decided((-0.1, -0.12, -0.09, -0.11, -0.08)) == "worse"
    assert decided((0.11, 0.09, 0.02, -0.03, -0.08)) == "depends on the wording"
    # The mean over all queries is significant, and one wording contradicts it.
    assert decided((0.2, 0.2, 0.15, 0.1, -0.05)) == "depends on the wording"
    assert decided((0.0, 0.0, 0.0, 0.0, 0.0)) == "no difference shown"


def test_a_small_difference_is_no_claim_however_certain() -> None:
    found = verdict(pair(*runs((0.02,) * 5, each=200, noise=0.13)), METRIC)
    assert found.p < 0.001
    assert found.wordings is not None
    assert found.wordings.contradicting == ()
    assert found.d_z is not None
    assert found.d_z < 0.2
    assert found.decision == "no difference shown"
    assert "small: ." in sentence(found)
    assert decided((0.02,) * 5) == "better", "the same difference, where queries vary less"


@pytest.mark.parametrize(("last", "contradicting"), [(-0.001, ()), (-0.03, ("short-copy",))])
def test_a_wording_contradicts_by_more_than_a_trifle(last: float, contradicting: tuple[str, ...]) -> None:
    """A fiftieth of the standard deviation of single differences, which is about .08."""
    both = runs((0.2, 0.2, 0.2, 0.2, last), noise=0.0)
    found = verdict(pair(*both), METRIC)
    spread = (found.difference or 0.0) / (found.d_z or 1.0)
    assert (-last > 0.02 * spread) == bool(contradicting)
    assert found.wordings is not None
    assert found.wordings.contradicting == contradicting
    assert (found.decision == "better") == (not contradicting)
    assert is_new_best(both[0], both[1], METRIC) == (not contradicting)


def test_the_sentence_names_only_wordings_that_show_a_difference() -> None:
    text = sentence(verdict(pair(*runs((0.11, 0.09, 0.0, -0.001, -0.08))), METRIC))
    assert text.startswith("Whether b is better than a depends on the wording (better for paraphrase +")
    shown, rest = text.split("no difference shown for ")
    assert "worse for short-copy" in shown
    assert "short-mixed" not in shown
    assert "short-mixed" in rest
    assert "short-paraphrase" in rest


def test_opposite_wordings_depend_also_where_the_mean_is_zero() -> None:
    found = verdict(pair(*runs((0.1, 0.1, 0.0, -0.1, -0.1))), METRIC)
    assert found.p > 0.05
    assert found.decision == "depends on the wording"
    assert found.wordings is not None
    assert found.wordings.opposed(0.05)


def test_equivalence_must_hold_for_a_further_wording() -> None:
    assert decided((0.01, 0.0, -0.01, 0.0, 0.0), margin=0.05) == "equivalent"
    assert decided((0.06, -0.06, 0.06, -0.06, 0.0), margin=0.05) == "depends on the wording"


def test_the_differences_by_wording_are_those_of_scipy() -> None:
    before, after = runs((0.1, 0.12, 0.02, 0.11, 0.08))
    found = verdict(pair(before, after), METRIC).wordings
    assert found is not None
    difference = after.scores.column(METRIC) - before.scores.column(METRIC)
    by_name = {part.wording: part for part in found.parts}
    for at, name in enumerate(NAMES):
        own = difference[at * EACH : (at + 1) * EACH]
        oracle = scipy.stats.ttest_1samp(own, 0)
        assert by_name[name].difference == pytest.approx(own.mean())
        assert by_name[name].p == pytest.approx(oracle.pvalue)
        ends = oracle.confidence_interval(0.95)
        assert (by_name[name].low, by_name[name].high) == pytest.approx((ends.low, ends.high))
    means = difference.reshape(5, EACH).mean(axis=1)
    error = means.std(ddof=1) * np.sqrt(1.2)
    assert (found.low, found.high) == pytest.approx(scipy.stats.t(4, means.mean(), error).interval(0.8))
    assert found.same_sign == pytest.approx(scipy.stats.t(4, means.mean(), error).sf(0))


@pytest.mark.parametrize(("each", "names"), [(9, 5), (EACH, 2)])
def test_few_queries_or_two_wordings_predict_nothing(each: int, names: int) -> None:
    assert verdict(pair(*runs((0.1,) * names, each)), METRIC).wordings is None


def test_the_best_so_far_is_better_in_the_wordings_too() -> None:
    assert is_new_best(*runs((0.11, 0.09, 0.1, 0.12, 0.08)), METRIC)
    mixed = runs((0.11, 0.12, 0.12, -0.06, -0.06))
    assert not is_new_best(*mixed, METRIC)
    unknown = [replace(one, queries=replace(one.queries, columns={})) for one in mixed]
    assert is_new_best(unknown[0], unknown[1], METRIC)


def test_a_query_without_a_wording_or_an_average_by_document_leaves_wordings_out() -> None:
    before, after = runs((0.1,) * 5)
    columns = {"wording": [None, *before.queries.columns["wording"][1:]]}
    mixed = [replace(one, queries=replace(one.queries, columns=columns)) for one in (before, after)]
    assert verdict(pair(*mixed), METRIC).wordings is None
    units = [f"d{i // 2}" for i in range(len(before.queries))]
    paired = [replace(one, queries=replace(one.queries, units=units)) for one in (before, after)]
    assert verdict(pair(*paired), METRIC, VerdictSettings(average="documents")).wordings is None


def test_the_warning_says_why_wordings_are_left_out() -> None:
    units = [f"d{i // 2}" for i in range(5 * EACH)]
    both = [
        replace(one, queries=replace(one.queries, units=units, types=["masked-sentence"] * len(units)))
        for one in runs((0.1,) * 5)
    ]
    found = compare_runs(both, CompareSettings(metrics=(METRIC,), average="documents")).notes
    assert any("means by document do not check it" in note for note in found)
    assert not any("fewer than three wordings" in note for note in found)
    assert not any("wording" in note for note in compare_runs(both, CompareSettings(metrics=(METRIC,))).notes)


def test_queries_of_a_model_are_warned_of_as_masked_ones_are() -> None:
    def notes(names: int, types: str, columns: bool = True) -> str:
        both = [
            replace(one, queries=replace(one.queries, types=[types] * len(one.queries),
                                         columns=one.queries.columns if columns else {}))
            for one in runs((0.1,) * names)
        ]  # fmt: skip
        return " ".join(compare_runs(both, CompareSettings(metrics=(METRIC,))).notes)

    assert "fewer than three wordings of 10 queries" in notes(2, "question")
    assert "wording" not in notes(5, "question")
    assert "wording" not in notes(2, "question", columns=False), "a set without wordings reads as before"


def test_a_plan_says_what_wordings_cost() -> None:
    both = runs((0.1, 0.12, 0.02, 0.11, 0.08))
    plan = make_plan(PlanSettings(delta=0.02), measure_pilot(pair(*both), METRIC))
    found = plan.wordings
    assert found is not None
    assert found.wordings == 5
    # The means differ by .039, and their noise is .05 / sqrt(60) = .0065.
    assert found.between == pytest.approx(0.039, abs=0.006)
    (goal,) = found.goals
    assert (goal.size, goal.without) == (0.02, plan.goals[0].power_now)
    assert goal.power_now < 0.2 < 0.95 < goal.without
    assert goal.power_now <= goal.most + 0.01
    text = " ".join(answers(plan))
    assert f"the chance of such a verdict is {goal.power_now:.0%}, not {goal.without:.0%}" in text
    assert "More queries in these wordings do not help with this" in text
    plain = [replace(one, queries=replace(one.queries, columns={})) for one in both]
    assert make_plan(PlanSettings(delta=0.02), measure_pilot(pair(*plain), METRIC)).wordings is None


def test_power_without_noise_by_hand() -> None:
    """No wording contradicts with a chance of Phi((size + .02 sd) / between) ** 5; a margin needs a noncentral t."""
    design, rng = Design(0.05), np.random.default_rng(1)
    spread, goals = WordingSpread((0.2,) * 5, 0.04), [(0.08, "difference", 1.0), (0.1, "margin", 1.0)]
    found = plan_wordings(spread, design, 300, goals, alpha=0.05, power=0.8, rng=rng)  # type: ignore[arg-type]
    assert found.small == pytest.approx(0.01)

    def power(size: float) -> float:
        return float(scipy.stats.norm.cdf((size + 0.02 * 0.05) / 0.04)) ** 5

    assert [goal.most for goal in found.goals] == [
        pytest.approx(power(0.08), abs=0.012),
        pytest.approx(
            scipy.stats.nct(4, 0.1 * np.sqrt(5) / 0.04).sf(scipy.stats.t(4).ppf(0.9) * np.sqrt(6)), abs=0.012
        ),
    ]
    assert power(found.limit) == pytest.approx(0.8, abs=0.012)
    calm = plan_wordings(WordingSpread((0.2,) * 5, 0.0), design, 300, [(0.009, "difference", 0.8)], alpha=0.05,
                         power=0.8, rng=rng)  # fmt: skip
    assert calm.limit == pytest.approx(0.01, abs=1e-6), "a smaller difference is no claim, with any number of queries"
    assert calm.goals[0].most == 0.0


@pytest.mark.parametrize("aim", ["difference", "margin"])
def test_power_over_wordings_is_the_share_of_verdicts(aim: str) -> None:
    """Verdicts, and bounds of a gate, on simulated sets with the assumed variance."""
    between, size, each, noise = 0.03, 0.05, 40, 0.15
    spread = WordingSpread((0.2,) * 5, between)
    planned = plan_wordings(
        spread, Design(noise), 5 * each, [(size, aim, 1.0)], alpha=0.05, power=0.8, rng=np.random.default_rng(1)
    ).goals[0]  # fmt: skip
    rng = np.random.default_rng(2)
    shown = []
    for seed in range(300):
        true = 0.0 if aim == "margin" else size
        both = runs(tuple((true + rng.normal(0, between, 5)).tolist()), each, seed, noise)
        if aim == "difference":
            shown.append(verdict(pair(*both), METRIC, VerdictSettings(test="t", resamples=100)).decision == "better")
            continue
        differences = both[1].scores.column(METRIC) - both[0].scores.column(METRIC)
        bounds = difference_bounds(differences, np.arange(5 * each), below=0.05, above=0.05)
        wordings = np.array(both[0].queries.columns["wording"])
        shown.append((over_wordings(bounds, differences, wordings).low or -1.0) > -size)
    assert planned.power_now == pytest.approx(np.mean(shown), abs=0.09)


def test_claims_on_systems_whose_difference_varies_by_wording_are_rare() -> None:
    """The mean gain over wordings is 0, and each set happens to show some of it: a t test claims a difference often."""
    rng = np.random.default_rng(8)
    claims = plain = 0
    for seed in range(80):
        gains = tuple((rng.normal(0, 0.06, 5)).tolist())
        found = verdict(pair(*runs(gains, 30, seed)), METRIC, VerdictSettings(test="t"))
        claims += found.decision in ("better", "worse")
        plain += found.p < 0.05
    assert plain > 0.5 * 80
    assert claims < 0.15 * 80


def compared(gains: tuple[float, ...]) -> Compared:
    return compare_runs(runs(gains), CompareSettings(metrics=(METRIC,)))


def test_json_and_tables_have_the_wordings() -> None:
    found = compared((0.11, 0.09, 0.02, -0.03, -0.08))
    (one,) = compare_json(found)["verdicts"]
    assert [part["wording"] for part in one["wordings"]["parts"]] == list(NAMES)
    assert one["decision"] == "depends on the wording"
    text = compare_markdown(found)
    assert "short-copy" in text
    assert "further wording" in text
