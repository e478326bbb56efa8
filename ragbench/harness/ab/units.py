"""Events to units: one row per unit with its variant, totals and counts."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ragbench.core.errors import InputError
from ragbench.harness.ab.events_file import EventsFile
from ragbench.harness.ab.settings import ROWS

MERGE_ROWS = 4_000_000
UNIT, VARIANT, EVENTS, FIRST = "unit", "variant", "events", "first"


@dataclass
class ColumnFacts:
    """What all cells of one column have in common.

    Attributes:
        low, high: smallest and largest value.
        empty: cells without a value.
        binary: only 0 and 1.
        whole: only whole numbers.
        low_row: data row of the smallest value, from 1.
    """

    low: float = np.inf
    high: float = -np.inf
    empty: int = 0
    binary: bool = True
    whole: bool = True
    low_row: int = 0


@dataclass(frozen=True, eq=False)
class Units:
    """Units of an experiment as columns of length n.

    Attributes:
        names: of the variants, sorted.
        variant: (n,) index into ``names``.
        events: (n,) rows of each unit.
        sums: (n,) total by column, empty cells adding nothing.
        counts: (n,) cells with a value, by column.
        first: (n,) seconds since 1970 at which a unit was first seen; None without a time column.
        facts: by column.
        rows: rows read.
        nameless: rows without a unit or a variant, left out.
        mixed: units in several variants, left out.
        mixed_first: some of their ids.
    """

    names: tuple[str, ...]
    variant: npt.NDArray[np.int64]
    events: npt.NDArray[np.float64]
    sums: dict[str, npt.NDArray[np.float64]]
    counts: dict[str, npt.NDArray[np.float64]]
    first: npt.NDArray[np.float64] | None
    facts: dict[str, ColumnFacts]
    rows: int
    nameless: int
    mixed: int
    mixed_first: tuple[str, ...]


@dataclass
class _Reading:
    """State of one pass over the file."""

    file: EventsFile
    codes: dict[str, int] = field(default_factory=dict)
    facts: dict[str, ColumnFacts] = field(default_factory=dict)
    rows: int = 0
    nameless: int = 0
    parts: list[Any] = field(default_factory=list)
    waiting: int = 0


def read_units(file: EventsFile, unit: str, variant: str, numbers: Sequence[str], time: str) -> Units:
    """Read a file in one pass; memory grows with the units, not with the rows.

    Args:
        file: the file.
        unit: column of the unit, or ``row``.
        variant: column of the variant.
        numbers: columns to add up.
        time: column of the time, or empty.

    Raises:
        InputError: a value that is not finite or no number, no row at all.
    """
    reading = _Reading(file, facts={name: ColumnFacts() for name in numbers})
    keys = [variant] if unit == ROWS else [unit, variant]
    for block in file.blocks(keys, list(numbers), [time] if time else []):
        if len(block):
            reading.parts.append(_grouped(_plain(reading, block, unit, variant, time), unit == ROWS))
            reading.rows += len(block)
            reading.waiting += len(reading.parts[-1])
            if reading.waiting > MERGE_ROWS and unit != ROWS:
                reading.parts, reading.waiting = [_merged(reading.parts)], 0
    if not reading.rows:
        raise InputError(f"{file.path}: there is a head but no row")
    whole = reading.parts[0] if len(reading.parts) == 1 else _merged(reading.parts, join_only=unit == ROWS)
    reading.parts = []
    return _units(reading, whole, unit == ROWS, list(numbers), bool(time))


def _plain(reading: _Reading, block: Any, unit: str, variant: str, time: str) -> Any:
    """A block with variants as numbers, times as seconds, and rows without a name left out."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for name, facts in reading.facts.items():
        _check(reading, block[name], name, facts)
    columns = {VARIANT: pa.array(_codes(block[variant].combine_chunks(), reading.codes))}
    if unit != ROWS:
        columns[UNIT] = _ids(block[unit])
    for name in reading.facts:
        columns[f"v:{name}"] = block[name]
    if time:
        columns[FIRST] = _seconds(block[time])
    table = pa.table(columns)
    named = pc.greater_equal(table[VARIANT], 0)
    if unit != ROWS:
        named = pc.and_(named, pc.is_valid(table[UNIT]))
    kept = pc.sum(named).as_py() or 0
    if kept < len(table):
        reading.nameless += len(table) - kept
        table = table.filter(named)
    return table


def _check(reading: _Reading, column: Any, name: str, facts: ColumnFacts) -> None:
    """Refuse what is not finite; take note of the range."""
    values = column.to_numpy()
    empty = column.null_count
    facts.empty += empty
    if empty:
        known = ~column.is_null().to_numpy()
        rows, values = np.flatnonzero(known), values[known]
    if not len(values):
        return
    low, high = float(values.min()), float(values.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        at = int(np.flatnonzero(~np.isfinite(values))[0])
        row = reading.rows + int(rows[at] if empty else at) + 1
        raise InputError(
            f"{reading.file.path}, data row {row}, column {name!r}: {values[at]} is no finite number; "
            "correct it, or leave the cell empty if there is no value"
        )
    if low < facts.low:
        at = int(values.argmin())
        facts.low, facts.low_row = low, reading.rows + int(rows[at] if empty else at) + 1
    facts.high = max(facts.high, high)
    if facts.whole:
        facts.whole = bool((values == np.floor(values)).all())
    facts.binary = facts.whole and facts.low >= 0 and facts.high <= 1


def _codes(column: Any, known: dict[str, int]) -> npt.NDArray[np.int64]:
    """Variant of each row as a number, -1 where there is none."""
    import pyarrow as pa

    coded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    numbers = []
    for value in coded.dictionary.to_pylist():
        whole = isinstance(value, float) and value.is_integer()
        name = "" if value is None or value != value else str(int(value) if whole else value).strip()
        numbers.append(known.setdefault(name, len(known)) if name else -1)
    table = np.array([*numbers, -1], dtype=np.int64)
    indices = coded.indices.fill_null(len(numbers)).to_numpy(zero_copy_only=False)
    codes: npt.NDArray[np.int64] = table[indices]
    return codes


def _ids(column: Any) -> Any:
    """Ids of units in a type that can be grouped; NaN and empty text are no id."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_floating(column.type):
        return pc.if_else(pc.is_nan(column), None, column)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return pc.if_else(pc.equal(column, ""), None, column)
    return column


def _seconds(column: Any) -> Any:
    import pyarrow as pa

    if pa.types.is_temporal(column.type):
        ticks = column.cast(pa.timestamp("us", column.type.tz if pa.types.is_timestamp(column.type) else None))
        return pa.array(ticks.cast(pa.int64()).cast(pa.float64(), safe=False).to_numpy() / 1e6, from_pandas=True)
    values = column.cast(pa.float64(), safe=False).to_numpy()
    # Seconds reach 1e11 in the year 5138; what is larger counts milliseconds.
    return pa.array(np.where(np.abs(values) > 1e11, values / 1e3, values), from_pandas=True)


def _grouped(table: Any, each_row: bool) -> Any:
    """Rows of one block added up by unit and variant; the columns that `_merged` knows how to add up again."""
    import pyarrow as pa

    values = [name for name in table.column_names if name.startswith("v:")]
    if each_row:
        import pyarrow.compute as pc

        columns = {VARIANT: table[VARIANT], EVENTS: pa.array(np.ones(len(table), dtype=np.int64))}
        for name in values:
            columns[f"s:{name[2:]}"] = pc.fill_null(table[name], 0.0)
            columns[f"n:{name[2:]}"] = pc.is_valid(table[name]).cast(pa.int64())
        return pa.table(columns | ({FIRST: table[FIRST]} if FIRST in table.column_names else {}))
    wanted: list[tuple[Any, str]] = [([], "count_all"), *((n, "sum") for n in values), *((n, "count") for n in values)]
    names = (
        {"count_all": EVENTS}
        | {f"{n}_sum": f"s:{n[2:]}" for n in values}
        | {f"{n}_count": f"n:{n[2:]}" for n in values}
    )
    return _by_unit(table, wanted, names)


def _merged(parts: list[Any], *, join_only: bool = False) -> Any:
    import pyarrow as pa

    table = pa.concat_tables(parts, promote_options="permissive")
    if join_only:
        return table
    added = [n for n in table.column_names if n == EVENTS or n[:2] in ("s:", "n:")]
    return _by_unit(table, [(name, "sum") for name in added], {f"{name}_sum": name for name in added})


def _by_unit(table: Any, wanted: list[tuple[Any, str]], names: dict[str, str]) -> Any:
    if FIRST in table.column_names:
        wanted, names = [*wanted, (FIRST, "min")], names | {f"{FIRST}_min": FIRST}
    # One thread keeps the order of units, and with it the last bits of every sum.
    grouped = table.group_by([UNIT, VARIANT], use_threads=False).aggregate(wanted)
    return grouped.rename_columns([names.get(name, name) for name in grouped.column_names])


def _units(reading: _Reading, whole: Any, each_row: bool, numbers: list[str], timed: bool) -> Units:
    """Arrays, without the units that were seen in several variants."""
    import pyarrow as pa

    kept: npt.NDArray[np.bool_] | None = None
    mixed = 0
    shown: tuple[str, ...] = ()
    if not each_row:
        coded = whole[UNIT].combine_chunks().dictionary_encode()
        unit = coded.indices.to_numpy(zero_copy_only=False)
        times = np.bincount(unit, minlength=1)
        mixed = int((times > 1).sum())
        if mixed:
            shown = tuple(str(coded.dictionary[int(i)].as_py()) for i in np.flatnonzero(times > 1)[:5])
            kept = times[unit] == 1

    def column(name: str) -> npt.NDArray[np.float64]:
        values = pa.compute.fill_null(whole[name], 0).to_numpy() if name != FIRST else whole[name].to_numpy()
        numbers: npt.NDArray[np.float64] = values.astype(np.float64, copy=False)
        return numbers if kept is None else numbers[kept]

    names = sorted(reading.codes)
    place = np.empty(max(len(names), 1), dtype=np.int64)
    for at, name in enumerate(names):
        place[reading.codes[name]] = at
    variant = whole[VARIANT].to_numpy()
    return Units(
        tuple(names),
        place[variant if kept is None else variant[kept]],
        column(EVENTS),
        {name: column(f"s:{name}") for name in numbers},
        {name: column(f"n:{name}") for name in numbers},
        column(FIRST) if timed else None,
        reading.facts,
        reading.rows,
        reading.nameless,
        mixed,
        shown,
    )
