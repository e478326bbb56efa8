"""JSON files of ``ragbench ... --json`` read back into dataclasses."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from ragbench.core.errors import InputError
from ragbench.io.encoding import read_text

T = TypeVar("T")


def read_object(path: Path, command: str) -> dict[str, Any]:
    """The JSON object in a file.

    Args:
        path: the file.
        command: the command that writes such files, for error messages.

    Raises:
        InputError: the file does not exist or contains something else.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; write it with '{command} > FILE'")
    try:
        content = json.loads(read_text(path)[0])
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: is not the output of '{command}' ({error})") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: is not the output of '{command}': it holds no JSON object")
    return content


def checked(kind: type[T], content: Mapping[str, Any], where: str, command: str) -> T:
    """The dataclass that a JSON object represents; unknown keys are ignored.

    Args:
        kind: the dataclass.
        content: the object.
        where: the file, for error messages.
        command: the command that writes such objects, for error messages.

    Raises:
        InputError: a value is missing or has the wrong type.
    """
    import pydantic

    try:
        found: T = pydantic.TypeAdapter(kind).validate_python(content)
    except pydantic.ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(map(str, fault["loc"]))
        raise InputError(f"{where}: is not the output of '{command}': {place}: {fault['msg']}") from error
    return found
