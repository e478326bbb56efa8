"""The journal of batches: an append-only file in the run's folder.

One line is on disk before a step is taken, and another one after it. After a kill,
the file thus shows which step may or may not have been taken. Lines of a batch:

    planned -> uploading -> uploaded -> creating -> created (-> state ...) -> fetched

``refused`` (the provider does not accept it) and ``dropped`` (its answers arrived
another way) end a batch that was never created.
"""

import dataclasses
import json
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ragbench.core.brief import brief
from ragbench.core.errors import InputError
from ragbench.io.checked_lines import checked, unchecked
from ragbench.io.files import write_bytes
from ragbench.io.parsing import as_written

JOURNAL, FILES = "batches.jsonl", "batches"
FORMAT, VERSION = "ragbench-batches", 2
"""Lines of version 1 have no checksums."""
UNDER_WAY = ("planned", "uploading", "uploaded", "creating", "created")
ENDED = ("fetched", "refused", "dropped")


LOST = "it belongs to the batches of this run; put back a copy, or name another folder"
"""What to do about a damaged file."""


@brief
@dataclass(frozen=True)
class Batch:
    """One batch, as recorded in the journal.

    Attributes:
        name: unique; the provider keeps it beside its own id.
        model: ``provider:name``.
        fingerprint: the model's; the keys of its answers start with it.
        place: where it is, see `BatchService.place`.
        lines: number of requests.
        most_tokens: the most it can take.
        most_cost: the most it can cost; 0.0 if the price is unknown.
        step: the last step in the journal.
        upload: the provider's name for its input file.
        id: the provider's id for it.
        state: the last state that the provider reported.
        reason: why it failed or was refused.
        answered: number of its answers, once fetched.
        failed: requests without an answer, once fetched.
        whole: whether it failed as a whole.
    """

    name: str
    model: str
    fingerprint: str
    place: Mapping[str, str]
    lines: int
    most_tokens: int
    most_cost: float
    step: str = "planned"
    upload: str = ""
    id: str = ""
    state: str = ""
    reason: str = ""
    answered: int = 0
    failed: int = 0
    whole: bool = False

    @property
    def under_way(self) -> bool:
        """Whether answers may still arrive."""
        return self.step in UNDER_WAY


@dataclass
class Journal:
    """The batches of a run folder, and the file that records them.

    Attributes:
        folder: the run folder.
        id: part of every batch's name, so that two folders in one account do not mix.
        version: of the format.
        batches: by name, oldest first.
    """

    folder: Path
    id: str = ""
    version: int = VERSION
    batches: dict[str, Batch] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> "Journal":
        """Read the journal of a folder; an empty one if there is none.

        Raises:
            InputError: the file cannot be read, was altered, or is not a journal of ragbench.
        """
        journal = cls(folder)
        path = folder / JOURNAL
        if not path.is_file():
            return journal
        for where, row in journal._rows(path, torn=True):
            with as_written(where, LOST):
                journal._take(row)
        return journal

    def note(self, event: str, batch: str, **reported: object) -> Batch:
        """Append a line and flush it to the disk. Returns the updated batch.

        Raises:
            InputError: the file cannot be written.
        """
        self._append({"event": event, "batch": batch, **reported})
        return self.batches[batch]

    def next_name(self) -> str:
        """A name for the next batch."""
        if not self.id:
            self._append({"event": "begun", "format": FORMAT, "version": VERSION, "id": secrets.token_hex(4)})
        return f"ragbench-{self.id}-{len(self.batches) + 1:04}"

    def file(self, batch: str, kind: str) -> Path:
        """Path of a file of a batch: ``input``, ``keys``, ``output`` or ``failed``."""
        return self.folder / FILES / f"{batch}.{kind}.jsonl"

    def keys(self, batch: str) -> Iterator[tuple[str, int]]:
        """Read fingerprint and estimated input tokens of each request of a batch, in the order of its lines."""
        for where, row in self._rows(self.file(batch, "keys")):
            with as_written(where, LOST):
                key, tokens = str(row["key"]), int(row["input_tokens"])
            yield key, tokens

    def failures(self, batch: str) -> Iterator[tuple[str, str]]:
        """Read the fingerprint of each request of a fetched batch that has no answer, and the reason."""
        if self.batches[batch].failed:
            for where, row in self._rows(self.file(batch, "failed")):
                with as_written(where, LOST):
                    key, reason = str(row["key"]), str(row["reason"])
                yield key, reason

    def write(self, batch: str, kind: str, rows: Iterable[Mapping[str, object]]) -> None:
        """Write a file of a batch that `keys` or `failures` reads."""
        write_bytes(self.file(batch, kind), b"".join(checked(json.dumps(row).encode()) + b"\n" for row in rows))

    def under_way(self) -> list[Batch]:
        """Batches whose answers may still arrive."""
        return [batch for batch in self.batches.values() if batch.under_way]

    def _rows(self, path: Path, *, torn: bool = False) -> Iterator[tuple[str, dict[str, Any]]]:
        """Read place and content of each line. With ``torn``, a last line without a line end is not read: the process
        was killed while it wrote that line.
        """
        try:
            raw = path.read_bytes()
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
        lines = raw[: raw.rfind(b"\n") + 1] if torn else raw
        for number, line in enumerate(lines.splitlines(), 1):
            where = f"{path}, line {number}"
            with as_written(where, LOST):
                plain = unchecked(line)
                row = json.loads(line if plain is None else plain)
                if plain is None and row.get("version", self.version) > 1:
                    raise ValueError("it was altered on disk")
            yield where, row

    def _append(self, row: Mapping[str, object]) -> None:
        path = self.folder / JOURNAL
        try:
            with path.open("ab") as file:
                _cut_torn_line(path)
                file.write(checked(json.dumps(row, ensure_ascii=False).encode()) + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise InputError(
                f"{path}: cannot be written to ({error.strerror or error}); "
                "free some disk space and run the same command again"
            ) from error
        self._take(row)

    def _take(self, row: Mapping[str, Any]) -> None:
        event = row["event"]
        if event == "begun":
            if row["format"] != FORMAT or row["version"] > VERSION:
                raise ValueError("written by a newer ragbench; update ragbench")
            self.id, self.version = row["id"], row["version"]
            return
        name = row["batch"]
        reported = {key: value for key, value in row.items() if key not in ("event", "batch")}
        if event == "planned":
            self.batches[name] = Batch(name, **reported)
            return
        step = self.batches[name].step if event == "state" else event
        self.batches[name] = dataclasses.replace(self.batches[name], step=step, **reported)


def _cut_torn_line(path: Path) -> None:
    raw = path.read_bytes()
    whole = raw.rfind(b"\n") + 1
    if whole < len(raw):
        os.truncate(path, whole)
