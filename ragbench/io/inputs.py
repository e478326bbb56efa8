"""Where the inputs of an evaluation lie, as its manifest keeps it: ``manifest["inputs"]``.

Paths are relative to the folder of the evaluation, so that a project can be moved
as a whole, and the same layout gives the same bytes on any machine. Only where the
two share nothing but the root of the file system is a path kept whole.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from ragbench.core.urls import IN_TEXT, url_of

INPUTS = "inputs"
PATH = "path"
PATHS = (PATH, "queries")
"""Keys of an input that hold a path."""

ANYWHERE = Path("/")
"""A folder from which paths stay whole: it shares no folder but the root with any path."""


@dataclass(frozen=True)
class Input:
    """One input, and how it was read.

    Attributes:
        path: file or folder.
        options: by name, those that are not the default.
    """

    path: Path
    options: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read_with(cls, path: Path, **options: object) -> "Input":
        """The input with the options that say anything: not None, False or empty."""
        return cls(path, {name: value for name, value in options.items() if value})


def recorded(inputs: Mapping[str, Input], folder: Path) -> dict[str, dict[str, Any]]:
    """Inputs as the manifest of ``folder`` keeps them: ``{"golden": {"path": "../../shop", "split": "test"}}``."""
    return {name: _held({PATH: one.path, **one.options}, folder) for name, one in inputs.items()}


def moved(manifest: Mapping[str, Any], folder: Path, place: Path) -> dict[str, dict[str, Any]]:
    """The inputs that the manifest of ``folder`` names, for a copy of it that lies at ``place``."""
    start = folder.resolve()
    return {
        name: _held({key: _at(start, value) if key in PATHS else value for key, value in one.items()}, place)
        for name, one in _records(manifest).items()
    }


def found(manifest: Mapping[str, Any], name: str, folder: Path) -> Input | None:
    """An input that the manifest of ``folder`` names, its paths as they are seen from here; None if it names none."""
    one = _records(manifest).get(name)
    if one is None:
        return None
    start = folder.resolve()
    options = {key: from_here(_at(start, value)) if key in PATHS else value for key, value in one.items()}
    return Input(Path(options.pop(PATH)), options)


def from_here(path: Path) -> str:
    """The path as one would type it in the working folder; that of a local copy of an object store stays whole."""
    return str(path) if url_of(path) else relative(path, Path.cwd())


def relative(path: Path, folder: Path) -> str:
    """The path as it is seen from the folder, with ``/``; whole, where the two share no folder but the root.

    What lies in an object store is seen from the same bucket alone; elsewhere it has its URL.
    """
    # A link to the file itself stays one, since it is meant to be followed when the file is read.
    absolute, start = Path.cwd() / path, folder.resolve()
    whole = absolute.resolve() if absolute.name == ".." else absolute.parent.resolve() / absolute.name
    here, there = url_of(start), url_of(whole)
    if _bucket(here) != _bucket(there):
        return there or whole.as_posix()
    try:
        shared = Path(os.path.commonpath([whole, start]))
    except ValueError:
        return whole.as_posix()
    return whole.as_posix() if shared == Path(whole.anchor) else PurePosixPath(os.path.relpath(whole, start)).as_posix()


def _bucket(url: str | None) -> tuple[str, ...]:
    return tuple((url or "").split("/")[:3])


def _at(folder: Path, written: str) -> Path:
    """The path that a manifest in the folder names. What lies in an object store is fetched if it is there."""
    url = written if IN_TEXT.match(written) else url_of(Path(os.path.normpath(folder / written)))
    if url is None:
        return folder / written
    from ragbench.io.staged import local_copy

    return Path(local_copy(url, must_exist=False))


def _records(manifest: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """What the manifest keeps of each input; what is no such record (of a file that somebody edited) counts as none."""
    inputs = manifest.get(INPUTS)
    return {
        name: one
        for name, one in (inputs.items() if isinstance(inputs, Mapping) else ())
        if isinstance(one, Mapping) and PATH in one and all(_is_kept(key, value) for key, value in one.items())
    }


def _is_kept(key: str, value: object) -> bool:
    if key == "exclude_source":
        return isinstance(value, bool)
    if key == "columns":
        return isinstance(value, Mapping) and all(isinstance(column, str) for column in value.values())
    if key in PATHS:
        return isinstance(value, str) and "\0" not in value  # which no path holds
    return isinstance(value, str) and key in ("loader", "chunker", "clean", "format", "split", "name")


def _held(one: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    return {key: relative(Path(value), folder) if key in PATHS else value for key, value in one.items()}
