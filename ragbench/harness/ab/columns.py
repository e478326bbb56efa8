"""Which columns of the file are meant."""

from dataclasses import dataclass

from ragbench.core.errors import InputError, did_you_mean
from ragbench.harness.ab.events_file import EventsFile
from ragbench.harness.ab.outcomes import EVENTS, Outcome
from ragbench.harness.ab.settings import OUTCOMES, ROWS, TIMES, UNITS, VARIANTS, AbSettings


@dataclass(frozen=True)
class Columns:
    """Columns that are there.

    Attributes:
        unit: of the unit, or ``row``.
        variant: of the variant.
        time: of the time, or empty.
        outcomes: the first one decides.
        numbers: all columns to add up.
        notes: what was assumed.
    """

    unit: str
    variant: str
    time: str
    outcomes: tuple[Outcome, ...]
    numbers: tuple[str, ...]
    notes: tuple[str, ...]


def find_columns(file: EventsFile, settings: AbSettings) -> Columns:
    """Names that the user gave, else the usual ones.

    Raises:
        InputError: a column is not there.
    """
    notes = []
    variant = settings.variant or next((name for name in VARIANTS if name in file.columns), VARIANTS[0])
    file.need(variant, "--variant")
    unit = settings.unit or next((name for name in UNITS if name in file.columns), "")
    if not unit:
        unit = ROWS
        notes.append("no column user_id: every row counts as one unit; if users come back, name theirs by --unit")
    elif unit != ROWS or ROWS in file.columns:
        file.need(unit, "--unit")
    outcomes = settings.outcomes or tuple(Outcome(name) for name in OUTCOMES if name in file.columns)
    if not outcomes:
        raise InputError(
            f"{file.path}: no column {' or '.join(OUTCOMES)}; name the outcomes by --outcome"
            f"{did_you_mean(OUTCOMES[0], file.columns)}"
        )
    numbers: list[str] = []
    for outcome in [*outcomes, *(guardrail.outcome for guardrail in settings.guardrails)]:
        option = "--outcome" if outcome in outcomes else "--guardrail"
        numbers.append(file.need(outcome.column, option))
        if outcome.per and not (outcome.per == EVENTS and EVENTS not in file.columns):
            numbers.append(file.need(outcome.per, option))
    names = {o.name for o in outcomes} | {g.outcome.name for g in settings.guardrails}
    for name, column in settings.before.items():
        if name and name not in names:
            raise InputError(f"--before {name}={column}: no outcome {name!r}{did_you_mean(name, names)}")
        numbers.append(file.need(column, "--before"))
    for column in numbers:
        if column in (variant, unit):
            raise InputError(f"column {column!r} is the unit or the variant and cannot be an outcome too")
    time = settings.time or next((name for name in TIMES if name in file.columns), "")
    if time:
        file.need(time, "--time")
    if time and not file.tells_time(time):
        if settings.time:
            raise InputError(
                f"{file.path}: column {time!r} holds no dates, times or numbers; write 2026-01-31T12:00:00"
            )
        notes.append(f"column {time!r} holds no dates or times: no rate of arrival")
        time = ""
    return Columns(unit, variant, time, outcomes, tuple(dict.fromkeys(numbers)), tuple(notes))
