"""Find numbers in a text, with their scale and unit."""

import math
import re
from dataclasses import dataclass
from typing import Literal

Mark = Literal[".", ","]

# Unit -> (what it measures, factor to the base unit).
_UNITS: dict[str, tuple[str, float]] = {
    "%": ("share", 0.01), "percent": ("share", 0.01), "prozent": ("share", 0.01), "pct": ("share", 0.01),
    "mm": ("length", 1e-3), "cm": ("length", 1e-2), "m": ("length", 1.0), "km": ("length", 1e3),
    "meter": ("length", 1.0), "meters": ("length", 1.0), "metre": ("length", 1.0), "metres": ("length", 1.0),
    "kilometers": ("length", 1e3), "kilometres": ("length", 1e3), "feet": ("length", 0.3048), "ft": ("length", 0.3048),
    "inches": ("length", 0.0254), "inch": ("length", 0.0254), "mile": ("length", 1609.344),
    "miles": ("length", 1609.344),
    "mg": ("mass", 1e-6), "g": ("mass", 1e-3), "kg": ("mass", 1.0), "t": ("mass", 1e3), "tonnes": ("mass", 1e3),
    "tonne": ("mass", 1e3), "tons": ("mass", 1e3), "kilograms": ("mass", 1.0), "grams": ("mass", 1e-3),
    "lb": ("mass", 0.45359237), "lbs": ("mass", 0.45359237), "pounds": ("mass", 0.45359237),
    "ms": ("time", 1e-3), "s": ("time", 1.0), "sec": ("time", 1.0), "second": ("time", 1.0), "seconds": ("time", 1.0),
    "min": ("time", 60.0), "minute": ("time", 60.0), "minutes": ("time", 60.0), "h": ("time", 3600.0),
    "hour": ("time", 3600.0), "hours": ("time", 3600.0), "day": ("time", 86400.0), "days": ("time", 86400.0),
    "week": ("time", 604800.0), "weeks": ("time", 604800.0),
    "month": ("months", 1.0), "months": ("months", 1.0), "year": ("months", 12.0), "years": ("months", 12.0),
    "w": ("power", 1.0), "kw": ("power", 1e3), "mw": ("power", 1e6), "gw": ("power", 1e9), "watts": ("power", 1.0),
    "wh": ("energy", 3.6e3), "kwh": ("energy", 3.6e6), "mwh": ("energy", 3.6e9), "gwh": ("energy", 3.6e12),
    "twh": ("energy", 3.6e15), "j": ("energy", 1.0), "kj": ("energy", 1e3), "mj": ("energy", 1e6),
    "ml": ("volume", 1e-3), "l": ("volume", 1.0), "liters": ("volume", 1.0), "litres": ("volume", 1.0),
    "liter": ("volume", 1.0), "litre": ("volume", 1.0), "gallons": ("volume", 3.785411784),
    "kb": ("bytes", 1e3), "mb": ("bytes", 1e6), "gb": ("bytes", 1e9), "tb": ("bytes", 1e12),
    "kib": ("bytes", 2.0**10), "mib": ("bytes", 2.0**20), "gib": ("bytes", 2.0**30), "tib": ("bytes", 2.0**40),
    "$": ("dollars", 1.0), "usd": ("dollars", 1.0), "dollars": ("dollars", 1.0), "dollar": ("dollars", 1.0),
    "€": ("euros", 1.0), "eur": ("euros", 1.0), "euro": ("euros", 1.0), "euros": ("euros", 1.0),
    "£": ("pounds sterling", 1.0), "gbp": ("pounds sterling", 1.0),
}  # fmt: skip
_SCALES = {
    "thousand": 1e3, "k": 1e3, "million": 1e6, "millions": 1e6, "mn": 1e6, "billion": 1e9, "billions": 1e9,
    "bn": 1e9, "trillion": 1e12, "tausend": 1e3, "millionen": 1e6, "milliarden": 1e9,
}  # fmt: skip
_GAP = "\u00a0\u202f\u2009'’"
_NUMBER = re.compile(
    rf"""
    (?<![\w.,])(?<![^\W\d_][-\u2010\u2011])          # not inside a word or a number: CO2, GPT-4
    (?P<before>[$€£])?[ ]?
    (?P<sign>(?<![\d%][-\u2013\u2212])[-\u2212+](?=[\d.,]))?
    (?P<digits>\d{{1,3}}(?:[{_GAP}]\d{{3}})+(?:[.,]\d+)?|\d[\d.,]*\d|\d|[.,]\d+)
    (?:[eE](?P<exponent>[-+]?\d{{1,3}})(?!\w)|[ ]?[x×*·][ ]?10\^(?P<power>[-\u2212+]?\d{{1,3}}))?
    (?P<rest>[ \u00a0\u202f-]?(?:(?P<scale>{"|".join(sorted(_SCALES, key=len, reverse=True))})\b)?
      [ \u00a0\u202f-]?(?P<unit>%|[$€£]|per\s?cent\b|[^\W\d_]+\b)?)
    """,
    re.VERBOSE | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Number:
    """A number in a text.

    Attributes:
        value: the number with its scale word, without its unit.
        kind: what its unit measures, or empty without a known unit.
        factor: conversion factor from its unit to the base unit of ``kind``.
        written: the text of the number.
    """

    value: float
    kind: str
    factor: float
    written: str

    def matches(self, other: "Number", relative: float, absolute: float) -> bool:
        """Whether both are equal within the tolerance. A unit that only one of them has does not count.

        Args:
            other: the reference.
            relative: tolerance as a share of the reference.
            absolute: tolerance in the reference's unit, if it is larger.
        """
        one, two = self.value, other.value
        if self.kind and other.kind:
            if self.kind != other.kind:
                return False
            one = one * self.factor / other.factor
        return abs(one - two) <= max(relative * abs(two), absolute) + 1e-12 * abs(two)


def numbers(text: str, mark: Mark = ".") -> list[Number]:
    """Find the numbers of a text, in order.

    Args:
        text: any text.
        mark: the decimal mark. With ``.``, a comma before three digits separates thousands; with ``,``, a dot does.
    """
    found = [_number(match, mark) for match in _NUMBER.finditer(text)]
    return [number for number in found if number is not None and math.isfinite(number.value)]


def _number(match: "re.Match[str]", mark: Mark) -> Number | None:
    plain = _plain(match["digits"], mark)
    if plain is None:
        return None
    exponent = (match["exponent"] or match["power"] or "0").replace("\u2212", "-")
    value = float(f"{plain}e{exponent}") * _SCALES.get((match["scale"] or "").lower(), 1.0)
    if match["sign"] in ("-", "\u2212"):
        value = -value
    word = (match["unit"] or "").lower()
    end = match.end("scale") if match["scale"] else match.start("rest")
    if match["before"]:
        if word == "m" and not match["scale"]:  # $5m
            value, end = value * 1e6, match.end()
        kind, factor = _UNITS[match["before"]]
    else:
        kind, factor = _UNITS.get("percent" if word.startswith("per") else word, ("", 1.0))
        end = match.end() if kind else end
    return Number(value, kind, factor, match.string[match.start() : end].strip())


def _plain(digits: str, mark: Mark) -> str | None:
    """Convert digits to Python's notation; None for anything else, such as 1.2.3 or a date with dots."""
    for gap in _GAP:
        digits = digits.replace(gap, "")
    other = "," if mark == "." else "."
    if other in digits:
        whole, *groups = digits.partition(mark)[0].split(other)
        grouped = bool(whole) and len(whole) <= 3 and bool(groups) and all(len(group) == 3 for group in groups)
        if grouped and other not in digits.partition(mark)[2]:
            digits = digits.replace(other, "")
        elif mark in digits or digits.count(other) > 1:
            return None
        else:
            digits = digits.replace(other, mark)  # 3,5 where a comma cannot separate thousands
    if digits.count(mark) > 1:
        return None
    return digits.replace(mark, ".")
