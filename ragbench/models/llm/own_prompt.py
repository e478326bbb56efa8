"""Prompts of the user: text files with placeholders in braces."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from ragbench.core.errors import InputError, did_you_mean
from ragbench.core.spelling import named
from ragbench.io.encoding import read_text, require_file

_PLACE = re.compile(r"(?<!\{)\{(\w+)\}(?!\})")
_DOUBLED = re.compile(r"\{\{(\w+)\}\}")


def read_template(path: Path, needed: Mapping[str, str], further: Sequence[str] = (), option: str = "prompt") -> str:
    """Read the template of a prompt. Braces of JSON stay as they are. If the text is one for Python's ``str.format``,
    doubled braces become single ones.

    Args:
        path: the text file.
        needed: placeholders that must be in it, each with what stands there.
        further: placeholders that may be in it.
        option: the option that names the file.

    Raises:
        InputError: the file cannot be read, a placeholder is unknown, or one that is needed is missing.
    """
    places = " and ".join(f"{{{name}}}" for name in needed)
    require_file(path, f"{named(option)} takes a text file with {places}")
    text = read_text(path)[0].strip()
    allowed = [*needed, *further]
    for number, line in enumerate(text.splitlines(), 1):
        for name in _PLACE.findall(line):
            if name not in allowed:
                raise InputError(
                    f"{path}:{number}: no placeholder {{{name}}}{did_you_mean(name, allowed)}. "
                    f"Write {{{{{name}}}}} for these braces themselves"
                )
        for name in _DOUBLED.findall(line):
            if name in allowed:
                raise InputError(f"{path}:{number}: write {{{name}}} with single braces")
    found = set(_PLACE.findall(text))
    for name, what in needed.items():
        if name not in found:
            raise InputError(f"{path}: {{{name}}} is missing; write it where {what} should stand")
    return text.replace("{{", "{").replace("}}", "}") if _is_format(text) else text


def _is_format(text: str) -> bool:
    """Whether ``str.format`` would read the text: all braces are those of placeholders, or doubled."""
    rest = _PLACE.sub("", text).replace("{{", "").replace("}}", "")
    return "{" not in rest and "}" not in rest
