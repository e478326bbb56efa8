"""Whether a value is of the kind that an annotation names, and how people call that kind."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from numbers import Integral, Real
from os import PathLike
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from ragbench.core.errors import InputError

Kinds = Mapping[Any, str]
"""What people call a kind, by its annotation."""

PLAIN: dict[Any, str] = {
    str: "a text", int: "a whole number", float: "a number", bool: "True or False", Path: "a path", NoneType: "None",
}  # fmt: skip
LONGEST = 60


def check_kinds(
    whose: str, hints: Mapping[str, Any], values: Mapping[str, object], called: Kinds | None = None
) -> None:
    """Refuse values that are not of their kind.

    Args:
        whose: what the values are given to, for the message.
        hints: annotation by name; a value without one may be anything.
        values: what is given.
        called: what kinds are called, where a name of a class says too little; by annotation, or by name of the value.

    Raises:
        InputError: one is of another kind; the message names it, and what it must be.
    """
    for name, value in values.items():
        if name in hints and not fits(value, hints[name]):
            wanted = (called or {}).get(name) or said(hints[name], called or {})
            raise InputError(f"{whose}: {name} is {_shown(value)}; it must be {wanted}")


def fits(value: object, hint: Any) -> bool:
    """Whether the value is of that kind; what an iterator will give is not looked at.

    Any path will do for `Path`, any real number but True and False for a float, and any collection for a sequence, but
    no text: taken apart, it would be as many as it has letters.
    """
    origin, inside = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return any(fits(value, one) for one in inside)
    if origin is Literal:
        return any(value is one or value == one for one in inside)
    if isinstance(origin, type) and issubclass(origin, Iterable):
        return _holds(value, origin, inside)
    if hint in (int, float):
        return isinstance(value, Integral if hint is int else Real) and not isinstance(value, bool)
    if hint is Path:
        return isinstance(value, PathLike)
    if isinstance(origin, type):  # of a generic class, or of a callable
        return isinstance(value, origin)
    return isinstance(value, NoneType if hint is None else hint) if hint is None or isinstance(hint, type) else True


def _holds(value: object, origin: type, inside: tuple[Any, ...]) -> bool:
    if isinstance(value, Iterator):
        return not issubclass(origin, Mapping)
    if issubclass(origin, Mapping):
        return isinstance(value, Mapping) and all(
            fits(part, kind) for pair in value.items() for part, kind in zip(pair, inside, strict=False)
        )
    if not isinstance(value, Collection) or isinstance(value, str | bytes | Mapping):
        return False
    return not inside or all(fits(part, inside[0]) for part in value)


def said(hint: Any, called: Kinds) -> str:
    """How people call a kind: ``a path or None``, ``a list, each a text``."""
    kinds = [one for one in _alternatives(hint) if one is not NoneType]
    whole = Union[tuple(kinds)] if len(kinds) > 1 else kinds[0] if kinds else NoneType  # noqa: UP007 (made here)
    if isinstance(hint, type | UnionType) and hint in called:
        return called[hint]
    if whole in called:
        words = [called[whole]]
    else:
        words = [_one(one, called) for one in kinds if not (one is str and Path in kinds)]
    return " or ".join([*dict.fromkeys(words), *(["None"] if len(kinds) < len(_alternatives(hint)) else [])])


def _plural(kind: str) -> str:
    """``texts`` of ``a text``; what has no article is put in brackets."""
    return f"{kind.removeprefix('a ')}s" if re.fullmatch(r"a [\w ]+", kind) else f"({kind})"


def _alternatives(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def _one(kind: Any, called: Kinds) -> str:
    origin, inside = get_origin(kind), get_args(kind)
    if origin is Literal:
        return " or ".join(repr(one) for one in inside)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return f"a mapping from {said(inside[0], called)} to {said(inside[1], called)}"
    if isinstance(origin, type) and issubclass(origin, Iterable):
        return f"a list of {_plural(said(inside[0], called))}" if inside else "a list"
    return called.get(kind) or PLAIN.get(kind) or f"of the class {getattr(kind, '__name__', kind)}"


def _shown(value: object) -> str:
    """``a Corpus``, ``5``, ``'x'``: the value itself where it is short."""
    if value is None or isinstance(value, str | bool | int | float):
        text = repr(value)
        return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
    name = type(value).__name__
    return f"{'an' if name[:1].lower() in 'aeio' else 'a'} {name}"
