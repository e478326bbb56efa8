"""A metric of which less is better mirrors one of which more is: values turned about, the decision turned about."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from ragbench.comparison.compare import CompareSettings, compare_runs
from ragbench.comparison.gate.decide import decide_gate
from ragbench.comparison.gate.rules import MetricRule, Rules
from ragbench.comparison.pairing import pair
from ragbench.comparison.verdict import verdict
from ragbench.core.errors import SettingError
from ragbench.core.scored import QueryTable, ScoredRun
from ragbench.core.scores import Direction, Scores
from ragbench.render.compare import sentence

Values = npt.NDArray[np.float64]
RNG = np.random.default_rng(3)
OLD = RNG.uniform(0.3, 0.7, 60)
NEW = OLD + RNG.normal(0.04, 0.05, 60)
CHANGES = (0.05, 0.0, -0.05)


def scored(name: str, values: Values, direction: Direction = "higher") -> ScoredRun:
    ids = [f"q{i}" for i in range(len(values))]
    table = QueryTable(ids, ids, [""] * len(ids), [f"query:{id_}" for id_ in ids])
    return ScoredRun(name, Scores(ids, ("m",), values[:, None], directions={"m": direction}), table)


@pytest.mark.parametrize("change", CHANGES)
def test_a_verdict_is_mirrored(change: float) -> None:
    new = NEW + change
    plain = verdict(pair(scored("old", OLD), scored("new", new)), "m")
    turned = verdict(pair(scored("old", 1 - OLD, "lower"), scored("new", 1 - new, "lower")), "m")
    assert turned.decision == plain.decision
    assert (turned.wins, turned.ties, turned.losses) == (plain.wins, plain.ties, plain.losses)
    assert turned.p == plain.p
    assert turned.difference == pytest.approx(-(plain.difference or 0.0))
    bare = verdict(pair(scored("old", OLD, "none"), scored("new", new, "none")), "m")
    assert bare.decision == ("no difference shown" if plain.decision == "no difference shown" else "different")


def test_what_is_neither_better_nor_worse_is_said_so() -> None:
    found = compare_runs([scored("old", OLD, "none"), scored("new", NEW, "none")], CompareSettings(metrics=("m",)))
    assert sentence(found.verdicts[0]).startswith("new has more m than old, neither better nor worse: m +.0")


@pytest.mark.parametrize("decide", ["interval", "mean"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_margin_is_mirrored(change: float, decide: str) -> None:
    new = (NEW + change).clip(0, 1)
    rules = Rules(rules=(MetricRule(metric="m", margin=0.02, decide=decide),))  # type: ignore[arg-type]
    plain = decide_gate(scored("old", OLD), scored("new", new), rules).decided[0]
    turned = decide_gate(scored("old", 1 - OLD, "lower"), scored("new", 1 - new, "lower"), rules).decided[0]
    assert turned.outcome == plain.outcome
    assert turned.room == pytest.approx(plain.room)
    assert (turned.bound, turned.at_least) == (0.02, False)
    assert turned.value == pytest.approx(float((OLD - new).mean()))
    assert (turned.low, turned.high) == pytest.approx((-(plain.high or 0.0), -(plain.low or 0.0)))
    assert turned.baseline == pytest.approx(float((1 - OLD).mean()))


@pytest.mark.parametrize("bound", [0.3, 0.5, 0.54, 0.7])
@pytest.mark.parametrize("lost", [0, 5])
def test_a_ceiling_is_a_floor_turned_about(bound: float, lost: int) -> None:
    values = NEW.clip(0, 1)
    values[:lost] = np.nan
    floor = decide_gate(None, scored("new", values), Rules(rules=(MetricRule(metric="m", min=bound),))).decided[0]
    other = decide_gate(None, scored("new", 1 - values), Rules(rules=(MetricRule(metric="m", max=1 - bound),))).decided[
        0
    ]
    assert (other.kind, other.outcome) == ("ceiling", floor.outcome)
    assert (other.low, other.high) == pytest.approx((1 - (floor.high or 0), 1 - (floor.low or 0)))
    assert other.bound == pytest.approx(1 - bound)


def test_a_ceiling_above_one() -> None:
    words = scored("new", NEW * 100, "none")
    outcomes = [
        decide_gate(None, words, Rules(rules=(MetricRule(metric="m", max=most),))).outcome
        for most in (80.0, NEW.mean() * 100, 20.0)
    ]
    assert outcomes == ["pass", "inconclusive", "fail"]
    values = NEW * 100
    values[0] = np.nan
    found = decide_gate(None, scored("new", values), Rules(rules=(MetricRule(metric="m", max=80.0),))).decided[0]
    assert found.outcome == "inconclusive"
    assert "could be of any size" in found.reason


def test_no_margin_without_a_better_side() -> None:
    old, new = scored("old", OLD, "none"), scored("new", NEW, "none")
    with pytest.raises(SettingError, match="for m, neither more nor less is better"):
        decide_gate(old, new, Rules(rules=(MetricRule(metric="m", margin=0.1),)))


def test_selecting_rows_keeps_the_direction() -> None:
    run = replace(scored("old", OLD, "lower"), failed=2)
    assert run.select(np.array([3, 1])).scores.direction("m") == "lower"
