"""Text files of unknown encoding.

A byte order mark decides. Without one, strict UTF-8 is tried, because other
encodings hardly ever are valid UTF-8 by chance. A file with more than three sound
characters outside ASCII for each stray byte is UTF-8 too. The rest is decided by the share of characters outside ASCII:
a little means a Western file (cp1252, or
latin-1 where cp1252 leaves a byte undefined), a lot means another script, and
charset-normalizer guesses which.
"""

import codecs
import os
from pathlib import Path

from ragbench.core.errors import InputError

MIB = 1 << 20
TEXT_BYTES = 256 * MIB
"""Largest text file that is read whole, unless a caller says otherwise."""

_MARKS = (
    # UTF-32 first: its little-endian mark begins with the one of UTF-16.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Those in use for files; without this list old Macintosh encodings win by chance.
_COMMON = (
    *("cp1251", "koi8_r", "cp866", "cp1253", "iso8859_7", "cp1255", "cp1256", "cp1250", "iso8859_2", "cp1254"),
    *("cp1257", "cp1258", "tis_620", "cp874", "gb18030", "big5", "cp932", "euc_jp", "iso2022_jp", "cp949", "cp1252"),
)
_SAMPLE = 1 << 16
_WESTERN_SHARE = 0.25
_SOUND_SHARE = 3
DAMAGED = "utf-8 with errors"
"""Name of UTF-8 with stray bytes, which become U+FFFD."""


def read_text(path: Path, *, name: str | None = None, max_bytes: int = TEXT_BYTES) -> tuple[str, str]:
    r"""The text of a file, and the encoding it was read with.

    The byte order mark is dropped and ``\r\n`` becomes ``\n``; nothing else is
    changed, so that offsets count characters of the file as an editor shows it.

    Args:
        path: the file.
        name: what to call it in messages, instead of ``path``.
        max_bytes: larger files are refused.

    Raises:
        InputError: the file is missing, too large, or binary.
    """
    content = read_bounded(path, name=name, max_bytes=max_bytes)
    return decode(content, name or str(path))


def require_file(path: Path, hint: str) -> None:
    """Refuse a path that is no file.

    Args:
        path: the path.
        hint: what to name instead, for the message.

    Raises:
        InputError: it is a folder, or there is nothing.
    """
    if not path.is_file():
        raise InputError(f"{path}: {'is a folder' if path.is_dir() else 'no such file'}; {hint}")


def read_bounded(path: Path, *, name: str | None = None, max_bytes: int = TEXT_BYTES) -> bytes:
    """The bytes of a file of at most ``max_bytes``.

    Raises:
        InputError: the file is missing, no file, or too large.
    """
    shown = name or str(path)
    try:
        with path.open("rb") as handle:
            # Not max_bytes at once: as much memory is taken as is asked for.
            size = min(max_bytes, os.fstat(handle.fileno()).st_size)
            content = handle.read(size + 1)
            if size < len(content) <= max_bytes:  # a pipe, or a file that grows
                content += handle.read(max_bytes + 1 - len(content))
    except OSError as error:
        raise InputError(f"{shown}: cannot be read ({error.strerror or error})") from error
    if len(content) > max_bytes:
        raise InputError(f"{shown}: larger than {max_bytes:,} bytes; split it, or raise the loader's max_bytes")
    return content


def decode(content: bytes, name: str) -> tuple[str, str]:
    """The text of a file's bytes and its encoding, as `read_text` does it.

    Raises:
        InputError: the bytes are no text, or contradict their byte order mark.
    """
    text, encoding = _decode(content, name)
    return text.replace("\r\n", "\n"), encoding


def _decode(content: bytes, name: str) -> tuple[str, str]:
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            try:
                return content.decode(encoding), encoding
            except UnicodeDecodeError as error:
                raise InputError(f"{name}: starts with the mark of {encoding} but byte {error.start} is not") from error
    if b"\0" in content[:_SAMPLE]:
        return _decode_with_zeros(content, name)
    try:
        return content.decode("utf-8"), "utf-8"
    except UnicodeDecodeError as error:
        # A single-byte file has hardly any sequence that is UTF-8 by chance.
        sound = not content[: error.start].isascii()
        if sound and error.reason == "unexpected end of data":
            raise InputError(f"{name}: ends in the middle of a character; the file was cut off") from error
    text = content.decode("utf-8", "replace")
    damaged = text.count("\ufffd")
    outside = len(text) - len(text.encode("ascii", "ignore"))
    if outside > (1 + _SOUND_SHARE) * damaged:
        return text, DAMAGED
    return _decode_single_byte(content, name)


def _decode_with_zeros(content: bytes, name: str) -> tuple[str, str]:
    """UTF-16 without a mark: in most scripts one byte of each pair is often zero, and always the same one."""
    sample = content[:_SAMPLE]
    for encoding, zeros, others in (
        ("utf-16-le", sample[1::2].count(0), sample[0::2].count(0)),
        ("utf-16-be", sample[0::2].count(0), sample[1::2].count(0)),
    ):
        if zeros > len(sample) // 8 and others == 0 and len(content) % 2 == 0:
            try:
                return content.decode(encoding), encoding
            except UnicodeDecodeError:
                break
    raise InputError(f"{name}: holds zero bytes, so it is not a text file")


def _decode_single_byte(content: bytes, name: str) -> tuple[str, str]:
    high = sum(map(content[:_SAMPLE].count, range(0x80, 0x100)))
    if high > _WESTERN_SHARE * min(len(content), _SAMPLE):
        from charset_normalizer import from_bytes

        guess = from_bytes(content, cp_isolation=list(_COMMON)).best()
        if guess is None:
            raise InputError(f"{name}: its encoding is unknown; save it as UTF-8")
        return str(guess), guess.encoding
    for encoding in ("cp1252", "latin-1"):
        try:
            return content.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    raise AssertionError("latin-1 decodes any byte")
