"""The leaderboard: it agrees with the verdicts on pairs, whatever the metric's direction and average."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from ragbench.comparison.compare import CompareSettings, compare_runs
from ragbench.comparison.leaderboard import leaderboard
from ragbench.comparison.verdict import VerdictSettings
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
