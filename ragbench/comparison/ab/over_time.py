"""Estimate the difference day by day, and for all units up to each day."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from ragbench.comparison.ab.estimates import contrasts, measure
from ragbench.comparison.ab.outcomes import Outcome
from ragbench.comparison.ab.results import Contrast, DayResult
from ragbench.comparison.ab.settings import AbSettings
from ragbench.comparison.ab.units import Units
from ragbench.core.errors import InputError
from ragbench.core.options import named

DAY_SECONDS = 86_400
MOST_DAYS = 1_000


def by_day(
    units: Units, order: Sequence[int], outcomes: Sequence[tuple[Outcome, str]], settings: AbSettings, source: str
) -> tuple[DayResult, ...]:
    """Estimate every outcome and challenger on every day with a new unit.

    A unit belongs to the day (UTC) on which it was first seen, with everything that it did until the end of the file.
    Each unit is therefore one independent value, as the sequences of `ragbench.stats.online.sequential` require.

    Args:
        units: units with the time at which each was first seen.
        order: variants, the control first.
        outcomes: outcomes, each with its pre-period column or an empty text.
        settings: error rates.
        source: file, for messages.

    Raises:
        InputError: no unit has a time, or there are too many days for the column to hold dates.
    """
    assert units.first is not None
    known = ~np.isnan(units.first)
    day = np.full(len(known), -1, dtype=np.int64)
    day[known] = np.floor(units.first[known] / DAY_SECONDS).astype(np.int64)
    days = np.unique(day[known]).tolist()
    if not days:
        raise InputError(f"{source}: no unit has a time, so there is nothing to show over time")
    if len(days) > MOST_DAYS:
        raise InputError(
            f"{source}: the time column spans {len(days):,} days; name the column of the time by {named('time')}"
        )
    found = []
    for outcome, before in outcomes:
        for challenger in order[1:]:
            pair = (order[0], challenger)
            paired = np.isin(units.variant, pair)
            for one in days:
                today, so_far = paired & (day == one), paired & known & (day <= one)
                estimates = [
                    _contrast(units, rows, pair, outcome, before, settings, source) for rows in (today, so_far)
                ]
                counts = (int(today.sum()), int(so_far.sum()))
                found.append(_point(outcome.name, units.names[challenger], one, counts, estimates))
    return tuple(found)


def without_time(units: Units) -> int:
    """Count the units that belong to no day."""
    return 0 if units.first is None else int(np.isnan(units.first).sum())


def _contrast(
    units: Units, rows: npt.NDArray[np.bool_], pair: tuple[int, int], outcome: Outcome, before: str,
    settings: AbSettings, source: str,
) -> Contrast | None:  # fmt: skip
    """Estimate the difference from these units; None if a variant has none, or a ratio divides by 0."""
    if min(int((units.variant[rows] == at).sum()) for at in pair) == 0:
        return None
    part = replace(
        units,
        variant=units.variant[rows],
        events=units.events[rows],
        sums={name: values[rows] for name, values in units.sums.items()},
        counts={name: values[rows] for name, values in units.counts.items()},
        first=None,
    )
    try:
        measured = measure(part, pair, outcome, before, source)
    except InputError:
        return None
    return contrasts(measured, [units.names[at] for at in pair], settings)[0]


def _point(
    outcome: str, challenger: str, day: int, units: tuple[int, int], found: Sequence[Contrast | None]
) -> DayResult:
    """Make the result of a day; ``units`` and ``found`` are those of the day, then those of all days so far."""
    today, total = found
    return DayResult(
        outcome=outcome,
        challenger=challenger,
        day=datetime.fromtimestamp(day * DAY_SECONDS, UTC).date().isoformat(),
        units=units[0],
        difference=None if today is None else today.difference,
        low=None if today is None else today.low,
        high=None if today is None else today.high,
        units_so_far=units[1],
        so_far=None if total is None else total.difference,
        any_low=None if total is None else total.sequence.low,
        any_high=None if total is None else total.sequence.high,
        any_p=1.0 if total is None else total.sequence.p,
    )
