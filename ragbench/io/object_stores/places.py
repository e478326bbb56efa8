"""A place in an object store, as a URL names it."""

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from ragbench.core.errors import InputError, did_you_mean
from ragbench.core.urls import SCHEMES

KNOWN = (*SCHEMES, "file")
BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
CONTAINER = re.compile(r"[a-z0-9$][a-z0-9-]*(@[A-Za-z0-9][A-Za-z0-9.-]*)?")
"""``container``, or ``container@account.dfs.core.windows.net``."""


@dataclass(frozen=True)
class Place:
    """A bucket, and a key or folder in it.

    Attributes:
        scheme: one of `ragbench.core.urls.SCHEMES`.
        bucket: name of the bucket; for Azure the container, with ``@`` and its account if the URL names it.
        key: key of an object, or folder of keys, without slashes at its ends; empty for the whole bucket.
    """

    scheme: str
    bucket: str
    key: str

    @property
    def url(self) -> str:
        """The URL."""
        return f"{self.scheme}://{self.bucket}/{self.key}".rstrip("/")

    @property
    def path(self) -> str:
        """The path in the file system of pyarrow."""
        return f"{self.bucket.partition('@')[0]}/{self.key}".rstrip("/")

    @property
    def account(self) -> str:
        """The host of the Azure account that the URL names; empty if it names none."""
        return self.bucket.partition("@")[2]

    def inside(self, key: str) -> "Place":
        """Another place in the bucket."""
        return Place(self.scheme, self.bucket, key)


def parse_place(url: str) -> Place:
    """Read the URL of an object, of a folder, or of a bucket.

    Raises:
        InputError: the URL has another scheme, no bucket, a query, credentials, or a key that no local file can have.
    """
    scheme, _, rest = url.partition(":")
    rest = rest.lstrip("/")
    shown = _shown(url)
    if scheme not in SCHEMES:
        raise InputError(f"{shown}: unknown scheme {scheme!r}{did_you_mean(scheme, KNOWN)}")
    if url.startswith(f"{scheme}:///"):
        raise InputError(f"{shown}: the URL names no bucket; the form is {scheme}://bucket/key")
    if "?" in rest or "#" in rest:
        raise InputError(
            f"{shown}: a URL of an object store has no query, such as a signature; give {scheme}://bucket/key, and "
            "keys in environment variables"
        )
    bucket, _, key = rest.partition("/")
    azure = scheme.startswith("abfs")
    if ":" in bucket or ("@" in bucket and not azure):
        raise InputError(f"{shown}: the URL holds credentials; give {scheme}://bucket/key, and keys in the environment")
    if not (CONTAINER if azure else BUCKET).fullmatch(bucket):
        form = "container@account.dfs.core.windows.net/path" if azure else "bucket/key"
        raise InputError(f"{shown}: {bucket!r} cannot be the name of a bucket; the form is {scheme}://{form}")
    key = key.strip("/")
    if fault := key_fault(key):
        raise InputError(f"{shown}: {fault}")
    return Place(scheme, bucket, key)


def key_fault(key: str) -> str:
    """The reason why no local file can have the name of the key; empty if one can."""
    parts = key.split("/") if key else []
    if any(part in ("", ".", "..") for part in parts):
        return f"the key {key!r} has an empty part, '.' or '..', which no path can have"
    if "\0" in key or "\\" in key:
        return f"the key {key!r} has a character that no path can have"
    if any(len(part.encode("utf-8", "replace")) > 240 for part in parts):
        return f"the key {key[:60]!r}... has a part of more than 240 bytes, which is too long for the name of a file"
    return ""


def local_path(url: str) -> str:
    """The path that a ``file://`` URL names.

    Raises:
        InputError: it names a file of another machine.
    """
    if not url.startswith("file://"):  # a path has kept one slash
        return unquote(url.removeprefix("file:"))
    parts = urlsplit(url)
    if parts.netloc not in ("", "localhost") or not parts.path:
        raise InputError(f"{url}: a file URL names a path of this machine, as in file:///data/docs")
    return unquote(parts.path)


def _shown(url: str) -> str:
    """The URL without what may be secret: user, password and query."""
    whole = re.sub(r"[?#].*", "?...", url, flags=re.DOTALL)
    if whole.startswith("abfs") and CONTAINER.fullmatch(whole.partition("://")[2].partition("/")[0]):
        return whole
    return re.sub(r"(://?)[^/]*@", r"\1...@", whole)
