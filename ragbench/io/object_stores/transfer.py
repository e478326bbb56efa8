"""Get and put whole objects. What may pass is tried again; an object in the store is complete or not there."""

import hashlib
import os
import random
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ragbench.core.errors import InputError
from ragbench.io.object_stores.faults import permanent, said
from ragbench.io.object_stores.places import Place

T = TypeVar("T")
ATTEMPTS = 5
FIRST_WAIT_S = 0.4
LONGEST_WAIT_S = 20.0
PIECE = 8 << 20
"""Bytes that are read at once: after a broken transfer, only such a piece is fetched again."""


@dataclass(frozen=True)
class Held:
    """An object as the store has it.

    Attributes:
        size: in bytes.
        modified: when it was written, in nanoseconds, by the clock of the store; most stores count whole seconds.
        etag: what the store calls this version of the object; empty if it was not asked for.
    """

    size: int
    modified: int
    etag: str = ""

    @classmethod
    def of(cls, info: Any, etag: str = "") -> "Held":
        """From a `pyarrow.fs.FileInfo`."""
        return cls(int(info.size), int(info.mtime_ns or 0), etag)


class _Cut(OSError):
    """A transfer ended before its time."""


def patiently(place: Place, action: str, file_system: Any, attempt: Callable[[], T]) -> T:
    """Try until an attempt succeeds, waiting twice as long each time.

    Args:
        place: for messages.
        action: ``read`` or ``write``.
        file_system: that of the place.
        attempt: does the work.

    Raises:
        InputError: the answer is one that another attempt would not change, or all attempts failed.
        FileNotFoundError: the object is not there.
    """
    for number in range(ATTEMPTS):
        try:
            return attempt()
        except FileNotFoundError:
            raise
        except OSError as error:
            if permanent(error) is not None or number == ATTEMPTS - 1:
                raise said(place, error, action, file_system) from error
            wait = FIRST_WAIT_S * 2**number * random.SystemRandom().uniform(0.75, 1.25)
            time.sleep(min(wait, LONGEST_WAIT_S))
    raise AssertionError("the last attempt returns or raises")


def get(file_system: Any, place: Place, target: Path, parts: Path, advance: Callable[[int], None]) -> Held:
    """Fetch an object to a file, which appears when it is complete.

    Args:
        file_system: that of the place.
        place: the object.
        target: the file.
        parts: a folder on the same disk for incomplete files.
        advance: called with numbers of bytes.

    Raises:
        InputError: the object cannot be read, or it changes again and again while it is read.
        FileNotFoundError: it is not there.
    """

    def once() -> Held:
        source = patiently(place, "read", file_system, lambda: file_system.open_input_file(place.path))
        with source:
            size, tag = int(source.size()), etag(source)
            handle, name = tempfile.mkstemp(dir=parts)
            try:
                with os.fdopen(handle, "wb") as written:
                    for start in range(0, size, PIECE):
                        length = min(PIECE, size - start)
                        piece = patiently(place, "read", file_system, lambda s=start, n=length: _piece(source, s, n))  # type: ignore[misc]
                        written.write(piece)
                        advance(length)
                info = look(file_system, place)
                if info is None or info.size != size or (size > PIECE and now(file_system, place) != tag):
                    raise _Cut("the object changed while it was read")
                os.chmod(name, 0o644)  # noqa: PTH101
                target.parent.mkdir(parents=True, exist_ok=True)
                os.replace(name, target)  # noqa: PTH105
            finally:
                Path(name).unlink(missing_ok=True)
        return Held(info.size, info.modified, tag)

    return patiently(place, "read", file_system, once)


def _piece(source: Any, start: int, length: int) -> bytes:
    piece: bytes = source.read_at(length, start)
    if len(piece) != length:
        raise _Cut(f"{len(piece)} of {length} bytes came")
    return piece


def put(file_system: Any, place: Place, content: Callable[[], Any], size: int) -> Held:
    """Write an object in one request, or in parts that become one object when the last is there.

    Call it in a thread of its own: an exception between two parts would complete the object as it is then, and only the
    main thread gets Ctrl-C.

    Args:
        file_system: that of the place.
        place: the object.
        content: opens the bytes.
        size: how many there are.

    Raises:
        InputError: it cannot be written.
    """

    def once() -> None:
        with content() as source, file_system.open_output_stream(place.path) as stream:
            left = size
            while left:
                piece = source.read(min(PIECE, left))
                if not piece:
                    break
                stream.write(piece)
                left -= len(piece)

    patiently(place, "write", file_system, once)
    held = patiently(place, "read", file_system, lambda: look(file_system, place))
    if held is None or held.size != size:
        remove(file_system, place)
        raise InputError(f"{place.url}: the store has {held.size if held else 0:,} of {size:,} bytes; run it again")
    return Held(held.size, held.modified, now(file_system, place))


def remove(file_system: Any, place: Place) -> None:
    """Remove an object, if it is there.

    Raises:
        InputError: it cannot be removed.
    """
    try:
        patiently(place, "write", file_system, lambda: file_system.delete_file(place.path))
    except FileNotFoundError:
        return


def look(file_system: Any, place: Place) -> Held | None:
    """The object of that key; None if there is none.

    Raises:
        OSError: the store does not say.
    """
    from pyarrow import fs

    info = file_system.get_file_info(place.path)
    return Held.of(info) if info.type == fs.FileType.File else None


def now(file_system: Any, place: Place) -> str:
    """What the store calls the present version of an object; empty if it gives versions no name."""

    def ask() -> str:
        with file_system.open_input_file(place.path) as source:
            return etag(source)

    return patiently(place, "read", file_system, ask)


def etag(source: Any) -> str:
    """The name of the version of an open object; empty if the store gives it none."""
    found = {str(key).lower(): value for key, value in (source.metadata() or {}).items()}
    tag = found.get("etag", found.get("generation", b""))
    return tag.decode() if isinstance(tag, bytes) else str(tag)


def md5_of(path: Path, size: int | None = None) -> str:
    """The MD5 of the first bytes of a file, which tells versions apart; it protects nothing."""
    digest = hashlib.md5(usedforsecurity=False)
    left = path.stat().st_size if size is None else size
    with path.open("rb") as file:
        while left and (piece := file.read(min(PIECE, left))):
            digest.update(piece)
            left -= len(piece)
    return digest.hexdigest()
