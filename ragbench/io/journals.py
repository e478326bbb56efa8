"""Journals: lines that are appended while answers arrive, so that a kill loses none of them."""

import json
import os
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from ragbench.core.answers import Answered
from ragbench.io.answer_files import line_of, read_answers, run_of
from ragbench.io.checked_lines import CHECKSUM, checked, unchecked
from ragbench.io.files import write_bytes


class AnswerJournal:
    """Appends each answer to a file of answers, with a checksum.

    Args:
        path: a ``.jsonl`` file; made if it is not there. What a kill left of a last line is removed, and so are
            lines that were altered on disk.

    Attributes:
        known: the answers that are in it already, by number of the run (from 1) and query id.
        damaged: how many lines were altered.

    Raises:
        InputError: the file holds something else.
    """

    def __init__(self, path: Path) -> None:
        whole = path.read_bytes() if path.exists() else b""
        *lines, _cut = whole.split(b"\n")
        sound = [line + b"\n" for line in lines if _is_sound(line)]
        self.damaged = len(lines) - len(sound)
        if whole != b"".join(sound):
            write_bytes(path, b"".join(sound))
        self._file = path.open("ab")
        self.known: dict[int, dict[str, Answered]] = {}
        for run, items in enumerate(read_answers(path).runs if sound else (), start=1):
            self.known[run] = {item.query_id: _without_checksum(item) for item in items}

    def keep(self, item: Answered, run: int = 1) -> None:
        """The answer is on disk when this returns."""
        self._file.write(checked(line_of(item, run).removesuffix(b"\n")) + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def _is_sound(line: bytes) -> bool:
    try:
        return unchecked(line) is not None
    except ValueError:
        return False


def _without_checksum(item: Answered) -> Answered:
    return replace(item, metadata={key: value for key, value in item.metadata.items() if key != CHECKSUM})


class TimingJournal:
    """Appends one line per answer to a file of timings, in the form that `ragbench.io.answer_files` reads.

    Args:
        path: the file; made if it is not there. What a kill left of a last line is cut off.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab+")
        self._file.seek(0)
        whole = self._file.read()
        self._file.truncate(whole.rfind(b"\n") + 1)

    def note(self, query_id: str, seconds: float, first_token_seconds: float | None = None, run: int = 1) -> None:
        """Keep how long an answer took."""
        row: dict[str, object] = {"query_id": query_id, **run_of(run), "seconds": round(seconds, 6)}
        if first_token_seconds is not None:
            row["first_token_seconds"] = round(first_token_seconds, 6)
        self._file.write(json.dumps(row).encode() + b"\n")
        # To the system, not to the disk: a killed process loses nothing, and a power cut only times.
        self._file.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
