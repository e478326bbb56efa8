"""JSON Lines with errors that name the line."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from ragbench.core.errors import InputError
from ragbench.io.encoding import read_text


def read_objects(path: Path) -> Iterator[tuple[str, dict[str, object]]]:
    r"""``("file:line", object)`` for every line that is not blank.

    Only ``\n`` ends a line: the other separators that Unicode knows may stand inside a JSON string.

    Raises:
        InputError: no such file, or a line that is no JSON object.
    """
    for number, line in enumerate(read_text(path)[0].split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        try:
            value = json.loads(line)
        except json.JSONDecodeError as error:
            raise InputError(f"{where}: no JSON ({error.msg} at column {error.colno})") from error
        except RecursionError:
            raise InputError(f"{where}: no JSON that can be read (nested too deep)") from None
        if not isinstance(value, dict):
            raise InputError(f"{where}: a JSON object belongs on each line, this is {value!r:.60}")
        yield where, value


def lines(objects: Iterable[tuple[str, Mapping[str, object]]]) -> bytes:
    """Bytes of named objects, one a line; keys keep their order.

    Raises:
        InputError: a value that JSON cannot hold (NaN among them); the message has the name.
    """
    return b"".join(_line(name, value) for name, value in objects)


def _line(name: str, value: Mapping[str, object]) -> bytes:
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        try:
            return text.encode() + b"\n"
        except UnicodeEncodeError:  # half a surrogate pair: only the escaped form can be written
            return json.dumps(value, allow_nan=False).encode() + b"\n"
    except (TypeError, ValueError) as error:
        raise InputError(f"{name}: it cannot be written as JSON ({error})") from error


def text_value(where: str, row: Mapping[str, object], key: str) -> str:
    """A required string (a number is written out).

    Raises:
        InputError: the key is missing, or holds something else.
    """
    if key not in row:
        raise InputError(f"{where}: no key {key!r}; it has {', '.join(map(repr, row)) or 'none'}")
    return as_text(where, key, row[key])


def as_text(where: str, key: str, value: object) -> str:
    """A string, or a whole number written out.

    Raises:
        InputError: it is something else.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise InputError(f"{where}: {key!r} must be a string, it is {value!r:.60}")


def query_text(where: str, value: str) -> str:
    """The same text.

    Raises:
        InputError: it is blank.
    """
    if not value.strip():
        raise InputError(f"{where}: the query has no text. Write it or take the line out")
    return value
