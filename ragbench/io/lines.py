"""Lines of a stream whose bytes arrive in parts."""

import re

_END = re.compile(rb"\r\n|\n|\r")


class Lines:
    """Joins parts of any size to lines. Each byte is looked at once, however small the parts are.

    A line ends with LF, CR LF or CR, as in server-sent events. A CR LF that is cut in two gives an empty line more.

    Examples:
        >>> lines = Lines()
        >>> lines.feed(b"data: o"), lines.feed(b"ne\\ndata"), lines.rest
        ([], [b'data: one'], b'data')
    """

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.waiting = 0
        """Bytes of the line that has not ended."""

    def feed(self, part: bytes) -> list[bytes]:
        """Return the lines that end in this part, without their ends."""
        first, *others = _END.split(part)
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
