"""Answers on disk as they come, for services whose answers no cache keeps."""

import os
from pathlib import Path
from types import TracebackType
from typing import Self

from ragbench.core.answers import Answered
from ragbench.io.answer_files import line_of, read_answers


class AnswerJournal:
    """Appends each answer to a file of answers.

    Args:
        path: a ``.jsonl`` file; made if it is not there. What a kill left of a last line is cut off.

    Attributes:
        known: the answers that are in it already, by query id.

    Raises:
        InputError: the file holds something else.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab+")
        self._file.seek(0)
        whole = self._file.read()
        end = whole.rfind(b"\n") + 1
        self._file.truncate(end)
        self.known: dict[str, Answered] = {item.query_id: item for item in read_answers(path)} if end else {}

    def keep(self, item: Answered) -> None:
        """The answer is on disk when this returns."""
        self._file.write(line_of(item))
        self._file.flush()
        os.fsync(self._file.fileno())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
