"""The folder that a command writes into."""

from pathlib import Path

from ragbench.core.errors import InputError


def make_out(folder: Path) -> None:
    """Make the folder of ``--out``, if it is not there.

    Raises:
        InputError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--out {folder}: the folder cannot be made: {error.strerror or error}") from error
