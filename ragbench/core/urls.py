"""URLs of object stores, and the local copies that stand for them while a job runs.

A job reads and writes local files. For ``s3://bucket/docs``, `ragbench.io.object_stores` keeps a copy in the cache.
This module translates between the two, so that messages, manifests and fingerprints show the URL.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SCHEMES = ("s3", "gs", "abfs", "abfss")
"""Schemes of object stores: Amazon S3 and what speaks its protocol, Google Cloud Storage, Azure (also over TLS)."""
IN_TEXT = re.compile(rf"\b(?:{'|'.join(SCHEMES)}):/{{1,3}}(?=[^/\s])")
"""The beginning of a URL. A path keeps one of its two slashes."""
ANY_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/(?=/?[^/\s])")

_copies = ""
"""The folder of all copies; empty while no URL was given."""


def keep_copies_in(folder: Path) -> None:
    """Set the folder of all local copies. Below it, the path of a copy is ``SCHEME/BUCKET/KEY``."""
    global _copies
    _copies = folder.as_posix()


def url_of(path: Path) -> str | None:
    """The URL that a local copy stands for; None for any other path."""
    if not _copies:
        return None
    found = with_urls(path.as_posix())
    return found if IN_TEXT.match(found) else None


def with_urls(text: str) -> str:
    """A text that shows URLs in place of the paths of local copies."""
    if not _copies or _copies not in text:
        return text
    return re.sub(rf"{re.escape(_copies)}/({'|'.join(SCHEMES)})/", r"\1://", text)


@contextmanager
def urls_in_errors() -> Iterator[None]:
    """Let errors of the block show URLs in place of the paths of local copies."""
    try:
        yield
    except Exception as error:
        if _copies:
            error.args = tuple(with_urls(one) if isinstance(one, str) else one for one in error.args)
            if isinstance(error, OSError) and isinstance(error.filename, str):
                error.filename = with_urls(error.filename)
        raise
