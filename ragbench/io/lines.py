"""Lines of a stream whose bytes arrive in parts."""

import re

EVENTS = re.compile(rb"\r\n|\n|\r")
"""Ends of lines in server-sent events. A CR LF that is cut in two gives another empty line, which has no meaning."""
LF = re.compile(rb"\n")


class Lines:
    """Joins parts of any size to lines. Each byte is looked at once, however small the parts are.

    Args:
        end: what ends a line.

    Examples:
        >>> lines = Lines(LF)
        >>> lines.feed(b"data: o"), lines.feed(b"ne\\ndata"), lines.rest
        ([], [b'data: one'], b'data')
    """

    def __init__(self, end: re.Pattern[bytes]) -> None:
        self._end = end
        self._parts: list[bytes] = []
        self.waiting = 0
        """Bytes of the line that has not ended."""

    def feed(self, part: bytes) -> list[bytes]:
        """Return the lines that end in this part, without their ends."""
        first, *others = self._end.split(part)
        self._parts.append(first)
        if not others:
            self.waiting += len(first)
            return []
        first, self._parts, self.waiting = self.rest, [others[-1]], len(others[-1])
        return [first, *others[:-1]]

    @property
    def rest(self) -> bytes:
        """What came after the last line."""
        return b"".join(self._parts)
