"""Read events from a CSV or Parquet file in blocks, with only the columns that are needed."""

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ragbench.comparison.ab.outcomes import EVENTS, Outcome
from ragbench.comparison.ab.settings import CONVERTED, ORDER_VALUE, OUTCOMES, ROWS, TIMES, UNITS, VARIANTS, AbSettings
from ragbench.core.errors import InputError, did_you_mean
from ragbench.core.spelling import given, named
from ragbench.io.tables import open_parquet

BLOCK_ROWS = 1 << 20
BLOCK_BYTES = 1 << 24
NO_VALUE = ["", "NULL", "null"]
"""Cells of a CSV file that count as empty. ``NaN`` does not, because it is the result of a faulty computation."""


@dataclass(frozen=True)
class EventsFile:
    """A file whose columns are known, and whose rows are read later.

    Attributes:
        path: the file.
        columns: names of the columns, in the file's order.
    """

    path: Path
    columns: tuple[str, ...]

    @property
    def is_parquet(self) -> bool:
        """Whether the file is Parquet; else it is CSV."""
        return self.path.suffix.lower() in (".parquet", ".pq")

    def need(self, column: str, option: str) -> str:
        """Check that the file has the column, and return it.

        Raises:
            InputError: it does not; the message suggests the nearest name and the option to set.
        """
        if column not in self.columns:
            raise InputError(
                f"{self.path}: no column {column!r}{did_you_mean(column, self.columns)}; set it by {named(option)}"
            )
        return column

    def tells_time(self, column: str) -> bool:
        """Whether a column holds dates, timestamps or numbers. A time of day alone is none of them."""
        import pyarrow as pa

        kinds = self._kinds() if self.is_parquet else self._guessed_types()
        kind = kinds[column]
        is_point = pa.types.is_timestamp(kind) or pa.types.is_date(kind)
        return bool(is_point or pa.types.is_floating(kind) or pa.types.is_integer(kind))

    def _kinds(self) -> dict[str, Any]:
        with open_parquet(self.path) as file:
            return {field.name: field.type for field in file.schema_arrow}

    def blocks(self, keys: list[str], numbers: list[str], times: list[str]) -> Iterator[Any]:
        """Iterate over tables of about a million rows.

        Args:
            keys: columns that are read unchanged (as text from CSV).
            numbers: columns that are read as float64; true and false become 1 and 0.
            times: columns that are read as a date or time, or as numbers.

        Raises:
            InputError: a cell is not a number, or the file is broken; the message names the line (CSV) or row
                (Parquet).
        """
        wanted = list(dict.fromkeys([*keys, *numbers, *times]))
        yield from (self._parquet(wanted, numbers) if self.is_parquet else self._csv(keys, numbers, times))

    def _parquet(self, wanted: list[str], numbers: list[str]) -> Iterator[Any]:
        import pyarrow as pa

        read = 0
        try:
            with open_parquet(self.path) as file:
                for batch in file.iter_batches(BLOCK_ROWS, columns=wanted):
                    table = pa.table(batch)
                    table.validate(full=True)
                    for name in numbers:
                        at = table.column_names.index(name)
                        table = table.set_column(at, name, self._as_numbers(table[name], name, read))
                    read += len(table)
                    yield table
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"{self.path}: not a Parquet file that can be read: {error}") from None

    def _as_numbers(self, column: Any, name: str, read: int) -> Any:
        import pyarrow as pa

        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        try:
            if pa.types.is_boolean(column.type) or pa.types.is_decimal(column.type):
                return column.cast(pa.int8() if pa.types.is_boolean(column.type) else pa.float64()).cast(pa.float64())
            return (
                column.cast(pa.float64(), safe=False) if pa.types.is_integer(column.type) else column.cast(pa.float64())
            )
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            for row, value in enumerate(column.to_pylist()):
                if value is not None and not _is_number(value):
                    raise self._no_number(f"row {read + row + 1}", name, value) from None
            raise InputError(f"{self.path}: column {name!r} has the type {column.type}, not numbers") from None

    def _no_number(self, where: str, name: str, value: object) -> InputError:
        return InputError(
            f"{self.path}, {where}, column {name!r}: {str(value)[:40]!r} is no number; "
            "correct it, or leave the cell empty if there is no value"
        )

    def _csv(self, keys: list[str], numbers: list[str], times: list[str]) -> Iterator[Any]:
        import pyarrow as pa
        import pyarrow.csv as pc

        guessed = self._guessed_types()
        types = {name: pa.string() for name in keys}
        types |= {name: pa.bool_() if guessed[name] == pa.bool_() else pa.float64() for name in numbers}
        types |= {n: guessed[n] if pa.types.is_temporal(guessed[n]) else pa.float64() for n in times}
        convert = pc.ConvertOptions(
            column_types=types, include_columns=list(types), null_values=NO_VALUE, strings_can_be_null=True
        )
        try:
            with pc.open_csv(
                self.path, read_options=pc.ReadOptions(block_size=BLOCK_BYTES), convert_options=convert
            ) as reader:
                for batch in reader:
                    table = pa.table(batch)
                    for name in numbers:
                        if types[name] == pa.bool_():
                            at = table.column_names.index(name)
                            table = table.set_column(at, name, table[name].cast(pa.int8()).cast(pa.float64()))
                    yield table
        except (pa.ArrowInvalid, UnicodeDecodeError) as error:
            raise self._where_csv_is_wrong([n for n in numbers if types[n] == pa.float64()], str(error)) from None

    def _guessed_types(self) -> dict[str, Any]:
        """Guess the types of columns from the first block of the file."""
        import pyarrow as pa
        import pyarrow.csv as pc

        try:
            with pc.open_csv(self.path, convert_options=pc.ConvertOptions(null_values=NO_VALUE)) as reader:
                return {field.name: field.type for field in reader.schema}
        except pa.ArrowInvalid as error:
            raise self._where_csv_is_wrong([], str(error)) from None

    def _where_csv_is_wrong(self, numbers: list[str], reason: str) -> InputError:
        """Search line by line for the first cell that is not a number, or the first row of another length."""
        with self.path.open(encoding="utf-8-sig", newline="", errors="replace") as file:
            rows = csv.reader(file)
            head = next(rows, [])
            for row in rows:
                if row and len(row) != len(head):
                    return InputError(
                        f"{self.path}, line {rows.line_num}: {len(row)} cells, but the head has {len(head)} columns"
                    )
                for name, value in zip(head, row, strict=False):
                    if name in numbers and value not in NO_VALUE and not _is_number(value):
                        return self._no_number(f"line {rows.line_num}", name, value)
        return InputError(f"{self.path}: not a CSV file that can be read: {reason}")


def open_events(path: Path) -> EventsFile:
    """Open a file and read its columns.

    Raises:
        InputError: the file does not exist, is empty, or is neither CSV nor Parquet.
    """
    import pyarrow as pa

    if not path.is_file():
        said = "is a folder; name a CSV or Parquet file" if path.is_dir() else "there is no such file"
        raise InputError(f"{path}: {said}")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: the file is empty")
    if path.suffix.lower() in (".parquet", ".pq"):
        try:
            with open_parquet(path) as file:
                return EventsFile(path, tuple(file.schema_arrow.names))
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"{path}: not a Parquet file that can be read: {error}") from None
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            head = next(csv.reader(file), [])
    except (UnicodeDecodeError, csv.Error):
        raise InputError(f"{path}: not a CSV file in UTF-8; give CSV with a head line, or Parquet") from None
    twice = sorted({name for name in head if head.count(name) > 1})
    if twice:
        raise InputError(f"{path}, line 1: column {twice[0]!r} stands there twice")
    return EventsFile(path, tuple(head))


def _is_number(value: object) -> bool:
    try:
        return not math.isnan(float(value))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False


@dataclass(frozen=True)
class Columns:
    """The columns of an analysis.

    Attributes:
        unit: column of the unit, or ``row``.
        variant: column of the variant.
        time: column of the time, or empty.
        outcomes: the outcomes; the first one decides.
        numbers: all columns to sum.
        notes: assumptions that were made.
    """

    unit: str
    variant: str
    time: str
    outcomes: tuple[Outcome, ...]
    numbers: tuple[str, ...]
    notes: tuple[str, ...]


def find_columns(file: EventsFile, settings: AbSettings) -> Columns:
    """Find the columns that the user named, or the usual ones.

    Raises:
        InputError: a column is missing.
    """
    notes = []
    variant = settings.variant or next((name for name in VARIANTS if name in file.columns), VARIANTS[0])
    file.need(variant, "variant")
    unit = settings.unit or next((name for name in UNITS if name in file.columns), "")
    if not unit:
        unit = ROWS
        notes.append(
            f"no column user_id: every row counts as one unit; if users come back, name theirs by {named('unit')}"
        )
    elif unit != ROWS or ROWS in file.columns:
        file.need(unit, "unit")
    outcomes = settings.measured or tuple(
        outcome for outcome in OUTCOMES if {outcome.column, outcome.per or outcome.column} <= {*file.columns}
    )
    if not outcomes:
        raise InputError(
            f"{file.path}: no column {CONVERTED} or {ORDER_VALUE}; name the outcomes by {named('outcomes')}"
            f"{did_you_mean(CONVERTED, file.columns)}"
        )
    numbers: list[str] = []
    for outcome in [*outcomes, *(guardrail.outcome for guardrail in settings.watched)]:
        option = "outcomes" if outcome in outcomes else "guardrails"
        numbers.append(file.need(outcome.column, option))
        if outcome.per and not (outcome.per == EVENTS and EVENTS not in file.columns):
            numbers.append(file.need(outcome.per, option))
    names = {o.name for o in outcomes} | {g.outcome.name for g in settings.watched}
    for name, column in settings.columns_before.items():
        if name and name not in names:
            raise InputError(f"{given('before', f'{name}={column}')}: no outcome {name!r}{did_you_mean(name, names)}")
        numbers.append(file.need(column, "before"))
    for column in numbers:
        if column in (variant, unit):
            raise InputError(f"column {column!r} is the unit or the variant and cannot be an outcome too")
    time = settings.time or next((name for name in TIMES if name in file.columns), "")
    if time:
        file.need(time, "time")
    if time and not file.tells_time(time):
        if settings.time:
            raise InputError(
                f"{file.path}: column {time!r} holds no dates, timestamps or numbers; write 2026-01-31T12:00:00"
            )
        notes.append(f"column {time!r} holds no dates or times: no rate of arrival")
        time = ""
    return Columns(unit, variant, time, outcomes, tuple(dict.fromkeys(numbers)), tuple(notes))
