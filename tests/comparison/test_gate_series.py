"""Gates over the life of a project: the best so far, error rates of a series, and the history of a baseline."""

import numpy as np
import numpy.typing as npt
import pytest

from ragbench.comparison.gate.best import is_new_best
from ragbench.comparison.gate.bounds import difference_bounds
from ragbench.comparison.gate.decide import decide_gate
from ragbench.comparison.gate.rule_files import parse_rules
from ragbench.comparison.gate.rules import MetricRule, Rules
from ragbench.core.errors import InputError, SettingError
from ragbench.core.scored import QueryTable, ScoredRun
from ragbench.core.scores import Scores
from ragbench.render.gate import chances, seen

Array = npt.NDArray[np.float64]


def run(name: str, values: Array, types: list[str] | None = None, ids: str = "q") -> ScoredRun:
    names = [f"{ids}{i}" for i in range(len(values))]
    table = QueryTable(names, [""] * len(names), types or [""] * len(names), names)
    return ScoredRun(name, Scores(names, ("ndcg@10",), values[:, None], directions={}), table)


def test_the_best_moves_only_if_it_is_shown() -> None:
    rng = np.random.default_rng(0)
    before = rng.uniform(0.3, 0.7, 200)
    noise = rng.normal(0, 0.05, 200)
    same = before + noise - noise.mean() + 0.002
    assert same.mean() > before.mean()
    assert not is_new_best(run("a", before), run("b", same), "nDCG@10")
    assert is_new_best(run("a", before), run("b", before + 0.02 + noise), "ndcg@10")
    assert not is_new_best(run("a", before), run("b", before), "ndcg@10")


def test_of_a_metric_whose_lower_values_are_better_the_best_is_the_lowest() -> None:
    values = np.random.default_rng(1).uniform(0.3, 0.7, 200)
    first, second = (
        ScoredRun(one.name, Scores(one.queries.ids, ("ndcg@10",), one.scores.values, directions={"ndcg@10": "lower"}),
                  one.queries)
        for one in (run("a", values), run("b", values - 0.05))
    )  # fmt: skip
    assert is_new_best(first, second, "ndcg@10")
    assert not is_new_best(second, first, "ndcg@10")


def test_unchanged_systems_seldom_become_the_best() -> None:
    """The highest of 20 means is too high by about 1.9 standard errors; the best that was shown hardly is."""
    moved, highest = 0, []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        best = rng.uniform(0.3, 0.7, 100)
        means = []
        for _ in range(20):
            candidate = best + np.where(rng.random(100) < 0.3, rng.normal(0, 0.2, 100), 0.0)
            means.append(candidate.mean() - best.mean())
            moved += is_new_best(run("a", best), run("b", candidate), "ndcg@10")
        highest.append(max(means))
    assert moved / 800 < 0.02
    assert np.mean(highest) > 1.5 * 0.2 * np.sqrt(0.3 / 100)


def test_what_cannot_be_the_best_is_refused() -> None:
    values = np.linspace(0, 1, 30)
    with pytest.raises(SettingError, match="no such metric"):
        is_new_best(run("a", values), run("b", values), "mrr@10")
    with pytest.raises(InputError, match="store it again"):
        is_new_best(run("a", values), run("b", values, ids="other"), "ndcg@10")


def test_gates_share_their_false_alarms() -> None:
    """A loss that one gate fails at .01 and that is too small for one of a hundred gates."""
    rng = np.random.default_rng(2)
    before = rng.uniform(0.3, 0.7, 200)
    noise = rng.normal(0, 0.1, 200)
    after = before - 0.021 + (noise - noise.mean())
    rule = (MetricRule(metric="ndcg@10", margin=0.0),)
    alone, series = (
        decide_gate(run("a", before), run("b", after), Rules(rules=rule, gates=gates)) for gates in (1, 100)
    )
    assert (alone.outcome, series.outcome) == ("fail", "inconclusive")
    assert alone.decided[0].high_error == pytest.approx(0.01)
    assert series.decided[0].high_error == pytest.approx(0.0001)
    assert "0.01 of series of 100 gates" in chances(series)
    assert "0.01 of runs" in chances(alone)


def test_a_series_of_unchanged_systems_seldom_fails() -> None:
    """100 gates at a margin of 0, where chance alone decides; 5% are allowed."""
    rules = Rules(rules=(MetricRule(metric="ndcg@10", margin=0.0),), false_alarms=0.05, gates=100)
    failed = 0
    units = np.arange(200)
    for seed in range(40):
        rng = np.random.default_rng(seed)
        for _ in range(100):
            moved = np.where(rng.random(200) < 0.2, rng.normal(0, 0.2, 200), 0.0)
            bounds = difference_bounds(moved, units, below=0.05, above=rules.false_alarms / rules.gates)
            if bounds.high is not None and bounds.high < 0:
                failed += 1
                break
    assert failed / 40 <= 0.1


@pytest.mark.parametrize("written", ["0", "1001", "true", "2.5", "many"])
def test_a_wrong_number_of_gates_is_refused(written: str) -> None:
    with pytest.raises(SettingError, match=r"rules:1: gates is"):
        parse_rules(f"gates: {written}\nrules: [{{metric: ndcg@10, margin: 0.1}}]", "rules")


def test_every_margin_says_what_it_could_see() -> None:
    rng = np.random.default_rng(3)
    before = rng.uniform(0.3, 0.7, 90)
    types = ["long" if i % 3 else "short" for i in range(90)]
    base, other = run("a", before, types), run("b", before + rng.normal(0, 0.05, 90), types)
    rules = Rules(
        rules=(
            MetricRule(metric="ndcg@10", margin=0.02),
            MetricRule(metric="ndcg@10", margin=0.05, anchor="release"),
            MetricRule(metric="ndcg@10", margin=0.05, by="type"),
            MetricRule(metric="ndcg@10", min=0.2),
        )
    )
    line = seen(decide_gate(base, other, rules, anchors={"release": base}))
    assert line.count("a true loss of") == 3
    for part in (" in ndcg@10 or", "in ndcg@10 from release", "in ndcg@10 (type)"):
        assert part in line
    assert " to " in line.partition("from release")[2]
