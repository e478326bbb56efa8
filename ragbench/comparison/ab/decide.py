"""Turn the estimates into advice: promote the challenger, roll back, or go on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ragbench.comparison.ab.results import Contrast, OutcomeResult, Plan, Recommendation
from ragbench.comparison.ab.settings import AbSettings

FUTILE = 0.2
"""You may stop for futility if the chance of finding the effect that matters is below this."""


@dataclass(frozen=True)
class _Case:
    """The advice on one challenger, with reasons."""

    challenger: str
    advice: Literal["promote", "roll back", "go on"]
    reasons: tuple[str, ...]
    gain: float


def recommend(results: Sequence[OutcomeResult], plan: Plan | None, settings: AbSettings) -> Recommendation:
    """Advise over all challengers.

    A challenger is promoted if it is better on the primary outcome, keeps every guardrail, and is worse on no secondary
    outcome. It is rolled back if it is worse, if it breaks a guardrail, or if the interval excludes the smallest effect
    of interest. Otherwise the experiment goes on.

    Args:
        results: results of the outcomes, the primary one first.
        plan: plan for more units.
        settings: error rates and power.
    """
    cases = [_case(at, results, plan, settings) for at in range(len(results[0].contrasts))]
    promoted = [case for case in cases if case.advice == "promote"]
    if promoted:
        best = max(promoted, key=lambda case: case.gain)
        reasons = best.reasons
        if len(promoted) > 1:
            others = ", ".join(case.challenger for case in promoted if case is not best)
            reasons += (f"also better than the control: {others}; {best.challenger} has the largest gain",)
        reasons += tuple(f"{c.challenger}: {c.reasons[0]}" for c in cases if c.advice != "promote")
        return Recommendation("promote", best.challenger, reasons)
    several = len(cases) > 1
    reasons = tuple(f"{c.challenger}: {reason}" if several else reason for c in cases for reason in c.reasons)
    if all(case.advice == "roll back" for case in cases):
        return Recommendation("roll back", "", reasons)
    return Recommendation("go on", "", reasons + _how_long(results[0], plan))


def p_text(p: float) -> str:
    """Write a p-value as ``.034``, ``<.0001`` or ``1``."""
    if p < 0.0001:
        return "<.0001"
    return "1" if p >= 0.9995 else (f"{p:.3f}" if p >= 0.001 else f"{p:.4f}").replace("0.", ".", 1)


def _case(at: int, results: Sequence[OutcomeResult], plan: Plan | None, settings: AbSettings) -> _Case:
    primary = results[0]
    contrast = primary.contrasts[at]
    gain = -contrast.difference if primary.lower else contrast.difference
    broken = [r for r in results if r.watched and r.watched[at].state == "broken"]
    open_ones = [r for r in results if r.watched and r.watched[at].state == "undecided"]
    worse = [r for r in results[1:] if r.role == "secondary" and _shown(r.contrasts[at], settings, better=False)]
    head = _about(primary, contrast, settings)

    def case(advice: Literal["promote", "roll back", "go on"], *reasons: str) -> _Case:
        return _Case(contrast.challenger, advice, reasons, gain)

    broke = tuple(f"guardrail {r.name} ({r.rule}) is broken: {_change(r, r.contrasts[at])}" for r in broken)
    if broken:
        return case("roll back", *broke, head)
    if _shown(contrast, settings, better=False):
        return case("roll back", head)
    if not _shown(contrast, settings, better=True):
        if plan is not None and plan.asked and _excluded(primary, contrast, plan, settings):
            return case("roll back", f"no gain of {plan.wanted_relative or 0:.1%} is left in the interval", head)
        return case("go on", head)
    waiting = tuple(_waiting(r, at) for r in open_ones)
    if waiting:
        return case("go on", head, *waiting)
    if worse:
        named = tuple(f"but {_about(r, r.contrasts[at], settings)}: a person must weigh the two" for r in worse)
        return case("go on", head, *named)
    kept = [r.name for r in results if r.watched]
    return case("promote", head, *([f"guardrails kept: {', '.join(kept)}"] if kept else []))


def _p(contrast: Contrast, settings: AbSettings) -> float:
    return contrast.p_adjusted if settings.one_look else contrast.sequence_p_adjusted


def _shown(contrast: Contrast, settings: AbSettings, *, better: bool) -> bool:
    return _p(contrast, settings) < settings.alpha and contrast.difference != 0 and contrast.better == better


def _excluded(primary: OutcomeResult, contrast: Contrast, plan: Plan, settings: AbSettings) -> bool:
    """Whether the interval excludes the smallest effect of interest."""
    interval = (contrast.low, contrast.high) if settings.one_look else (contrast.sequence.low, contrast.sequence.high)
    end = interval[0] if primary.lower else interval[1]
    return end is not None and (-end if primary.lower else end) < plan.wanted


def _about(result: OutcomeResult, contrast: Contrast, settings: AbSettings) -> str:
    p, text = _p(contrast, settings), p_text(_p(contrast, settings))
    kind = "p" if settings.one_look else "p over the looks" if settings.looks is not None else "always-valid p"
    shown = f"{kind} {text.replace('<', '< ') if text[0] == '<' else '= ' + text}"
    if p >= settings.alpha or contrast.difference == 0:
        return f"{result.name}: no difference shown ({_change(result, contrast)}, {shown})"
    return f"{result.name} is {'better' if contrast.better else 'worse'} ({_change(result, contrast)}, {shown})"


def _change(result: OutcomeResult, contrast: Contrast) -> str:
    if contrast.relative is not None:
        return f"{contrast.relative[0]:+.1%}"
    return f"{contrast.difference * 100:+.2f} points" if result.percent else f"{contrast.difference:+.4g}"


def _waiting(result: OutcomeResult, at: int) -> str:
    watched = result.watched[at]
    said = f"guardrail {result.name} ({result.rule}) is undecided: {_change(result, result.contrasts[at])}"
    if watched.units_needed is None:
        said += "; these values cannot decide it"
    else:
        said += (
            f"; about {watched.units_needed:,} units of the two variants would decide it if nothing changes in truth"
        )
    return said


def _how_long(primary: OutcomeResult, plan: Plan | None) -> tuple[str, ...]:
    if plan is None:
        return ("nothing can be planned yet: too few units, or no value varies",)

    def size(relative: float | None, absolute: float) -> str:
        if relative is not None:
            return f"{relative:.1%}" if relative < 10 else f"{absolute:.3g}"
        return f"{absolute:.3g}"

    smallest = size(plan.smallest_relative, plan.smallest)
    now = f"{plan.units:,} units can show a difference of {smallest} with {plan.power:.0%} power"
    wanted = size(plan.wanted_relative, plan.wanted)
    chance = plan.conditional_power
    if chance is not None and chance < FUTILE:
        return (
            now,
            f"futility: if the {wanted} that matters is true, the last look still finds it with {chance:.0%} chance "
            "only; you may stop, and the boundaries hold whether you do or not",
        )
    if plan.more is None:
        return (now, f"{wanted} is out of reach")
    if plan.more == 0:
        return (now, f"that is enough for the {wanted} that matters, and none was shown")
    days = "" if plan.days is None else f", about {plan.days:,.0f} more days at {plan.per_day:,.0f} new units a day"
    which = f"the {wanted} that matters" if plan.asked else f"half of that ({wanted})"
    return (now, f"to show {which}, go on until {plan.units_needed:,} units: {plan.more:,} more{days}")
