"""The repr of objects that hold much: a short summary, never their whole content."""

import dataclasses
from collections.abc import Collection, Mapping
from typing import Any, TypeVar

T = TypeVar("T")
MOST = 240
"""Most characters between the brackets."""
LONGEST = 60
"""Most characters of one value."""
FEW = 3
"""Most items of a collection, and most means, that a summary shows."""
BRIEF = "_brief"
"""Name of the method with which a class writes its own summary."""


def brief(cls: type[T]) -> type[T]:
    """Give a dataclass or named tuple a short repr: its fields that are not empty, each shortened.

    A class with a method ``_brief`` is summarised by the text that it returns.
    """
    cls.__repr__ = _repr  # type: ignore[method-assign]
    return cls


def _repr(self: Any) -> str:
    own = getattr(self, BRIEF, None)
    return f"{type(self).__name__}({cut(_of_fields(self) if own is None else own(), MOST)})"


def _of_fields(thing: Any) -> str:
    tuple_of = None if dataclasses.is_dataclass(thing) else thing._fields
    names = tuple_of or [one.name for one in dataclasses.fields(thing) if one.repr]
    values = ((name, getattr(thing, name, None)) for name in names)
    return ", ".join(f"{name}={short(value)}" for name, value in values if not _is_empty(value))


def cut(text: str, most: int) -> str:
    """Shorten a text, with an ellipsis at its end."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def short(value: Any) -> str:
    """Show a value in at most `LONGEST` characters; a collection that does not fit is the number of its items."""
    if isinstance(value, str | bytes):
        return cut(repr(value[: LONGEST + 1]), LONGEST)
    if isinstance(value, float):
        return repr(value) if value.is_integer() else f"{value:.4g}"
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and shape:
        return f"<{' x '.join(map(str, shape))} values>"
    if isinstance(value, list | tuple | set | frozenset | Mapping) and not hasattr(value, "_fields"):
        return _few(value) if len(value) <= FEW else _counted(len(value))
    text = repr(value)
    return text if len(text) <= LONGEST else f"<{type(value).__name__}>"


def _few(value: Collection[Any]) -> str:
    """A small collection, if its items fit."""
    if isinstance(value, Mapping):
        inside = "{" + ", ".join(f"{short(key)}: {short(one)}" for key, one in value.items()) + "}"
    else:
        inside = ", ".join(short(one) for one in value)
        inside = f"[{inside}]" if isinstance(value, list) else f"({inside}{',' if len(value) == 1 else ''})"
    return inside if len(inside) <= LONGEST else _counted(len(value))


def _counted(count: int) -> str:
    return f"<{numbered(count, 'item')}>"


def numbered(count: int, one: str) -> str:
    """Write a number with its noun: ``1 item``, ``1,200 queries``."""
    many = f"{one[:-1]}ies" if one.endswith("y") else f"{one}s"
    return f"{count:,} {one if count == 1 else many}"


def means_shown(means: Mapping[str, float]) -> str:
    """Write the first few means: ``ndcg@10 0.661, hit@5 0.735``."""
    return ", ".join(f"{name} {value:.3f}" for name, value in list(means.items())[:FEW])


def _is_empty(value: object) -> bool:
    if value is None or value is False:
        return True
    return isinstance(value, str | list | tuple | set | frozenset | Mapping) and not value
