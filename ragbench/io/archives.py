"""Unpacking zip files that may be hostile."""

import shutil
import stat
import tempfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from ragbench.core.errors import InputError

MOST_MEMBERS = 100_000
MOST_BYTES = 64 << 30
HIGHEST_RATIO = 200
"""Text compresses to a tenth at best, now and then to a thirtieth; a zip bomb to a thousandth."""
RATIO_FROM_BYTES = 64 << 20


def unpack_zip(archive: Path, target: Path, *, most_bytes: int = MOST_BYTES) -> int:
    """Unpack a zip file to the folder ``target``, which appears complete or not at all.

    If everything in it lies in one folder, that folder is left away.

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
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as folder:
        made = Path(folder) / "unpacked"
        made.mkdir()
        try:
            with zipfile.ZipFile(archive) as opened:
                members = _checked(archive, opened, most_bytes)
                for member, path in members:
                    _unpack(opened, member, made / path)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            raise InputError(f"{archive}: no zip file that can be unpacked ({error})") from error
        inside = list(made.iterdir())
        source = inside[0] if len(inside) == 1 and inside[0].is_dir() else made
        try:
            source.replace(target)
        except OSError as error:
            raise InputError(f"{target}: already there, or it cannot be written ({error.strerror})") from error
    return len(members)


def _checked(archive: Path, opened: zipfile.ZipFile, most_bytes: int) -> list[tuple[zipfile.ZipInfo, PurePosixPath]]:
    """The files in it with their paths, once all of them are known to be harmless."""
    members = [member for member in opened.infolist() if not member.is_dir()]
    if not members:
        raise InputError(f"{archive}: there is no file in it")
    if len(members) > MOST_MEMBERS:
        raise InputError(f"{archive}: {len(members):,} files in it, more than the {MOST_MEMBERS:,} that are unpacked")
    total = sum(member.file_size for member in members)
    packed = max(archive.stat().st_size, 1)
    if total > most_bytes or (total > RATIO_FROM_BYTES and total / packed > HIGHEST_RATIO):
        raise InputError(
            f"{archive}: its {packed:,} bytes would become {total:,} (a zip bomb?); nothing was unpacked. "
            "If that is right, unpack it by hand"
        )
    checked, seen = [], set()
    for member in members:
        path = PurePosixPath(member.filename)
        kind = stat.S_IFMT(member.external_attr >> 16)
        unsafe = path.is_absolute() or ".." in path.parts or "\\" in member.filename or ":" in member.filename
        if unsafe or "\0" in member.orig_filename or kind not in (0, stat.S_IFREG):
            raise InputError(
                f"{archive}: {member.filename!r} leads out of the folder or is a link; nothing was unpacked"
            )
        if member.flag_bits & 1:
            raise InputError(f"{archive}: {member.filename!r} is encrypted; nothing was unpacked")
        if str(path).casefold() in seen:
            raise InputError(f"{archive}: {member.filename!r} is in it twice; nothing was unpacked")
        seen.add(str(path).casefold())
        checked.append((member, path))
    return checked


def _unpack(opened: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # zipfile stops at the size that was checked above, and compares the CRC.
    with opened.open(member) as source, path.open("xb") as sink:
        shutil.copyfileobj(source, sink, 1 << 20)
