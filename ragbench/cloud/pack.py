"""Pack ragbench and the list of packages that it needs, for a job."""

import importlib.metadata
import zipfile
from collections.abc import Collection
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

import ragbench
from ragbench.core.errors import InputError, SettingError, did_you_mean


def pack_source(path: Path) -> None:
    """Write this version of ragbench as a zip file. The same source gives the same bytes."""
    root = Path(ragbench.__file__).parent
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(root.rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                member = zipfile.ZipInfo(file.relative_to(root.parent).as_posix(), (2020, 1, 1, 0, 0, 0))
                member.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(member, file.read_bytes())


def pinned(extras: Collection[str] = ()) -> list[str]:
    """``NAME==VERSION`` of each package that ragbench and its extras need, as they are installed here.

    Raises:
        SettingError: there is no such extra.
        InputError: a package is not installed here, so its version is unknown.
    """
    own = importlib.metadata.distribution("ragbench")
    known = own.metadata.get_all("Provides-Extra") or []
    for extra in extras:
        if extra not in known:
            raise SettingError(f"has no extra {extra!r}{did_you_mean(extra, known)}", option="extras")
    found: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    waiting = [("ragbench", extra) for extra in ("", *extras)]
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError as error:
            raise InputError(
                f"{name}: not installed here, so no version of it can be given to the job; install it, or name a file "
                "of requirements"
            ) from error
        if name != "ragbench":
            # Package indexes have 2.13.0, not a build of it such as 2.13.0+cpu.
            found[name] = distribution.version.partition("+")[0]
        for written in distribution.requires or ():
            needed = Requirement(written)
            if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                waiting += [(canonicalize_name(needed.name), each) for each in ("", *needed.extras)]
    return [f"{name}=={version}" for name, version in sorted(found.items())]


def checked_requirements(path: Path) -> list[str]:
    """The lines of a file of requirements, each of which names one version.

    Raises:
        InputError: the file cannot be read, or a line names no version.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error})") from error
    for number, line in enumerate(lines, 1):
        content = line.partition(" #")[0].strip()
        if content and not content.startswith(("#", "-")) and not _is_exact(content):
            raise InputError(f"{path}:{number}: {content!r} names no version; write NAME==VERSION")
    return lines


def _is_exact(line: str) -> bool:
    try:
        needed = Requirement(line.partition(" --")[0].rstrip("\\ "))
    except InvalidRequirement:
        return False
    return needed.url is not None or any(
        one.operator in ("==", "===") and "*" not in one.version for one in needed.specifier
    )
