"""Check the files and folders that a job will write, before it reads or computes anything."""

import os
from pathlib import Path

from ragbench.core.errors import InputError
from ragbench.core.options import specs
from ragbench.core.spelling import given

FOLDER, ANY = "folder", "path"
ENDINGS = {
    "HTML": (".html", ".htm"),
    "Markdown": (".md", ".markdown", ".txt", ""),
    "JUnit XML": (".xml",),
    "LaTeX": (".tex",),
    "text": (".txt", ""),
    "CSV": (".csv",),
    "YAML": (".yaml", ".yml"),
    "Parquet or JSON Lines": (".parquet", ".jsonl"),
}
"""Endings of the name of a file, by its format. The empty one is a name without an ending."""


def check_outputs(options: object) -> None:
    """Check every option that names an output: its place can be written to, and the name fits the format.

    Nothing is created.

    Args:
        options: options of a job. An output is declared by ``option(..., writes=...)``: ``"folder"``, a format of
            `ENDINGS`, or ``"path"`` if other options decide.

    Raises:
        InputError: an output cannot be written; every fault is listed.
    """
    faults = []
    for spec in specs(type(options)):
        path = getattr(options, spec.name)
        if spec.declared.writes and isinstance(path, Path):
            fault = _fault(path, spec.declared.writes)
            if fault:
                faults.append(f"{given(spec.name, str(path))}: {fault}")
    if faults:
        raise InputError("\n".join(faults))


def _fault(path: Path, writes: str) -> str:
    """The reason why the path cannot be written; empty if it can."""
    if writes == FOLDER:
        if os.path.lexists(path) and not path.is_dir():
            return "is a file; name a folder"
    elif writes != ANY:
        if path.is_dir():
            return "is a folder; name a file in it"
        endings = ENDINGS[writes]
        if path.suffix.lower() not in endings:
            shown = f"ends in {path.suffix}" if path.suffix else "has no ending"
            known = " or ".join(filter(None, endings))
            return f"{shown}, but it is written as {writes}; name a file that ends in {known}"
        if os.path.lexists(path) and not path.is_file():
            return "is no regular file; name another"
    return _closed(path)


def _closed(path: Path) -> str:
    """The reason why nothing can be created or changed at the path; empty if it can."""
    place = path if path.is_dir() else next(parent for parent in path.parents if os.path.lexists(parent))
    if not place.is_dir():
        return f"{place} is a file, so no folder can be made in it"
    if not os.access(place, os.W_OK | os.X_OK):
        return f"the folder {place} cannot be written to"
    return ""
