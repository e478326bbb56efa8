"""A name that a user gives a system or chunker: ``base=run:path=runs/a.trec``."""

import os
import re

NAMED = re.compile(r"\s*([^=:/\\]*[^=:/\\\s])\s*=\s*(\S.*)", re.DOTALL)
"""The settings of a plugin stand behind a colon, so an ``=`` before the first colon ends a name."""


def split_name(written: str) -> tuple[str, str]:
    """Split ``NAME=REST``. The name is empty if there is none.

    Example:
        >>> split_name("base=bm25:k1=1.2")
        ('base', 'bm25:k1=1.2')
        >>> split_name("bm25:k1=1.2")
        ('', 'bm25:k1=1.2')
    """
    found = NAMED.fullmatch(written)
    return (found[1], found[2].rstrip()) if found else ("", written)


def split_path(written: str, after: str = "") -> tuple[str, str]:
    """Split ``NAME=PATH``. A path that exists is no name.

    Args:
        written: the text.
        after: what may follow a path, as ``::`` in ``FOLDER::ARM``.
    """
    path = written.partition(after)[0] if after else written
    # Path.exists raises for a text that is longer than a name of a file can be.
    return ("", written) if os.path.exists(path) else split_name(written)  # noqa: PTH110
