"""Files of a browser session."""

import asyncio
import re
import unicodedata
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from starlette.requests import ClientDisconnect

from ragbench import plugins
from ragbench.core.documents import Document
from ragbench.core.errors import InputError, RagbenchError
from ragbench.corpus.file_limits import FileLimits, OverLimit
from ragbench.corpus.loaders.base import FileLoader
from ragbench.corpus.readers import Reader
from ragbench.corpus.reading import Source
from ragbench.view.sessions import Session, Upload
from ragbench.view.settings import MEGABYTE, Limits
from ragbench.view.threads import in_thread

KINDS = "text, Markdown, HTML, PDF, Word and PowerPoint"
"""What ragbench itself reads as one document of one file."""
Left = Callable[[], Coroutine[Any, Any, None]]
"""Waits until nobody waits for an upload any more."""
MOST_PAGES = 2_000
LONGEST_NAME = 120


@cache
def endings() -> dict[str, str]:
    """Accepted endings of files, with their loaders: those of ragbench that make one document of one file."""
    found = plugins.built_in(plugins.LOADERS).items()
    return {ending: name for name, cls in found if issubclass(cls, FileLoader) for ending in cls.suffixes}


async def receive_upload(
    session: Session,
    name: str,
    size: int,
    body: AsyncIterator[bytes],
    limits: Limits,
    left: Left,
) -> Upload:
    """Take a file into a session's space and read it.

    Args:
        session: session of the file.
        name: name that the browser sent.
        size: announced size in bytes.
        body: content in pieces.
        limits: limits of files and sessions.
        left: waits until nobody waits for the file any more.

    Raises:
        InputError: it is too large, of a wrong kind, or cannot be read.
    """
    shown = harmless(name)
    ending = Path(shown).suffix.lower()
    if ending not in endings():
        raise InputError(f"{shown}: only {KINDS} files are taken ({', '.join(endings())})")
    upload = _reserve(session, shown, ending, size, limits)
    try:
        await _store(upload, body)
        upload.documents, upload.notes = await _read(upload, endings()[ending], limits, left)
    except BaseException:
        with session.lock:
            session.taken -= upload.size
        upload.path.unlink(missing_ok=True)
        raise
    with session.lock:
        taken = {one.name for one in session.uploads}
        upload.name = _unique(shown, taken)
        upload.documents = tuple(replace(document, id=upload.name) for document in upload.documents)
        session.uploads.append(upload)
        session.version += 1
    return upload


def harmless(name: str) -> str:
    """Return the last part of a name without control and invisible characters; never empty."""
    last = re.split(r"[/\\]", name)[-1]
    plain = "".join(c for c in last if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"))
    plain = " ".join(plain.split())
    stem, _, ending = plain.rpartition(".")
    ending = ending[:12]
    return f"{stem.strip(' .')[: LONGEST_NAME - 1 - len(ending)] or 'file'}.{ending}"


def shown_uploads(session: Session, limits: Limits) -> dict[str, object]:
    """Describe a session's files as JSON values."""
    return {
        "files": [
            {
                "name": upload.name,
                "size": upload.size,
                "characters": sum(len(document.text) for document in upload.documents),
                "notes": list(upload.notes),
            }
            for upload in session.uploads
        ],
        "taken": session.taken,
        "room": limits.session_bytes,
    }


def _reserve(session: Session, name: str, ending: str, size: int, limits: Limits) -> Upload:
    if size > limits.file_bytes:
        raise InputError(f"{name}: {size / MEGABYTE:.1f} MB; a file may have {limits.file_bytes / MEGABYTE:.3g} MB")
    if size == 0:
        raise InputError(f"{name}: the file is empty")
    with session.lock:
        if session.taken + size > limits.session_bytes:
            raise InputError(
                f"{name}: your files would have {(session.taken + size) / MEGABYTE:.1f} MB together; "
                f"{limits.session_bytes / MEGABYTE:.3g} MB are the most. Remove your files first"
            )
        if len(session.uploads) >= limits.files:
            raise InputError(f"{name}: {limits.files} files are the most")
        session.space.mkdir(mode=0o700, exist_ok=True)
        session.taken += size
        session.count += 1
        return Upload(name, session.space / f"{session.count:05d}{ending}", size)


async def _store(upload: Upload, body: AsyncIterator[bytes]) -> None:
    written = 0
    with upload.path.open("wb") as file, suppress(ClientDisconnect):
        async for piece in body:
            written += len(piece)
            if written > upload.size:
                break
            file.write(piece)
    if written != upload.size:
        raise InputError(f"{upload.name}: {upload.size:,} bytes were announced, but {written:,} came")


async def _read(
    upload: Upload, loader: str, limits: Limits, left: Left
) -> tuple[tuple[Document, ...], tuple[str, ...]]:
    """Read a file in a process that is ended if it takes too long or too much memory, or nobody waits any more."""
    settings: dict[str, object] = {"name": loader, "max_bytes": upload.size + 1}
    if loader == "pdf":
        settings["max_pages"] = MOST_PAGES
    reader = Reader(FileLimits(limits.read_seconds, limits.read_gigabytes))
    source = Source(upload.path, upload.name, plugins.build(plugins.LOADERS, settings))
    reading = asyncio.ensure_future(in_thread(lambda: list(reader.read([source]))))
    leaving = asyncio.ensure_future(left())
    try:
        await asyncio.wait((reading, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not reading.done():
            raise InputError(f"{upload.name}: the browser left before the file was read")
        (content,) = reading.result()
    finally:
        reader.end()
        leaving.cancel()
        with suppress(asyncio.CancelledError, RagbenchError):
            await reading
    if isinstance(content.fault, OverLimit):
        raise InputError(str(content.fault).partition(";")[0] + "; give a smaller file, or its text as .txt")
    if content.fault is not None:
        raise content.fault
    if not content.documents:
        raise InputError(f"{upload.name}: there is no document in it, for it has no text")
    return tuple(content.documents), tuple(f"{entry.item}: {entry.reason}" for entry in content.issues)


def _unique(name: str, taken: set[str]) -> str:
    stem, _, ending = name.rpartition(".")
    found, number = name, 2
    while found in taken:
        found, number = f"{stem} ({number}).{ending}", number + 1
    return found
