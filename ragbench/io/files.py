"""Writing whole files or none of a file, preparing output folders, and reading small text files."""

import dataclasses
import errno
import json
import math
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ragbench.core.errors import InputError
from ragbench.core.spelling import given
from ragbench.io.encoding import read_text
from ragbench.io.parsing import read_json
from ragbench.plain_yaml import load_yaml

if sys.platform != "win32":
    import fcntl

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Numbers of the errors of a full disk: no space, a quota, and a limit of the size of files."""


PART = ".part"
TEMPORARY = re.compile(rf"\..+\.[a-z0-9_]{{8}}\{PART}")
"""Names of files and folders that are being written, as `tempfile` makes them; not those of downloads."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path``; it takes the place of ``path`` when the block ends well.

    The file is flushed to disk before it is renamed, and removed if the block raises. What a killed process left in
    the folder is removed first.
    """
    with _named(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_left(path.parent)
        with _reserved(path) as temporary:
            try:
                yield temporary
                with temporary.open("rb+") as written:
                    os.fsync(written.fileno())
                temporary.chmod(0o644)
                temporary.replace(path)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise


@contextmanager
def temporary_folder(path: Path) -> Iterator[Path]:
    """A temporary folder beside ``path``, to make in it what is moved to ``path``. It is removed when the block ends.

    What a killed process left beside ``path`` is removed first.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_left(path.parent)
    with _reserved(path, folder=True) as temporary:
        try:
            yield temporary
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def left_behind(folder: Path) -> Iterator[Path]:
    """The temporary files and folders that killed processes left in a folder (not on Windows).

    Each is held while it is looked at, so that no other process takes it, and is removed afterwards.
    """
    found = [path for path in folder.glob(f".*{PART}") if TEMPORARY.fullmatch(path.name)]
    for path in [one for one in found if not one.is_symlink()]:
        try:
            held = hold(path)
        except OSError:  # a process that lives has it, or it has its final name by now
            continue
        if held is None:
            return
        try:
            yield path
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        finally:
            os.close(held)


def _remove_left(folder: Path) -> None:
    for _ in left_behind(folder):
        pass


@contextmanager
def _reserved(path: Path, *, folder: bool = False) -> Iterator[Path]:
    """A new temporary file or folder beside a path, held against `left_behind` while the block lasts."""
    held, temporary = None, path
    while temporary == path:
        made = _make(path, folder=folder)
        # Another process may take it for one that was left before it is held, and remove it.
        with suppress(BlockingIOError, FileNotFoundError):
            held = hold(made)
            if made.exists():
                temporary = made
            elif held is not None:
                os.close(held)
    try:
        yield temporary
    finally:
        if held is not None:
            os.close(held)


def _make(path: Path, *, folder: bool) -> Path:
    dotted = f".{path.name}."
    if folder:
        return Path(tempfile.mkdtemp(PART, dotted, path.parent))
    handle, name = tempfile.mkstemp(PART, dotted, path.parent)
    os.close(handle)
    return Path(name)


def hold(path: Path) -> int | None:
    """Lock a file or folder until the handle is closed or the process ends; None where that cannot be done.

    Raises:
        OSError: another process has locked it, or it is gone.
    """
    if sys.platform == "win32":
        return None
    handle = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        if isinstance(error, BlockingIOError):
            raise
        return None
    return handle


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Name the file that was to be written: a full disk names none."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise OSError(error.errno, os.strerror(error.errno), str(path)) from error


def write_bytes(path: Path, content: bytes) -> None:
    """Write a whole file atomically."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, content: str) -> None:
    """Write a whole UTF-8 file atomically, with ``\\n`` line ends on every system."""
    write_bytes(path, content.encode("utf-8"))


def json_values(value: Any) -> Any:
    """What `json` can write: dataclasses and named tuples become objects; NaN and infinity become null."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: json_values(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return json_values(value._asdict())
    if isinstance(value, Mapping):
        return {str(key): json_values(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [json_values(item) for item in value]
    return value


def write_json(path: Path, value: object, *, indent: int = 2) -> None:
    """Write a whole JSON file atomically."""
    write_text(path, json.dumps(value, indent=indent, ensure_ascii=False, allow_nan=False) + "\n")


def write_json_lines(path: Path, rows: Iterable[Mapping[str, object]]) -> None:
    """Write a whole file atomically, with a JSON object on each line."""
    write_text(path, "".join(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in rows))


def make_out(folder: Path) -> None:
    """Make the output folder of a job, if it is not there.

    Raises:
        InputError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{given('out', str(folder))}: the folder cannot be made: {error.strerror or error}"
        ) from error


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
    found = read_json(path)
    if not isinstance(found, dict):
        raise InputError(f"{path}: a manifest is a JSON object")
    if found.get("format_version", version) != version:
        raise InputError(
            f"{path}: format version {found['format_version']!r}, this ragbench reads {version}; upgrade it"
        )
    return found


def read_yaml(path: Path) -> Any:
    """What a YAML or JSON file holds, plain types only.

    Raises:
        InputError: it cannot be read.
    """
    return parse_yaml(str(path), read_text(path)[0])


def parse_yaml(where: str, text: str) -> Any:
    """What the text holds, plain types only.

    Args:
        where: the file, for messages.
        text: YAML, or JSON.

    Raises:
        InputError: it cannot be read.
    """
    import yaml

    try:
        return load_yaml(text)
    except (yaml.YAMLError, ValueError, TypeError) as error:  # a date that is none, a key that cannot be one
        raise InputError(f"{where}: not YAML: {error}") from error
