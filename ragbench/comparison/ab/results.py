"""What an A/B analysis found; no number is ever NaN."""

from dataclasses import dataclass
from typing import Literal

from ragbench.core.shown import Shown
from ragbench.stats.online.margin import State
from ragbench.stats.online.sequential import AlwaysValid

Decision = Literal["promote", "roll back", "go on", "no verdict"]
Role = Literal["primary", "secondary", "guardrail"]


@dataclass(frozen=True)
class Variant:
    """One variant's share of the units.

    Attributes:
        name: as in the file.
        units: analysed.
        expected: by the split.
        events: rows.
    """

    name: str
    units: int
    expected: float
    events: int


@dataclass(frozen=True)
class Mean:
    """One variant's rate, mean or ratio, with its interval; None for ends that two units would be needed for."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Contrast:
    """One challenger against the control on one outcome.

    Attributes:
        challenger: its name.
        value: the challenger's own mean.
        difference, low, high: challenger minus control, for one look; None where there is none.
        relative: the difference as a share of the control, with its interval; None where the control is not above 0.
        p: two-sided, for one look.
        p_adjusted: Holm, among the contrasts of the same role.
        test: which test gave p.
        sequence: p and interval that hold for any number of looks.
        sequence_p_adjusted: Holm, among the same.
        rank_p: Mann-Whitney's p; None where it does not apply.
        superiority: share of pairs of units in which the challenger's value is larger; None as ``rank_p``.
        error: standard error of the difference.
        better: the difference goes the wanted way (False also for no difference).
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


@dataclass(frozen=True)
class Watched:
    """A guardrail's state for one challenger.

    Attributes:
        challenger: its name.
        state: kept, broken or undecided.
        p: of "the margin is reached or passed", for one look.
        units_needed: in all, to keep it with the power asked for if nothing changes in truth; None if unknown.
    """

    challenger: str
    state: State
    p: float
    units_needed: int | None


@dataclass(frozen=True)
class OutcomeResult:
    """One outcome over all variants.

    Attributes:
        name: as the user named it.
        role: the primary outcome decides.
        kind: in words: ``share of units with a 1``.
        percent: values are shares.
        lower: lower is better.
        rule: of a guardrail, else empty.
        control: the control's mean.
        contrasts: one per challenger.
        watched: of a guardrail: one per challenger.
        before: pre-period column, or empty.
        reduction: share of variance that CUPED removed.
        notes: what a reader must know.
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
    """What more units would show on the primary outcome.

    Attributes:
        power: chance of finding the effect.
        units: now.
        smallest: effect that the present units can show, absolute.
        smallest_relative: the same as a share of the control; None where that is not above 0.
        wanted: effect that ``units_needed`` is for: the one asked for, else half of ``smallest``.
        wanted_relative: as a share of the control.
        asked: the user said which effect.
        units_needed: in all; None if beyond all bounds.
        per_day: units that arrive in a day; None without a time column.
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

    @property
    def more(self) -> int | None:
        """Units that are missing."""
        return None if self.units_needed is None else max(0, self.units_needed - self.units)

    @property
    def days(self) -> float | None:
        """Until they are there, at the present rate."""
        return None if self.more is None or not self.per_day else self.more / self.per_day


@dataclass(frozen=True)
class DayResult:
    """One challenger against the control on one outcome, on one day.

    Attributes:
        outcome: its name.
        challenger: its name.
        day: ISO date in UTC on which the units were first seen.
        units: of the day, of both variants.
        difference, low, high: of the day's units by themselves, with the interval of one look; None where a variant
            has none. Among many days some lie apart by chance.
        units_so_far: of this day and all days before.
        so_far: the difference over those; None where a variant has none.
        any_low, any_high: its interval that holds for any number of looks; None before the sequence begins.
        any_p: p-value of the same kind; not corrected.
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


@dataclass(frozen=True)
class Recommendation:
    """What to do.

    Attributes:
        decision: promote, roll back, go on, or no verdict.
        variant: the challenger to promote, or empty.
        reasons: one sentence each, the weightiest first.
    """

    decision: Decision
    variant: str
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class AbResult(Shown):
    """A whole analysis.

    Attributes:
        source: file or runs.
        unit: column of the unit.
        variants: the control first.
        control_why: how the control was found.
        srm_p: of the sample-ratio check.
        srm_ok: the split is as promised.
        final: the tests of one look decide; else the always-valid ones.
        alpha: error rate of the verdict.
        horizon: of the sequence.
        mixed: units that were seen in several variants, and left out.
        outcomes: the primary one first, guardrails last.
        plan: None where no verdict is given or nothing varies.
        recommendation: the verdict.
        notes: what a reader must know.
        over_time: by outcome, challenger and day, where it was asked for.
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
