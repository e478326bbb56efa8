"""The leaderboard: it agrees with the verdicts on pairs, whatever the metric's direction and average."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import scipy.stats

from ragbench.comparison.compare import CompareSettings, compare_runs
from ragbench.comparison.leaderboard import leaderboard
from ragbench.comparison.verdict import VerdictSettings
from ragbench.comparison.wordings import p_of_pairs, wording_errors
from ragbench.core.scored import QueryTable, ScoredRun
from ragbench.core.scores import Scores
from ragbench.render.compare import compare_json, compare_markdown

NAMES = ("one", "two", "three", "four", "five")


def runs(values: np.ndarray, units: list[str], **scores: object) -> list[ScoredRun]:
    ids = [f"q{i}" for i in range(len(values))]
    queries = QueryTable(ids, [f"text {i}" for i in range(len(values))], [""] * len(values), units)
    return [
        ScoredRun(name, Scores(ids, ("ndcg@10",), values[:, [i]], **scores), queries)  # type: ignore[arg-type]
        for i, name in enumerate(NAMES[: values.shape[1]])
    ]


@pytest.fixture
def values() -> np.ndarray:
    rng = np.random.default_rng(3)
    shared = rng.random((90, 1)) * 0.5
    return np.clip(shared + rng.normal(0, 0.1, (90, 5)) + np.array([0.1, 0.12, 0.12, 0.2, 0.3]), 0, 1)


def units() -> list[str]:
    return [f"document:{i // 3}" for i in range(90)]


@pytest.mark.parametrize("correction", ["max-t", "holm"])
def test_letters_and_ranks_follow_the_verdicts_on_all_pairs(values: np.ndarray, correction: str) -> None:
    found = compare_runs(runs(values, units()), CompareSettings(correction=correction, all_pairs=True))
    board = found.leaderboard
    assert board is not None
    assert (board.test, board.n, board.clusters) == (correction, 90, 30)
    places = {place.system: place for place in board.places}
    for one in found.verdicts:
        share = bool(set(places[one.baseline].letters) & set(places[one.candidate].letters))
        assert share == (one.decision == "no difference shown")
    for name, place in places.items():
        wins = sum(
            one.decision != "no difference shown" and (one.candidate if one.difference > 0 else one.baseline) == name
            for one in found.verdicts
            if name in (one.baseline, one.candidate) and one.difference is not None
        )
        assert place.high == 5 - wins
        assert place.low <= place.low_alone <= place.rank <= place.high_alone <= place.high
    assert [place.rank for place in board.places] == [1, 2, 3, 4, 5]
    assert board.places[0].system == "five"
    assert sum(place.best for place in board.places) == pytest.approx(1)


def test_without_pairs_it_is_the_max_t_of_all_pairs(values: np.ndarray) -> None:
    """The same flips are drawn, so that the letters do not depend on how a comparison was asked for."""
    one = compare_runs(runs(values, units()), CompareSettings()).leaderboard
    every = compare_runs(runs(values, units()), CompareSettings(correction="max-t", all_pairs=True)).leaderboard
    assert one == every
    # Verdicts that control no error of the whole table decide nothing here.
    loose = compare_runs(runs(values, units()), CompareSettings(correction="none", all_pairs=True)).leaderboard
    assert loose == one


def test_lower_is_better_turns_the_board_around(values: np.ndarray) -> None:
    settings = VerdictSettings()
    high = leaderboard(runs(values, units()), "ndcg@10", settings)
    low = leaderboard(runs(1 - values, units(), directions={"ndcg@10": "lower"}), "ndcg@10", settings)
    assert high is not None
    assert low is not None
    for mine, other in zip(high.places, low.places, strict=True):
        assert replace(other, mean=mine.mean) == mine
        assert other.mean == pytest.approx(1 - mine.mean)
    assert leaderboard(runs(values, units(), directions={"ndcg@10": "none"}), "ndcg@10", settings) is None


def test_only_queries_with_a_value_of_every_system_count(values: np.ndarray) -> None:
    values[:5, 2], values[80:, 4] = np.nan, np.nan
    board = leaderboard(runs(values, units()), "ndcg@10", VerdictSettings())
    kept = leaderboard(runs(values[5:80], units()[5:80]), "ndcg@10", VerdictSettings())
    assert board == kept
    assert board is not None
    assert board.n == 75
    values[:, 0] = np.nan
    assert leaderboard(runs(values, units()), "ndcg@10", VerdictSettings()) is None


def test_by_documents_every_document_counts_once(values: np.ndarray) -> None:
    uneven = [f"document:{max(0, i - 70)}" for i in range(90)]
    board = leaderboard(runs(values, uneven), "ndcg@10", VerdictSettings(average="documents"))
    assert board is not None
    assert (board.n, board.clusters) == (20, 20)
    by_hand = np.vstack([values[:71].mean(axis=0), values[71:]]).mean(axis=0)
    assert {place.system: place.mean for place in board.places} == pytest.approx(dict(zip(NAMES, by_hand, strict=True)))


def test_geometric_means_are_shown_as_such(values: np.ndarray) -> None:
    board = leaderboard(
        runs(np.log(values + 0.01), units(), averages={"ndcg@10": "geometric"}), "ndcg@10", VerdictSettings()
    )
    assert board is not None
    assert board.places[0].mean == pytest.approx(np.exp(np.log(values[:, 4] + 0.01).mean()))


def test_equal_systems_share_rank_and_letter(values: np.ndarray) -> None:
    values[:, 1] = values[:, 0]
    board = leaderboard(runs(values, units()), "ndcg@10", VerdictSettings())
    assert board is not None
    one, two = board.place("one"), board.place("two")
    assert one is not None
    assert two == replace(one, system="two")
    assert board.place("six") is None


def test_two_systems_have_no_board(values: np.ndarray) -> None:
    found = compare_runs(runs(values[:, :2], units()), CompareSettings())
    assert found.leaderboard is None
    assert compare_json(found)["leaderboard"] is None
    assert "group" not in compare_markdown(found)


def test_every_pair_in_words_and_json(values: np.ndarray) -> None:
    found = compare_runs(runs(values, units()), CompareSettings())
    text = compare_markdown(found)
    assert "ndcg@10: ranks of 5 systems [95% intervals]" in text
    assert "all pairs, max-t" in text
    board = compare_json(found)["leaderboard"]
    assert isinstance(board, dict)
    for place in board["places"]:
        row = next(line for line in text.splitlines() if line.startswith(f"| {place['system']} |") and "%" in line)
        assert f"| {place['letters']} | {place['rank']} |" in row
    shared = [set(a["letters"]) & set(b["letters"]) for a, b in itertools.combinations(board["places"], 2)]
    assert any(shared)
    assert not all(shared)


def test_the_gain_is_over_the_baseline_and_in_the_unit_of_the_means(values: np.ndarray) -> None:
    settings = VerdictSettings()
    board = leaderboard(runs(values, units()), "ndcg@10", settings)
    assert board is not None
    gain = board.gain
    assert gain is not None
    assert (gain.system, gain.baseline) == ("five", "one")
    assert gain.measured == pytest.approx(values[:, 4].mean() - values[:, 0].mean())
    assert gain.low < gain.corrected <= gain.measured + 1e-9 < gain.high
    turned = leaderboard(runs(1 - values, units(), directions={"ndcg@10": "lower"}), "ndcg@10", settings)
    assert turned is not None
    assert turned.gain is not None
    assert turned.gain.corrected == pytest.approx(gain.corrected)
    best_first = leaderboard(runs(values[:, ::-1], units()), "ndcg@10", settings)
    assert best_first is not None
    assert best_first.gain is None
    positive = values + 0.01
    geometric = runs(np.log(positive), units(), averages={"ndcg@10": "geometric"})
    board = leaderboard(geometric, "ndcg@10", settings)
    assert board is not None
    assert board.gain is not None
    means = np.exp(np.log(positive).mean(axis=0))
    assert board.gain.measured == pytest.approx(means[4] - means[0])


def test_the_gain_in_words(values: np.ndarray) -> None:
    found = compare_runs(runs(values, units()), CompareSettings())
    assert found.leaderboard is not None
    gain = found.leaderboard.gain
    assert gain is not None
    line = next(line for line in compare_markdown(found).splitlines() if "is the best of 5" in line)
    assert f"gain over one is +.{gain.measured * 1000:.0f} as measured" in line
    assert f"+.{gain.corrected * 1000:.0f} [" in line


def test_a_gain_that_chance_may_explain_is_no_gain_in_words() -> None:
    """Three equal systems on 39 queries: one has the best mean, and the correction takes the gain back."""
    values = np.random.default_rng(4).uniform(size=(39, 3))
    values[:, 0] -= 0.02
    found = compare_runs(runs(values, [f"d{i}" for i in range(39)]), CompareSettings())
    assert found.leaderboard is not None
    gain = found.leaderboard.gain
    assert gain is not None
    assert gain.low <= 0
    line = next(line for line in compare_markdown(found).splitlines() if "has the best mean of 3" in line)
    assert "which is not distinguishable from 0" in line
    assert "is the best of" not in line


def in_wordings(values: np.ndarray, each: int) -> list[ScoredRun]:
    """The systems on queries in five wordings, ``each`` of them in turn."""
    names = [f"w{i // each}" for i in range(len(values))]
    return [
        replace(one, queries=replace(one.queries, columns={"wording": names}))
        for one in runs(values, [f"document:{i}" for i in range(len(values))])
    ]


def test_a_system_that_wins_in_one_wording_only_shares_letter_and_rank() -> None:
    rng = np.random.default_rng(5)
    values = rng.normal(0.5, 0.1, (200, 1)) + rng.normal(0, 0.05, (200, 4)) + [0, 0, 0.2, 0]
    values[:40, 1] += 0.4  # .08 on the mean over all queries, from one of five wordings
    plain = leaderboard(runs(values, [f"document:{i}" for i in range(200)]), "ndcg@10", VerdictSettings())
    worded = leaderboard(in_wordings(values, 40), "ndcg@10", VerdictSettings())
    assert plain is not None
    assert worded is not None
    assert (plain.wordings, worded.wordings) == (0, 5)
    assert [place.system for place in worded.places] == ["three", "two", *[p.system for p in plain.places[2:]]]
    two = (plain.place("two"), worded.place("two"))
    assert two[0] is not None
    assert two[1] is not None
    assert (two[0].low, two[0].high) == (2, 2)
    assert (two[1].low, two[1].high, two[1].low_alone, two[1].high_alone) == (1, 4, 1, 4)
    # The third gains as much in every wording, so it still beats the systems that it beat before.
    three = worded.place("three")
    assert three is not None
    assert (three.low, three.high) == (1, 2)
    assert plain.gain is not None
    assert worded.gain is None
    text = compare_markdown(compare_runs(in_wordings(values, 40), CompareSettings()))
    assert "means over all wordings like these 5" in text
    assert "chosen as the best" not in text


def test_pairs_over_wordings_are_t_tests_of_the_wording_means() -> None:
    rng = np.random.default_rng(6)
    values = rng.random((150, 3))
    labels = np.array([f"w{i % 5}" for i in range(150)])
    found = p_of_pairs(values, labels)
    assert found is not None
    means = np.array([values[labels == f"w{i}"].mean(axis=0) for i in range(5)])
    for i, j in itertools.combinations(range(3), 2):
        assert found[i, j] == found[j, i] == pytest.approx(scipy.stats.ttest_rel(means[:, i], means[:, j]).pvalue)
    assert (np.diag(found) == 1).all()
    assert p_of_pairs(values, np.array(["a", "b"] * 75)) is None


def test_the_part_of_wordings_in_an_error_by_hand() -> None:
    rng = np.random.default_rng(7)
    labels = np.repeat(["a", "b", "c"], 20)
    values = rng.normal(0, 0.1, 60) + np.repeat([0.3, 0.0, -0.3], 20)
    found = wording_errors(values, np.arange(60), labels)
    assert found is not None
    parts = values.reshape(3, 20)
    assert found.squares[0] == pytest.approx(parts.mean(axis=1).var(ddof=1) / 3)
    assert found.within[0] == pytest.approx((parts.var(axis=1, ddof=1) / 20).mean() / 3)
    assert found.shared[0] == pytest.approx(found.squares[0] - found.within[0])
    assert found.df[0] == pytest.approx(2)
    same = wording_errors(np.tile(values[:20], 3), np.arange(60), labels)
    assert same is not None
    assert same.shared[0] == 0


def test_ranks_of_equal_systems_that_vary_by_wording_hold() -> None:
    """Five systems with the same mean over all wordings; each of five wordings favours some of them by chance."""
    held = plain = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        values = rng.normal(0, 0.2, (100, 5)) + np.repeat(rng.normal(0, 0.15, (5, 5)), 20, axis=0)
        settings = VerdictSettings(resamples=200)
        board = leaderboard(in_wordings(values, 20), "ndcg@10", settings)
        without = leaderboard(runs(values, [f"document:{i}" for i in range(100)]), "ndcg@10", settings)
        assert board is not None
        assert without is not None
        held += all((place.low, place.high) == (1, 5) for place in board.places)
        plain += all((place.low, place.high) == (1, 5) for place in without.places)
    assert held >= 56
    assert plain <= 25
