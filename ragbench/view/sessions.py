"""Browser sessions: each has a cookie, and a space for its files."""

import hashlib
import secrets
import shutil
import threading
from dataclasses import dataclass, field
from pathlib import Path

from ragbench.core.documents import Document


@dataclass(eq=False)
class Upload:
    """A file of a session.

    Attributes:
        name: as the user calls it, made harmless; unique in the session.
        path: where it lies; never made of the user's name.
        size: bytes.
        documents: what was read from it.
        notes: what was left out.
    """

    name: str
    path: Path
    size: int
    documents: tuple[Document, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(eq=False)
class Session:
    """One browser session.

    Attributes:
        space: its folder; made with the first upload.
        uploads: its files, in order.
        taken: bytes of its files, those on their way included.
        version: changes with its files.
        lock: held while any of these change.
    """

    space: Path
    uploads: list[Upload] = field(default_factory=list)
    taken: int = 0
    count: int = 0
    version: int = 0
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
        """A new session; what its cookie holds."""
        cookie = secrets.token_urlsafe(32)
        self._sessions[_digest(cookie)] = Session(self._root / f"session-{len(self._sessions) + 1:05d}")
        return cookie

    def find(self, cookie: str) -> Session | None:
        """The session of a cookie."""
        return self._sessions.get(_digest(cookie))


def _digest(cookie: str) -> bytes:
    return hashlib.sha256(cookie.encode("utf-8", "surrogateescape")).digest()
