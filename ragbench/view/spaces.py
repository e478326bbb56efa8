"""Folders for the uploads of a viewer, removed when it ends, or by the next command if it was killed."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

FOLDER = "view"
"""Folder in the cache for the files of sessions."""
SPACES = "view-*"
START = ".start.lock"
LOCK = ".lock"


@contextmanager
def own_folder(base: Path) -> Iterator[Path]:
    """Make a folder below ``base`` that only the user can read; it is removed when the block ends.

    A process that is killed cannot remove its folder. Each folder therefore has a lock beside it that lasts as long as
    its process. The next command of any kind removes those without.

    Raises:
        OSError: the folder cannot be made.
    """
    from filelock import FileLock

    base.mkdir(parents=True, exist_ok=True, mode=0o700)
    # One process at a time looks for what is stale, so that none removes what another is about to lock.
    with FileLock(base / START):
        _remove_stale(base)
        folder = Path(tempfile.mkdtemp(dir=base, prefix="view-"))
        lock = FileLock(_lock(folder))
        lock.acquire()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        lock.release()
        _lock(folder).unlink(missing_ok=True)


def remove_left(cache: Path) -> None:
    """Remove the files that killed viewers left in a cache folder. Takes a look at one folder if there are none."""
    base = cache / FOLDER
    if not any(base.glob(SPACES)):
        return
    from filelock import FileLock, Timeout

    # Another command may be doing the same, and the folder may belong to another user.
    with suppress(OSError, Timeout), FileLock(base / START, timeout=0):
        _remove_stale(base)


def _lock(folder: Path) -> Path:
    return folder.with_name(folder.name + LOCK)


def _remove_stale(base: Path) -> None:
    from filelock import FileLock, Timeout

    for folder in sorted(base.glob(SPACES)):
        if folder.name.endswith(LOCK) or folder.is_symlink():
            continue
        try:
            with FileLock(_lock(folder), timeout=0):
                shutil.rmtree(folder, ignore_errors=True)
        except Timeout:
            continue
        _lock(folder).unlink(missing_ok=True)
