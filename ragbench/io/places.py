"""Folders outside a run: the cache, and the sample data."""

import os
from pathlib import Path

from ragbench.core.errors import InputError
from ragbench.core.spelling import named


def cache_folder(given: Path | str | None = None) -> Path:
    """The given folder, else ``RAGBENCH_CACHE`` of the environment, else the user's cache folder. It is made if needed.

    Raises:
        InputError: the folder cannot be made or written to.
    """
    folder = cache_path(given)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"cache folder {folder}: {error.strerror}; name another with {named('cache')} or RAGBENCH_CACHE"
        ) from error
    if not os.access(folder, os.W_OK):
        raise InputError(
            f"cache folder {folder} cannot be written to; name another with {named('cache')} or RAGBENCH_CACHE"
        )
    return folder


def cache_path(given: Path | str | None = None) -> Path:
    """The path of the cache folder, which need not exist."""
    if given is not None:
        return Path(given)
    if os.environ.get("RAGBENCH_CACHE"):
        return Path(os.environ["RAGBENCH_CACHE"])
    import platformdirs

    return Path(platformdirs.user_cache_dir("ragbench"))


PACKAGE = Path(__file__).resolve().parent.parent


def sample(name: str) -> Path:
    """Folder of a sample set (``shop``): inside an installed package, or ``datasets/`` of a checkout.

    Raises:
        InputError: it is in neither place.
    """
    for folder in (PACKAGE / "samples" / name, PACKAGE.parent / "datasets" / name):
        if folder.is_dir():
            return folder
    raise InputError(f"the sample data {name!r} is not here: install ragbench again, or run in a clone of it")
