"""Analyse a file of events: read it, check the split, estimate and decide."""

import difflib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ragbench.comparison.ab.decide import recommend
from ragbench.comparison.ab.estimates import Measured, contrasts, interval, measure
from ragbench.comparison.ab.events import Columns, find_columns, open_events
from ragbench.comparison.ab.looks import limit_now, overrun, schedule
from ragbench.comparison.ab.outcomes import Guardrail, Outcome
from ragbench.comparison.ab.over_time import by_day, without_time
from ragbench.comparison.ab.plan import arrivals_per_day, plan, units_for_guardrail
from ragbench.comparison.ab.results import (
    AbResult,
    Contrast,
    DayResult,
    Look,
    OutcomeResult,
    Recommendation,
    Role,
    Variant,
    Watched,
)
from ragbench.comparison.ab.settings import AbSettings
from ragbench.comparison.ab.units import Units, read_units
from ragbench.core.errors import InputError, SettingError, did_you_mean
from ragbench.core.options import named
from ragbench.stats.multiple import holm
from ragbench.stats.online.difference import MOST_SKEWED
from ragbench.stats.online.sequential import FEWEST_UNITS, boundary, fixed_boundary
from ragbench.stats.online.tests import sample_ratio, sequential_sample_ratio, within_margin

CONTROLS = ("control", "baseline", "champion", "ctrl", "default", "current", "old", "a", "0")
SMALL_SHARE = 0.01


def analyse(path: Path, settings: AbSettings) -> AbResult:
    """Analyse an experiment.

    Args:
        path: CSV or Parquet, one row per event.
        settings: columns and levels.

    Raises:
        InputError: the file, a column or a value cannot be used.
        SettingError: an option does not fit the file.
    """
    file = open_events(path)
    columns = find_columns(file, settings)
    units = read_units(file, columns.unit, columns.variant, columns.numbers, columns.time)
    notes = [*columns.notes, *_about_units(units, str(path), settings)]
    order, why = _order(units, settings, str(path), columns)
    names = [units.names[at] for at in order]
    counts = [int((units.variant == at).sum()) for at in order]
    if min(counts) == 0:
        raise InputError(f"{path}: variant {names[counts.index(0)]!r} has no unit of its own")
    notes += [*_look_alikes(names, counts), *overrun(sum(counts), settings)]
    if not settings.one_look and min(counts) < FEWEST_UNITS:
        notes.append(
            f"nothing is decided before {FEWEST_UNITS} units in each variant, unless this is the {named('final')} look"
        )
    check = sample_ratio if settings.one_look else sequential_sample_ratio
    ratio = check(counts, [settings.weights.get(name, 1.0) for name in names])
    ok = ratio.p >= settings.srm_alpha
    variants = tuple(
        Variant(name, count, expected, int(units.events[units.variant == at].sum()))
        for name, count, expected, at in zip(names, counts, ratio.expected, order, strict=True)
    )
    if not settings.measured:
        columns, undefined = _defined(units, order, columns)
        notes += undefined
    results = _results(units, order, names, columns, settings, str(path))
    days, undated = _over_time(units, order, columns, settings, str(path))
    notes += undated
    planned, looks = None, _looks(results[0], sum(counts), settings) if ok else ()
    if ok:
        planned = plan(results[0], counts, settings, arrivals_per_day(units.first), looks)
        advice = recommend(results, planned, settings)
    else:
        share = " : ".join(f"{settings.weights.get(name, 1.0):g}" for name in names)
        advice = Recommendation(
            "no verdict",
            "",
            (
                f"the split is broken: {' : '.join(f'{c:,}' for c in counts)} units where {share} was promised "
                f"(p = {ratio.p:.2g}, below {settings.srm_alpha:g})",
                "something decides who is in which variant or in the log (redirects, bots, crashes, filters); "
                "find it before any difference is believed",
            ),
        )
    return AbResult(
        str(path), columns.unit, variants, why, ratio.p, ok, settings.one_look, settings.alpha, settings.sharpest,
        units.mixed, tuple(results), planned, advice, tuple(notes), days, looks,
    )  # fmt: skip


def _looks(primary: OutcomeResult, units: int, settings: AbSettings) -> tuple[Look, ...]:
    """Return the planned looks, with the chances of the first challenger; nothing without a plan."""
    if settings.looks is None:
        return ()
    control = primary.control.value
    effect = settings.effect * control if settings.effect is not None and control > 0 else None
    return schedule(units, primary.contrasts[0].error, effect, settings)


def _over_time(
    units: Units, order: Sequence[int], columns: Columns, settings: AbSettings, source: str
) -> tuple[tuple[DayResult, ...], list[str]]:
    """Estimate every outcome by day, if the settings ask for it, and return notes."""
    if not settings.over_time:
        return (), []
    if units.first is None:
        raise SettingError(f"{named('over_time')} needs a column of the time in {source}; name it by {named('time')}")
    watched = [*columns.outcomes, *(guardrail.outcome for guardrail in settings.watched)]
    before = settings.columns_before
    given = [(one, before.get(one.name, before.get("", ""))) for one in watched]
    undated = without_time(units)
    notes = [f"{undated:,} units have no time and are in none of the days"] if undated else []
    return by_day(units, order, given, replace(settings, looks=None, looked=()), source), notes


def _defined(units: Units, order: Sequence[int], columns: Columns) -> tuple[Columns, list[str]]:
    """Leave out the ratios that a variant has no denominator for, and note them."""
    ratios = [outcome for outcome in columns.outcomes if outcome.per]
    empty = [one for one in ratios if any(units.sums[one.per][units.variant == at].sum() <= 0 for at in order)]
    kept = tuple(outcome for outcome in columns.outcomes if outcome not in empty)
    notes = [f"{one.name} is not estimated: a variant has no {one.per}" for one in empty]
    return replace(columns, outcomes=kept), notes


def _about_units(units: Units, source: str, settings: AbSettings) -> list[str]:
    notes = []
    everyone = len(units.variant) + units.mixed
    if units.nameless:
        notes.append(f"{units.nameless:,} of {units.rows:,} rows have no unit or no variant and are skipped")
    if not everyone:
        raise InputError(f"{source}: no row has both a unit and a variant")
    if units.mixed:
        said = (
            f"{units.mixed:,} of {everyone:,} units were seen in more than one variant ({', '.join(units.mixed_first)}"
        )
        said += ", ...)" if units.mixed > len(units.mixed_first) else ")"
        if units.mixed > settings.max_mixed * everyone:
            raise InputError(
                f"{source}: {said}, more than {settings.max_mixed:.2%}: the assignment does not hold; "
                f"check {named('unit')}, or raise {named('max_mixed')} to skip them"
            )
        notes.append(f"{said}; they are skipped")
    return notes


def _order(units: Units, settings: AbSettings, source: str, columns: Columns) -> tuple[list[int], str]:
    """Order the variants with the control first, and say how it was found."""
    names = units.names
    if len(names) < 2:
        raise InputError(
            f"{source}: column {columns.variant!r} has one variant only, {names[0]!r}; an A/B test needs two"
        )
    if len(names) > 20:
        raise InputError(
            f"{source}: column {columns.variant!r} has {len(names):,} different values; set {named('variant')}"
        )
    for option, wanted in (("control", [settings.control] if settings.control else []), ("split", settings.weights)):
        for name in wanted:
            if name not in names:
                raise SettingError(f"{named(option)}: no variant {name!r} in {source}{did_you_mean(name, names)}")
    if settings.weights:
        for name in names:
            if name not in settings.weights:
                near = did_you_mean(name, settings.weights)
                raise SettingError(f"{source}: variant {name!r} is not in {named('split')}{near}")
    control, why = settings.control, f"named by {named('control')}"
    if not control:
        known = {name.casefold(): name for name in reversed(names)}
        control = next((known[word] for word in CONTROLS if word in known), "")
        why = "by its name"
    if not control:
        control, why = names[0], f"the first in order; set another by {named('control')}"
    first = names.index(control)
    return [first, *(at for at in range(len(names)) if at != first)], why


def _look_alikes(names: Sequence[str], counts: Sequence[int]) -> list[str]:
    notes = []
    for name, count in zip(names, counts, strict=True):
        others = {other.casefold(): other for other in names if other != name}
        near = difflib.get_close_matches(name.casefold(), list(others), n=1, cutoff=0.8)
        if near and count < SMALL_SHARE * sum(counts):
            notes.append(f"variant {name!r} has {count:,} units and looks like {others[near[0]]!r} misspelt")
    return notes


def _results(
    units: Units, order: Sequence[int], names: Sequence[str], columns: Columns, settings: AbSettings, source: str
) -> list[OutcomeResult]:
    """Estimate every outcome, with p-values corrected within each role."""
    jobs: list[tuple[Role, Outcome, Guardrail | None]] = [
        *(("primary" if at == 0 else "secondary", outcome, None) for at, outcome in enumerate(columns.outcomes)),
        *(("guardrail", guardrail.outcome, guardrail) for guardrail in settings.watched),
    ]
    columns_before = settings.columns_before
    results = []
    for role, outcome, guardrail in jobs:
        before = columns_before.get(outcome.name, columns_before.get("", ""))
        measured = measure(units, order, outcome, before, source)
        found = contrasts(measured, names, settings)
        watched = _watched(measured, names, guardrail, settings) if guardrail else ()
        results.append(
            OutcomeResult(
                outcome.name, role, measured.kind, measured.percent, outcome.lower, guardrail.rule if guardrail else "",
                interval(measured, 0, settings.alpha), tuple(found), watched, before,
                measured.adjusted.reduction if measured.adjusted else None,
                measured.notes + _fewest(measured) + _too_skewed(measured, found, settings),
            )
        )  # fmt: skip
    return _corrected(results)


def _fewest(measured: Measured) -> tuple[str, ...]:
    if all(not np.ptp(np.array([s.mean for s in measured.samples])) and s.variance == 0 for s in measured.samples):
        return ("every unit has the same value: p = 1",)
    if min(s.n for s in measured.samples) < 2:
        return ("a variant has one unit: no spread can be seen, p = 1",)
    return ()


def _too_skewed(measured: Measured, found: Sequence[Contrast], settings: AbSettings) -> tuple[str, ...]:
    """Say how many units an outcome needs whose difference is too skewed to be decided."""
    notes = []
    for contrast, challenger in zip(found, measured.samples[1:], strict=True):
        units = measured.samples[0].n + challenger.n
        needed = units * (contrast.skewness / MOST_SKEWED) ** 2
        if needed >= units and not settings.one_look:
            notes.append(
                f"{contrast.challenger}: a few large values make most of the difference, so nothing is decided on "
                f"{measured.outcome.name} before about {needed:,.0f} units of the two variants"
            )
    return tuple(notes)


def _watched(
    measured: Measured, names: Sequence[str], guardrail: Guardrail, settings: AbSettings
) -> tuple[Watched, ...]:
    control = measured.samples[0]
    everyone = sum(one.n for one in measured.samples)
    found = []
    for name, challenger in zip(names[1:], measured.samples[1:], strict=True):
        reach = _reach(settings, min(control.n, challenger.n), everyone)(control.n + challenger.n)
        if guardrail.relative and control.mean <= 0:
            found.append(Watched(name, "undecided", 1.0, None))
            continue
        state = within_margin(
            control, challenger, guardrail.bound, relative=guardrail.relative, upper=guardrail.upper, reach=reach
        )
        needed = units_for_guardrail(
            control, challenger, guardrail, _reach(settings, FEWEST_UNITS, everyone), settings.power
        )
        found.append(Watched(name, state.state, state.p, needed))
    return tuple(found)


def _reach(settings: AbSettings, smallest: int, everyone: int) -> Callable[[float], float]:
    """Return the one-sided limits in standard errors, for one look or for the sequence at twice alpha."""
    if settings.one_look:
        return fixed_boundary(2 * settings.alpha)
    if smallest < FEWEST_UNITS:
        return lambda units: float("inf")
    if settings.looks is not None:
        reach = limit_now(everyone, settings, 2 * settings.alpha)
        return lambda units: reach
    return lambda units: boundary(units, horizon=settings.sharpest, alpha=2 * settings.alpha)


def _corrected(results: list[OutcomeResult]) -> list[OutcomeResult]:
    """Correct p-values by Holm within the primary outcome and within all secondary ones. Guardrails are not
    corrected.
    """
    corrected = {id(c): c for result in results for c in result.contrasts}
    for role in ("primary", "secondary"):
        family = [c for result in results if result.role == role for c in result.contrasts]
        one_look = holm(np.array([c.p for c in family]))
        many = holm(np.array([c.sequence.p for c in family]))
        for c, p, q in zip(family, one_look, many, strict=True):
            corrected[id(c)] = _with_p(c, float(p), float(q))
    return [replace(result, contrasts=tuple(corrected[id(c)] for c in result.contrasts)) for result in results]


def _with_p(contrast: Contrast, p: float, sequence: float) -> Contrast:
    return replace(contrast, p_adjusted=p, sequence_p_adjusted=sequence)
