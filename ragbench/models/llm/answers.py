"""The answer cache: every paid answer is on disk before it is returned.

The cache is one SQLite file. A row is keyed by the fingerprints of model and
request, and holds the answer and its token counts. It holds no request, key or
header. An answer that breaks its schema is kept too: it is paid for, and the
request that asks again contains it, so a resumed run takes the same path through
the same rows and pays nothing twice.

One thread writes, and each commit takes all rows that arrived since the last one.
With ``synchronous=FULL`` a commit reaches the disk before its answers are
returned, so neither ``kill -9`` nor a power cut loses a row. Sharing commits makes
that affordable.

Each row carries a checksum. A row that was altered on disk counts as absent: its
request is asked again, and the new answer takes its place.
"""

import asyncio
import contextlib
import queue
import secrets
import sqlite3
import threading
import time
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from ragbench.core.errors import InputError
from ragbench.models.llm.base import Response, Usage

APPLICATION_ID = 0x72616762
VERSION = 2
BUSY_SECONDS = 60.0
"""How long to wait for another process that is writing."""
MOST_AT_ONCE = 256
ROOM = "free some disk space and run the same command again"
SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY,
    text TEXT NOT NULL,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    finish_reason TEXT NOT NULL,
    seconds REAL NOT NULL
) WITHOUT ROWID
"""
"""The table of format 1. Format 2 has a column of checksums more, and the table of the file's identity."""
IDENTITY = "CREATE TABLE identity (id TEXT NOT NULL)"
SQL_FAULTS = (sqlite3.Error, UnicodeDecodeError)
"""What a damaged file raises; the second, where the words of SQLite's error are damaged too."""
ALTERED = "its head was altered"
COLUMNS = "key, text, input_tokens, output_tokens, finish_reason, seconds, checksum"
READ = f"SELECT {COLUMNS} FROM answers WHERE key = ?"  # noqa: S608 - the constant above
WRITE = f"INTO answers ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)"
Row = tuple[bytes, bytes, int, int, bytes, float, bytes]
"""A row of the table. Texts are bytes: those of a damaged row may be no UTF-8."""


def checksum(*values: object) -> bytes:
    """The checksum of the values of a row, in the order of its columns."""
    digest = blake2b(digest_size=16)
    for value in values:
        raw = value if isinstance(value, bytes) else repr(value).encode()
        digest.update(len(raw).to_bytes(8, "little") + raw)
    return digest.digest()


def is_sound(row: Row) -> bool:
    """Whether a row is as it was written."""
    return checksum(*row[:-1]) == row[-1]


def is_altered(connection: sqlite3.Connection) -> bool:
    """Whether a file has the table of this format, but not its numbers, which stand in the head of the file."""
    columns = {str(row[1], "utf-8", "replace") for row in connection.execute("PRAGMA table_info(answers)")}
    numbers = tuple(connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version"))
    return columns == set(COLUMNS.split(", ")) and numbers != (APPLICATION_ID, VERSION)


class _Waiting(NamedTuple):
    key: str
    response: Response
    loop: asyncio.AbstractEventLoop
    done: "asyncio.Future[Response]"


class AnswerStore:
    """Answers by key, safe for several processes at once.

    A file of format 1, whose rows have no checksums, is taken over as it is and gets them.

    If two processes pay for the same request at the same time, the first to commit
    wins and both use its answer.

    Args:
        path: the file; it is created if absent.

    Attributes:
        id: identity of the file, made with it.
        damaged: keys of the damaged rows that were found so far.

    Raises:
        InputError: the file is not an answer cache, or cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.damaged: set[str] = set()
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._reader = self._connect()
            self._prepare()
        except SQL_FAULTS as error:
            raise self._broken("cannot be used as an answer cache", error) from error
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write_all, name="ragbench-answers", daemon=True)
        self._thread.start()

    def _connect(self) -> sqlite3.Connection:
        # Autocommit: the writer begins and commits itself, and the reader never holds a lock.
        connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        connection.text_factory = bytes
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        return connection

    def _prepare(self) -> None:
        found = self._reader.execute("PRAGMA application_id").fetchone()[0]
        version = self._reader.execute("PRAGMA user_version").fetchone()[0]
        empty = not self._reader.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
        if is_altered(self._reader) and not (found == APPLICATION_ID and version > VERSION):
            raise self._broken("cannot be used as an answer cache", sqlite3.DatabaseError(ALTERED))
        if not empty and found != APPLICATION_ID:
            raise InputError(f"{self.path}: is a database, but no answer cache of ragbench; name another file")
        if version > VERSION:
            raise InputError(f"{self.path}: written by a newer ragbench (format {version}); update ragbench")
        if version < VERSION:
            self._upgrade()
        found = self._reader.execute("SELECT id FROM identity").fetchone()
        self.id = str(found[0], "utf-8", "replace") if found and isinstance(found[0], bytes) else secrets.token_hex(16)

    def _upgrade(self) -> None:
        """Make a new file, or one of format 1, a file of this format; all of it or nothing."""
        self._reader.execute("BEGIN IMMEDIATE")
        # Another process may have done it while this one waited for the lock.
        if self._reader.execute("PRAGMA user_version").fetchone()[0] < VERSION:
            self._reader.execute(f"PRAGMA application_id={APPLICATION_ID}")
            self._reader.execute(SCHEMA)
            self._reader.execute("ALTER TABLE answers ADD COLUMN checksum BLOB NOT NULL DEFAULT x''")
            older = self._reader.execute(f"SELECT {COLUMNS} FROM answers")  # noqa: S608 - a constant
            sums = [(checksum(*row[:-1]), row[0].decode()) for row in older if _is_text(row)]
            self._reader.executemany("UPDATE answers SET checksum = ? WHERE key = ?", sums)
            self._reader.execute(IDENTITY)
            self._reader.execute("INSERT INTO identity VALUES (?)", (secrets.token_hex(16),))
            self._reader.execute(f"PRAGMA user_version={VERSION}")
        self._reader.execute("COMMIT")

    def _broken(self, what: str, error: Exception) -> InputError:
        advice = f"; 'ragbench doctor {self.path} --repair' saves every answer that can still be read"
        # Others are a full disk, a lock that another process holds, a folder that is gone.
        damaged = not isinstance(error, sqlite3.OperationalError) or "no such" in str(error)
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
            damaged, advice = True, f". Stored answers are kept: {ROOM}"
        return InputError(f"{self.path}: {what}: {error}{advice if damaged else ''}")

    def get(self, key: str) -> Response | None:
        """Return the stored answer, or None if there is none or it was altered on disk."""
        try:
            row = self._reader.execute(READ, (key,)).fetchone()
        except SQL_FAULTS as error:
            raise self._broken("the answer cache cannot be read", error) from error
        if row is not None and not is_sound(row):
            self.damaged.add(key)
            return None
        return _response(row) if row else None

    def paid(self, model: str) -> tuple[int, Usage]:
        """Return the number of stored answers of a model, and the tokens they took.

        Args:
            model: its fingerprint, which its keys start with.
        """
        count, usage = 0, Usage()
        # ";" is the character behind ":", which ends the model's part of a key.
        kept = f"SELECT {COLUMNS} FROM answers WHERE key >= ? AND key < ?"  # noqa: S608 - a constant
        try:
            for row in self._reader.execute(kept, (f"{model}:", f"{model};")):
                if is_sound(row):
                    count, usage = count + 1, usage + Usage(row[2], row[3])
                else:
                    self.damaged.add(str(row[0], "utf-8", "replace"))
        except SQL_FAULTS as error:
            raise self._broken("the answer cache cannot be read", error) from error
        return count, usage

    async def put(self, key: str, response: Response) -> Response:
        """Store an answer. Returns the row that is on disk under the key, once it is.

        Raises:
            InputError: it cannot be written (a full disk).
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Response] = loop.create_future()
        self._queue.put(_Waiting(key, response, loop, done))
        return await done

    def close(self) -> None:
        """Write pending answers and close the file. A second call does nothing."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()
            self._reader.close()

    def count(self) -> int:
        """The number of stored answers."""
        return int(self._reader.execute("SELECT count(*) FROM answers").fetchone()[0])

    def _write_all(self) -> None:
        writer: sqlite3.Connection | None = None
        closing = False
        while not closing:
            waiting = [self._queue.get()]
            while len(waiting) < MOST_AT_ONCE and not self._queue.empty():
                waiting.append(self._queue.get())
            group = [item for item in waiting if item is not None]
            closing = len(group) < len(waiting)
            try:
                writer = writer or self._connect()
                kept: list[Response | Exception] = [*self._write(writer, group)]
            except Exception as error:  # a thread that ends silently leaves its waiters waiting for ever
                kept = [self._not_kept(error)] * len(group)
            _hand_on(group, kept)
        if writer is not None:
            with contextlib.suppress(sqlite3.Error):
                writer.close()

    def _not_kept(self, error: Exception) -> InputError:
        if isinstance(error, sqlite3.OperationalError):
            return InputError(f"{self.path}: an answer cannot be kept: {error}. Those before it are safe: {ROOM}")
        if isinstance(error, sqlite3.Error):
            return self._broken("an answer cannot be kept", error)
        return InputError(
            f"{self.path}: an answer cannot be kept: {type(error).__name__}: {error}. Those before it are safe"
        )

    def _write(self, writer: sqlite3.Connection, group: list[_Waiting]) -> list[Response]:
        if not group:
            return []
        now = time.time()
        rows = [_row(item.key, item.response, now) for item in group]
        kept = []
        try:
            writer.execute("BEGIN IMMEDIATE")
            for item, row in zip(group, rows, strict=True):
                found: Row | None = writer.execute(READ, (item.key,)).fetchone()
                if found is None or not is_sound(found):
                    writer.execute(f"INSERT OR REPLACE {WRITE}", (item.key, item.response.text, *row[2:4],
                                                                  item.response.finish_reason, *row[5:]))  # fmt: skip
                    found = row
                kept.append(_response(found))
            writer.execute("COMMIT")
        except sqlite3.Error:
            if writer.in_transaction:
                writer.execute("ROLLBACK")
            raise
        return kept


def _is_text(row: Row) -> bool:
    """Whether the texts of a row are UTF-8."""
    try:
        return all(value.decode() is not None for value in row if isinstance(value, bytes))
    except UnicodeDecodeError:
        return False


def _row(key: str, response: Response, now: float) -> Row:
    usage = response.usage
    values = (key.encode(), response.text.encode(), usage.input_tokens, usage.output_tokens,
              response.finish_reason.encode(), now)  # fmt: skip
    return (*values, checksum(*values))


def _response(row: Row) -> Response:
    return Response(row[1].decode(), Usage(row[2], row[3]), row[4].decode())


def _hand_on(group: list[_Waiting], kept: list[Response | Exception]) -> None:
    """Wake the waiting tasks, once per loop rather than once per answer."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Response], Response | Exception]]] = {}
    for item, result in zip(group, kept, strict=True):
        by_loop.setdefault(item.loop, []).append((item.done, result))
    for loop, results in by_loop.items():
        # A loop that has ended has no waiting tasks. The rows are on disk in any case.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(_settle, results)


def _settle(results: list[tuple["asyncio.Future[Response]", Response | Exception]]) -> None:
    for done, result in results:
        if done.done():
            continue
        if isinstance(result, Exception):
            done.set_exception(result)
        else:
            done.set_result(result)
