"""Results that commands wrote as JSON, read and checked."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from ragbench.core.errors import InputError
from ragbench.io.encoding import read_text

T = TypeVar("T")


def read_object(path: Path, command: str) -> dict[str, Any]:
    """The JSON object of a file.

    Args:
        path: the file.
        command: that wrote it, for messages.

    Raises:
        InputError: it is not there, or holds something else.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; '{command} > FILE' writes one")
    try:
        content = json.loads(read_text(path)[0])
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: is not what '{command}' writes ({error})") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: is not what '{command}' writes: it holds no JSON object")
    return content


def checked(kind: type[T], content: Mapping[str, Any], where: str, command: str) -> T:
    """The dataclass that the object stands for; what it holds beyond is passed over.

    Raises:
        InputError: something is missing or of another kind.
    """
    import pydantic

    try:
        found: T = pydantic.TypeAdapter(kind).validate_python(content)
    except pydantic.ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(map(str, fault["loc"]))
        raise InputError(f"{where}: is not what '{command}' writes: {place}: {fault['msg']}") from error
    return found
