"""Find personal data in queries by rules: e-mail addresses, telephone and card numbers, IBANs, and addresses of
computers. Names and postal addresses are not found; they need more than rules.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

EMAIL = re.compile(r"[\w.+-]+\s?(?:@|\(at\)|\[at\])\s?[\w-]+(?:\.[\w-]+)+", re.IGNORECASE)
IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b", re.IGNORECASE)
IP_ADDRESS = re.compile(r"(?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\d.])")
DIGITS = re.compile(r"(?<![\w.,])[+(]?\d(?:[ ().\-/]{0,2}\d){7,18}(?!\w)")
NORTH_AMERICAN = re.compile(r"\d{3}[ .-]\d{3}[ .-]\d{4}")
FEWEST, MOST = 8, 15
"""Digits of a telephone number (ITU E.164)."""
CARD = range(14, 20)
"""Digits of a card number."""


class Found(NamedTuple):
    """Personal data in a text: what kind, and where."""

    kind: str
    start: int
    end: int


def personal_data(text: str) -> list[Found]:
    """Find personal data in a text, from left to right. No two overlap.

    Examples:
        >>> text = "call +44 7700 900142 about the 26800 mah power bank"
        >>> [(found.kind, text[found.start : found.end]) for found in personal_data(text)]
        [('telephone number', '+44 7700 900142')]
    """
    found: list[Found] = []
    for one in sorted(_candidates(text), key=lambda one: (one.start, -one.end)):
        if not found or one.start >= found[-1].end:
            found.append(one)
    return found


def without_personal_data(text: str) -> str:
    """The text with the kind in brackets in place of each find: ``"call [telephone number]"``."""
    for one in reversed(personal_data(text)):
        text = f"{text[: one.start]}[{one.kind}]{text[one.end :]}"
    return text


def _candidates(text: str) -> Iterator[Found]:
    for match in EMAIL.finditer(text):
        yield Found("e-mail address", *match.span())
    for match in IBAN.finditer(text):
        if _is_iban(match[0]):
            yield Found("IBAN", *match.span())
    for match in IP_ADDRESS.finditer(text):
        yield Found("IP address", *match.span())
    for match in DIGITS.finditer(text):
        kind = _kind_of_digits(match[0])
        if kind:
            yield Found(kind, *match.span())


def _kind_of_digits(written: str) -> str:
    digits = re.sub(r"\D", "", written)
    if len(digits) in CARD and _luhn(digits):
        return "card number"
    begins = written[0] in "+(" or (digits[0] == "0" and len(digits) > FEWEST)
    if FEWEST <= len(digits) <= MOST and (begins or NORTH_AMERICAN.fullmatch(written)):
        return "telephone number"
    return ""


def _luhn(digits: str) -> bool:
    """The check digit of card numbers (ISO/IEC 7812)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 + place % 2)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def _is_iban(written: str) -> bool:
    """The check digits of an IBAN (ISO 13616)."""
    text = written.replace(" ", "").upper()
    turned = text[4:] + text[:4]
    return 15 <= len(text) <= 34 and int("".join(str(int(char, 36)) for char in turned)) % 97 == 1
