"""Where the sample data is."""

from pathlib import Path

from ragbench.core.errors import InputError

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
