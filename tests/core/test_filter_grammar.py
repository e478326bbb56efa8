"""The grammar of filters, and the kinds of fields."""

import pytest

from ragbench.core.errors import SettingError
from ragbench.core.fields import Fields, column_of
from ragbench.core.filters import Filter


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("price<100", "price < 100"),
        ("  price  >=  -1.5e3 ", "price >= -1.5e3"),
        ("a=1 AND b != 2 and c in (x,y , 'z z')", 'a = 1 and b != 2 and c in (x, y, "z z")'),
        ('"Price (EUR)" <= 5', '"Price (EUR)" <= 5'),
        ("name = 'it''s'", 'name = "it\'s"'),
        ('name = "say ""no"""', 'name = "say ""no"""'),
        ("größe = 中", "größe = 中"),
        ("day > 2026-01-31", "day > 2026-01-31"),
        ("in = 'and'", '"in" = "and"'),
        ("x = ''", 'x = ""'),
        ("url = https://a.b/c?d", "url = https://a.b/c?d"),
        ("a = 1 and a = 1", "a = 1"),
    ],
)
def test_reads_and_writes(text: str, shown: str) -> None:
    assert str(Filter.parse(text)) == shown
    assert Filter.parse(shown) == Filter.parse(text)


@pytest.mark.parametrize(
    ("text", "character"),
    [
        ("", 1), ("   ", 1), ("price", 6), ("price <", 8), ("price << 3", 8), ("price == 3", 8), ("price 3", 7),
        ("a=1 or b=2", 5), ("a=1 and", 8), ("a=running shoes", 11), ("a in x", 6), ("a in ()", 7), ("a in (1", 8),
        ("a in (1 2)", 9), ("a = 'open", 5), ("a ! b", 3), ("(a=1)", 1), ("a=1)", 4), ("a = \"x\"\"", 8),
        ("a = 1 and \"", 11),
    ],
)  # fmt: skip
def test_a_fault_is_named_with_its_place(text: str, character: int) -> None:
    with pytest.raises(SettingError, match=rf"character {character}: "):
        Filter.parse(text)


def test_filters_add_up() -> None:
    first, second = Filter.parse("a=1"), Filter.parse("b<2 and a=1")
    assert str(first & second) == "a = 1 and b < 2"
    assert first & None == first
    assert hash(first & second) == hash(Filter.parse("a=1 and b<2"))


@pytest.mark.parametrize(
    ("values", "kind", "cells"),
    [
        (["9.50", 12, None, " "], "number", [9.5, 12.0, None, None]),
        (["9.50", "twelve"], "text", ["9.50", "twelve"]),
        ([True, None, False], "boolean", [True, None, False]),
        (["true", "false"], "text", ["true", "false"]),
        ([True, 1], "text", ["true", "1"]),
        ([1234567.25, "x"], "text", ["1234567.25", "x"]),
        ([float("nan"), float("inf"), "nan"], "text", [None, None, "nan"]),
        ([["a"], {"b": 1}, 3], "number", [None, None, 3.0]),
        ([10**400, 1], "text", [str(10**400), "1"]),
    ],
)
def test_a_field_has_one_kind(values: list[object], kind: str, cells: list[object]) -> None:
    found = column_of(values)
    assert (found.kind, list(found.cells)) == (kind, cells)


FIELDS = Fields(
    ["a", "b", "c", "d"],
    ["Red tent", "", "Blue tent", ""],
    [
        {"price": "9", "sold": True, "day": "2026-01-31", "brand": "Émile"},
        {"price": 100, "sold": False, "day": "2025-12-01"},
        {"price": "20", "brand": "emile", "title": "never seen"},
        {},
    ],
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("price<100", "ac"), ("price<='100'", "abc"), ("price=9.0", "a"), ("price!=9", "bc"),
        ("price in (9, 2e1)", "ac"),
        ("sold=true", "a"), ("sold!=TRUE", "b"), ("sold in (true,false)", "ab"), ("day<2026-01-01", "b"),
        ("day>=2025 and price>10", "b"), ("brand=emile", "c"), ("brand!=emile", "a"), ("brand>z", "a"),
        ("document_id in (d, b)", "bd"), ("title='Blue tent'", "c"), ("title!=x", "ac"), ("price>1e300", ""),
    ],
)  # fmt: skip
def test_what_matches(text: str, found: str) -> None:
    mask = FIELDS.mask(Filter.parse(text))
    assert "".join(id_ for id_, match in zip("abcd", mask, strict=True) if match) == found


@pytest.mark.parametrize(
    ("text", "says"),
    [("prise<3", "did you mean 'price'"), ("price=cheap", "no number"), ("sold<true", "no order"),
     ("sold=yes", "true or false")],
)  # fmt: skip
def test_what_does_not_fit_the_documents(text: str, says: str) -> None:
    with pytest.raises(SettingError, match=says):
        FIELDS.mask(Filter.parse(text))
