"""Office files are zip archives: what must hold before one is handed to a parser."""

from io import BytesIO
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from ragbench.core.errors import InputError
from ragbench.io.encoding import read_bounded

UNPACKED_BYTES = 1 << 30
"""Most that an office file may unpack to."""

_XML_BYTES = 256 << 20
_RATIO = 500
_RATIO_FROM = 32 << 20


def open_archive(path: Path, name: str, max_bytes: int) -> BytesIO:
    """The bytes of an office file whose unpacked size is sane.

    The sizes that an archive declares can be trusted here: Python's zipfile
    stops reading a member at its declared size.

    Raises:
        InputError: no zip archive, or one made to fill the memory (a zip bomb).
    """
    content = BytesIO(read_bounded(path, name=name, max_bytes=max_bytes))
    try:
        with ZipFile(content) as archive:
            members = archive.infolist()
    except (BadZipFile, NotImplementedError, ValueError) as error:
        raise InputError(f"{name}: not a readable office file ({error})") from error
    unpacked = sum(member.file_size for member in members)
    packed = max(1, sum(member.compress_size for member in members))
    largest = max((m.file_size for m in members if m.filename.lower().endswith((".xml", ".rels"))), default=0)
    if unpacked > UNPACKED_BYTES or largest > _XML_BYTES or (unpacked > _RATIO_FROM and unpacked > _RATIO * packed):
        raise InputError(f"{name}: {packed:,} bytes would unpack to {unpacked:,}; refused as a zip bomb")
    content.seek(0)
    return content
