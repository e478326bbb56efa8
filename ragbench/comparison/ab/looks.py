"""Planned looks: which looks there were, the boundaries of all of them, and the decision at the present one."""

import math

from scipy.special import ndtri

from ragbench.comparison.ab.results import Look
from ragbench.comparison.ab.settings import AbSettings
from ragbench.core.errors import SettingError
from ragbench.core.options import named
from ragbench.stats.online.difference import Difference
from ragbench.stats.online.sequential import FEWEST_UNITS, AlwaysValid, Boundary
from ragbench.stats.online.spending import boundaries, conditional_power, drift_for, repeated_p, spent, stopped

NEAR = 0.005
"""A planned look at nearly the present number of units, as a share of the planned ones, is the present look."""


FAR = 1.1
"""Times the planned units from which the experiment has gone on beyond its plan."""


def times_so_far(units: int, settings: AbSettings) -> tuple[float, ...]:
    """Return the share of the planned units at every look so far, the present one last.

    Args:
        units: present units of all variants.
        settings: settings with planned looks.

    Raises:
        SettingError: an earlier look has more units than there are.
    """
    assert settings.planned is not None
    assert settings.looks is not None
    now = units / settings.planned
    if settings.looked:
        if settings.looked[-1] >= units:
            raise SettingError(
                f"names a look at {settings.looked[-1]:,} units, and there are {units:,}; "
                f"{named('looked')} lists the looks before this one", option="looked",
            )  # fmt: skip
        return (*(one / settings.planned for one in settings.looked), now)
    return (*(share for share in settings.looks[:-1] if share < now - NEAR), now)


def at_look(found: Difference, sizes: tuple[int, int], units: int, settings: AbSettings) -> AlwaysValid:
    """Compute the p-value and the interval of the present look, which hold for all looks together.

    Args:
        found: challenger minus control.
        sizes: units of control and challenger.
        units: present units of all variants.
        settings: settings with planned looks.
    """
    if min(sizes) < FEWEST_UNITS or found.error <= 0 or found.too_skewed:
        return AlwaysValid(1.0, None, None)
    times = times_so_far(units, settings)
    p = repeated_p(found.statistic(), times, settings.spending, last=settings.final)
    return AlwaysValid(p, *found.limits(limit_now(units, settings, settings.alpha)))


def limit_now(units: int, settings: AbSettings, alpha: float) -> float:
    """Return the boundary of the present look, in standard errors."""
    return boundaries(times_so_far(units, settings), alpha, settings.spending, last=settings.final)[-1]


def overrun(units: int, settings: AbSettings) -> list[str]:
    """Note that there are clearly more units than were planned; empty if there are not."""
    if settings.planned is None or settings.looks is None or units <= FAR * settings.planned:
        return []
    return [
        f"{units:,} units have come, and {named('planned')} is {settings.planned:,}: this look spends all that is left "
        "of alpha. This is valid only if you did not prolong the experiment because of its results"
    ]


def planned_boundary(settings: AbSettings, alpha: float) -> Boundary:
    """Return the boundary of one look that has the power of all planned looks together."""
    assert settings.looks is not None
    limits = boundaries(settings.looks, alpha, settings.spending)
    reach = drift_for(settings.looks, limits, settings.power) - float(ndtri(settings.power))
    return lambda units: reach


def schedule(units: int, error: float, effect: float | None, settings: AbSettings) -> tuple[Look, ...]:
    """Return all looks, past and to come, with their boundaries.

    Args:
        units: present units of all variants.
        error: present standard error of the difference.
        effect: the difference that matters, or None.
        settings: settings with planned looks.
    """
    assert settings.planned is not None
    assert settings.looks is not None
    past = times_so_far(units, settings)
    to_come = () if settings.final else tuple(share for share in settings.looks if share > past[-1] + NEAR)
    times = (*past, *to_come)
    limits = boundaries(times, settings.alpha, settings.spending, last=settings.final)
    chances: tuple[float | None, ...] = (None,) * len(times)
    if effect is not None and error > 0:
        chances = stopped(times, limits, effect / (error * math.sqrt(past[-1])))
    used = [spent(time, settings.alpha, settings.spending) for time in times]
    if settings.final:
        used[-1] = settings.alpha
    return tuple(
        Look(round(time * settings.planned), limit, alpha, chance, at == len(past) - 1)
        for at, (time, limit, alpha, chance) in enumerate(zip(times, limits, used, chances, strict=True))
    )


def chance_at_the_end(found: tuple[Look, ...], statistic: float, error: float, effect: float) -> float | None:
    """Return the chance that the last look finds the effect, given the present statistic; None at the last look.

    Args:
        found: all looks.
        statistic: difference in standard errors, positive if the challenger is better.
        error: present standard error of the difference.
        effect: the difference that matters.
    """
    now = next(look for look in found if look.now)
    if now is found[-1] or error <= 0:
        return None
    time = now.units / found[-1].units
    return conditional_power(statistic, time, found[-1].boundary, effect / (error * math.sqrt(time)))
