"""What a service sent back: whether it is an answer, and when its first piece was there.

The contract is that of ``ragbench answer --endpoint`` (docs/answers-http.md). Replies are read
only as far as it takes to tell an answer from none, so that reading costs little of the time
that is measured.
"""

import json
from collections.abc import Mapping

from ragbench.answers.endpoint import DONE, MOST_BYTES
from ragbench.io.answer_rows import ALIASES, TRUE


class Unusable(Exception):
    """A reply that is no answer.

    Args:
        kind: a short word, the same for all replies of its kind.
        reason: a sentence.
    """

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind


class Events:
    """Server-sent events as they come, in parts of any size."""

    def __init__(self) -> None:
        self._rest = b""
        self._size = 0
        self.row: dict[str, object] = {}
        self.spoke = False
        """Whether a piece of the answer that is not empty has come."""
        self.done = False
        """Whether the end was announced."""

    def feed(self, part: bytes) -> None:
        """Take in what came.

        Raises:
            Unusable: it is too long, or an event is no JSON object.
        """
        self._size += len(part)
        check_size(self._size)
        *lines, self._rest = (self._rest + part).split(b"\n")
        for line in lines:
            self._line(line)

    def close(self) -> dict[str, object]:
        """The keys of all events, when nothing more comes."""
        self._line(self._rest)
        return {**self.row, **({"answer": "said"} if self.spoke and not _first(self.row, "answer") else {})}

    def _line(self, line: bytes) -> None:
        if self.done or not line.startswith(b"data:"):
            return
        data = line[5:].strip()
        if data == DONE.encode():
            self.done = True
        elif data:
            event = read_object(data)
            delta = event.pop("delta", None)
            self.spoke = self.spoke or (isinstance(delta, str) and bool(delta))
            self.row.update(event)


def check_size(size: int) -> None:
    """Whether a reply may be this long, in bytes.

    Raises:
        Unusable: it may not.
    """
    if size > MOST_BYTES:
        raise Unusable("too long", f"the answer is longer than {MOST_BYTES:,} bytes")


def read_object(raw: bytes) -> dict[str, object]:
    """The JSON object of a reply.

    Raises:
        Unusable: it is none.
    """
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Unusable("no answer", f"the service's answer is no JSON object: {raw[:80]!r}")
    return found


def check_answer(row: Mapping[str, object]) -> None:
    """Whether a reply answers, or says that it abstains.

    Raises:
        Unusable: it does neither, or reports a failure of its own.
    """
    failure = _first(row, "failure")
    if failure:
        raise Unusable("reported failure", f"the service reports: {failure!s:.200}")
    abstained = str(_first(row, "abstained") or "").strip().lower() in TRUE
    if not (abstained or str(_first(row, "answer") or "").strip()):
        raise Unusable("no answer", "the service's answer is empty, and does not say that it abstained")


def _first(row: Mapping[str, object], role: str) -> object:
    """The value in the first of the role's names that is there."""
    return next((row[name] for name in ALIASES[role] if name in row), None)
