"""Paths into JSON values: ``choices.0.message.content``, and ``results.*.text`` for a part of each item of a list."""

import re
from collections.abc import Iterator

EACH = "*"
_BRACKET = re.compile(r"\[(\d+|\*)\]")
DEEPEST = 6
"""Depth up to which `paths_in` looks."""


def plain_path(path: str) -> str:
    """A path with dots only: ``$.results[0].id`` becomes ``results.0.id``.

    Example:
        >>> plain_path("$.results[*].text")
        'results.*.text'
    """
    return _BRACKET.sub(r".\1", path.removeprefix("$.")).removeprefix(".")


def at_path(value: object, path: str) -> tuple[object, bool]:
    """Return what is at a path, and whether there is anything.

    Names are keys of objects, numbers are places in lists, and ``*`` is every item of a list: the result is then the
    list of what the items have at the rest of the path, and items without it are omitted. An empty path is the value
    itself.

    Example:
        >>> at_path({"results": [{"id": 7}, {"id": 9}]}, "results.*.id")
        ([7, 9], True)
        >>> at_path({"results": []}, "results.0.id")
        (None, False)
    """
    names = path.split(".") if path else []
    for at, name in enumerate(names):
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        elif isinstance(value, list) and name == EACH:
            found = [at_path(item, ".".join(names[at + 1 :])) for item in value]
            return [one for one, there in found if there], not value or any(there for _, there in found)
        else:
            return None, False
    return value, True


def put_at(target: dict[str, object], path: list[str], value: object) -> None:
    """Set what is at a path of keys, making the objects on the way."""
    for name in path[:-1]:
        inner = target.get(name)
        if not isinstance(inner, dict):
            inner = target[name] = {}
        target = inner
    target[path[-1]] = value


def paths_in(value: object, *, start: str = "", depth: int = DEEPEST) -> Iterator[tuple[str, object]]:
    """The paths of a value that lead to texts, numbers and truth values, with the first of them.

    Items of a list share one path with ``*``.

    Example:
        >>> list(paths_in({"data": {"text": "12 m"}, "hits": [{"id": 7}, {"id": 9}]}))
        [('data.text', '12 m'), ('hits.*.id', 7)]
    """
    inner: list[tuple[str, object]] = []
    if isinstance(value, dict):
        inner = [(str(key), one) for key, one in value.items()]
    elif isinstance(value, list):
        inner = [(EACH, value[0])] if value else []
    elif value is not None:
        yield start, value
    if depth:
        for name, one in inner:
            yield from paths_in(one, start=f"{start}.{name}" if start else name, depth=depth - 1)
