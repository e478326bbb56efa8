"""Filters on metadata, as in ``price<100 and category in (tents, "sleeping bags")``.

    filter     = condition { "and" condition }
    condition  = field operator value  |  field "in" "(" value { "," value } ")"
    operator   = "=" | "!=" | "<" | "<=" | ">" | ">="

A field or a value with spaces or with one of ``=!<>(),`` in it goes in single or double quotes; a quote inside is
written twice. ``and`` and ``in`` are the only words of the grammar.

What a condition means depends on the kind of the field (`ragbench.core.fields`), and not on how a value is quoted:

- Numbers compare as numbers.
- Texts compare character by character, in the order of their code points. Dates written as 2026-11-29 are
  therefore in chronological order.
- Booleans are ``true`` and ``false``. They have no order.
- An item without the field matches no condition, ``!=`` included.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, NoReturn

from ragbench.core.brief import brief
from ragbench.core.errors import SettingError, did_you_mean

Kind = Literal["number", "text", "boolean"]
"""The kind of a field."""
Cell = str | float | bool
"""A value of a field."""
Operator = Literal["=", "!=", "<", "<=", ">", ">=", "in"]

_TOKEN = re.compile(
    r"""\s*(?:(?P<operator><=|>=|!=|=|<|>)|(?P<mark>[(),])|(?P<quoted>"(?:[^"]|"")*"|'(?:[^']|'')*')"""
    r"""|(?P<bare>[^\s<>=!(),"']+))""",
)
_BARE = re.compile(r"""[^\s<>=!(),"']+""")
_WORDS = ("and", "in")
LONGEST = 10_000
"""Characters of a filter."""


@brief
@dataclass(frozen=True)
class Condition:
    """One condition, as it was written.

    Attributes:
        field: name of the field.
        operator: how the field is compared.
        values: one value, or several for ``in``.
    """

    field: str
    operator: Operator
    values: tuple[str, ...]

    def __str__(self) -> str:
        values = [_written(value) for value in self.values]
        if self.operator == "in":
            return f"{_written(self.field)} in ({', '.join(values)})"
        return f"{_written(self.field)} {self.operator} {values[0]}"


@brief
@dataclass(frozen=True)
class Filter:
    """Conditions that an item must all meet.

    Attributes:
        conditions: the conditions.

    Examples:
        >>> where = Filter.parse("price<100 and category in (tents, 'sleeping bags')")
        >>> [(one.field, one.operator, one.values) for one in where.conditions]
        [('price', '<', ('100',)), ('category', 'in', ('tents', 'sleeping bags'))]
        >>> str(where)
        'price < 100 and category in (tents, "sleeping bags")'
    """

    conditions: tuple[Condition, ...]

    @classmethod
    def parse(cls, text: str) -> "Filter":
        """Read a filter.

        Raises:
            SettingError: it has another form; the message names the place.
        """
        return _Reader(text).filter()

    def __and__(self, other: "Filter | None") -> "Filter":
        if other is None:
            return self
        return Filter(tuple(dict.fromkeys((*self.conditions, *other.conditions))))

    def __str__(self) -> str:
        return " and ".join(map(str, self.conditions))


def _written(value: str) -> str:
    if _BARE.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return '"' + value.replace('"', '""') + '"'


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


class _Reader:
    """Reads one filter from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        if len(text) > LONGEST:
            raise SettingError(f"a filter of {len(text):,} characters is too long; the longest has {LONGEST:,}")
        self._tokens: list[_Token] = []
        at, end = 0, len(text.rstrip())
        while at < end:
            found = _TOKEN.match(text, at)
            if found is None:
                start = at + len(text[at:]) - len(text[at:].lstrip())
                if text[start] in "\"'":
                    self._refuse(start, "this quote is not closed")
                self._refuse(start, f"{text[start]!r} is not an operator; use one of = != < <= > >= in")
            kind = str(found.lastgroup)
            self._tokens.append(_Token(kind, found[kind], found.start(kind)))
            at = found.end()
        self._next = 0

    def filter(self) -> Filter:
        conditions = [self._condition()]
        while (token := self._take()) is not None:
            if not _is_word(token, "and"):
                before = self._tokens[self._next - 2]
                if token.kind in ("bare", "quoted") and before.kind == "bare" and not _is_word(token, "or"):
                    self._refuse(token.at, f"a value with spaces needs quotes, as in '{before.text} {token.text}'")
                self._refuse(token.at, f"expected 'and' or the end, found {token.text!r}{_hint(token)}")
            conditions.append(self._condition())
        return Filter(tuple(dict.fromkeys(conditions)))

    def _condition(self) -> Condition:
        field = self._value("the name of a field")
        token = self._take()
        if token is not None and token.kind == "operator":
            return Condition(field, token.text, (self._value("a value"),))  # type: ignore[arg-type]
        if token is None or not _is_word(token, "in"):
            self._refuse(self._at(token), f"expected an operator after {field!r}: = != < <= > >= or in")
        self._mark("(")
        values = [self._value("a value")]
        while self._mark(",", ")") == ",":
            values.append(self._value("a value"))
        return Condition(field, "in", tuple(dict.fromkeys(values)))

    def _value(self, what: str) -> str:
        token = self._take()
        if token is None or token.kind not in ("bare", "quoted"):
            found = "but the filter ends" if token is None else f"found {token.text!r}{_hint(token)}"
            self._refuse(self._at(token), f"expected {what}, {found}")
        if token.kind == "bare":
            return token.text
        quote = token.text[0]
        return token.text[1:-1].replace(quote * 2, quote)

    def _mark(self, *wanted: str) -> str:
        token = self._take()
        if token is None or token.kind != "mark" or token.text not in wanted:
            self._refuse(self._at(token), f"expected {' or '.join(wanted)}")
        return token.text

    def _take(self) -> _Token | None:
        token = self._tokens[self._next] if self._next < len(self._tokens) else None
        self._next += 1
        return token

    def _at(self, token: _Token | None) -> int:
        return len(self._text.rstrip()) if token is None else token.at

    def _refuse(self, at: int, why: str) -> NoReturn:
        shown = self._text if len(self._text) <= 200 else self._text[:200] + "..."
        raise SettingError(f"filter {shown!r}, character {at + 1}: {why}")


def _is_word(token: _Token, word: str) -> bool:
    return token.kind == "bare" and token.text.lower() == word


def _hint(token: _Token) -> str:
    if token.kind == "operator" and token.text == "=":
        return "; equality is a single ="
    if _is_word(token, "or"):
        return "; use in (a, b) for one field. Filters have no 'or'"
    return ""


@brief
@dataclass(frozen=True)
class Clause:
    """A condition on a field whose kind is known.

    Attributes:
        field: name of the field.
        kind: its kind.
        operator: ``in``, ``!=``, or one of the order. Equality is ``in`` with one value, and a boolean has ``in`` only.
        values: values of that kind; one, or several for ``in``. Without values, nothing matches.
    """

    field: str
    kind: Kind
    operator: Literal["in", "!=", "<", "<=", ">", ">="]
    values: tuple[Cell, ...]

    def __call__(self, cell: Cell | None) -> bool:
        """Whether a value matches; None stands for an item without the field."""
        if cell is None:
            return False
        return bool(_TESTS[self.operator](cell, self.values))


_TESTS: Mapping[str, Callable[..., object]] = {
    "in": lambda cell, values: cell in values,
    "!=": lambda cell, values: cell != values[0],
    "<": lambda cell, values: cell < values[0],
    "<=": lambda cell, values: cell <= values[0],
    ">": lambda cell, values: cell > values[0],
    ">=": lambda cell, values: cell >= values[0],
}


def clauses(filter_: Filter, kinds: Mapping[str, Kind]) -> tuple[Clause, ...]:
    """The conditions of a filter, with values of the kinds of the fields.

    Raises:
        SettingError: there is no such field, or a value is of another kind.

    Examples:
        >>> clauses(Filter.parse("price<100"), {"price": "number"})
        (Clause(field='price', kind='number', operator='<', values=(100.0,)),)
    """
    return tuple(_clause(condition, kinds) for condition in filter_.conditions)


def _clause(condition: Condition, kinds: Mapping[str, Kind]) -> Clause:
    if condition.field not in kinds:
        raise SettingError(
            f"filter {str(condition)!r}: no document has a field {condition.field!r}"
            f"{did_you_mean(condition.field, kinds)}"
        )
    kind = kinds[condition.field]
    values = tuple(dict.fromkeys(_cell(value, kind, condition) for value in condition.values))
    operator = condition.operator
    if kind == "boolean":
        if operator not in ("=", "!=", "in"):
            raise SettingError(
                f"filter {str(condition)!r}: {condition.field} is true or false, which have no order; use = or !="
            )
        if operator == "!=":
            values = (not values[0],)
        operator = "in"
    return Clause(condition.field, kind, "in" if operator == "=" else operator, values)


def _cell(written: str, kind: Kind, condition: Condition) -> Cell:
    if kind == "text":
        return written
    if kind == "boolean":
        if written.strip().lower() in ("true", "false"):
            return written.strip().lower() == "true"
        raise SettingError(f"filter {str(condition)!r}: {condition.field} is true or false, and not {written!r}")
    number = number_of(written)
    if number is None:
        raise SettingError(
            f"filter {str(condition)!r}: {condition.field} has numbers in every document, and {written!r} is no number"
        )
    return number


def number_of(text: str) -> float | None:
    """The finite number that a text is, or None."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) < float("inf") else None
