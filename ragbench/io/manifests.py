"""The manifest beside a golden set or answers."""

import json
from pathlib import Path
from typing import Any

from ragbench.core.errors import InputError


def read_manifest(path: Path, version: int) -> dict[str, Any]:
    """The JSON object of a manifest; empty where there is none.

    Args:
        path: the file.
        version: the ``format_version`` that is read.

    Raises:
        InputError: it is no JSON object, or of another version.
    """
    if not path.exists():
        return {}
    try:
        found = json.loads(path.read_text("utf-8"))
    except (ValueError, OSError) as error:
        raise InputError(f"{path}: no JSON ({error})") from error
    if not isinstance(found, dict):
        raise InputError(f"{path}: a manifest is a JSON object")
    if found.get("format_version", version) != version:
        raise InputError(
            f"{path}: format version {found['format_version']!r}, this ragbench reads {version}; upgrade it"
        )
    return found
