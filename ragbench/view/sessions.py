"""Browser sessions: each has a cookie and a folder for its files, which is removed when the process ends."""

import hashlib
import secrets
import shutil
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from ragbench.core.documents import Document

IDLE_SECONDS = 12 * 60 * 60.0
"""Files of a session are removed if nobody has used it for so long."""


@dataclass(eq=False)
class Upload:
    """A file of a session.

    Attributes:
        name: the user's name of the file without harmful characters; unique in the session.
        path: its path, which never depends on the user's name.
        size: size in bytes.
        documents: documents in the file.
        notes: what was skipped.
    """

    name: str
    path: Path
    size: int
    documents: tuple[Document, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(eq=False)
class Session:
    """A browser session.

    Attributes:
        space: its folder; made with the first upload.
        uploads: its files, in order.
        taken: bytes of its files, including running uploads.
        version: changes with its files.
        used: when its cookie came last, on the clock of `time.monotonic`.
        lock: held while any of these change.
    """

    space: Path
    uploads: list[Upload] = field(default_factory=list)
    taken: int = 0
    count: int = 0
    version: int = 0
    used: float = field(default_factory=time.monotonic)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def clear(self) -> None:
        """Remove all files."""
        with self.lock:
            shutil.rmtree(self.space, ignore_errors=True)
            self.taken -= sum(upload.size for upload in self.uploads)
            self.uploads.clear()
            self.version += 1


class Sessions:
    """The sessions of this process.

    Args:
        root: folder for their spaces.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        # By the digest of the cookie: how long a look-up takes then tells nothing about a cookie.
        self._sessions: dict[bytes, Session] = {}

    def start(self) -> str:
        """Start a session. Returns the value of its cookie."""
        cookie = secrets.token_urlsafe(32)
        self._sessions[_digest(cookie)] = Session(self._root / f"session-{len(self._sessions) + 1:05d}")
        return cookie

    def find(self, cookie: str) -> Session | None:
        """Return the session of a cookie. Sessions that nobody has used for long lose their files."""
        now = time.monotonic()
        found = self._sessions.get(_digest(cookie))
        if found is not None:
            found.used = now
        for session in list(self._sessions.values()):
            if session.uploads and now - session.used > IDLE_SECONDS:
                session.clear()
        return found


def _digest(cookie: str) -> bytes:
    return hashlib.sha256(cookie.encode("utf-8", "surrogateescape")).digest()
