"""Plan how many more units an experiment needs, and for how long."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ragbench.comparison.ab.looks import chance_at_the_end, planned_boundary
from ragbench.comparison.ab.outcomes import Guardrail
from ragbench.comparison.ab.results import Look, OutcomeResult, Plan
from ragbench.comparison.ab.settings import AbSettings
from ragbench.stats.online.sample import Sample
from ragbench.stats.online.sequential import Boundary, boundary, fixed_boundary, smallest_effect, units_needed

DAY = 86_400.0


def plan(
    primary: OutcomeResult,
    counts: Sequence[int],
    settings: AbSettings,
    per_day: float | None,
    looks: tuple[Look, ...] = (),
) -> Plan | None:
    """Plan more units, for the challenger that needs most of them.

    Args:
        primary: the deciding outcome.
        counts: units per variant, the control first.
        settings: error rates, power and the effect of interest.
        per_day: new units per day.
        looks: the planned looks, if there are any.

    Returns:
        The plan, or None if a variant has no variance.
    """
    challengers = len(counts) - 1
    everyone = sum(counts)
    alpha = settings.alpha / challengers
    found = []
    for at, contrast in enumerate(primary.contrasts, 1):
        pair = counts[0] + counts[at]
        if contrast.error <= 0 or min(counts[0], counts[at]) < 2:
            return None
        spread, limit = contrast.error * pair**0.5, _limit(settings, alpha)
        smallest = smallest_effect(spread, pair, limit, power=settings.power)
        control = primary.control.value
        asked = settings.effect is not None and control > 0
        wanted = (settings.effect or 0) * control if asked else smallest / 2
        needed = units_needed(spread, wanted, limit, power=settings.power)
        share = everyone / pair
        chance = None
        if looks and asked:
            gain = -contrast.difference if primary.lower else contrast.difference
            chance = chance_at_the_end(looks, gain / contrast.error, contrast.error, wanted)
        found.append(
            Plan(
                settings.power, everyone, smallest, smallest / control if control > 0 else None,
                wanted, wanted / control if control > 0 else None, asked,
                None if needed is None else int(np.ceil(needed * share)), per_day, chance,
            )
        )  # fmt: skip
    return max(found, key=lambda one: (one.units_needed is None, one.units_needed or 0))


def units_for_guardrail(
    control: Sample, challenger: Sample, guardrail: Guardrail, limit: Boundary, power: float
) -> int | None:
    """Return the units of the two variants that keep a guardrail with this power if the variants do not differ.

    The result is None for a margin of 0, or if nothing varies.
    """
    margin = abs(guardrail.bound * control.mean if guardrail.relative else guardrail.bound)
    factor = 1 + guardrail.bound if guardrail.relative else 1.0
    error = float(np.hypot(challenger.error, factor * control.error))
    if margin == 0 or error == 0:
        return None
    return units_needed(error * (control.n + challenger.n) ** 0.5, margin, limit, power=power)


def arrivals_per_day(first: npt.NDArray[np.float64] | None) -> float | None:
    """Estimate new units per day from the times at which units were first seen; None without different times."""
    if first is None:
        return None
    known = first[~np.isnan(first)]
    if len(known) < 2:
        return None
    span = float(known.max() - known.min())
    return len(known) / span * DAY if span > 0 else None


def _limit(settings: AbSettings, alpha: float) -> Boundary:
    if settings.one_look:
        return fixed_boundary(alpha)
    if settings.looks is not None:
        return planned_boundary(settings, alpha)
    return lambda units: boundary(units, horizon=settings.sharpest, alpha=alpha)
