"""Results of an A/B analysis. No number is NaN."""

from dataclasses import dataclass
from typing import Literal

from ragbench.core.brief import brief
from ragbench.core.shown import Shown
from ragbench.stats.online.sequential import AlwaysValid
from ragbench.stats.online.tests import State

Decision = Literal["promote", "roll back", "go on", "no verdict"]
Role = Literal["primary", "secondary", "guardrail"]


@dataclass(frozen=True)
class Variant:
    """One variant's share of the units.

    Attributes:
        name: name in the file.
        units: analysed units.
        expected: units expected from the split.
        events: number of rows.
    """

    name: str
    units: int
    expected: float
    events: int


@dataclass(frozen=True)
class Mean:
    """Rate, mean or ratio of one variant, with its interval; the ends are None with fewer than two units."""

    value: float
    low: float | None
    high: float | None


@brief
@dataclass(frozen=True)
class Contrast:
    """One challenger against the control on one outcome.

    Attributes:
        challenger: name of the challenger.
        value: mean of the challenger.
        difference, low, high: challenger minus control with the interval of one look; None if there is none.
        relative: the difference as a share of the control, with its interval; None if the control is not above 0.
        p: two-sided p-value of one look.
        p_adjusted: p corrected by Holm over the contrasts of the same role.
        test: name of the test that gave p.
        sequence: p-value and interval that are valid for any number of looks, or for the planned looks together.
        sequence_p_adjusted: p-value of the sequence, corrected in the same way.
        rank_p: p-value of Mann-Whitney; None if it does not apply.
        superiority: share of pairs of units in which the challenger's value is larger; None if ``rank_p`` is.
        error: standard error of the difference.
        better: whether the difference has the wanted direction (False for no difference).
        skewness: skewness of the difference, from the pooled values; 0 for variants of equal size.
    """

    challenger: str
    value: Mean
    difference: float
    low: float | None
    high: float | None
    relative: tuple[float, float | None, float | None] | None
    p: float
    p_adjusted: float
    test: str
    sequence: AlwaysValid
    sequence_p_adjusted: float
    rank_p: float | None
    superiority: float | None
    error: float
    better: bool
    skewness: float = 0.0


@dataclass(frozen=True)
class Watched:
    """State of a guardrail for one challenger.

    Attributes:
        challenger: name of the challenger.
        state: kept, broken or undecided.
        p: p-value of the hypothesis that the margin is reached or passed, for one look.
        units_needed: units in all that keep it with the planned power if the variants do not differ; None if unknown.
    """

    challenger: str
    state: State
    p: float
    units_needed: int | None


@brief
@dataclass(frozen=True)
class OutcomeResult:
    """One outcome over all variants.

    Attributes:
        name: name that the user gave.
        role: role of the outcome; the primary one decides.
        kind: kind of outcome in words, as ``share of units with a 1``.
        percent: whether values are shares.
        lower: whether lower values are better.
        rule: rule of a guardrail, else empty.
        control: mean of the control.
        contrasts: one per challenger.
        watched: states of a guardrail, one per challenger.
        before: pre-period column, or empty.
        reduction: share of variance that CUPED removed.
        notes: notes for the reader.
    """

    name: str
    role: Role
    kind: str
    percent: bool
    lower: bool
    rule: str
    control: Mean
    contrasts: tuple[Contrast, ...]
    watched: tuple[Watched, ...]
    before: str
    reduction: float | None
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """A plan for more units on the primary outcome.

    Attributes:
        power: probability of detecting the effect.
        units: present units.
        smallest: smallest absolute effect that the present units can detect.
        smallest_relative: the same as a share of the control; None if the control is not above 0.
        wanted: effect that ``units_needed`` refers to: the given one, or half of ``smallest``.
        wanted_relative: the same as a share of the control.
        asked: whether the user gave the effect.
        units_needed: units needed in all; None if out of reach.
        conditional_power: with planned looks and a given effect: the chance that the last look finds the effect, if it
            is true, given the data so far.
        per_day: new units per day; None without a time column.
    """

    power: float
    units: int
    smallest: float
    smallest_relative: float | None
    wanted: float
    wanted_relative: float | None
    asked: bool
    units_needed: int | None
    per_day: float | None
    conditional_power: float | None = None

    @property
    def more(self) -> int | None:
        """Units that are still needed."""
        return None if self.units_needed is None else max(0, self.units_needed - self.units)

    @property
    def days(self) -> float | None:
        """Days until these units have come, at the present rate."""
        return None if self.more is None or not self.per_day else self.more / self.per_day


@dataclass(frozen=True)
class Look:
    """One planned look.

    Attributes:
        units: units of all variants.
        boundary: standard errors at which a difference counts.
        spent: error rate that is used up to this look.
        chance: probability of having found the effect that matters by this look, if it is true; None without an effect.
        now: whether this is the present look.
    """

    units: int
    boundary: float
    spent: float
    chance: float | None
    now: bool


@brief
@dataclass(frozen=True)
class DayResult:
    """One challenger against the control on one outcome, on one day.

    Attributes:
        outcome: name of the outcome.
        challenger: name of the challenger.
        day: ISO date in UTC on which the units were first seen.
        units: units of the day, of both variants.
        difference, low, high: difference of the day's units alone, with the interval of one look; None if a variant has
            none. Among many days, some differ by chance.
        units_so_far: units of this day and all days before.
        so_far: the difference over these units; None if a variant has none.
        any_low, any_high: its interval for any number of looks; None before the sequence begins.
        any_p: its p-value for any number of looks, not corrected.
    """

    outcome: str
    challenger: str
    day: str
    units: int
    difference: float | None
    low: float | None
    high: float | None
    units_so_far: int
    so_far: float | None
    any_low: float | None
    any_high: float | None
    any_p: float


@brief
@dataclass(frozen=True)
class Recommendation:
    """The advice.

    Attributes:
        decision: promote, roll back, go on, or no verdict.
        variant: the challenger to promote, or empty.
        reasons: reasons, one sentence each, most important first.
    """

    decision: Decision
    variant: str
    reasons: tuple[str, ...]


@brief
@dataclass(frozen=True)
class AbResult(Shown):
    """The result of an analysis.

    Attributes:
        source: the file or the runs.
        unit: column of the unit.
        variants: the variants, the control first.
        control_why: how the control was found.
        srm_p: p-value of the check for a sample ratio mismatch.
        srm_ok: whether the split is as promised.
        final: whether the tests of one look decide; else the always-valid ones do.
        alpha: error rate of the verdict.
        horizon: horizon of the sequence, in units.
        mixed: units that were seen in several variants, and skipped.
        outcomes: results of the outcomes, the primary one first and guardrails last.
        plan: the plan; None if there is no verdict or nothing varies.
        recommendation: the advice.
        notes: notes for the reader.
        over_time: results by outcome, challenger and day, if requested.
        looks: the planned looks, past and to come; empty without ``looks`` in the settings.
    """

    source: str
    unit: str
    variants: tuple[Variant, ...]
    control_why: str
    srm_p: float
    srm_ok: bool
    final: bool
    alpha: float
    horizon: int
    mixed: int
    outcomes: tuple[OutcomeResult, ...]
    plan: Plan | None
    recommendation: Recommendation
    notes: tuple[str, ...]
    over_time: tuple[DayResult, ...] = ()
    looks: tuple[Look, ...] = ()
