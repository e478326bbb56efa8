"""The local copy of places in object stores: fetch what changed there, upload what changed here.

Beside each copy, a note keeps which version of the object it is, and how the file looked then. A file that looks
different was changed by a job. It is never replaced or removed before it is in the store, so that nothing that was paid
for is lost if a job, a transfer or the machine stops.
"""

import json
import os
import re
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ragbench.core.context import silent
from ragbench.core.errors import InputError, nearest
from ragbench.core.urls import keep_copies_in
from ragbench.io.files import TEMPORARY
from ragbench.io.object_stores.connect import connect
from ragbench.io.object_stores.faults import said
from ragbench.io.object_stores.places import Place, key_fault
from ragbench.io.object_stores.transfer import Held, get, md5_of, now, patiently, put, remove
from ragbench.io.places import cache_path

Progress = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]

STORES = "object-stores"
COPIES, NOTES, PARTS = "copies", "notes", "parts"
TRANSFERS = 8
"""Transfers at once."""
RACY_NS = 60 * 10**9
"""An object that was written so short a time before it was fetched may have changed within the same second since."""
LAST = ("evaluation.json", "results.json", "manifest.json")
"""Files that say that a folder is complete. They are uploaded after all others."""
NEVER = re.compile(r"\.lock|.*-(?:wal|shm|journal)|.*\.sqlite3?-.*")
"""Names of files that mean something to running processes only."""


@dataclass(frozen=True)
class Note:
    """What is known of a copy.

    Attributes:
        held: the object in the store; None if it was never there.
        seen: when that was, in nanoseconds.
        look: size and time of the file when it was the same as the object; empty if it never was.
        sending: MD5 of the bytes whose upload began and is not known to have ended; empty if there is none.
    """

    held: Held | None
    seen: int = 0
    look: str = ""
    sending: str = ""


class Mirror:
    """The local copies of all places.

    Args:
        root: folder for copies and notes; that of the user's cache if None.
    """

    def __init__(self, root: Path | None = None) -> None:
        self.root = ((root or cache_path()) / STORES).resolve()
        self.copies, self.notes, self.parts = (self.root / name for name in (COPIES, NOTES, PARTS))
        self._systems: dict[tuple[str, str], Any] = {}
        keep_copies_in(self.copies)

    def local(self, place: Place) -> Path:
        """The path of the copy, which need not be there yet."""
        return self.copies / place.scheme / place.bucket / place.key

    def file_system(self, place: Place) -> Any:
        """The `pyarrow.fs.FileSystem` of the place; `Place.path` is the path in it."""
        key = (place.scheme, place.bucket)
        if key not in self._systems:
            self._systems[key] = connect(place)
        return self._systems[key]

    def fetch(self, place: Place, *, writes: bool, progress: Progress = silent) -> Path:
        """Make the local copy the same as what the store has, but for files that a job changed and did not upload.

        Args:
            place: an object, or a folder.
            writes: whether a job will write there. The place may then be empty.
            progress: in bytes.

        Raises:
            InputError: the place cannot be read, is empty, or was changed here and in the store.
        """
        local = self.local(place)
        try:
            self.parts.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"{place.url}: no local copy can be made in {self.root}: {error.strerror}; set RAGBENCH_CACHE"
            ) from error
        there = self._listed(place)
        here = {self._key(path, place): path for path in self._files(local)}
        pending, stale = [], []
        for key in sorted(here.keys() | there.keys()):
            at, held = place.inside(key), there.get(key)
            note, path = self._note(at), here.get(key)
            changed = path is not None and _look(path) != note.look
            if changed and (held is None or self._is(at, held, note)):
                pending.append(key)
            elif changed and held is not None and path is not None:
                if not self._same_bytes(at, held, path, note):
                    raise InputError(
                        f"{at.url}: changed in the store, and also by a job on this machine that did not end its "
                        f"upload. To take the version of the store, remove {path.relative_to(self.root)} from "
                        f"{STORES}, a folder of the cache"
                    )
                pending.append(key)
            elif held is None and path is not None:
                path.unlink(missing_ok=True)
                self._forget(at)
            elif held is not None and (path is None or not self._is(at, held, note)):
                stale.append(key)
        if not there and not pending and not writes:
            raise self._missing(place)
        if pending and not writes:
            raise InputError(
                f"{place.url}: a job on this machine is still at work there, or was stopped before its upload ended "
                f"({len(pending)} files, such as {pending[0]}). Run its command again, and then this one"
            )
        self._get_all(place, {key: there[key] for key in stale}, progress)
        local.parent.mkdir(parents=True, exist_ok=True)
        return local

    def upload(self, place: Place, *, last: bool, progress: Progress = silent) -> int:
        """Upload what differs from the store, and remove there what a job removed here; returns the number of files.

        Args:
            place: an object, or a folder.
            last: whether the job has ended. Before that, files in `LAST` stay here, and nothing is removed.
            progress: in bytes.

        Raises:
            InputError: a file cannot be written. Those before it are in the store, the others stay here.
        """
        local = self.local(place)
        changed = {
            key: path
            for path in self._files(local)
            for key in [self._key(path, place)]
            if _look(path) != self._note(place.inside(key)).look and (last or path.name not in LAST)
        }
        gone = [key for key in self._noted(place) if not self.local(place.inside(key)).exists()] if last else []
        marks = [key for key in changed if key.rpartition("/")[2] in LAST]
        others = [key for key in changed if key not in marks]
        if not changed and not gone:
            return 0
        # A folder is never complete while some of its files are old and others new.
        if others or gone:
            for key in marks:
                if self._note(place.inside(key)).held is not None:
                    with suppress(InputError):  # the credentials may write and not delete
                        remove(self.file_system(place), place.inside(key))
        total = sum(path.stat().st_size for path in changed.values())
        with progress(f"uploading to {place.url}", total) as advance:
            self._in_threads([lambda key=key: self._put(place.inside(key), advance) for key in others])  # type: ignore[misc]
            for key in gone:
                remove(self.file_system(place), place.inside(key))
                self._forget(place.inside(key))
            for key in sorted(marks, key=lambda key: LAST.index(key.rpartition("/")[2])):
                self._in_threads([lambda key=key: self._put(place.inside(key), advance)])  # type: ignore[misc]
        return len(changed) + len(gone)

    def _listed(self, place: Place) -> dict[str, Held]:
        """The objects of the place by key."""
        from pyarrow import fs

        system = self.file_system(place)

        def ask() -> dict[str, Held]:
            info = system.get_file_info(place.path)
            if info.type == fs.FileType.File:
                return {place.key: Held.of(info)}
            # A bucket without any object is found by listing it, which also says whether there is one.
            every = system.get_file_info(fs.FileSelector(place.path, recursive=True, allow_not_found=True))
            prefix = len(place.path) - len(place.key)
            return {one.path[prefix:].lstrip("/"): Held.of(one) for one in every if one.type == fs.FileType.File}

        found = patiently(place, "read", system, ask)
        if not found:
            bucket = place.inside("")
            if patiently(place, "read", system, lambda: system.get_file_info(bucket.path)).type == (
                fs.FileType.NotFound
            ):
                raise said(place, OSError("no_such_bucket"), "read")
        faults = [fault for fault in map(key_fault, found) if fault]
        if faults:
            raise InputError(f"{place.url}: {faults[0]}; rename the object")
        folders = {key[:at] for key in found for at, sign in enumerate(key) if sign == "/"}
        both = sorted(folders & found.keys())
        if both:
            raise InputError(f"{place.url}: {both[0]!r} is an object and a folder of others, which no disk can hold")
        return found

    def _get_all(self, place: Place, stale: dict[str, Held], progress: Progress) -> None:
        total = sum(held.size for held in stale.values())
        free = shutil.disk_usage(self.parts).free
        if total > free:
            raise InputError(
                f"{place.url}: {total:,} bytes are needed for the local copy and {free:,} are free; set RAGBENCH_CACHE "
                "to a folder on a larger disk"
            )
        if not stale:
            return
        with progress(f"fetching {place.url}", total) as advance:
            self._in_threads([lambda key=key: self._get(place.inside(key), advance) for key in stale])  # type: ignore[misc]

    def _get(self, at: Place, advance: Callable[[int], None]) -> None:
        seen, target = time.time_ns(), self.local(at)
        try:
            held = get(self.file_system(at), at, target, self.parts, advance)
        except FileNotFoundError as error:
            raise InputError(f"{at.url}: was removed from the store while it was fetched; run it again") from error
        os.utime(target, ns=(held.modified, held.modified))
        self._keep(at, Note(held, seen, _look(target)))

    def _put(self, at: Place, advance: Callable[[int], None]) -> None:
        path = self.local(at)
        with _still(path, self.parts) as (copy, size, seen):
            before = self._note(at)
            self._keep(at, Note(before.held, before.seen, before.look, md5_of(copy, size)))
            began = time.time_ns()
            held = put(self.file_system(at), at, lambda: copy.open("rb"), size)
        advance(size)
        self._keep(at, Note(held, began, seen))

    def _in_threads(self, work: Sequence[Callable[[], None]]) -> None:
        """Do all of it, a few at a time; after a failure, nothing more is begun."""
        pool = ThreadPoolExecutor(min(TRANSFERS, max(len(work), 1)), thread_name_prefix="object-store")
        try:
            for done in [pool.submit(one) for one in work]:
                done.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _is(self, at: Place, held: Held, note: Note) -> bool:
        """Whether an object is the one of the note."""
        if note.held is None or (held.size, held.modified) != (note.held.size, note.held.modified):
            return False
        if held.modified < note.seen - RACY_NS:
            return True
        return bool(note.held.etag) and now(self.file_system(at), at) == note.held.etag

    def _same_bytes(self, at: Place, held: Held, path: Path, note: Note) -> bool:
        """Whether an object holds what is in the file, or what was on its way when a job was killed."""
        handle, name = tempfile.mkstemp(dir=self.parts)
        os.close(handle)
        copy = Path(name)
        try:
            held = get(self.file_system(at), at, copy, self.parts, lambda size: None)
            digest = md5_of(copy)
        finally:
            copy.unlink(missing_ok=True)
        if digest not in (note.sending, md5_of(path)):
            return False
        self._keep(at, Note(held, time.time_ns(), note.look))
        return True

    def _missing(self, place: Place) -> InputError:
        """Nothing is there: name what has a similar name."""
        from pyarrow import fs

        if not place.key:
            return InputError(f"{place.url}: the bucket is empty")
        folder, _, name = place.path.rpartition("/")
        system = self.file_system(place)
        try:
            beside = system.get_file_info(fs.FileSelector(folder, allow_not_found=True))
        except OSError:
            beside = []
        near = nearest(name, [one.base_name for one in beside])
        above = place.key.rpartition("/")[0]
        hint = f"; did you mean {place.inside(f'{above}/{near[0]}'.lstrip('/')).url}?" if near else ""
        return InputError(f"{place.url}: no such object or folder{hint}")

    def _files(self, local: Path) -> Iterator[Path]:
        """The files of a copy, without those that are being written."""
        found = [local] if local.is_file() else sorted(local.rglob("*"))
        for path in found:
            parts = path.relative_to(self.copies).parts
            if NEVER.fullmatch(path.name) or any(TEMPORARY.fullmatch(part) for part in parts):
                continue
            if path.is_file() and not path.is_symlink():
                yield path

    def _key(self, path: Path, place: Place) -> str:
        return path.relative_to(self.copies / place.scheme / place.bucket).as_posix()

    def _noted(self, place: Place) -> list[str]:
        """The keys of the place that have a note of an object."""
        base = self.notes / place.scheme / place.bucket
        alone = base / f"{place.key}.json"
        files = [alone] if place.key and alone.is_file() else sorted((base / place.key).rglob("*.json"))
        keys = [path.relative_to(base).as_posix().removesuffix(".json") for path in files]
        return [key for key in keys if self._note(place.inside(key)).held is not None]

    def _note_path(self, at: Place) -> Path:
        return self.notes / at.scheme / at.bucket / f"{at.key}.json"

    def _note(self, at: Place) -> Note:
        try:
            found = json.loads(self._note_path(at).read_text("utf-8"))
            held = Held(**found["held"]) if found["held"] else None
            return Note(held, found["seen"], found["look"], found["sending"])
        except (OSError, ValueError, KeyError, TypeError):
            return Note(None)

    def _keep(self, at: Place, note: Note) -> None:
        path = self._note_path(at)
        path.parent.mkdir(parents=True, exist_ok=True)
        held = vars(note.held) if note.held is not None else None
        handle, name = tempfile.mkstemp(dir=self.parts)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump({"held": held, "seen": note.seen, "look": note.look, "sending": note.sending}, file)
        os.replace(name, path)  # noqa: PTH105

    def _forget(self, at: Place) -> None:
        self._note_path(at).unlink(missing_ok=True)


def _look(path: Path) -> str:
    """Size and time of a file; of a database of SQLite also those of its log."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return ""
    log = path.with_name(f"{path.name}-wal")
    logged = f" {log.stat().st_size}:{log.stat().st_mtime_ns}" if log.exists() and log.stat().st_size else ""
    return f"{found.st_size}:{found.st_mtime_ns}{logged}"


@contextmanager
def _still(path: Path, parts: Path) -> Iterator[tuple[Path, int, str]]:
    """The bytes of a file that may be at work: the path to read, the size, and how the file looked.

    Files are replaced as a whole or appended to, so the first bytes of a file are its state at some time. A database is
    copied in one transaction.
    """
    handle, name = tempfile.mkstemp(dir=parts)
    os.close(handle)
    copy, seen = Path(name), _look(path)
    try:
        if path.with_name(f"{path.name}-wal").exists():
            with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
                source.backup(target)
        else:
            # A second name of the same bytes: whoever replaces the file leaves them alone.
            copy.unlink()
            os.link(path, copy)
            seen = _look(copy)
        yield copy, copy.stat().st_size, seen
    finally:
        copy.unlink(missing_ok=True)
