"""Browser sessions: each has a cookie and a folder for its files, which is removed when the process ends."""

import hashlib
import secrets
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ragbench.core.documents import Document


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
        """Start a session. Returns the value of its cookie."""
        cookie = secrets.token_urlsafe(32)
        self._sessions[_digest(cookie)] = Session(self._root / f"session-{len(self._sessions) + 1:05d}")
        return cookie

    def find(self, cookie: str) -> Session | None:
        """Return the session of a cookie."""
        return self._sessions.get(_digest(cookie))


def _digest(cookie: str) -> bytes:
    return hashlib.sha256(cookie.encode("utf-8", "surrogateescape")).digest()


START = ".start.lock"
LOCK = ".lock"


@contextmanager
def own_folder(base: Path) -> Iterator[Path]:
    """Make a folder below ``base`` that only the user can read; it is removed when the block ends.

    A process that is killed cannot remove its folder. Each folder therefore has a lock
    beside it that lasts as long as its process; who starts next removes those without.

    Raises:
        OSError: the folder cannot be made.
    """
    from filelock import FileLock

    base.mkdir(parents=True, exist_ok=True, mode=0o700)
    # One process at a time looks for what is stale, so that none removes what another is about to lock.
    with FileLock(base / START):
        _remove_stale(base)
        folder = Path(tempfile.mkdtemp(dir=base, prefix="view-"))
        lock = FileLock(_lock(folder))
        lock.acquire()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        lock.release()
        _lock(folder).unlink(missing_ok=True)


def _lock(folder: Path) -> Path:
    return folder.with_name(folder.name + LOCK)


def _remove_stale(base: Path) -> None:
    from filelock import FileLock, Timeout

    for folder in sorted(base.glob("view-*")):
        if folder.name.endswith(LOCK) or folder.is_symlink():
            continue
        try:
            with FileLock(_lock(folder), timeout=0):
                shutil.rmtree(folder, ignore_errors=True)
        except Timeout:
            continue
        _lock(folder).unlink(missing_ok=True)
