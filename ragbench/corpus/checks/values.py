"""The values of cells: empty or not, and of which type."""

import math
import re
from collections.abc import Collection
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import NamedTuple

from ragbench.corpus.checks.schema import Kind

_INTEGER = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_TRUTH = {"true": True, "false": False, "yes": True, "no": False, "1": True, "0": False}
_MOJIBAKE = re.compile("[\u00c2-\u00f4][\u0080-\u00bf\u0152-\u0178\u02c6\u02dc\u2013-\u203a\u20ac\u2122]+")
_UNDEFINED = re.compile("\ufffd|[\u0080-\u009f]")


def is_null(value: object, null: Collection[str] = ()) -> bool:
    """Whether a cell is empty: None, NaN, blanks alone, or one of the texts that count as empty."""
    if isinstance(value, str):
        text = value.strip()
        return not text or text in null
    return value is None or (isinstance(value, float) and math.isnan(value))


class Parsed(NamedTuple):
    """A value of its type, or what is wrong with it."""

    value: object
    fault: str = ""


def parse_value(value: object, kind: Kind, form: str | None = None) -> Parsed:
    """The value of a cell that is not empty.

    Args:
        value: text of a CSV file, or a value of JSON or Parquet.
        kind: the type that it should have.
        form: form of a date; ISO 8601 by default.
    """
    if kind == "text":
        return Parsed(value) if isinstance(value, str) else Parsed(None, f"is {_kind(value)}, not text")
    if kind == "date":
        return _date(value, form)
    if isinstance(value, str):
        return _of_text(value.strip(), kind)
    if kind == "boolean":
        return Parsed(value) if isinstance(value, bool) else Parsed(None, f"is {_kind(value)}, not true or false")
    if isinstance(value, int) and not isinstance(value, bool):
        return Parsed(value)
    if isinstance(value, float | Decimal) and math.isfinite(value) and (kind == "number" or value == int(value)):
        return Parsed(value)
    return Parsed(None, f"is no {'whole ' if kind == 'integer' else ''}number")


def _of_text(text: str, kind: Kind) -> Parsed:
    if kind == "boolean":
        found = _TRUTH.get(text.casefold())
        return Parsed(found) if found is not None else Parsed(None, "is not true or false")
    if kind == "integer":
        return (
            Parsed(int(text)) if _INTEGER.fullmatch(text) and len(text) < 4000 else Parsed(None, "is no whole number")
        )
    number = float(text) if _NUMBER.fullmatch(text) else math.inf
    return Parsed(number) if math.isfinite(number) else Parsed(None, "is no number")


def _date(value: object, form: str | None) -> Parsed:
    if isinstance(value, datetime):
        return Parsed(_aware(value))
    if isinstance(value, date):
        return Parsed(_aware(datetime(value.year, value.month, value.day)))
    if not isinstance(value, str):
        return Parsed(None, f"is {_kind(value)}, not a date")
    text = value.strip()
    try:
        found = datetime.strptime(text, form) if form else datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        return Parsed(None, f"is no date of the form {form}" if form else "is no date as YYYY-MM-DD; say its format")
    # ISO 8601 also allows 20260102 and 2026-W01, which are more often numbers than dates.
    return Parsed(_aware(found)) if form or "-" in text[:5] else Parsed(None, "is no date as YYYY-MM-DD")


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _kind(value: object) -> str:
    words = {bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return words.get(type(value), f"a {type(value).__name__}")


def is_mojibake(text: str) -> bool:
    """Whether a text was decoded by another encoding than it was written in: ``cafÃ©``, ``itâ€™s``, ``caf\ufffd``.

    Characters of cp1252 that together are UTF-8 are hardly ever meant.
    """
    if text.isascii():
        return False
    return bool(_UNDEFINED.search(text)) or any(_is_utf8(run) for run in _MOJIBAKE.findall(text))


def _is_utf8(run: str) -> bool:
    raw = b"".join(_byte(character) for character in run)
    # Two letters such as Â and a sign are meant now and then; what they decode to must be a letter, a mark or a blank.
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start > 0
    return True


def _byte(character: str) -> bytes:
    try:
        return character.encode("cp1252")
    except UnicodeEncodeError:
        return character.encode("latin-1", "replace")
