"""Check that values have the kind of their annotation, and name kinds in messages."""

import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Set
from numbers import Integral, Real
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin

from ragbench.core.errors import InputError

Kinds = Mapping[Any, str]
"""Names of kinds in messages, by annotation."""

PLAIN: dict[Any, str] = {
    str: "a text", int: "a whole number", float: "a number", bool: "True or False", Path: "a path", NoneType: "None",
    Any: "anything",
}  # fmt: skip
LONGEST = 60


class Part(NamedTuple):
    """A value or a part of it, and how it is written: ``retrievers[1]``."""

    name: str
    value: object


def check_kinds(
    whose: str, hints: Mapping[str, Any], values: Mapping[str, object], called: Kinds | None = None
) -> None:
    """Refuse values of the wrong kind.

    Args:
        whose: the call or object that takes the values, for the message.
        hints: annotation by name; a value without an annotation may be anything.
        values: the values by name.
        called: names of kinds in messages, by annotation or by name of the value, where the name of a class says too
            little.

    Raises:
        InputError: a value has the wrong kind; the message names it, or its first wrong part, and the right kind.
    """
    for name, value in values.items():
        wrong = misfit(value, hints[name], name) if name in hints else None
        if wrong is not None:
            raise InputError(f"{whose}: {refusal(name, wrong, hints[name], called)}")


def refusal(name: str, wrong: Part, hint: Any, called: Kinds | None = None) -> str:
    """Say what is wrong with a value, and what it must be: ``weights[0] is 'a'; weights must be a list, ...``.

    Args:
        name: name of the value.
        wrong: the value, or its part that does not fit.
        hint: annotation of the value.
        called: names of kinds, as in `check_kinds`.
    """
    wanted = (called or {}).get(name) or said(hint, called or {})
    whole = "it" if wrong.name == name else name
    return f"{wrong.name} is {shown_value(wrong.value)}; {whole} must be {wanted}"


def fits(value: object, hint: Any) -> bool:
    """Whether the value has that kind. Values of an iterator are not checked.

    A float may be any real number except True and False. A sequence may be any collection except a text, which would
    become a sequence of letters. A mapping may be anything that ``dict`` takes by its keys, such as a pandas.Series.
    """
    return misfit(value, hint) is None


def misfit(value: object, hint: Any, name: str = "") -> Part | None:
    """Find the first part of the value with the wrong kind, or the whole value; None if all parts fit."""
    origin, inside = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        found = [misfit(value, one, name) for one in inside]
        if any(one is None for one in found):
            return None
        return next((one for one in found if one is not None and one.name != name), Part(name, value))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _misfit_pair(value, inside, name)
    if isinstance(origin, type) and issubclass(origin, Iterable):
        return _misfit_one(value, inside, name)
    return None if _is_of(value, hint) else Part(name, value)


def _is_of(value: object, hint: Any) -> bool:
    origin = get_origin(hint)
    if hint is Any:
        return True
    if origin is Literal:
        return any(isinstance(value, type(one)) and value == one for one in get_args(hint))
    if origin is Callable:
        return callable(value)
    if hint in (int, float):
        return isinstance(value, Integral if hint is int else Real) and not isinstance(value, bool)
    if hint is bool:
        return isinstance(value, bool) or _numpy(value, "bool_")
    if isinstance(origin, type):  # of a generic class, or of a callable
        return isinstance(value, origin)
    return isinstance(value, NoneType if hint is None else hint) if hint is None or isinstance(hint, type) else True


def _misfit_pair(value: Any, inside: tuple[Any, ...], name: str) -> Part | None:
    if not _has_pairs(value):
        return Part(name, value)
    for key, part in dict(value).items() if inside else ():
        wrong = misfit(key, inside[0], f"a key of {name}") or misfit(part, inside[1], f"{name}[{shown_value(key)}]")
        if wrong is not None:
            return wrong
    return None


def _misfit_one(value: Any, inside: tuple[Any, ...], name: str) -> Part | None:
    if isinstance(value, Iterator):
        return None
    if not isinstance(value, Collection) or isinstance(value, str | bytes | Mapping):
        return Part(name, value)
    for at, part in enumerate(value if inside else ()):
        wrong = misfit(part, inside[0], f"one of {name}" if isinstance(value, Set) else f"{name}[{at}]")
        if wrong is not None:
            return wrong
    return None


def _numpy(value: object, name: str) -> bool:
    """Whether the value has that class of numpy, without importing numpy."""
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(value, getattr(numpy, name))


def _has_pairs(value: object) -> bool:
    """Whether ``dict`` takes it by its keys."""
    by_key = callable(getattr(value, "keys", None)) and hasattr(value, "__getitem__")
    return by_key and not isinstance(value, type)


def taken(value: Any, hint: Any) -> Any:
    """Convert a value for a call: scalars of numpy to numbers, iterators to tuples, and other pairs to dicts."""
    if _numpy(value, "generic") or (_numpy(value, "ndarray") and value.ndim == 0):
        return value.item()
    origins = [get_origin(one) for one in alternatives(hint)]
    many = [one for one in origins if isinstance(one, type) and issubclass(one, Iterable)]
    if many and isinstance(value, Iterator):
        return tuple(value)
    pairs = any(issubclass(one, Mapping) for one in many) and _has_pairs(value) and not isinstance(value, Mapping)
    return dict(value) if pairs and all(issubclass(one, Mapping) for one in many) else value


def said(hint: Any, called: Kinds) -> str:
    """Name a kind in a message: ``a path or None``, ``a text or a list of texts``."""
    kinds = [one for one in alternatives(hint) if one is not NoneType]
    whole = Union[tuple(kinds)] if len(kinds) > 1 else kinds[0] if kinds else NoneType  # noqa: UP007 (made here)
    if isinstance(hint, type | UnionType) and hint in called:
        return called[hint]
    if whole in called:
        words = [called[whole]]
    else:
        words = [_one(one, called) for one in kinds if not (one is str and Path in kinds)]
    if len(kinds) < len(alternatives(hint)):
        words.append("None")
    # A kind that describes its parts comes last, so that the parts do not read as alternatives to it.
    return " or ".join(sorted(dict.fromkeys(words), key=lambda word: word.startswith((LIST, MAPPING))))


LIST, MAPPING = "a list", "a mapping from "


def alternatives(hint: Any) -> tuple[Any, ...]:
    """The kinds of which a value may have any."""
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def _one(kind: Any, called: Kinds) -> str:
    origin, inside = get_origin(kind), get_args(kind)
    if origin is Literal:
        *others, last = map(repr, inside)
        return f"{', '.join(others)} or {last}" if others else last
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return f"{MAPPING}{said(inside[0], called)} to {said(inside[1], called)}"
    if isinstance(origin, type) and issubclass(origin, Iterable):
        return _list_of(said(inside[0], called)) if inside else LIST
    return called.get(kind) or PLAIN.get(kind) or _a(getattr(kind, "__name__", str(kind)))


def _list_of(one: str) -> str:
    """``a list of numbers`` for ``a number``; a kind that has alternatives stays as it is."""
    if one.startswith("a ") and " or " not in one and "," not in one:
        return f"{LIST} of {one.removeprefix('a ')}s"
    return f"{LIST}, each {one}"


def shown_value(value: object) -> str:
    """Show a value in a message: itself if it is short, else its class, as in ``a Corpus``, ``5``, ``'x'``."""
    if value is None or isinstance(value, str | bool | int | float):
        text = repr(value)
        return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
    return _a(type(value).__name__)


def _a(name: str) -> str:
    return f"{'an' if name[:1].lower() in 'aeio' else 'a'} {name}"
