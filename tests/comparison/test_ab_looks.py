"""Planned looks of ``ragbench ab``: the plan, the verdict, and wrong plans."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ragbench.comparison.ab.analyse import analyse
from ragbench.comparison.ab.results import AbResult
from ragbench.comparison.ab.settings import AbSettings, parse_looks
from ragbench.core.errors import SettingError
from ragbench.stats.online.spending import boundaries


def result(folder: Path, rate: float, units: int = 4000, **settings: Any) -> AbResult:
    """Half of the units convert at 10%, the others at the rate."""
    half = units // 2
    converted = [np.arange(half) < round(half * share) for share in (0.1, rate)]
    pd.DataFrame(
        {
            "user_id": np.arange(units),
            "variant_id": np.repeat(["control", "treatment"], half),
            "converted": np.concatenate(converted).astype(int),
        }
    ).to_parquet(folder / "events.parquet")
    return analyse(folder / "events.parquet", AbSettings(outcomes=("converted",), **settings))


def test_looks_are_read_as_a_number_or_as_shares() -> None:
    assert parse_looks("4") == (0.25, 0.5, 0.75, 1)
    assert parse_looks("25%,50%,100%") == parse_looks(".25,.5,1") == (0.25, 0.5, 1)


def test_the_plan_has_units_and_boundaries(tmp_path: Path) -> None:
    found = result(tmp_path, 0.1, planned=10_000, looks=parse_looks("5"), effect=0.2)
    assert [look.units for look in found.looks] == [2000, 4000, 6000, 8000, 10_000]
    assert [look.boundary for look in found.looks] == pytest.approx(boundaries([0.2, 0.4, 0.6, 0.8, 1.0]))
    assert [look.now for look in found.looks] == [False, True, False, False, False]
    # 10% and 12% with 5,000 each: z = .02 / sqrt(2 * .09 / 5000), about 3.3; power beyond 2.03 is about 90%.
    assert found.looks[-1].chance == pytest.approx(0.9, abs=0.02)


def test_a_look_at_another_time_gets_its_own_boundary(tmp_path: Path) -> None:
    found = result(tmp_path, 0.1, units=5000, planned=10_000, looks=parse_looks("5"))
    assert [look.units for look in found.looks] == [2000, 4000, 5000, 6000, 8000, 10_000]
    looked = result(tmp_path, 0.1, units=5000, planned=10_000, looks=parse_looks("5"), looked=(1500,))
    assert [look.units for look in looked.looks] == [1500, 5000, 6000, 8000, 10_000]
    assert looked.looks[1].boundary == pytest.approx(boundaries([0.15, 0.5])[-1])
    ended = result(tmp_path, 0.1, units=5000, planned=10_000, looks=parse_looks("5"), final=True)
    assert [look.units for look in ended.looks] == [2000, 4000, 5000]
    assert ended.looks[-1].spent == 0.05


def test_the_verdict_follows_the_boundary(tmp_path: Path) -> None:
    # z = .02 / .0098 is about 2.0 with 2,000 each; .04 gives about 3.7. The second of five boundaries is 3.36.
    plan: dict[str, Any] = {"planned": 10_000, "looks": parse_looks("5")}
    assert result(tmp_path, 0.12, **plan).recommendation.decision == "go on"
    assert result(tmp_path, 0.14, **plan).recommendation.decision == "promote"
    # At the last look 2.12 standard errors suffice; any-look tests need 3.03 at 10,000 units.
    shown = result(tmp_path, 0.1131, units=10_000, **plan).outcomes[0].contrasts[0]
    assert shown.sequence.p < 0.05
    assert result(tmp_path, 0.1131, units=10_000).outcomes[0].contrasts[0].sequence.p > 0.05
    assert shown.sequence.low is not None
    assert shown.sequence.low > 0


def test_futility_is_said_and_does_not_bind(tmp_path: Path) -> None:
    hopeless = result(tmp_path, 0.085, units=8000, planned=10_000, looks=parse_looks("5"), effect=0.15)
    assert hopeless.plan is not None
    assert hopeless.plan.conditional_power is not None
    assert hopeless.plan.conditional_power < 0.05
    if hopeless.recommendation.decision == "go on":
        assert any("futility" in reason for reason in hopeless.recommendation.reasons)
    small = result(tmp_path, 0.1, units=8000, planned=10_000, looks=parse_looks("5"), effect=0.1)
    assert small.recommendation.decision == "go on"
    assert any(
        reason.startswith("futility: if the 10.0% that matters is true") for reason in small.recommendation.reasons
    )


def test_more_units_than_were_planned_are_noted(tmp_path: Path) -> None:
    far = result(tmp_path, 0.1, planned=100, looks=parse_looks("3"))
    assert any("4,000 units have come, and planned= is 100" in note for note in far.notes)
    assert not result(tmp_path, 0.1, planned=4000, looks=parse_looks("3")).notes
    assert not result(tmp_path, 0.1, planned=3900, looks=parse_looks("3")).notes


def test_the_planned_units_tune_the_any_look_test(tmp_path: Path) -> None:
    tuned = result(tmp_path, 0.1, planned=4000)
    assert tuned.horizon == 4000
    assert result(tmp_path, 0.1).horizon == 10_000

    def width(found: AbResult) -> float:
        sequence = found.outcomes[0].contrasts[0].sequence
        assert sequence.low is not None
        assert sequence.high is not None
        return sequence.high - sequence.low

    assert width(tuned) < width(result(tmp_path, 0.1))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"looks": (0.5, 1.0)}, "planned"),
        ({"looks": (0.5, 0.9), "planned": 9}, "end with 100%"),
        ({"looks": (0.5, 0.4, 1.0), "planned": 9}, "rising"),
        ({"looked": (5,)}, "looks"),
        ({"looks": (1.0,), "planned": 9, "looked": (9, 5)}, "rising numbers"),
        ({"planned": 0}, "at least 1 unit"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingError, match=said):
        AbSettings(**wrong)


def test_wrong_looks_are_refused(tmp_path: Path) -> None:
    for text in ("0", "2.5", "a", "1000"):
        with pytest.raises(SettingError):
            parse_looks(text)
    with pytest.raises(SettingError, match="names a look at 9,000 units, and there are 4,000"):
        result(tmp_path, 0.1, planned=10_000, looks=(0.5, 1.0), looked=(9000,))
