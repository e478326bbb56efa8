"""Estimate one outcome: its values per unit, and each challenger against the control."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ragbench.comparison.ab.looks import at_look
from ragbench.comparison.ab.outcomes import EVENTS, How, Outcome
from ragbench.comparison.ab.results import Contrast, Mean
from ragbench.comparison.ab.settings import AbSettings
from ragbench.comparison.ab.units import Units
from ragbench.core.errors import InputError
from ragbench.stats.online.difference import difference
from ragbench.stats.online.sample import Cuped, Sample, cuped, linearised, ratio, sample, smoothed_rate
from ragbench.stats.online.sequential import AlwaysValid, always_valid
from ragbench.stats.online.tests import compare_proportions, mann_whitney, relative_difference, welch, wilson

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Measured:
    """One outcome over all variants.

    Attributes:
        outcome: the outcome, with a definite ``how``.
        kind: kind of outcome, in words.
        binary: whether each unit has one 0 or 1.
        percent: whether values are shares.
        values: (v) arrays with one value per unit, linearised for ratios and adjusted for CUPED.
        samples: (v) size, mean and variance of each.
        adjusted: the result of CUPED, or None.
        notes: notes for the reader.
    """

    outcome: Outcome
    kind: str
    binary: bool
    percent: bool
    values: tuple[Floats, ...]
    samples: tuple[Sample, ...]
    adjusted: Cuped | None
    notes: tuple[str, ...]


def measure(units: Units, order: Sequence[int], outcome: Outcome, before: str, source: str) -> Measured:
    """Compute the values of one outcome per unit, by variant.

    Args:
        units: the units.
        order: variants, the control first.
        outcome: the outcome.
        before: pre-period column, or empty.
        source: file, for messages.

    Raises:
        InputError: a value is not possible for the outcome.
    """
    how = settled(units, outcome, source)
    rows = [np.flatnonzero(units.variant == at) for at in order]
    percent, notes = _percent(units, outcome, how), []
    if how in ("mean", "ratio"):
        total, count, kind = _ratio_parts(units, outcome, how, source)
        samples, values = [], []
        for at, chosen in zip(order, rows, strict=True):
            found, pieces = ratio(total[chosen], count[chosen]), linearised(total[chosen], count[chosen])
            if found is None or pieces is None:
                raise InputError(f"{source}: {outcome.name}: the denominator of variant {units.names[at]!r} is 0")
            samples.append(found)
            values.append(pieces[1])
    else:
        total = units.sums[outcome.column]
        whole = (total > 0).astype(np.float64) if how == "any" else total
        kind = "share of units with a 1" if how == "any" else "mean of the units' totals"
        values = [whole[chosen] for chosen in rows]
        samples = [sample(v) for v in values]
    if outcome.label:
        kind = f"{outcome.label}, {kind}"
    empty = units.facts[outcome.column].empty
    if empty:
        said = "are skipped" if how == "mean" else "count 0"
        notes.append(f"{outcome.column}: {empty:,} empty cells {said}")
    settled_outcome = Outcome(outcome.column, outcome.per, how, outcome.lower)
    if not before:
        return Measured(settled_outcome, kind, how == "any", percent, tuple(values), tuple(samples), None, tuple(notes))
    adjusted = _adjusted(units, rows, values, before)
    if adjusted.missing:
        notes.append(f"{before}: {adjusted.missing:,} units have no value and stay as they are")
    cuts = np.cumsum([len(v) for v in values])[:-1]
    values = np.split(adjusted.values, cuts)
    samples = [sample(v) for v in values]
    kind += f", CUPED by {before}"
    return Measured(settled_outcome, kind, False, percent, tuple(values), tuple(samples), adjusted, tuple(notes))


def settled(units: Units, outcome: Outcome, source: str) -> How:
    """Decide how an outcome is counted, and check the values of its column.

    Raises:
        InputError: a rate has values other than 0 and 1, or a column that looks like a rate has one such value.
    """
    facts, how = units.facts[outcome.column], outcome.how
    where = f"{source}, data row {facts.low_row}, column {outcome.column!r}"
    if facts.low > facts.high:
        raise InputError(f"{source}: column {outcome.column!r} has no value in any row")
    if how == "any" and not facts.binary:
        raise InputError(
            f"{where}: a rate needs 0 and 1, and this column goes from {facts.low:g} to {facts.high:g}; "
            f"write {outcome.column}:sum for a mean"
        )
    if how == "auto":
        if facts.whole and facts.low < 0 and facts.high in (0, 1):
            raise InputError(
                f"{where}: {facts.low:g} in a column that otherwise looks like a rate (0 and 1); correct it, "
                f"or write {outcome.column}:sum if it is a number"
            )
        return "any" if facts.binary else "sum"
    return how


def contrasts(measured: Measured, names: Sequence[str], settings: AbSettings) -> list[Contrast]:
    """Compare each challenger with the control, without correcting p-values.

    Args:
        measured: the outcome.
        names: names of the variants, the control first.
        settings: error rates and power.
    """
    control = measured.samples[0]
    found = []
    for at in range(1, len(names)):
        challenger = measured.samples[at]
        test = welch(control, challenger, confidence=1 - settings.alpha)
        low, high, p, said = test.low, test.high, test.p, test.test
        seen = (control, challenger)
        if measured.binary:
            pair = (_count(measured, 0), control.n), (_count(measured, at), challenger.n)
            shares = compare_proportions(*pair, confidence=1 - settings.alpha)
            low, high, p, said = shares.low, shares.high, shares.p, shares.test
            seen = smoothed_rate(control), smoothed_rate(challenger)
        compared = difference(*seen)
        sizes = (control.n, challenger.n)
        ranks = None
        if measured.outcome.how == "sum" and measured.adjusted is None:
            ranks = mann_whitney(measured.values[0], measured.values[at])
        if settings.looks is not None:
            sequence = at_look(compared, sizes, sum(one.n for one in measured.samples), settings)
        else:
            sequence = always_valid(compared, sizes, horizon=settings.sharpest, alpha=settings.alpha)
        relative = relative_difference(control, challenger, _quantile(settings.alpha))
        if low is None and relative is not None:
            relative = (relative[0], None, None)
        if measured.binary and sequence.low is not None and sequence.high is not None:
            sequence = AlwaysValid(sequence.p, max(sequence.low, -1.0), min(sequence.high, 1.0))
        found.append(
            Contrast(
                names[at],
                interval(measured, at, settings.alpha),
                test.difference,
                low,
                high,
                relative,
                p,
                p,
                said,
                sequence,
                sequence.p,
                ranks.p if ranks else None,
                ranks.superiority if ranks else None,
                float(np.hypot(seen[0].error, seen[1].error)),
                test.difference < 0 if measured.outcome.lower else test.difference > 0,
                compared.skewness,
            )
        )
    return found


def interval(measured: Measured, at: int, alpha: float) -> Mean:
    """Return the mean of one variant, with Wilson's interval for a share, else a t interval."""
    found = measured.samples[at]
    if measured.binary:
        return Mean(found.mean, *wilson(_count(measured, at), found.n, confidence=1 - alpha))
    if found.n < 2:
        return Mean(found.mean, None, None)
    from scipy.stats import t as student

    reach = float(student.ppf(1 - alpha / 2, found.n - 1)) * found.error
    return Mean(found.mean, found.mean - reach, found.mean + reach)


def _ratio_parts(units: Units, outcome: Outcome, how: str, source: str) -> tuple[Floats, Floats, str]:
    if how == "mean":
        return units.sums[outcome.column], units.counts[outcome.column], "mean per event, clustered by unit"
    if outcome.per == EVENTS and EVENTS not in units.sums:
        return units.sums[outcome.column], units.events, "ratio of totals, delta method"
    facts = units.facts[outcome.per]
    if facts.low < 0:
        raise InputError(f"{source}, data row {facts.low_row}, column {outcome.per!r}: {facts.low:g} as a denominator")
    return units.sums[outcome.column], units.sums[outcome.per], "ratio of totals, delta method"


def _percent(units: Units, outcome: Outcome, how: str) -> bool:
    return how == "any" or (how == "mean" and units.facts[outcome.column].binary)


def _adjusted(units: Units, rows: list[npt.NDArray[np.int64]], values: list[Floats], before: str) -> Cuped:
    chosen = np.concatenate(rows)
    counts = units.counts[before][chosen]
    with np.errstate(invalid="ignore"):
        known = np.where(counts > 0, units.sums[before][chosen] / np.maximum(counts, 1), np.nan)
    variants = np.repeat(np.arange(len(rows)), [len(r) for r in rows])
    return cuped(np.concatenate(values), known, variants)


def _count(measured: Measured, at: int) -> int:
    return int(measured.values[at].sum())


def _quantile(alpha: float) -> float:
    from scipy.stats import norm

    return float(norm.isf(alpha / 2))
