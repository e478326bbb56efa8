"""Pairing and verdicts, against hand arithmetic, scipy and statsmodels."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from ragbench.comparison.compare import CompareSettings, compare_runs
from ragbench.comparison.pairing import align, pair
from ragbench.comparison.verdict import VerdictSettings, corrected, verdict
from ragbench.core.errors import ArmError, InputError, SettingError
from ragbench.core.ledger import Ledger
from ragbench.core.runs import Run
from ragbench.core.scored import QueryTable, ScoredRun
from ragbench.core.scores import NO_SCORES, Scores
from ragbench.render.compare import sentence, verdict_sentences
from ragbench.stats.equivalence import tost

METRIC = "ndcg@10"


def scored(
    name: str,
    values: Sequence[float],
    *,
    units: Sequence[str] | None = None,
    ids: Sequence[str] | None = None,
    manifest: Mapping[str, object] | None = None,
    types: Sequence[str] | None = None,
    metric: str = METRIC,
) -> ScoredRun:
    ids = ids or [f"q{i}" for i in range(len(values))]
    table = QueryTable(ids, [f"text of {id_}" for id_ in ids], types or [""] * len(ids), units or ids)
    scores = Scores(ids, (metric,), np.array(values, dtype=np.float64)[:, None], Ledger())
    return ScoredRun(name, scores, table, manifest=manifest or {})


def broken(name: str) -> ScoredRun:
    return ScoredRun(name, NO_SCORES, QueryTable([], [], [], []), error="the index is empty")


def test_exact_p_is_that_of_all_sign_assignments() -> None:
    before, after = [0.1, 0.5, 0.2, 0.9, 0.3, 0.4], [0.6, 0.4, 0.9, 0.9, 0.8, 0.6]
    found = verdict(pair(scored("a", before), scored("b", after)), METRIC)
    moved = np.array(after) - np.array(before)
    sums = [abs(float(np.dot(signs, moved))) for signs in product((1, -1), repeat=6)]
    assert found.p == pytest.approx(np.mean([s >= abs(moved.sum()) - 1e-12 for s in sums]))
    assert "exact" in found.test
    assert (found.wins, found.ties, found.losses) == (4, 1, 1)
    assert found.difference == pytest.approx(moved.mean())
    assert found.d_z == pytest.approx(moved.mean() / moved.std(ddof=1))
    assert found.low is not None
    t = scipy.stats.ttest_1samp(moved, 0).confidence_interval()
    assert (found.low, found.high) == pytest.approx((t.low, t.high))


def test_equivalence_is_that_of_tost_by_document() -> None:
    rng = np.random.default_rng(5)
    units = [f"d{i // 4}" for i in range(480)]
    before = rng.uniform(size=480)
    after = before + rng.normal(0, 0.05, 480) + np.repeat(rng.normal(0, 0.02, 120), 4)
    found = verdict(
        pair(scored("a", before.tolist(), units=units), scored("b", after.tolist())),
        METRIC,
        VerdictSettings(margin=0.03),
    )
    assert found.p_equivalence == tost(after - before, np.repeat(np.arange(120), 4), 0.03).p
    assert found.decision == "equivalent"
    assert (found.n, found.clusters) == (480, 120)


def test_a_sure_difference_within_the_margin_is_equivalent() -> None:
    before = np.linspace(0.2, 0.8, 80)
    after = before + 0.01 + 0.001 * np.sin(np.arange(80))
    both = pair(scored("a", before.tolist()), scored("b", after.tolist()))
    assert verdict(both, METRIC).decision == "better"
    assert verdict(both, METRIC, VerdictSettings(margin=0.05)).decision == "equivalent"
    assert verdict(both, METRIC, VerdictSettings(margin=0.005)).decision == "better"


def test_documents_count_once_if_they_are_averaged() -> None:
    # Document a gains .4 on each of four queries; b and c lose .1 on one query each.
    units = ["a", "a", "a", "a", "b", "c"]
    before, after = [0.5] * 6, [0.9, 0.9, 0.9, 0.9, 0.4, 0.4]
    both = pair(scored("x", before, units=units), scored("y", after, units=units))
    by_query = verdict(both, METRIC)
    assert by_query.difference == pytest.approx((4 * 0.4 - 2 * 0.1) / 6)
    assert (by_query.clusters, by_query.effective_clusters) == (3, 2.0)
    assert sum("67%" in note and "2.0" in note for note in by_query.notes) == 1
    by_document = verdict(both, METRIC, VerdictSettings(average="documents"))
    assert by_document.difference == pytest.approx((0.4 - 0.1 - 0.1) / 3)
    assert (by_document.n, by_document.clusters, by_document.effective_clusters) == (3, 3, 3.0)
    assert (by_query.item, by_document.item) == ("query", "document")
    assert "3 documents" in sentence(by_document)
    assert "document" in by_document.test
    assert "document" in by_document.reason
    error = np.std([0.4, -0.1, -0.1], ddof=1) / 3**0.5
    assert by_document.high == pytest.approx(0.2 / 3 + scipy.stats.t.ppf(0.975, 2) * error)
    with pytest.raises(SettingError, match="average"):
        CompareSettings(average="document")


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ([0.5], [0.9], "one query does not show how values vary"),
        ([0.5, 0.5, 0.2], [0.5, 0.5, 0.2], "the same run"),
        ([0.1, 0.2, 0.3, 0.4], [0.2, 0.3, 0.4, 0.5], "by exactly +0.100"),
        ([0.1, 0.9, 0.3], [0.4, 0.2, 0.8], "too few"),
        (
            [0.1, float("nan"), 0.3, 0.2, 0.2, 0.1],
            [0.4, 0.2, float("nan"), 0.3, 0.1, 0.2],
            "1 query has no value in a and",
        ),
        ([float("nan")] * 3, [0.1] * 3, "no query has a value of both"),
    ],
)
def test_weak_data_are_said_plainly_and_give_no_nan(before: list[float], after: list[float], said: str) -> None:
    found = verdict(pair(scored("a", before), scored("b", after)), METRIC, VerdictSettings(margin=0.01))
    assert said in " ".join(found.notes)
    numbers = [value for value in vars(found).values() if isinstance(value, float)]
    assert np.isfinite(numbers).all()
    assert found.decision in ("no difference shown", "not comparable")
    assert 0 < found.p <= 1


def test_all_ties_of_two_runs_have_p_one() -> None:
    runs = [
        replace(scored(name, [1.0, 0.0]), run=Run.from_dict({"q0": {"x": 2, "y": y}, "q1": {"x": 1}}))
        for name, y in (("a", 1.0), ("b", 3.0))
    ]
    found = verdict(pair(*runs), METRIC)
    assert (found.p, found.difference, found.d_z) == (1.0, 0.0, None)
    assert not found.same_run
    assert "all 2 values are equal" in " ".join(found.notes)
    assert verdict(pair(runs[0], replace(runs[0], name="c")), METRIC).same_run


def test_different_queries_are_counted_and_compared_only_on_request() -> None:
    first = scored("a", [0.1, 0.2, 0.3], ids=["x", "y", "z"])
    second = scored("b", [0.5, 0.6], ids=["z", "w"])
    with pytest.raises(InputError, match=r"1 in common, 2 only in a \(x, y\), 1 only in b \(w\).*intersect="):
        pair(first, second)
    both = pair(first, second, intersect=True)
    assert list(both.queries.ids) == ["z"]
    assert "skipped: 2 of a, 1 of b" in both.notes[0]
    with pytest.raises(InputError, match="no query in common"):
        pair(first, scored("b", [0.5], ids=["w"]), intersect=True)


def test_another_order_is_brought_into_line() -> None:
    first = scored("a", [0.1, 0.2, 0.3], ids=["x", "y", "z"])
    second = scored("b", [0.3, 0.1, 0.2], ids=["z", "x", "y"])
    found = verdict(pair(first, second), METRIC)
    assert (found.difference, found.ties) == (0.0, 3)


def test_one_id_with_two_texts_is_not_one_query() -> None:
    first, second = scored("a", [0.1, 0.2]), scored("b", [0.3, 0.4])
    other = replace(second, queries=replace(second.queries, texts=["text of q0", "something else"]))
    both = pair(first, other, intersect=True)
    assert list(both.queries.ids) == ["q0"]


@pytest.mark.parametrize(
    ("mine", "theirs", "message"),
    [
        ({"golden": {"fingerprint": "aa"}}, {"golden": {"fingerprint": "bb"}}, r"golden sets of a \(aa\) and b \(bb\)"),
        ({"judgements": {"unit": "chunk"}}, {"judgements": {"unit": "document"}}, "judged by chunk and b by document"),
    ],
)
def test_what_was_judged_otherwise_is_refused(
    mine: Mapping[str, object], theirs: Mapping[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        pair(scored("a", [0.1], manifest=mine), scored("b", [0.2], manifest=theirs))


def test_settings_that_change_scores_are_named() -> None:
    runs = [
        scored(name, [0.1], manifest={"settings": {"ties": ties, "seed": 3}})
        for name, ties in (("a", "trec"), ("b", "expected"))
    ]
    assert align(runs)[1] == ("a was scored with ties trec and b with expected",)


def test_bad_input_is_one_clear_error() -> None:
    a, b = scored("a", [0.1, 0.2]), scored("b", [0.3, float("inf")])
    with pytest.raises(ArmError, match=r"b did not run.*the index is empty"):
        pair(a, broken("b"))
    with pytest.raises(InputError, match="query 'q1' is infinite"):
        verdict(pair(a, b), METRIC)
    with pytest.raises(InputError, match="no metric 'ndgc@10'; did you mean 'ndcg@10'"):
        verdict(pair(a, a), "ndgc@10")
    with pytest.raises(InputError, match="has the query 'x' twice"):
        pair(a, scored("b", [0.1, 0.2], ids=["x", "x"]))
    with pytest.raises(SettingError, match="mcnemar is for metrics that are 0 or 1"):
        verdict(pair(a, a), METRIC, VerdictSettings(test="mcnemar"))
    with pytest.raises(SettingError, match="no test 'wilcoxn'; did you mean 'wilcoxon'"):
        verdict(pair(a, a), METRIC, VerdictSettings(test="wilcoxn"))
    with pytest.raises(InputError, match="there is one system"):
        compare_runs([a], CompareSettings(metrics=(METRIC,)))
    with pytest.raises(SettingError, match=r"(?s)correction= is 'hom'.*margin= is 0.*examples= is -1"):
        CompareSettings(metrics=(METRIC,), correction="hom", margin=0.0, examples=-1)


def test_tests_on_request_are_those_of_scipy_and_say_what_they_ignore() -> None:
    rng = np.random.default_rng(0)
    before, after = rng.uniform(size=(2, 40))
    units = [f"d{i // 2}" for i in range(40)]
    both = pair(scored("a", before.tolist(), units=units), scored("b", after.tolist()))
    found = verdict(both, METRIC, VerdictSettings(test="wilcoxon"))
    assert found.p == pytest.approx(scipy.stats.wilcoxon(np.round(after - before, 12)).pvalue)
    assert "takes all 40 queries as independent, but they come from 20 documents" in " ".join(found.notes)
    wins = int((after > before).sum())
    assert verdict(both, METRIC, VerdictSettings(test="sign")).p == pytest.approx(
        scipy.stats.binomtest(wins, 40).pvalue
    )
    single = pair(scored("a", before.tolist()), scored("b", after.tolist()))
    assert verdict(single, METRIC, VerdictSettings(test="t")).p == pytest.approx(
        scipy.stats.ttest_rel(after, before).pvalue
    )


def test_yes_or_no_metrics_take_mcnemar_unless_clustered() -> None:
    before, after = [1.0] * 3 + [0.0] * 17, [0.0] + [1.0] * 11 + [0.0] * 8
    single = verdict(pair(scored("a", before), scored("b", after)), METRIC)
    # The candidate gains 9 and loses 1.
    assert single.p == pytest.approx(scipy.stats.binomtest(1, 10).pvalue - scipy.stats.binom.pmf(1, 10, 0.5))
    assert single.test == "McNemar mid-p (9 gained, 1 lost)"
    units = [f"d{i // 2}" for i in range(20)]
    assert "sign-flip by document" in verdict(pair(scored("a", before, units=units), scored("b", after)), METRIC).test


def test_holm_by_hand_without_what_is_no_test() -> None:
    rng = np.random.default_rng(3)
    base = rng.uniform(size=30)
    runs = [scored("a", base.tolist())]
    runs += [scored(f"c{i}", (base + rng.normal(0.04 * i, 0.2, 30)).tolist()) for i in range(3)]
    runs += [scored("copy", base.tolist()), broken("dead")]
    found = compare_runs(runs, CompareSettings(metrics=(METRIC,)))
    plain = [verdict(pair(runs[0], run), METRIC).p for run in runs[1:4]]
    by_hand, running = {}, 0.0
    for rank, i in enumerate(np.argsort(plain).tolist()):
        running = max(running, min(1.0, (3 - rank) * plain[i]))
        by_hand[f"c{i}"] = running
    adjusted = {one.candidate: one.p_adjusted for one in found.verdicts}
    assert {name: adjusted[name] for name in by_hand} == pytest.approx(by_hand)
    assert [one.decision for one in found.verdicts if one.candidate == "dead"] == ["not comparable"]
    assert dict(found.failed) == {"dead": "the index is empty"}
    with pytest.raises(ArmError, match="dead did not run"):
        compare_runs([broken("dead"), runs[0]], CompareSettings(metrics=(METRIC,)))


def test_the_decision_is_taken_on_the_corrected_p() -> None:
    rng = np.random.default_rng(11)
    base = rng.uniform(size=40)
    # Each by itself is just below .05; two of them are not.
    moved = rng.normal(0, 0.1, 40)
    moved += 2.15 * moved.std(ddof=1) / np.sqrt(40) - moved.mean()
    runs = [scored("a", base.tolist()), scored("b", (base + moved).tolist()), scored("c", (base - moved).tolist())]
    alone = [compare_runs([runs[0], run], CompareSettings(metrics=(METRIC,))).verdicts[0] for run in runs[1:]]
    assert [one.decision for one in alone] == ["better", "worse"]
    together = compare_runs(runs, CompareSettings(metrics=(METRIC,))).verdicts
    assert {one.decision for one in together} == {"no difference shown"}
    assert all(one.p < 0.05 < one.p_adjusted for one in together)


def test_max_t_compares_all_pairs_and_never_lowers_a_p() -> None:
    rng = np.random.default_rng(4)
    base = rng.uniform(size=40)
    moved = rng.normal(0, 0.3, 40)
    moved += 1.9 * moved.std(ddof=1) / np.sqrt(40) - moved.mean()
    shifts = [rng.normal(0, 0.001, 40) for _ in range(4)] + [moved]
    runs = [scored(f"s{i}", (base + shift).tolist()) for i, shift in enumerate(shifts)]
    found = compare_runs(runs, CompareSettings(metrics=(METRIC,), correction="max-t", all_pairs=True))
    assert found == compare_runs(runs, CompareSettings(metrics=(METRIC,), correction="tukey"))
    assert [(one.baseline, one.candidate) for one in found.verdicts] == [
        (f"s{i}", f"s{j}") for i in range(5) for j in range(i + 1, 5)
    ]
    assert all(one.p_adjusted >= one.p for one in found.verdicts)
    odd = [one for one in found.verdicts if one.candidate == "s4"]
    # By itself s4 does not differ, and being one of many pairs does not change that.
    assert {one.decision for one in odd} == {"no difference shown"}
    assert "10 comparisons: max-t by sign flips" in found.choice


def test_simultaneous_intervals_are_wider_and_of_several_comparisons_only() -> None:
    rng = np.random.default_rng(5)
    base = rng.uniform(size=60)
    runs = [scored("a", base.tolist())]
    runs += [scored(f"c{i}", (base + rng.normal(0.2 * (i == 2), 0.2, 60)).tolist()) for i in range(4)]
    found = compare_runs(runs, CompareSettings(metrics=(METRIC,))).verdicts
    for one in found:
        assert one.simultaneous_low is not None
        assert one.simultaneous_high is not None
        assert one.low is not None
        assert one.simultaneous_low < one.low < one.high < one.simultaneous_high  # type: ignore[operator]
    assert found[2].simultaneous_low > 0  # type: ignore[operator]
    assert compare_runs(runs[:2], CompareSettings(metrics=(METRIC,))).verdicts[0].simultaneous_low is None
    every = compare_runs(runs, CompareSettings(metrics=(METRIC,), all_pairs=True))
    assert (len(every.verdicts), every.settings.correction) == (10, "holm")
    few = compare_runs([run_of(run, 5) for run in runs], CompareSettings(metrics=(METRIC,))).verdicts
    assert few[0].simultaneous_low is None
    assert any("no simultaneous interval" in note for note in few[0].notes)


def test_simultaneous_intervals_follow_the_average() -> None:
    """One document of 30 queries gains, and 15 of one query lose: the two averages have different signs."""
    rng = np.random.default_rng(6)
    units = ["large"] * 30 + [f"d{i}" for i in range(15)]
    base = rng.uniform(0.3, 0.5, size=45)
    moved = np.where(np.arange(45) < 30, 0.2, -0.1)
    runs = [scored("a", base.tolist(), units=units)]
    runs += [scored(f"c{i}", (base + moved + rng.normal(0, 0.02, 45)).tolist(), units=units) for i in range(2)]
    found = compare_runs(runs, CompareSettings(metrics=(METRIC,), average="documents", correction="max-t"))
    for one in found.verdicts:
        assert one.simultaneous_low < one.difference < one.simultaneous_high < 0  # type: ignore[operator]
        assert one.decision == "worse"


def test_slices_add_up_to_the_difference_by_document() -> None:
    units = ["large"] * 30 + [f"d{i}" for i in range(15)]
    base = np.linspace(0.3, 0.5, 45)
    moved = np.where(np.arange(45) < 30, 0.2, -0.1)
    two = [scored("a", base.tolist(), units=units), scored("b", (base + moved).tolist(), units=units)]
    types = ["first" if i % 3 else "second" for i in range(45)]
    two = [replace(one, queries=replace(one.queries, types=types)) for one in two]
    found = compare_runs(two, CompareSettings(metrics=(METRIC,), by=("type",), average="documents"))
    assert found.verdicts[0].difference == pytest.approx((0.2 - 15 * 0.1) / 16)
    assert sum(one.adds for one in found.slices) == pytest.approx(found.verdicts[0].difference)


def run_of(run: ScoredRun, queries: int) -> ScoredRun:
    """The first queries of a run."""
    return scored(run.name, run.scores.values[:queries, run.scores.metrics.index(METRIC)].tolist())


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([0.0, 0.5, 1.0]), st.sampled_from([0.0, 0.5, 1.0])), min_size=1, max_size=12))
def test_swapping_the_systems_mirrors_the_verdict(values: list[tuple[float, float]]) -> None:
    a, b = scored("a", [one for one, _ in values]), scored("b", [two for _, two in values])
    there, back = verdict(pair(a, b), METRIC), verdict(pair(b, a), METRIC)
    assert there.p == back.p
    assert there.difference == pytest.approx(-(back.difference or 0.0))
    assert (there.wins, there.losses) == (back.losses, back.wins)
    assert {there.decision, back.decision} in ({"better", "worse"}, {"no difference shown"})


def test_corrections_are_refused_by_name() -> None:
    one = verdict(pair(scored("a", [0.1, 0.2]), scored("b", [0.3, 0.1])), METRIC)
    with pytest.raises(SettingError, match="no correction 'bonferroni'"):
        corrected([one], "bonferroni")


def test_equal_rankings_that_are_scored_otherwise_are_not_the_same_run() -> None:
    rankings = Run.from_dict({f"q{i}": {"x": 2, "y": 1} for i in range(30)})
    before = replace(scored("a", [0.9] * 30), run=rankings)
    after = replace(scored("b", [0.5 + i / 100 for i in range(30)]), run=rankings)
    found = verdict(pair(before, after), METRIC)
    assert (found.same_run, found.decision) == (False, "worse")
    assert "only their scoring differs" in " ".join(found.notes)


@pytest.mark.parametrize(
    ("test", "n", "confidence", "weak"),
    [("sign-flip", 5, 0.95, True), ("sign-flip", 6, 0.95, False), ("sign-flip", 6, 0.99, True), ("t", 5, 0.95, False)],
)
def test_too_few_is_said_of_the_test_and_level_that_were_asked_for(
    test: str, n: int, confidence: float, weak: bool
) -> None:
    after = scored("b", [0.5 + i / 100 for i in range(n)])
    found = verdict(pair(scored("a", [0.1] * n), after), METRIC, VerdictSettings(test=test, confidence=confidence))
    # All n differences have one sign: of 2^n assignments two are as extreme.
    assert test == "t" or found.p == 2 / 2**n
    assert ("too few" in " ".join(found.notes)) == weak
    assert (found.decision == "better") == (not weak)


@pytest.mark.parametrize("test", ["auto", "t", "wilcoxon", "sign"])
def test_one_document_is_no_verdict_whatever_the_test(test: str) -> None:
    runs = [scored(name, [x + i / 50 for i in range(12)], units=["d"] * 12) for name, x in (("a", 0.1), ("b", 0.5))]
    found = verdict(pair(*runs), METRIC, VerdictSettings(test=test))
    assert (found.p, found.decision) == (1.0, "no difference shown")
    assert "one document" in " ".join(found.notes)


def ranked(name: str, scores: Sequence[float], values: Sequence[float]) -> ScoredRun:
    """A system that gives every query the same scores."""
    run = Run.from_dict({f"q{i}": {f"d{n}": s for n, s in enumerate(scores)} for i in range(len(values))})
    return replace(scored(name, values), run=run)


def test_ties_are_warned_of_as_in_an_evaluation() -> None:
    good = ranked("good", [4, 3, 2, 1], [0.2, 0.4] * 10)
    tied = ranked("tied", [4, 4, 2, 1], [0.6, 0.9] * 10)
    compared = compare_runs([good, tied], CompareSettings())
    assert compared.verdicts[0].decision == "better"
    assert [note for note in compared.notes if "warning" in note] == [
        "warning: tied: 50% of its top 10 items share their score with a neighbour: their order is by id, not by merit"
    ]
    both = compare_runs([replace(tied, name="first"), tied], CompareSettings())
    assert both.notes[-1] == (
        "warning: items of the top 10 share their score with a neighbour, so their order is by id, not by merit: "
        "first 50%, tied 50%"
    )


def test_a_constant_run_is_never_better() -> None:
    good, flat = ranked("good", [2, 1], [0.2, 0.4] * 10), ranked("flat", [1, 1], [1.0, 1.0] * 10)
    compared = compare_runs([good, flat], CompareSettings())
    assert [one.decision for one in compared.verdicts] == ["not comparable"]
    assert "it gives every item the same score" in compared.failed["flat"]
    with pytest.raises(ArmError, match="flat did not run and has no score: it gives every item the same score"):
        compare_runs([flat, good], CompareSettings())


def test_a_sentence_says_why_its_interval_leaves_out_zero() -> None:
    rng = np.random.default_rng(3)
    values = rng.uniform(0.3, 0.6, 40)
    runs = [scored("a", values.tolist())]
    runs += [scored(name, (values + rng.normal(0.012, 0.03, 40)).tolist()) for name in "bcdefgh"]
    compared = compare_runs(runs, CompareSettings(metrics=(METRIC,)))
    said = dict(zip([one.candidate for one in compared.verdicts], verdict_sentences(compared), strict=True))
    alone = {one.candidate: one.p < 0.05 <= one.p_adjusted for one in compared.verdicts}
    assert {name: "As a single comparison" in line for name, line in said.items()} == alone
    assert set(alone.values()) == {True, False}
