"""Read a written answer value: a number, a range, true or false, a word, or nothing."""

import re
import unicodedata
from typing import NamedTuple

from ragbench.answers.wattbot.score.sheet import BLANK

NUMBER = r"[+-]?(?:[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?|[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_ALONE = re.compile(rf"(?P<sign>[$€£]?)\s*(?P<low>{NUMBER})\s*(?P<unit>\D.*)?", re.DOTALL)
# Inside brackets a comma separates the ends, so it never separates thousands there.
_END = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_BRACKETS = re.compile(rf"[\[(]\s*(?P<low>{_END})\s*[,;]\s*(?P<high>{_END})\s*[\])]\s*(?P<unit>.*)", re.DOTALL)
_SPREAD = re.compile(rf"(?P<low>{NUMBER})\s*(?:-|to)\s*(?P<high>{NUMBER})\s*(?P<unit>\D.*)?", re.DOTALL)
_DASHES = str.maketrans("\u2010\u2011\u2012\u2013\u2014\u2212", "------")
_AROUND = " \t\r\n'\"\u2018\u2019\u201c\u201d"
_TRUTH = {"true": 1, "yes": 1, "false": 0, "no": 0}
_UNITS = {
    **dict.fromkeys(("%", "percent", "percentage", "per cent", "pct"), "percent"),
    **dict.fromkeys(("$", "usd", "us$", "dollars"), "USD"),
    **dict.fromkeys(("€", "eur", "euro", "euros"), "EUR"),
    **dict.fromkeys(("£", "gbp", "pounds sterling"), "GBP"),
}
LONGEST = 200
"""Characters of a number or a range with its unit. Anything longer is text, which takes no search for a number."""
LETTERS_WITHOUT_CASE = 4
"""Units with at least this many letters are words, where case does not matter. In mW and MW it does."""


class Value(NamedTuple):
    """The meaning of a value.

    Attributes:
        kind: ``blank``, ``empty``, ``number``, ``range`` or ``text``.
        low, high: the number, or the ends of the range as written; NaN for the others.
        unit: the text after the number, normalised by `unit_name`.
        truth: 1 or 0 for a word for true or false, otherwise -1.
        text: the words without regard to case, quotation marks and repeated spaces.
    """

    kind: str
    low: float
    high: float
    unit: str
    truth: int
    text: str


def read_value(written: str) -> Value:
    """Read the value of a cell."""
    nan = float("nan")
    cell = unicodedata.normalize("NFKC", written).translate(_DASHES).strip()
    text = " ".join(cell.strip(_AROUND).rstrip(".").casefold().split())
    if text == BLANK:
        return Value("blank", nan, nan, "", -1, text)
    if not text:
        return Value("empty", nan, nan, "", -1, text)
    bare = cell.strip(_AROUND)
    for kind, pattern in (("range", _BRACKETS), ("range", _SPREAD), ("number", _ALONE)):
        match = pattern.fullmatch(bare) if len(bare) <= LONGEST else None
        if match:
            low = _number(match["low"])
            high = _number(match["high"]) if kind == "range" else low
            unit = match["unit"] or match.groupdict().get("sign") or ""
            return Value(kind, low, high, unit_name(unit), -1, text)
    return Value("text", nan, nan, "", _TRUTH.get(text, -1), text)


def unit_name(written: str) -> str:
    """Normalise the spelling of a unit; empty for ``is_blank``."""
    unit = " ".join(unicodedata.normalize("NFKC", written).split()).rstrip(".")
    plain = unit.casefold()
    if plain in ("", BLANK):
        return ""
    if plain in _UNITS:
        return _UNITS[plain]
    return plain if sum(map(str.isalpha, plain)) == len(plain) >= LETTERS_WITHOUT_CASE else unit


def _number(written: str) -> float:
    return float(written.replace(",", ""))
