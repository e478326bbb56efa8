"""A schema for a table, from what it holds now."""

import math
from collections.abc import Sequence

import yaml

from ragbench.corpus.checks.schema import MAX_NULL, ColumnRules, Kind, Schema, schema_dict
from ragbench.corpus.checks.table import Table
from ragbench.corpus.checks.values import is_null, parse_value
from ragbench.corpus.languages import languages_of

FEW_VALUES = 20
OFTEN = 10
"""A column of text has a list of values if it has at most `FEW_VALUES`, each `OFTEN` times on average."""
LONG = 40
"""Characters, on average, from which on a column holds texts rather than names."""
ROOM = 0.05
"""Room that the proposal leaves below or above a share that it saw."""


def propose(table: Table) -> Schema:
    """Rules that the table keeps now, apart from HTML, wrong encodings and near duplicates, which are faults anyway.

    Types, unique ids, lists of values, lengths and languages are read from the rows. Ages of dates are not: nobody but
    you knows how fresh a catalogue must be.
    """
    columns = {name: _rules(name, values) for name, values in table.columns.items()}
    return Schema(columns, min_rows=max(1, math.floor(len(table) * 0.9)))


def schema_text(schema: Schema, table: Table) -> str:
    """The schema as YAML, with a line that says where it comes from."""
    head = (
        f"# Proposed by 'ragbench data check' from {len(table):,} rows.\n"
        "# Read it, change it, and keep it in your repository.\n"
        "# A column of dates takes newest_days: 7 (how old the newest may be) and oldest_days: 400 (any of them).\n"
    )
    return head + yaml.safe_dump(schema_dict(schema), sort_keys=False, allow_unicode=True, width=120)


def _rules(name: str, values: Sequence[object]) -> ColumnRules:
    present = [value for value in values if not is_null(value)]
    empty = 1 - len(present) / len(values)
    max_null = None if empty <= MAX_NULL else min(1.0, math.ceil((empty + 1e-9) / ROOM) * ROOM)
    max_null = None if max_null is None else round(max_null, 2)
    kind = _kind(present)
    distinct = {str(value) for value in present}
    ids = name.lower().endswith(("id", "sku", "ean", "gtin", "uuid", "isbn"))
    unique = ids and len(distinct) == len(values)
    if unique:
        max_null = 0.0
    if kind != "text":
        positive = kind in ("integer", "number") and present and all(float(str(value)) >= 0 for value in present)
        return ColumnRules(kind, unique=unique, max_null=max_null, min=0 if positive else None)
    texts = [str(value) for value in present]
    few = bool(texts) and len(distinct) <= FEW_VALUES and len(texts) >= OFTEN * len(distinct)
    if unique or few or not texts:
        return ColumnRules(unique=unique, max_null=max_null, values=tuple(sorted(distinct)) if few else None)
    lengths = sorted(map(len, texts))
    if sum(lengths) / len(lengths) < LONG:
        return ColumnRules(max_null=max_null, max_length=_round_up(lengths[-1]))
    found = languages_of(texts)
    languages = {code: _below(found.share(code)) for code in found.counts if found.share(code) >= 2 * ROOM}
    return ColumnRules(
        max_null=max_null, min_length=min(lengths[0], 20), max_length=_round_up(lengths[-1]), languages=languages,
        max_near_duplicates=MAX_NULL,
    )  # fmt: skip


def _kind(present: Sequence[object]) -> Kind:
    """The narrowest type that all values have. A whole number with leading zeros is a name."""
    if not present or any(isinstance(value, str) and _leading_zero(value) for value in present):
        return "text"
    kinds: tuple[Kind, ...] = ("integer", "number", "boolean", "date")
    for kind in kinds:
        if all(not parse_value(value, kind).fault for value in present):
            return kind
    return "text"


def _leading_zero(value: str) -> bool:
    return len(value) > 1 and value.startswith("0") and value.isdigit()


def _round_up(length: int) -> int:
    """Half as much again, with one or two digits before the zeros."""
    more = max(10, math.ceil(length * 1.5))
    step = int(10 ** max(1, len(str(more)) - 2))
    return math.ceil(more / step) * step


def _below(share: float) -> float:
    return round(max(0.0, math.floor((share - ROOM) * 20 + 1e-9) / 20), 2)
