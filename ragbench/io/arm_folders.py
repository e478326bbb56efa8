"""A folder with several systems, each in a folder of its own below it: the list of them in ``arms.json``."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from ragbench.core.errors import InputError
from ragbench.io.files import write_text
from ragbench.io.parsing import DAMAGED

ARMS = "arms.json"
FORMAT, FORMAT_VERSION = "ragbench-arms", 1


def write_arms(arms: Sequence[Mapping[str, str]], folder: Path) -> None:
    """Write the list. Each system has at least ``name`` and ``folder``, the name of its folder."""
    content = {"format": FORMAT, "format_version": FORMAT_VERSION, "arms": [dict(arm) for arm in arms]}
    write_text(folder / ARMS, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def read_arms(folder: Path) -> dict[str, Path]:
    """The folder of each system by its name; empty if the folder has no list.

    Raises:
        InputError: the list is damaged, or names a folder outside.
    """
    path = folder / ARMS
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text("utf-8"))
        found = {str(arm["name"]): str(arm["folder"]) for arm in content["arms"]}
    except DAMAGED as error:
        raise InputError(f"{path}: the list of systems is damaged ({error}); answer or score again") from error
    for name in found.values():
        if Path(name).name != name:
            raise InputError(f"{path}: {name!r:.80} is no name of a folder in it; answer or score again")
    return {name: folder / place for name, place in found.items()}
