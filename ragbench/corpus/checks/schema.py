"""The schema of a catalogue: what each column must hold.

max_null: 0.01
columns:
  product_id: {type: text, unique: true, max_null: 0}
  price: {type: number, min: 0}
  description: {type: text, min_length: 40, languages: {en: 0.95}, max_near_duplicates: 0.01}
  updated: {type: date, newest_days: 7}
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import date
from pathlib import Path
from typing import Any, Literal

from ragbench.core.brief import brief
from ragbench.core.errors import SettingError, did_you_mean
from ragbench.corpus.languages import NAMES
from ragbench.io.files import read_yaml

Kind = Literal["text", "integer", "number", "boolean", "date"]
KINDS = ("text", "integer", "number", "boolean", "date")
MAX_NULL = 0.01


@brief
@dataclass(frozen=True)
class ColumnRules:
    """What a column must hold. A rule that is None is not checked.

    Attributes:
        type: what its values are.
        required: whether the column must be there.
        unique: whether no value may occur twice.
        max_null: largest share of empty cells; None takes that of the schema.
        min_length, max_length: of a text, in characters.
        min, max: of a number, or of a date as ``YYYY-MM-DD``.
        values: the values that are allowed.
        pattern: regular expression that the whole value must match.
        format: form of a date as in ``strptime``; ISO 8601 by default.
        newest_days: how old the newest date may be.
        oldest_days: how old any date may be.
        max_html: largest share of texts with HTML.
        max_mojibake: largest share of texts that were decoded by the wrong encoding.
        languages: smallest share of texts in each language, by ISO 639-1 code.
        max_near_duplicates: largest share of texts that nearly repeat an earlier one.
    """

    type: Kind = "text"
    required: bool = True
    unique: bool = False
    max_null: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    min: float | str | None = None
    max: float | str | None = None
    values: tuple[Any, ...] | None = None
    pattern: str | None = None
    format: str | None = None
    newest_days: float | None = None
    oldest_days: float | None = None
    max_html: float = 0.0
    max_mojibake: float = 0.0
    languages: Mapping[str, float] = field(default_factory=dict)
    max_near_duplicates: float | None = None


@brief
@dataclass(frozen=True)
class Schema:
    """What a table must hold.

    Attributes:
        columns: rules by column.
        min_rows: smallest number of rows.
        max_null: largest share of empty cells in a column without a rule of its own.
        similarity: Jaccard similarity of the words of two texts from which on they are near duplicates.
        other_columns: whether the table may have columns that the schema does not name.
        null: texts that count as empty, such as ``N/A``.
        encoding: whether a text file must be UTF-8 (``utf-8``), or may have any encoding.
    """

    columns: Mapping[str, ColumnRules] = field(default_factory=dict)
    min_rows: int = 1
    max_null: float = MAX_NULL
    similarity: float = 0.9
    other_columns: Literal["allow", "refuse"] = "allow"
    null: tuple[str, ...] = ()
    encoding: Literal["utf-8", "any"] = "utf-8"


ONLY_FOR = {
    "min_length": ("text",), "max_length": ("text",), "languages": ("text",), "max_near_duplicates": ("text",),
    "max_html": ("text",), "max_mojibake": ("text",), "pattern": ("text",), "min": ("integer", "number", "date"),
    "max": ("integer", "number", "date"), "format": ("date",), "newest_days": ("date",), "oldest_days": ("date",),
}  # fmt: skip
"""Types of the columns that a rule makes sense for."""
_SHARES = ("max_null", "max_html", "max_mojibake", "max_near_duplicates", "similarity")


def read_schema(given: Path | Mapping[str, object] | Schema) -> Schema:
    """The schema in a YAML or JSON file, or in a mapping of the same form.

    Raises:
        InputError: the file cannot be read.
        SettingError: a key is unknown or has a value that it cannot have; every fault is listed.
    """
    if isinstance(given, Schema):
        return given
    where = str(given) if isinstance(given, Path) else "schema"
    content = read_yaml(given) if isinstance(given, Path) else dict(given)
    faults: list[str] = []
    schema = _schema(content, where, faults)
    if faults:
        raise SettingError("\n".join(faults))
    return schema


def _schema(content: object, where: str, faults: list[str]) -> Schema:
    if not isinstance(content, Mapping) or not isinstance(content.get("columns", {}), Mapping):
        faults.append(f"{where}: a schema is a mapping with 'columns', which has the rules of each column by its name")
        return Schema()
    columns = {}
    for name, rules in content.get("columns", {}).items():
        place = f"{where}: columns.{name}"
        if rules is not None and not isinstance(rules, Mapping):
            faults.append(f"{place}: expected rules, as in {{type: number, min: 0}}, not {rules!r:.60}")
            continue
        values = _values(ColumnRules, rules or {}, place, faults)
        kind = values.get("type", "text")
        faults += [
            f"{place}.{key}: is for columns of the type {' or '.join(ONLY_FOR[key])}, and this one is {kind}"
            for key in values
            if kind in KINDS and kind not in ONLY_FOR.get(key, KINDS)
        ]
        columns[str(name)] = ColumnRules(**values)
    rest = {key: value for key, value in content.items() if key != "columns"}
    return Schema(columns, **_values(Schema, rest, where, faults))


def _values(cls: type, given: Mapping[Any, Any], where: str, faults: list[str]) -> dict[str, Any]:
    """The values that can be used. Faults of the others are added to the list."""
    known = [one.name for one in fields(cls) if one.name != "columns"]
    sign = "." if "columns." in where else ": "
    found: dict[str, Any] = {}
    for key, value in given.items():
        place = f"{where}{sign}{key}"
        if key not in known:
            faults.append(f"{place}: no such rule{did_you_mean(str(key), [one.name for one in fields(cls)])}")
            continue
        if value is None:
            continue
        value = value.isoformat() if isinstance(value, date) else value
        fault = _fault(key, value)
        if fault:
            faults.append(f"{place}: {fault}, not {value!r:.60}")
        else:
            found[key] = tuple(value) if isinstance(value, list) else value
    return found


def _fault(key: str, value: object) -> str:
    """What is wrong with a value; empty if nothing is."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if key in _SHARES and not (number and 0 <= float(str(value)) <= 1):
        return "must be a share from 0 to 1"
    if key in ("required", "unique") and not isinstance(value, bool):
        return "must be true or false"
    if key in ("min_length", "max_length", "min_rows") and not (isinstance(value, int) and number and value >= 0):
        return "must be a whole number of 0 or more"
    if key in ("newest_days", "oldest_days") and not (number and float(str(value)) >= 0):
        return "must be a number of days of 0 or more"
    if key in ("min", "max") and not (number or _is_date(value)):
        return "must be a number, or a date as YYYY-MM-DD"
    choices = {"type": KINDS, "other_columns": ("allow", "refuse"), "encoding": ("utf-8", "any")}.get(key)
    if choices and value not in choices:
        return f"must be {', '.join(choices[:-1])} or {choices[-1]}"
    if key in ("values", "null") and not (isinstance(value, list | tuple) and value):
        return "must be a list of values"
    if key == "format" and not isinstance(value, str):
        return "must be a form of dates, as in '%d.%m.%Y'"
    if key == "pattern":
        try:
            re.compile(str(value))
        except re.error as error:
            return f"must be a regular expression ({error})"
    if key == "languages":
        return _language_fault(value)
    return ""


def _language_fault(value: object) -> str:
    shares = value if isinstance(value, Mapping) else {}
    for code, share in shares.items():
        if code not in NAMES:
            return f"must name languages by codes, and {code!r} is none of {', '.join(NAMES)}"
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
            return f"must give the share of {code} from 0 to 1"
    return "" if shares else "must be shares by language, as in {en: 0.95}"


def _is_date(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(date.fromisoformat(value))
    except ValueError:
        return False


def schema_dict(schema: Schema) -> dict[str, Any]:
    """The schema as a mapping without rules that have their default."""
    columns = {name: _said(rules) for name, rules in schema.columns.items()}
    whole = {key: value for key, value in _said(schema).items() if key != "columns"}
    return {**whole, "columns": columns}


def _said(rules: ColumnRules | Schema) -> dict[str, Any]:
    default = asdict(type(rules)())
    return {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in asdict(rules).items()
        if key == "type" or value != default[key]
    }
