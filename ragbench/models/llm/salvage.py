"""Check the file of an answer cache, and save what can be read of a damaged one.

SQLite gives nothing of a file whose first page, or the page above a row, is damaged. Rows carry checksums here, so
`readable` needs no help from SQLite: it walks through the pages, and each cell whose checksum is right is an answer.

Source: "Database File Format" and "WAL-mode File Format", https://www.sqlite.org/fileformat2.html.
"""

import sqlite3
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ragbench.io.files import replacing, write_bytes
from ragbench.models.llm.answers import (
    ALTERED,
    COLUMNS,
    SQL_FAULTS,
    VERSION,
    WRITE,
    AnswerStore,
    Row,
    is_altered,
    is_sound,
)
from ragbench.models.llm.base import MOST_BYTES

USUAL_PAGE = 4096
INTERIOR, LEAF = 2, 10
"""Kinds of pages of a table without row ids. Both hold rows."""
WAL_HEAD, FRAME_HEAD = 32, 24
INTEGERS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
"""Bytes of an integer by its serial type."""
MAGIC = b"SQLite format 3\0"
"""The first bytes of a database. SQLite takes a file of less than 512 bytes without them for an empty one."""
DAMAGED, WAL = ".damaged", "-wal"


@dataclass(frozen=True)
class Examined:
    """What was found in the file of an answer cache.

    Attributes:
        sound: rows with the right checksum, or all rows of a file whose format has none.
        damaged: rows with another one.
        fault: why SQLite cannot read all of the file, or empty.
    """

    sound: int
    damaged: int
    fault: str


def examine(path: Path) -> Examined:
    """Read all rows of an answer cache, and change nothing."""
    sound = damaged = 0
    with path.open("rb") as file:
        head = file.read(len(MAGIC))
        if not head:  # a run was killed before it wrote anything
            return Examined(0, 0, "")
        if head != MAGIC:
            return Examined(sum(1 for _ in readable(path)), 0, "file is not a database")
    try:
        connection = sqlite3.connect(path)
        connection.text_factory = bytes
        try:
            faults = [str(row[0], "utf-8", "replace") for row in connection.execute("PRAGMA quick_check")]
            if is_altered(connection):
                return Examined(sum(1 for _ in readable(path)), 0, ALTERED)
            if connection.execute("PRAGMA user_version").fetchone()[0] < VERSION:
                # Rows of an earlier format have no checksums. The next run that uses the file adds them.
                sound = connection.execute("SELECT count(*) FROM answers").fetchone()[0]
            else:
                for row in connection.execute(f"SELECT {COLUMNS} FROM answers"):  # noqa: S608 - a constant
                    sound, damaged = sound + is_sound(row), damaged + (not is_sound(row))
        finally:
            connection.close()
    except SQL_FAULTS as error:
        return Examined(sum(1 for _ in readable(path)), 0, str(error))
    return Examined(sound, damaged, "" if faults == ["ok"] else faults[0].splitlines()[-1])


def salvage(path: Path) -> int:
    """Put a new answer cache with all sound rows in the place of a damaged one; a copy of it ends in ``.damaged``.

    A kill at any moment leaves the old file or the new one, and no row is lost: what an earlier copy holds counts too.

    Returns:
        The number of answers that were saved.
    """
    copy, log = path.with_name(path.name + DAMAGED), path.with_name(path.name + WAL)
    rows = {row[0]: row for one in (copy, path) if one.exists() for row in readable(one)}
    with replacing(path) as new:
        AnswerStore(new).close()
        connection = sqlite3.connect(new)
        with connection:
            connection.executemany(
                f"INSERT OR IGNORE {WRITE}",
                [(row[0].decode(), row[1].decode(), *row[2:4], row[4].decode(), *row[5:]) for row in rows.values()],
            )
        connection.close()
        write_bytes(copy, path.read_bytes())
        if log.exists():
            write_bytes(copy.with_name(copy.name + WAL), log.read_bytes())
            log.unlink()
        path.with_name(path.name + "-shm").unlink(missing_ok=True)
    return len(rows)


def readable(path: Path) -> Iterator[Row]:
    """Every sound row that is in the file or in its write-ahead log, once."""
    raw, log = path.read_bytes(), path.with_name(path.name + WAL)
    written = log.read_bytes() if log.exists() else b""
    seen: set[bytes] = set()
    # The size of a page stands in the first page, which may be damaged.
    for size in dict.fromkeys((int.from_bytes(raw[16:18], "big"), USUAL_PAGE)):
        if size < 512 or size & (size - 1):
            continue
        pages = {at // size + 1: raw[at : at + size] for at in range(0, len(raw), size)}
        for some in (pages, {**pages, **_logged(written, size)}) if written else (pages,):
            for row in _rows(some):
                if row[0] not in seen:
                    seen.add(row[0])
                    yield row


def _logged(log: bytes, size: int) -> dict[int, bytes]:
    """The last version of each page of a write-ahead log, by number of the page."""
    starts = range(WAL_HEAD, len(log) - FRAME_HEAD, FRAME_HEAD + size)
    return {int.from_bytes(log[at : at + 4], "big"): log[at + FRAME_HEAD : at + FRAME_HEAD + size] for at in starts}


def _rows(pages: Mapping[int, bytes]) -> Iterator[Row]:
    for number, page in pages.items():
        for start in _cells(page, 100 if number == 1 else 0):
            try:
                row = _record(_payload(pages, page, start))
            except (IndexError, ValueError, struct.error):
                continue
            if row is not None and is_sound(row):
                yield row


def _cells(page: bytes, at: int) -> Iterator[int]:
    """Where the payloads of the rows of a page begin."""
    if len(page) < at + 12 or page[at] not in (INTERIOR, LEAF):
        return
    head, before = (12, 4) if page[at] == INTERIOR else (8, 0)
    for place in range(at + head, min(at + head + 2 * int.from_bytes(page[at + 3 : at + 5], "big"), len(page) - 1), 2):
        yield int.from_bytes(page[place : place + 2], "big") + before


def _payload(pages: Mapping[int, bytes], page: bytes, start: int) -> bytes:
    """The bytes of a row: those in its page, and those in overflow pages."""
    size, at = _varint(page, start)
    if size > 2 * MOST_BYTES:
        raise ValueError("no row is that long")
    usable = len(page)
    most, least = (usable - 12) * 64 // 255 - 23, (usable - 12) * 32 // 255 - 23
    fits = least + (size - least) % (usable - 4)
    here = size if size <= most else fits if fits <= most else least
    parts, left = [page[at : at + here]], size - here
    following = int.from_bytes(page[at + here : at + here + 4], "big")
    while left > 0:
        more = pages.get(following, b"")
        if len(more) < 5:
            raise ValueError("an overflow page is missing")
        parts.append(more[4 : 4 + left])
        left -= len(more) - 4
        following = int.from_bytes(more[:4], "big")
    return b"".join(parts)


def _record(payload: bytes) -> Row | None:
    """The values of a row; None if it is no row of answers."""
    end, at = _varint(payload, 0)
    kinds = []
    while at < end:
        kind, at = _varint(payload, at)
        kinds.append(kind)
    if len(kinds) != len(COLUMNS.split(", ")):
        return None
    values: list[Any] = []
    for kind in kinds:
        if kind >= 12:
            size = (kind - 12) // 2
            values.append(payload[at : at + size])
        elif kind == 7:
            size = 8
            values.append(struct.unpack(">d", payload[at : at + 8])[0])
        else:
            size = INTEGERS.get(kind, 0)
            values.append(int.from_bytes(payload[at : at + size], "big", signed=True) if size else int(kind == 9))
        at += size
    key, text, asked, written, reason, seconds, checksum = values
    if not all(isinstance(value, bytes) for value in (key, text, reason, checksum)):
        return None
    # SQLite stores a whole number in a column of reals as an integer.
    return key, text, asked, written, reason, float(seconds), checksum


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    """An integer of seven bits a byte, highest first, and the place behind it; the ninth byte has eight bits."""
    value = 0
    for place in range(at, at + 8):
        value = value << 7 | raw[place] & 127
        if raw[place] < 128:
            return value, place + 1
    return value << 8 | raw[at + 8], at + 9
