"""Read the reply of a RAG service while it arrives: JSON, text, server-sent events or JSON lines."""

import codecs
import json
from collections.abc import Iterator, Mapping

from ragbench.answers.endpoint.settings import HEADER, Reply
from ragbench.core.json_paths import at_path, plain_path
from ragbench.io.answer_rows import ALIASES, TRUE
from ragbench.io.lines import LF, Lines

MOST_BYTES = 8 << 20
DONE = "[DONE]"
TYPES = {
    "text/event-stream": "sse",
    "application/x-ndjson": "jsonl",
    "application/ndjson": "jsonl",
    "application/jsonl": "jsonl",
    "application/x-jsonlines": "jsonl",
    "application/json-lines": "jsonl",
    "application/stream+json": "jsonl",
    "text/plain": "text",
}
"""The form of a reply by its content type; any other is one JSON object."""
ROLE_OF = {name: role for role, names in ALIASES.items() for name in names}


class Unusable(Exception):
    """A reply that is not an answer.

    Args:
        kind: a short word for this kind of reply.
        reason: a sentence.
    """

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind


class ReplyReader:
    """A reader of one reply.

    Args:
        reply: where the reply has what.
        headers: the headers of the reply, with names in lower case.
        keep: how many JSON objects to keep in ``kept``.

    Attributes:
        format: ``json``, ``text``, ``sse`` or ``jsonl``.
        streams: whether pieces arrive one after another, so that the time to the first means something.
        spoke: whether a piece of the answer that is not empty has arrived.
        done: whether the end of the stream was announced.
        objects: number of JSON objects that were read.
        kept: the first of these objects.
        found: paths of the reply's description that led to something.
    """

    def __init__(self, reply: Reply, headers: Mapping[str, str] | None = None, *, keep: int = 0) -> None:
        self._reply, self._headers = reply, headers or {}
        kind, _, parameters = self._headers.get("content-type", "").partition(";")
        self.format = reply.format if reply.format != "auto" else TYPES.get(kind.strip().lower(), "json")
        self.streams = self.format in ("sse", "jsonl") or (
            self.format == "text" and "content-length" not in self._headers
        )
        self.spoke = self.done = False
        self.objects = 0
        self.kept: list[object] = []
        self._keep = keep
        self.found: set[str] = set()
        self.size = 0
        self._row: dict[str, object] = {}
        self._pieces: list[str] = []
        self._parts: list[bytes] = []
        self._lines = Lines(LF)
        self._event: list[bytes] = []
        self._decoder = _decoder(parameters)
        self._piece = plain_path(reply.piece)
        self._paths = {role: plain_path(path) for role, path in {**reply.metadata, **reply.paths}.items()}

    @property
    def pieces(self) -> int:
        """Number of pieces of the answer so far."""
        return len(self._pieces)

    def feed(self, part: bytes) -> None:
        """Read the next bytes.

        Raises:
            Unusable: the reply is too long, or a line of a stream cannot be read.
        """
        self.size += len(part)
        if self.size > MOST_BYTES:
            raise Unusable("too long", f"the answer is longer than {MOST_BYTES:,} bytes")
        if self.format == "json":
            self._parts.append(part)
        elif self.format == "text":
            self._say(self._decoder.decode(part))
        else:
            for line in self._lines.feed(part):
                self._line(line)

    def close(self) -> dict[str, object]:
        """Return what the reply says, by role and by name, at its end.

        Raises:
            Unusable: it cannot be read.
        """
        if self.format == "json":
            self._object(read_object(b"".join(self._parts)))
        elif self.format == "text":
            self._say(self._decoder.decode(b"", final=True))
            self._text()
        else:
            self._line(self._lines.rest)
            self._line(b"")
        for role, path in self._paths.items():
            value = self._headers.get(path.removeprefix(HEADER).lower()) if path.startswith(HEADER) else None
            if value is not None:
                self.found.add(path)
                self._row[role] = value
        if self._pieces and "answer" not in self._row and not set(ALIASES["answer"]) & self._row.keys():
            self._row["answer"] = "".join(self._pieces)
        return self._row

    def _say(self, piece: str) -> None:
        if piece:
            self._pieces.append(piece)
            self.spoke = True

    def _text(self) -> None:
        """A service that sends its JSON object as text/plain is understood, too."""
        said = "".join(self._pieces)
        if self._reply.format == "auto" and said.lstrip().startswith("{"):
            try:
                found = json.loads(said)
            except (ValueError, RecursionError):
                return
            self._pieces = []
            self._object(found)

    def _line(self, line: bytes) -> None:
        line = line.rstrip(b"\r")
        if self.done:
            return
        if self.format == "jsonl":
            self._data(line.strip())
        elif line.startswith(b"data:"):
            data = line[5:].removeprefix(b" ")
            if self._piece:
                self._part_of_event(data)
            elif data.strip() == DONE.encode():
                self.done = True
            else:
                # Further lines of an event continue its text.
                self._say(("\n" if self._event else "") + data.decode("utf-8", "replace"))
                self._event.append(data)
        elif not line:
            if self._piece and self._event:
                self._data(b"\n".join(self._event))
            self._event = []

    def _part_of_event(self, data: bytes) -> None:
        """Most events are one line. An object over several lines is complete at the empty line after it."""
        if not self._event and _opens_no_more(data):
            self._data(data.strip())
        else:
            self._event.append(data)

    def _data(self, data: bytes) -> None:
        if data == DONE.encode():
            self.done = True
        elif data:
            self._object(read_object(data), streamed=True)

    def _object(self, found: dict[str, object], *, streamed: bool = False) -> None:
        self.objects += 1
        if len(self.kept) < self._keep:
            self.kept.append(found)
        if streamed and self._piece:
            piece, there = at_path(found, self._piece)
            if there:
                self.found.add(self._piece)
            piece = _joined(piece)
            if isinstance(piece, str):
                self._say(piece)
        for role, path in self._paths.items():
            value, there = at_path(found, path)
            if there:
                self.found.add(path)
            if there and value is not None:
                self._row[role] = _joined(value) if role == "answer" else value
        self._row.update(self._by_name(found, streamed=streamed))
        if streamed and not self.spoke and _first(self._row, "answer"):
            self.spoke = True

    def _by_name(self, found: Mapping[str, object], *, streamed: bool) -> Iterator[tuple[str, object]]:
        """What stands at the top level under a usual name, and plain values, which are kept with the answer."""
        mapped = {path.partition(".")[0] for path in self._paths.values()}
        if streamed:
            mapped.add(self._piece.partition(".")[0])
        for key, value in found.items():
            role = ROLE_OF.get(key)
            if key in mapped or role in self._paths:
                continue
            if not self._paths or role is not None or isinstance(value, str | int | float):
                yield key, value


def read_object(raw: bytes) -> dict[str, object]:
    """Read the JSON object of a reply.

    Raises:
        Unusable: it is not a JSON object.
    """
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Unusable("no answer", f"the service's answer is no JSON object: {raw[:80]!r}")
    return found


def check_answer(row: Mapping[str, object], reply: Reply | None = None) -> None:
    """Check that a reply answers, or says that it abstains.

    Raises:
        Unusable: it does neither, or reports a failure.
    """
    failure = _first(row, "failure")
    if failure:
        raise Unusable("reported failure", f"the service reports: {failure!s:.200}")
    abstained = str(_first(row, "abstained") or "").strip().lower() in TRUE
    if abstained or str(_first(row, "answer") or "").strip():
        return
    path = reply.paths.get("answer") if reply else None
    if path and "answer" not in row:
        raise Unusable("no answer", f"the service's answer has nothing at {path!r}, and does not say that it abstained")
    raise Unusable("no answer", "the service's answer is empty, and does not say that it abstained")


def _first(row: Mapping[str, object], role: str) -> object:
    """The value of the first of the role's names that the object has."""
    return next((row[name] for name in ALIASES[role] if name in row), None)


def _joined(value: object) -> object:
    """The text of a list of texts: an answer may come in parts."""
    return "".join(value) if isinstance(value, list) and all(isinstance(one, str) for one in value) else value


def _opens_no_more(data: bytes) -> bool:
    """Whether the line can be a whole event: it ends as an object does, or is no beginning of one."""
    data = data.strip()
    return not data.startswith(b"{") or data.endswith(b"}")


def _decoder(parameters: str) -> codecs.IncrementalDecoder:
    charset = parameters.lower().partition("charset=")[2].partition(";")[0].strip(" \"'")
    try:
        return codecs.getincrementaldecoder(charset or "utf-8")("replace")
    except LookupError:
        return codecs.getincrementaldecoder("utf-8")("replace")
