"""JSON that others wrote, and files of ragbench that may have been altered: what cannot be read is an `InputError`."""

import json
import re
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ragbench.core.errors import InputError
from ragbench.core.foreign import without_surrogates
from ragbench.io.encoding import read_text

_HALF = re.compile(r"\\u[dD][89a-fA-F]")
Pairs = Callable[[list[tuple[str, Any]]], Any]
DEEPEST = 100
"""Largest depth of lists and objects. What reads deeper ones later may end in the middle."""
NOT_JSON = (ValueError, RecursionError)
"""What `json.loads` raises: no JSON, no UTF-8, a number of thousands of digits, brackets nested too deeply."""
DAMAGED = (
    *(OSError, EOFError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, SyntaxError),
    *(RuntimeError, struct.error, tokenize.TokenError, zipfile.BadZipFile, zlib.error),
)
"""What readers of JSON, NumPy's arrays, Parquet, gzip and ZIP raise for files that were altered. RuntimeErrors are deep
nesting, what is not implemented, and an archive that says it is encrypted."""


@contextmanager
def as_written(where: Path | str, advice: str) -> Iterator[None]:
    """Read what ragbench wrote within the block; whatever is missing or odd in it is damage.

    Args:
        where: the file or folder, for messages.
        advice: what to do, for messages.

    Raises:
        InputError: it is damaged.
    """
    try:
        yield
    except DAMAGED as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else f"{type(error).__name__}: {error}"
        raise InputError(f"{where} is damaged ({reason:.200}); {advice}") from error


def read_json(path: Path) -> Any:
    """The values of a JSON file.

    Raises:
        InputError: it cannot be read, or is no JSON; the message names the line.
    """
    return parse_json(str(path), read_text(path)[0])


def parse_json(where: str, text: str, *, in_line: bool = False, pairs: Pairs | None = None) -> Any:
    """The values of a JSON text. Half a surrogate pair, which no file can hold, becomes U+FFFD.

    Args:
        where: the file, for messages.
        text: JSON.
        in_line: whether ``where`` names the line already.
        pairs: makes an object of its keys and values; it may raise `InputError`.

    Raises:
        InputError: it is no JSON, is nested too deeply, or holds a number of thousands of digits.
    """
    try:
        found = json.loads(text, object_pairs_hook=pairs)
        if text.count("[") + text.count("{") > DEEPEST and _is_deeper(found, DEEPEST):
            raise RecursionError
        return _without_surrogates(found) if _HALF.search(text) else found
    except json.JSONDecodeError as error:
        line = "" if in_line else f":{error.lineno}"
        raise InputError(f"{where}{line}: not JSON ({error.msg} at column {error.colno})") from error
    except RecursionError:
        raise InputError(f"{where}: not JSON that can be read (nested too deep)") from None
    except ValueError as error:
        raise InputError(f"{where}: not JSON ({error})") from error


def _is_deeper(value: Any, most: int) -> bool:
    """Whether lists and objects are nested more than ``most`` levels deep."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(most):
        inside = (one.values() if isinstance(one, dict) else one for one in level)
        level = [one for values in inside for one in values if isinstance(one, dict | list)]
    return bool(level)


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return without_surrogates(value)
    if isinstance(value, dict):
        return {without_surrogates(key): _without_surrogates(part) for key, part in value.items()}
    return [_without_surrogates(part) for part in value] if isinstance(value, list) else value
