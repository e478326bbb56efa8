"""Read files of traces, whatever tool wrote them."""

import gc
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ragbench.core.errors import InputError
from ragbench.core.ledger import Ledger, LedgerEntry, first_ten
from ragbench.core.traces import Span, Traces
from ragbench.io.encoding import decode
from ragbench.io.parsing import parse_json
from ragbench.io.tables import json_rows, read_rows
from ragbench.io.traces.base import TraceReader, Unreadable
from ragbench.io.traces.langfuse import Langfuse
from ragbench.io.traces.langsmith import LangSmith
from ragbench.io.traces.otlp import Otlp
from ragbench.io.traces.requests import STAGE, requests_of
from ragbench.io.traces.span_tables import SpanTable
from ragbench.io.trec import read_content

READERS: tuple[TraceReader, ...] = (Otlp(), LangSmith(), Langfuse(), SpanTable())
"""The first that recognises a row reads it."""
TABLES = (".parquet", ".pq", ".csv", ".tsv")
LINES = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")
WRAPPERS = ("data", "runs", "traces", "spans", "observations")
"""Keys at which the reply of an API has the list of its objects."""


def read_traces(paths: Sequence[Path]) -> Traces:
    """Read files of traces. The files may be of different tools, and a trace may be spread over several of them.

    Args:
        paths: files of JSON, JSON Lines (also gzipped), Parquet or CSV.

    Returns:
        The requests in order of time, with an issue log of what was skipped.

    Raises:
        InputError: a file does not exist, cannot be read, or has no row of a known kind; or no request is left.
    """
    spans: list[Span] = []
    entries: list[LedgerEntry] = []
    formats: Counter[str] = Counter()
    with _without_collection():
        for path in paths:
            spans += _read(path, entries, formats)
        requests, skipped = requests_of(spans)
    ledger = Ledger((*entries, *skipped))
    if not requests:
        counts = ", ".join(f"{count} {code}" for code, count in ledger.counts().items()) or "no span"
        raise InputError(f"{first_ten(map(str, paths))}: no request with a query is in these traces ({counts})")
    return Traces(requests, len(spans), dict(sorted(formats.items())), ledger)


@contextmanager
def _without_collection() -> Iterator[None]:
    """Switch off the garbage collector, which would search hundreds of thousands of spans that are all in use."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _read(path: Path, entries: list[LedgerEntry], formats: Counter[str]) -> Iterator[Span]:
    unknown: Mapping[str, Any] | None = None
    known = False
    for where, row in _rows(path):
        reader = next((one for one in READERS if one.recognises(row)), None)
        if reader is None:
            unknown = row if unknown is None else unknown
            entries.append(LedgerEntry(STAGE, where, "the row is no span, run, trace or observation", "unknown-row"))
            continue
        known = True
        for span in _spans(reader, where, row):
            if isinstance(span, Unreadable):
                entries.append(LedgerEntry(STAGE, where, str(span), "unreadable-row"))
            else:
                formats[reader.name] += 1
                yield span
    if not known:
        keys = "it is empty" if unknown is None else f"the first row has {first_ten(map(repr, unknown)) or 'no keys'}"
        raise InputError(
            f"{path}: no traces in it ({keys}). It must hold OTLP spans (resourceSpans), rows of spans with trace_id "
            "and span_id, as Phoenix writes them, or an export of Langfuse or LangSmith"
        )


def _spans(reader: TraceReader, where: str, row: Mapping[str, Any]) -> Iterator[Span | Unreadable]:
    try:
        yield from reader.spans(where, row)
    except Unreadable as error:
        yield error


def _rows(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if not path.is_file():
        raise InputError(f"{path}: {'is a folder; name the files in it' if path.is_dir() else 'no such file'}")
    name = path.name.lower()
    if name.endswith(TABLES):
        yield from read_rows(path)
    elif name.endswith(LINES):
        yield from ((row.where, row.values) for row in json_rows(path))
    else:
        yield from _of_json(path)


def _of_json(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The objects of a JSON file; a file with one object on each line is read as JSON Lines, as collectors write it."""
    text = decode(read_content(path), str(path))[0]
    try:
        value = parse_json(str(path), text)
    except InputError:
        first = text.lstrip().partition("\n")[0]
        if not (first.startswith("{") and first.rstrip().endswith("}")):
            raise
        yield from ((row.where, row.values) for row in json_rows(path))
        return
    if isinstance(value, dict) and not any(reader.recognises(value) for reader in READERS):
        value = next((value[key] for key in WRAPPERS if isinstance(value.get(key), list)), value)
    for number, row in enumerate(value if isinstance(value, list) else [value], start=1):
        if isinstance(row, dict):
            yield f"{path} object {number}", row
