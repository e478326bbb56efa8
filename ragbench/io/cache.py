"""Where things are kept between runs."""

import os
from pathlib import Path


def cache_folder(given: Path | str | None = None) -> Path:
    """The folder given, else ``RAGBENCH_CACHE`` of the environment, else the user's cache folder."""
    if given is not None:
        return Path(given)
    if os.environ.get("RAGBENCH_CACHE"):
        return Path(os.environ["RAGBENCH_CACHE"])
    import platformdirs

    return Path(platformdirs.user_cache_dir("ragbench"))
