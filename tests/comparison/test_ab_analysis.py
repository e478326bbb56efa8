"""Verdicts on small experiments whose answer is known."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ragbench.comparison.ab.analyse import analyse
from ragbench.comparison.ab.outcomes import Outcome, parse_guardrail, parse_outcome
from ragbench.comparison.ab.results import AbResult
from ragbench.comparison.ab.settings import AbSettings
from ragbench.core.errors import SettingError

FINAL = AbSettings(final=True)


def experiment(path: Path, settings: AbSettings = FINAL, **rates: float) -> AbResult:
    """2,000 users per variant, the given share of each converts; latency and bounces as the share says not."""
    rng = np.random.default_rng(5)
    rows = []
    for variant, rate in rates.items():
        converted = np.zeros(2000, dtype=int)
        converted[: round(2000 * rate)] = 1
        rows.append(
            pd.DataFrame(
                {
                    "user_id": [f"{variant}-{i}" for i in range(2000)],
                    "variant_id": variant,
                    "converted": converted,
                    "order_value": converted * rng.lognormal(3, 0.5, 2000),
                    "latency_ms": rng.lognormal(5, 0.3, 2000) * (1.2 if variant == "slow" else 1.0),
                }
            )
        )
    pd.concat(rows).to_parquet(path)
    return analyse(path, settings)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.parquet"


@pytest.mark.parametrize("final", [True, False])
@pytest.mark.parametrize(("rate", "decision"), [(0.16, "promote"), (0.05, "roll back"), (0.105, "go on")])
def test_the_three_verdicts(path: Path, rate: float, decision: str, final: bool) -> None:
    found = experiment(path, AbSettings(final=final), control=0.1, treatment=rate)
    assert found.recommendation.decision == decision
    assert found.control_why == "by its name"
    assert found.outcomes[0].contrasts[0].p == pytest.approx(
        stats.chi2_contingency([[200, 1800], [2000 * rate, 2000 - 2000 * rate]], correction=False).pvalue
    )


def test_what_one_look_shows_many_looks_need_not(path: Path) -> None:
    # z = .021 / sqrt(.1105 * .8895 * 2 / 2000) = 2.118: enough for a planned end, not for one look of many.
    once = experiment(path, FINAL, control=0.1, treatment=0.121)
    often = experiment(path, AbSettings(), control=0.1, treatment=0.121)
    assert once.outcomes[0].contrasts[0].p == often.outcomes[0].contrasts[0].p == pytest.approx(0.0342, abs=1e-4)
    assert (once.recommendation.decision, often.recommendation.decision) == ("promote", "go on")


def test_a_broken_guardrail_rolls_back_and_an_undecided_one_waits(path: Path) -> None:
    rail = parse_guardrail("latency_ms:max_increase=5%")
    broken = experiment(path, AbSettings(final=True, guardrails=(rail,)), control=0.1, slow=0.2)
    assert broken.recommendation.decision == "roll back"
    assert "guardrail latency_ms (at most +5%) is broken" in broken.recommendation.reasons[0]
    narrow = AbSettings(final=True, guardrails=(parse_guardrail("latency_ms:max_increase=0.1%"),))
    waiting = experiment(path, narrow, control=0.1, treatment=0.2)
    assert waiting.recommendation.decision == "go on"
    assert "units of the two variants would decide it" in waiting.recommendation.reasons[1]
    kept = experiment(path, AbSettings(final=True, guardrails=(rail,)), control=0.1, treatment=0.2)
    assert kept.recommendation.decision == "promote"


def test_a_worse_secondary_outcome_is_for_a_person(path: Path) -> None:
    settings = AbSettings(final=True, outcomes=(parse_outcome("converted"), parse_outcome("order_value:lower")))
    found = experiment(path, settings, control=0.1, treatment=0.2)
    assert found.recommendation.decision == "go on"
    assert "a person must weigh" in found.recommendation.reasons[1]


def test_no_verdict_on_a_broken_split(path: Path) -> None:
    settings = AbSettings(split={"control": 60, "treatment": 40})
    found = experiment(path, settings, control=0.1, treatment=0.3)
    assert (found.recommendation.decision, found.srm_ok, found.plan) == ("no verdict", False, None)
    assert found.srm_p < 1e-20
    once = experiment(path, AbSettings(split={"control": 60, "treatment": 40}, final=True), control=0.1, treatment=0.3)
    assert once.srm_p == pytest.approx(stats.chisquare([2000, 2000], [2400, 1600]).pvalue)


def test_several_challengers_are_corrected_and_the_best_is_named(path: Path) -> None:
    found = experiment(path, FINAL, control=0.1, b=0.14, c=0.16, d=0.101)
    raw = [c.p for c in found.outcomes[0].contrasts]
    by_name = {c.challenger: c for c in found.outcomes[0].contrasts}
    # Holm by hand: the smallest p times 3, the next times 2.
    assert by_name["c"].p_adjusted == pytest.approx(3 * min(raw))
    assert by_name["b"].p_adjusted == pytest.approx(2 * by_name["b"].p)
    assert (found.recommendation.decision, found.recommendation.variant) == ("promote", "c")
    assert "also better than the control: b" in " ".join(found.recommendation.reasons)


@pytest.mark.parametrize("effect", [1, 10.0])
def test_an_effect_in_percent_without_the_sign_is_refused(effect: float) -> None:
    with pytest.raises(SettingError, match=r"effect= is .* of the control.*for 10%, write 0.10"):
        AbSettings(effect=effect)


def test_an_effect_of_interest_that_is_excluded_ends_the_experiment(path: Path) -> None:
    found = experiment(path, AbSettings(final=True, effect=0.5), control=0.1, treatment=0.1)
    assert found.recommendation.decision == "roll back"
    assert "no gain of 50.0% is left" in found.recommendation.reasons[0]
    wanted = experiment(path, AbSettings(final=True, effect=0.05), control=0.1, treatment=0.1)
    assert wanted.recommendation.decision == "go on"
    assert wanted.plan is not None
    # (1.96 + .8416)^2 * 2 * (.09 + .09) / .005^2 by hand; the analysis adds one conversion to each count of 200
    assert wanted.plan.units_needed == pytest.approx(2.80159**2 * 0.36 / 0.005**2, rel=5e-3)


def test_lower_is_better_turns_the_verdict(path: Path) -> None:
    settings = AbSettings(final=True, outcomes=(Outcome("converted", lower=True),))
    assert experiment(path, settings, control=0.1, treatment=0.05).recommendation.decision == "promote"
    assert experiment(path, settings, control=0.1, treatment=0.2).recommendation.decision == "roll back"


def test_events_of_one_unit_are_not_independent(tmp_path: Path) -> None:
    # 500 users with the same 10 events each: the interval is that of 500 values, not of 5,000.
    rng = np.random.default_rng(6)
    clicked = (rng.random(500) < 0.3).astype(int)
    frame = pd.DataFrame(
        {
            "user_id": np.repeat(np.arange(500), 10),
            "variant_id": np.repeat(np.where(np.arange(500) % 2, "control", "new"), 10),
            "clicked": np.repeat(clicked, 10),
        }
    )
    frame.to_parquet(tmp_path / "events.parquet")
    outcomes = (Outcome("clicked", how="mean"), parse_outcome("clicked/events"))
    found = analyse(tmp_path / "events.parquet", AbSettings(outcomes=outcomes))
    alone = [clicked[np.arange(500) % 2 == at] for at in (1, 0)]
    by_user = stats.ttest_ind(alone[1], alone[0], equal_var=False).confidence_interval()
    for outcome in found.outcomes:
        contrast = outcome.contrasts[0]
        assert (contrast.low, contrast.high) == (pytest.approx(by_user.low), pytest.approx(by_user.high))


@pytest.mark.parametrize(
    "text", ["x:max_increase", "x:max_increase=-1%", "x:max_increase=abc", "x:max_decrease=100%", ":max_increase=1%"]
)
def test_a_margin_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(SettingError, match=r"guardrail|no column"):
        parse_guardrail(text)
