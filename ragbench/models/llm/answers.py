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
"""

import asyncio
import queue
import sqlite3
import threading
import time
from pathlib import Path
from typing import NamedTuple

from ragbench.core.errors import InputError
from ragbench.models.llm.base import Response, Usage

APPLICATION_ID = 0x72616762
VERSION = 1
BUSY_SECONDS = 60.0
"""How long to wait for another process that is writing."""
MOST_AT_ONCE = 256
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
READ = "SELECT text, input_tokens, output_tokens, finish_reason FROM answers WHERE key = ?"


class _Waiting(NamedTuple):
    key: str
    response: Response
    loop: asyncio.AbstractEventLoop
    done: "asyncio.Future[Response]"


class AnswerStore:
    """Answers by key, safe for several processes at once.

    If two processes pay for the same request at the same time, the first to commit
    wins and both use its answer.

    Args:
        path: the file; it is created if absent.

    Raises:
        InputError: the file is not an answer cache, or cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._reader = self._connect()
            self._prepare()
        except sqlite3.Error as error:
            raise InputError(f"{path}: cannot be used as an answer cache: {error}") from error
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write_all, name="ragbench-answers", daemon=True)
        self._thread.start()

    def _connect(self) -> sqlite3.Connection:
        # Autocommit: the writer begins and commits itself, and the reader never holds a lock.
        connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        return connection

    def _prepare(self) -> None:
        found = self._reader.execute("PRAGMA application_id").fetchone()[0]
        version = self._reader.execute("PRAGMA user_version").fetchone()[0]
        empty = not self._reader.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
        if not empty and found != APPLICATION_ID:
            raise InputError(f"{self.path}: is a database, but no answer cache of ragbench; name another file")
        if version > VERSION:
            raise InputError(f"{self.path}: written by a newer ragbench (format {version}); update ragbench")
        # In this order, a process killed in between leaves a file that the next one can still prepare.
        self._reader.execute(f"PRAGMA application_id={APPLICATION_ID}")
        self._reader.execute(SCHEMA)
        self._reader.execute(f"PRAGMA user_version={VERSION}")

    def get(self, key: str) -> Response | None:
        """Return the stored answer, or None."""
        try:
            row = self._reader.execute(READ, (key,)).fetchone()
        except sqlite3.Error as error:
            raise InputError(f"{self.path}: the answer cache cannot be read: {error}") from error
        return _response(row) if row else None

    def paid(self, model: str) -> tuple[int, Usage]:
        """Return the number of stored answers of a model, and the tokens they took.

        Args:
            model: its fingerprint, which its keys start with.
        """
        kept = "SELECT count(*), sum(input_tokens), sum(output_tokens) FROM answers WHERE key >= ? AND key < ?"
        # ";" is the character behind ":", which ends the model's part of a key.
        count, asked, written = self._reader.execute(kept, (f"{model}:", f"{model};")).fetchone()
        return int(count), Usage(int(asked or 0), int(written or 0))

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
        writer = self._connect()
        closing = False
        while not closing:
            waiting = [self._queue.get()]
            while len(waiting) < MOST_AT_ONCE and not self._queue.empty():
                waiting.append(self._queue.get())
            group = [item for item in waiting if item is not None]
            closing = len(group) < len(waiting)
            try:
                kept: list[Response | Exception] = [*self._write(writer, group)]
            except sqlite3.Error as error:
                failure = InputError(
                    f"{self.path}: an answer cannot be kept: {error}. Those before it are safe: "
                    "free some disk space and run the same command again"
                )
                kept = [failure] * len(group)
            _hand_on(group, kept)
        writer.close()

    def _write(self, writer: sqlite3.Connection, group: list[_Waiting]) -> list[Response]:
        if not group:
            return []
        now = time.time()
        rows = [
            (item.key, r.text, r.usage.input_tokens, r.usage.output_tokens, r.finish_reason, now)
            for item in group
            for r in (item.response,)
        ]
        try:
            writer.execute("BEGIN IMMEDIATE")
            writer.executemany("INSERT OR IGNORE INTO answers VALUES (?, ?, ?, ?, ?, ?)", rows)
            kept = [_response(writer.execute(READ, (item.key,)).fetchone()) for item in group]
            writer.execute("COMMIT")
        except sqlite3.Error:
            if writer.in_transaction:
                writer.execute("ROLLBACK")
            raise
        return kept


def _response(row: tuple[str, int, int, str]) -> Response:
    return Response(row[0], Usage(row[1], row[2]), row[3])


def _hand_on(group: list[_Waiting], kept: list[Response | Exception]) -> None:
    """Wake the waiting tasks, once per loop rather than once per answer."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Response], Response | Exception]]] = {}
    for item, result in zip(group, kept, strict=True):
        by_loop.setdefault(item.loop, []).append((item.done, result))
    for loop, results in by_loop.items():
        # A loop that has ended has no waiting tasks. The rows are on disk in any case.
        if not loop.is_closed():
            loop.call_soon_threadsafe(_settle, results)


def _settle(results: list[tuple["asyncio.Future[Response]", Response | Exception]]) -> None:
    for done, result in results:
        if done.done():
            continue
        if isinstance(result, Exception):
            done.set_exception(result)
        else:
            done.set_result(result)
