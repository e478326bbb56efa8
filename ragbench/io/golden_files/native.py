"""ragbench's own format: a folder with ``golden.jsonl`` and ``manifest.json``, or one ``.jsonl`` file.

Each line is one query with these keys, in this order and without empty ones::

    {"id", "text", "type", "answer", "evidence": [{"document_id", "start", "end", "grade", "chunk"}],
     "masked": [{"document_id", "start", "end"}], "exclude": [...], "source", "metadata": {...},
     "history": [{"role", "content"}]}

``start`` and ``end`` count characters of the document's text, ``end`` exclusive;
both are absent if the span is the whole document. ``grade`` is 1 if absent. ``chunk`` is true where the span is a
labelled chunk, and absent otherwise.

A line with ``turns`` instead of ``text`` is a conversation: a list of queries with the same keys, in order. Each
becomes a query of the set. Its history is the turns before it, with their answers; its id is that of the conversation
and the number of the turn (``c1#2``).
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from ragbench.core.errors import InputError, did_you_mean
from ragbench.core.goldens import CONVERSATION, Evidence, GoldenItem, GoldenSet, Span
from ragbench.core.judgements import MOST_LABEL
from ragbench.core.ledger import Ledger, LedgerEntry
from ragbench.core.turns import Turn, as_rows, history_of
from ragbench.io.files import read_manifest, write_text
from ragbench.io.golden_files.common import ReadOptions, WriteOptions
from ragbench.io.tables import as_text, query_text, read_objects, text_value, write_lines

TAKES: frozenset[str] = frozenset()
KEYS = ("id", "text", "type", "answer", "evidence", "masked", "exclude", "source", "metadata", "history")
TURNS = "turns"
OF_CONVERSATION = ("id", TURNS, "type", "source", "metadata")
"""Keys of a conversation. Its type, source and metadata hold for all its turns."""
LINES, MANIFEST = "golden.jsonl", "manifest.json"
OLD_KEY, NEW_KEY = "struck", "masked"
FORMAT_VERSION = 1


def read(path: Path, options: ReadOptions) -> GoldenSet:
    """Read a set. Its issue log notes if the manifest belongs to other content.

    Raises:
        InputError: a file is missing or a line is wrong; the message has file and line.
    """
    folder = path.is_dir()
    manifest = read_manifest(path / MANIFEST, FORMAT_VERSION) if folder else {}
    file = path / LINES if folder else path
    rows = list(read_objects(file))
    items = tuple(item for where, row in rows for item in items_of(where, row))
    ledger = old_keys(file, (row for _, row in rows))
    name = options.name or manifest.get("name") or (path.resolve().name if folder else path.stem)
    if not items:
        raise InputError(f"{path}: there is no query in it")
    golden = GoldenSet(items, str(name), ledger)
    if manifest.get("fingerprint", golden.fingerprint) == golden.fingerprint:
        return golden
    reason = f"{LINES} was changed after {MANIFEST} was written; write the set again to bring them together"
    differs = LedgerEntry("golden", str(path), reason, "manifest-differs")
    return GoldenSet(items, str(name), Ledger((*ledger.entries, differs)))


def old_keys(path: Path, rows: Iterable[Mapping[str, object]]) -> Ledger:
    """Return one entry with the number of rows that use the former name of ``masked``, or an empty log."""
    count = sum(OLD_KEY in row for row in rows)
    if not count:
        return Ledger()
    reason = (
        f"{count} queries have the key {OLD_KEY!r}, which is now called {NEW_KEY!r}. The next version will not read "
        "it: write the set again ('ragbench export --golden SET --to native --out DIR'), or rename the key"
    )
    return Ledger((LedgerEntry("golden", str(path), reason, "old-key"),))


def write(golden: GoldenSet, path: Path, options: WriteOptions) -> Ledger:
    """Write a set without loss: to one file if ``path`` ends in ``.jsonl``, else to a folder.

    Raises:
        InputError: metadata that JSON cannot hold.
    """
    rows = ((item.id, row_of(item)) for item in golden)
    if path.suffix == ".jsonl":
        write_lines(path, rows)
        return Ledger()
    write_lines(path / LINES, rows)
    write_text(path / MANIFEST, json.dumps(manifest_of(golden), indent=2, ensure_ascii=False) + "\n")
    return Ledger()


def manifest_of(golden: GoldenSet) -> dict[str, object]:
    """The manifest of a set: its name, fingerprint and counts."""
    return manifest_of_items(golden.name, golden, golden.fingerprint, golden.ledger)


def manifest_of_items(
    name: str, items: Iterable[GoldenItem], fingerprint: str, ledger: Ledger = Ledger()  # noqa: B008 - it is immutable
) -> dict[str, object]:  # fmt: skip
    """The manifest of a set with these items, which are taken one by one."""
    counts = Counter[str]()
    documents = set[str]()
    for item in items:
        counts.update(
            queries=1,
            without_relevant=not any(e.grade > 0 for e in item.evidence),
            evidence=len(item.evidence),
            spans=sum(not e.whole for e in item.evidence),
        )
        documents.update(e.document_id for e in item.evidence)
    return {
        "format": "ragbench-golden",
        "format_version": FORMAT_VERSION,
        "ragbench": version("ragbench"),
        "name": name,
        "fingerprint": fingerprint,
        "counts": {
            **{key: counts[key] for key in ("queries", "without_relevant", "evidence", "spans")},
            "documents": len(documents),
        },
        "left_out": ledger.counts(),
    }


def row_of(item: GoldenItem) -> dict[str, object]:
    """Convert a query to its JSON form."""
    row: dict[str, object] = {"id": item.id, "text": item.text}
    if item.type:
        row["type"] = item.type
    if item.answer is not None:
        row["answer"] = item.answer
    if item.evidence:
        row["evidence"] = [
            {**_place(e), "grade": e.grade, **({"chunk": True} if e.chunk else {})} for e in item.evidence
        ]
    if item.masked:
        row["masked"] = [_place(span) for span in item.masked]
    if item.exclude:
        row["exclude"] = list(item.exclude)
    if item.source is not None:
        row["source"] = item.source
    if item.metadata:
        row["metadata"] = dict(item.metadata)
    if item.history:
        row["history"] = as_rows(item.history)
    return row


def _place(span: Evidence | Span) -> dict[str, object]:
    place: dict[str, object] = {"document_id": span.document_id}
    if span.start or span.end is not None:
        place["start"] = span.start
    if span.end is not None:
        place["end"] = span.end
    return place


def items_of(where: str, row: Mapping[str, object]) -> Iterator[GoldenItem]:
    """Read a line: a query, or the queries of a conversation.

    Raises:
        InputError: as `item_of`.
    """
    if TURNS not in row:
        yield item_of(where, row)
        return
    for key in row:
        if key not in OF_CONVERSATION:
            raise InputError(f"{where}: a conversation has no key {key!r}{did_you_mean(key, OF_CONVERSATION)}")
    name = text_value(where, row, "id")
    shared = {key: row[key] for key in ("type", "source") if row.get(key) is not None}
    metadata = row.get("metadata") or {}
    if not isinstance(metadata, dict):
        raise InputError(f"{where}: 'metadata' must be an object, it is {metadata!r:.60}")
    history: list[Turn] = []
    for number, turn in enumerate(_objects(where, row, TURNS), start=1):
        own = turn.get("metadata") or {}
        if not isinstance(own, dict):
            raise InputError(f"{where}: 'metadata' of turn {number} must be an object, it is {own!r:.60}")
        whole = {"id": f"{name}#{number}", **shared, **turn, "metadata": {CONVERSATION: name, **metadata, **own}}
        item = replace(item_of(f"{where}, turn {number}", whole), history=tuple(history))
        yield item
        history.append(Turn("user", item.text))
        if item.answer is not None:
            history.append(Turn("assistant", item.answer))
    if not history:
        raise InputError(f"{where}: the conversation {name!r} has no turn")


def item_of(where: str, row: Mapping[str, object]) -> GoldenItem:
    """Read a query from its JSON form. A key with null counts as absent.

    The former name of ``masked``, ``struck``, is still read.

    Raises:
        InputError: an unknown key or a value of the wrong kind; the message starts with ``where``.
    """
    if OLD_KEY in row:
        if NEW_KEY in row:
            raise InputError(f"{where}: both {OLD_KEY!r} and {NEW_KEY!r}, its new name. Keep {NEW_KEY!r} only")
        row = {NEW_KEY if key == OLD_KEY else key: value for key, value in row.items()}
    for key in row:
        if key not in KEYS:
            raise InputError(f"{where}: unknown key {key!r}{did_you_mean(key, KEYS)}; own keys go into 'metadata'")
    row = {key: value for key, value in row.items() if value is not None}
    optional: Callable[[str], str | None] = lambda key: as_text(where, key, row[key]) if key in row else None
    metadata = row.get("metadata", {})
    if not isinstance(metadata, dict):
        raise InputError(f"{where}: 'metadata' must be an object, it is {metadata!r:.60}")
    return GoldenItem(
        id=text_value(where, row, "id"),
        text=query_text(where, text_value(where, row, "text")),
        type=optional("type") or "",
        answer=optional("answer"),
        evidence=tuple(_evidence(where, e) for e in _objects(where, row, "evidence")),
        masked=tuple(Span(*_span(where, s, "masked")) for s in _objects(where, row, "masked")),
        exclude=tuple(as_text(where, "exclude", id_) for id_ in _list(where, row, "exclude")),
        source=optional("source"),
        metadata=metadata,
        history=history_of(row.get("history"), where),
    )


def _list(where: str, row: Mapping[str, object], key: str) -> list[object]:
    value = row.get(key, [])
    if not isinstance(value, list):
        raise InputError(f"{where}: {key!r} must be a list, it is {value!r:.60}")
    return value


def _objects(where: str, row: Mapping[str, object], key: str) -> list[dict[str, object]]:
    found = []
    for value in _list(where, row, key):
        if not isinstance(value, dict):
            raise InputError(f"{where}: {key!r} must hold objects, one is {value!r:.60}")
        found.append({k: v for k, v in value.items() if v is not None})
    return found


def _evidence(where: str, row: dict[str, object]) -> Evidence:
    grade = row.pop("grade", 1)
    if isinstance(grade, bool) or not isinstance(grade, int) or not -MOST_LABEL <= grade <= MOST_LABEL:
        raise InputError(f"{where}: the grade of evidence must be a whole number of 32 bits, it is {grade!r:.60}")
    chunk = row.pop("chunk", False)
    if not isinstance(chunk, bool):
        raise InputError(f"{where}: 'chunk' of evidence must be true or false, it is {chunk!r:.60}")
    return Evidence(*_span(where, row, "evidence"), grade, chunk)


def _span(where: str, row: Mapping[str, object], key: str) -> tuple[str, int, int | None]:
    known = ("document_id", "start", "end", *(("grade", "chunk") if key == "evidence" else ()))
    for name in row:
        if name not in known:
            raise InputError(f"{where}: {key!r} has an unknown key {name!r}{did_you_mean(name, known)}")
    start = _offset(where, key, "start", row.get("start", 0))
    end = _offset(where, key, "end", row["end"]) if "end" in row else None
    if end is not None and end <= start:
        raise InputError(f"{where}: {key!r} ends at {end}, which is not behind its start {start}")
    return text_value(where, row, "document_id"), start, end


def _offset(where: str, key: str, name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InputError(f"{where}: {name!r} of {key!r} must be a character offset, it is {value!r:.60}")
    return value
