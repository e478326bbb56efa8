"""Addresses and headers of services that ragbench asks, and how keys stay out of files and messages."""

import os
import time
from collections.abc import Iterable, Mapping
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qsl, urlsplit

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
SECRET_WORDS = frozenset({"key", "apikey", "token", "secret", "password", "pwd", "sig", "signature", "auth"})
SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie"})
LONGEST_WAIT = 60.0
"""The longest Retry-After that is honoured, in seconds."""
SHORTEST_SECRET = 4
"""Characters. Anything shorter is not a secret, and hiding it would only blank out words."""


def sounds_secret(name: str) -> bool:
    """Whether the name of a header or parameter is one that holds a key."""
    lower = name.lower()
    return lower in SECRET_HEADERS or bool(SECRET_WORDS & set(lower.replace("-", "_").split("_")))


def url_faults(url: str, *, keys: bool = False) -> list[str]:
    """Describe what is wrong with the address of a service.

    Args:
        url: the address.
        keys: whether it may hold a key, as an address on a command line may. One in a file must not.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        return [f"url {url!r} cannot be read: {error}"]
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        return [f"url is {url!r}; it must be like https://host/path"]
    if parts.username or parts.password:
        return ["url holds a user name or password; put it into a header with header_env"]
    if not keys and any(sounds_secret(name) for name, _ in parse_qsl(parts.query)):
        return ["url seems to hold a key; put it into a header with header_env"]
    return []


def header_faults(header_env: Mapping[str, str]) -> list[str]:
    """Describe what is wrong with headers whose values are in environment variables."""
    faults = []
    for header, variable in sorted(header_env.items()):
        value = os.environ.get(variable, "")
        if not value:
            faults.append(f"header {header!r} comes from the environment variable {variable}, which is not set")
        elif not can_be_header(value):
            faults.append(f"the environment variable {variable} holds characters that no header can carry")
    return faults


def can_be_header(value: str) -> bool:
    """Whether a header can carry the value."""
    return value.isascii() and value.isprintable()


def is_local(url: str) -> bool:
    """Whether the address is one of this machine. A proxy named in the environment cannot reach services there."""
    return urlsplit(url).hostname in LOOPBACK


def without_secrets(text: str, secrets: Iterable[str]) -> str:
    """Remove secrets from a text, since a service may repeat the headers it received, even cut off."""
    for secret in secrets:
        for part in (secret, secret.split()[-1]) if secret.split() else ():
            if len(part) >= SHORTEST_SECRET:
                text = text.replace(part, "***")
            for length in range(len(part) - 1, SHORTEST_SECRET - 1, -1):
                text = text.replace(part[:length] + "...", "***...")
    return text


def retry_after(headers: Mapping[str, str]) -> float:
    """Seconds of the header Retry-After (a number or a date), at most `LONGEST_WAIT`; 0 without a usable one.

    Example:
        >>> retry_after({"retry-after": "7"}), retry_after({})
        (7.0, 0.0)
    """
    written = headers.get("retry-after", "").strip()
    if written.isdecimal():
        return min(float(written), LONGEST_WAIT)
    try:
        seconds = parsedate_to_datetime(written).timestamp() - time.time()
    except (ValueError, TypeError):
        return 0.0
    return min(max(seconds, 0.0), LONGEST_WAIT)
