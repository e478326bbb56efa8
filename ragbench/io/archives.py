"""Zip files that nobody has checked: unpack them without harm to other files, the memory or the disk."""

import re
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import NamedTuple

from ragbench.core.errors import InputError
from ragbench.core.ledger import LedgerEntry
from ragbench.io.files import FULL, temporary_folder

MOST_MEMBERS = 100_000
MOST_BYTES = 64 << 30
HIGHEST_RATIO = 200
"""Text compresses to a tenth at best, now and then to a thirtieth; a zip bomb to a thousandth."""
RATIO_FROM_BYTES = 64 << 20

_DRIVE = re.compile(r"[A-Za-z]:")
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError)


class _Fault(NamedTuple):
    """Why a member of an archive is not unpacked."""

    code: str
    reason: str


def unpack_zip(archive: Path, target: Path, *, most_bytes: int = MOST_BYTES) -> int:
    """Unpack a zip file to the folder ``target``, which appears complete or not at all.

    If everything in it is in one folder, that folder is dropped.

    Args:
        archive: the zip file.
        target: must not exist.
        most_bytes: refuse to unpack more.

    Returns:
        the number of files.

    Raises:
        InputError: no zip file, damaged, encrypted, with a member that leads out
            of the folder or is a link, or unpacking to far more than it should.
    """
    with temporary_folder(target) as folder:
        made = folder / "unpacked"
        made.mkdir()
        count, _ = _unpack(archive, made, most_bytes, skip=False)
        try:
            _only_folder(made).replace(target)
        except OSError as error:
            raise InputError(f"{target}: already there, or it cannot be written ({error.strerror})") from error
    return count


@contextmanager
def unpacked(archive: Path, *, most_bytes: int = MOST_BYTES) -> Iterator[tuple[Path, list[LedgerEntry]]]:
    """A temporary folder with the files of a zip file, and an entry for each one that is not unpacked.

    If everything is in one folder, this is that folder. It is removed when the block ends.

    Raises:
        InputError: no zip file, without a file that can be unpacked, or unpacking to far more than it should.
    """
    with TemporaryDirectory(prefix="ragbench-") as folder:
        made = Path(folder)
        _, entries = _unpack(archive, made, most_bytes, skip=True)
        yield _only_folder(made), entries


def _only_folder(made: Path) -> Path:
    """The one folder that holds everything, if there is one. What macOS adds does not count."""
    inside = [path for path in made.iterdir() if path.name != "__MACOSX"]
    return _only_folder(inside[0]) if len(inside) == 1 and inside[0].is_dir() else made


def _unpack(archive: Path, made: Path, most_bytes: int, *, skip: bool) -> tuple[int, list[LedgerEntry]]:
    """Unpack the members to a folder. A member with a fault is skipped, or an error.

    Returns:
        The number of unpacked files, and an entry for each file that was skipped.
    """
    entries: list[LedgerEntry] = []
    try:
        with zipfile.ZipFile(archive) as opened:
            members = _bounded(archive, opened, most_bytes)
            paths = [_path(member) for member in members]
            faults = [_fault(member, path) for member, path in zip(members, paths, strict=True)]
            _mark_repeated(paths, faults)
            for member, known in zip(members, faults, strict=True):
                if known and not skip:
                    raise InputError(f"{archive}: {member.filename!r} {known.reason}; nothing was unpacked")
            for member, path, known in zip(members, paths, faults, strict=True):
                fault = known or _write(opened, member, made / path, skip=skip)
                if fault:
                    entries.append(LedgerEntry("unpack", member.filename, fault.reason, fault.code))
    except _DAMAGED as error:
        raise InputError(f"{archive}: no zip file that can be unpacked ({error})") from error
    except OSError as error:
        raise InputError(f"{archive}: cannot be unpacked ({error.strerror or error})") from error
    return len(members) - len(entries), entries


def _bounded(archive: Path, opened: zipfile.ZipFile, most_bytes: int) -> list[zipfile.ZipInfo]:
    """The files of an archive, once they are known to fit the limits."""
    members = [member for member in opened.infolist() if not member.filename.endswith("/")]
    if not members:
        raise InputError(f"{archive}: there is no file in it")
    if len(members) > MOST_MEMBERS:
        raise InputError(f"{archive}: {len(members):,} files in it, more than the {MOST_MEMBERS:,} that are unpacked")
    # zipfile never reads more of a member than its declared size.
    total = sum(member.file_size for member in members)
    packed = max(archive.stat().st_size, 1)
    if total > most_bytes or (total > RATIO_FROM_BYTES and total / packed > HIGHEST_RATIO):
        raise InputError(
            f"{archive}: its {packed:,} bytes would become {total:,} (a zip bomb?); nothing was unpacked. "
            "If that is right, unpack it by hand"
        )
    return members


def _path(member: zipfile.ZipInfo) -> PurePosixPath:
    """The path of a member. Some programs on Windows separate its parts by backslashes."""
    return PurePosixPath(member.filename.replace("\\", "/"))


def _fault(member: zipfile.ZipInfo, path: PurePosixPath) -> _Fault | None:
    kind = stat.S_IFMT(member.external_attr >> 16)
    unsafe = path.is_absolute() or ".." in path.parts or _DRIVE.match(str(path)) or "\0" in member.orig_filename
    if unsafe or kind not in (0, stat.S_IFREG):
        return _Fault("link", "leads out of the folder or is a link")
    if member.header_offset < 0:
        return _Fault("damaged", "is damaged: its place in the archive is negative")
    if member.flag_bits & 1:
        return _Fault("encrypted", "is encrypted")
    return None


def _mark_repeated(paths: list[PurePosixPath], faults: list[_Fault | None]) -> None:
    """Mark the members whose name occurred before; some file systems ignore the case."""
    seen = set()
    for at, path in enumerate(paths):
        name = str(path).casefold()
        if name in seen and faults[at] is None:
            faults[at] = _Fault("repeated", "is in it twice")
        seen.add(name)


def _write(opened: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path, *, skip: bool) -> _Fault | None:
    """Write one member. If it cannot be read or written, return why, or raise the error."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # zipfile stops at the size that was checked, and compares the CRC.
        with opened.open(member) as source, path.open("xb") as sink:
            shutil.copyfileobj(source, sink, 1 << 20)
    except _DAMAGED as error:
        if not skip:
            raise
        path.unlink(missing_ok=True)
        return _Fault("damaged", f"cannot be unpacked ({error})")
    except OSError as error:
        if not skip or error.errno in FULL:
            raise
        return _Fault("bad-name", f"cannot be written under this name ({error.strerror})")
    return None
