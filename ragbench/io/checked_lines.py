"""Lines of JSON with a checksum, so that a line that was altered on disk is noticed."""

import re
from hashlib import blake2b

CHECKSUM = "checksum"
CHECKED = re.compile(rf'(\{{.*), "{CHECKSUM}": "([0-9a-f]{{32}})"\}}'.encode(), re.DOTALL)
"""A line without its checksum, and the checksum."""


def checked(line: bytes) -> bytes:
    """Add a checksum to a line that holds an object.

    Example:
        >>> checked(b'{"a": 1}')
        b'{"a": 1, "checksum": "6903fb303cd60ccb0a2b9c2592fa773b"}'
    """
    return line.removesuffix(b"}") + f', "{CHECKSUM}": "{_checksum(line)}"'.encode() + b"}"


def unchecked(line: bytes) -> bytes | None:
    """The line without its checksum, or None if it has none.

    Raises:
        ValueError: the line was altered.

    Example:
        >>> unchecked(checked(b'{"a": 1}'))
        b'{"a": 1}'
    """
    found = CHECKED.fullmatch(line)
    if found is None:
        return None
    plain = found[1] + b"}"
    if _checksum(plain) != found[2].decode():
        raise ValueError("it was altered on disk")
    return plain


def _checksum(line: bytes) -> str:
    return blake2b(line, digest_size=16).hexdigest()
