"""Simple JSON Lines: ``{"query": ..., "relevant_product_id": "P1", "source_chunk_id": 0}``, and a card beside the file.

``source_chunk_id`` is the number of a chunk within its document, or the id of a chunk; a query may have several lines.
Files of others may also have lists of ids, ``id`` (else q0001, q0002, ...), ``type``, ``answer`` and ``label``; any
other key is kept as metadata.

The file is written with these three keys alone. What they cannot hold is in the card, ``NAME.card.jsonl``: its first
line names the chunker, each other line has a whole query and the lines that were written for it::

    {"format": "ragbench-simple-card", "format_version": 1, "chunker": "recursive:size=1000,overlap=200"}
    {"item": {"id": ..., "text": ...}, "lines": [["P1", 0]]}
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ragbench.core.documents import Chunks
from ragbench.core.errors import InputError
from ragbench.core.goldens import ChunkLabels, Evidence, GoldenItem, GoldenSet
from ragbench.core.ledger import Ledger, LedgerEntry
from ragbench.io.files import write_bytes
from ragbench.io.golden_files.common import CHUNK, DOCUMENT, ReadOptions, WriteOptions, chunk_id, golden_of, roles
from ragbench.io.golden_files.native import item_of, row_of
from ragbench.io.tables import as_text, lines, read_objects

TAKES = frozenset({"exclude_source", "columns"})
FORMAT, FORMAT_VERSION = "ragbench-simple-card", 1
KEYS = ("query", DOCUMENT, CHUNK)

Pair = tuple[object, object]
"""A document and the chunk in it, as they stand in a line."""


def card_of(path: Path) -> Path:
    """The card beside a file: ``golden.card.jsonl`` for ``golden.jsonl``."""
    return path.with_name(f"{path.stem}.card.jsonl")


class Detail(NamedTuple):
    """A query of a card, and the lines that were written for it."""

    item: GoldenItem
    pairs: list[Pair]


@dataclass(frozen=True)
class Card:
    """What a card says: the chunker, and queries that the lines alone cannot hold."""

    chunker: str | None = None
    details: list[Detail] = field(default_factory=list)


def read(path: Path, options: ReadOptions) -> GoldenSet:
    """Read a set. ``exclude_source`` excludes the chunk that a query was written from from its ranking.

    A card beside the file completes the queries whose lines are still those that were written with it.

    Raises:
        InputError: a line is wrong; the message has file and line.
    """
    card = _read_card(card_of(path)) if card_of(path).is_file() else Card()
    rows = list(read_objects(path))
    if not rows and not card.details:
        raise InputError(f"{path}: there is no query in it")
    columns = dict.fromkeys(key for _, row in rows for key in row)
    role = roles(columns, options.columns, str(path))
    golden = golden_of(rows, role, options.name or path.stem, exclude_source=options.exclude_source)
    if card.details:
        golden = _completed(golden, card.details, _pairs(rows, role), options.exclude_source)
    if card.chunker is not None:
        places = golden.chunk_labels.places if golden.chunk_labels else {}
        golden = replace(golden, chunk_labels=ChunkLabels(card.chunker, places))
    return golden


def _read_card(path: Path) -> Card:
    rows = read_objects(path)
    where, head = next(rows, (str(path), {}))
    chunker = head.get("chunker")
    if head.get("format", FORMAT) != FORMAT or not (chunker is None or isinstance(chunker, str)):
        raise InputError(f"{where}: this is no card of a simple golden set; rename the file, or take it away")
    if head.get("format_version", FORMAT_VERSION) != FORMAT_VERSION:
        raise InputError(f"{where}: format version {head['format_version']!r}, this ragbench reads {FORMAT_VERSION}")
    return Card(chunker, [_detail(where, row) for where, row in rows])


def _detail(where: str, row: Mapping[str, object]) -> Detail:
    item, pairs = row.get("item"), row.get("lines")
    if not isinstance(item, dict) or not isinstance(pairs, list):
        raise InputError(f"{where}: a line of a card has 'item' and 'lines'; it has {', '.join(map(repr, row))}")
    if not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
        raise InputError(f"{where}: 'lines' must hold pairs of a product and a chunk")
    return Detail(item_of(where, item), [(pair[0], pair[1]) for pair in pairs])


def _pairs(rows: Iterable[tuple[str, Mapping[str, object]]], role: Mapping[str, str]) -> dict[str, list[Pair]]:
    """The documents and chunks of each query, by its text."""
    found: defaultdict[str, list[Pair]] = defaultdict(list)
    for where, row in rows:
        text = as_text(where, role["query"], row[role["query"]])
        found[text].append((row.get(role["document"]), row.get(role.get("chunk", CHUNK))))
    return found


def _completed(
    golden: GoldenSet, details: Sequence[Detail], pairs: Mapping[str, Sequence[Pair]], exclude_source: bool
) -> GoldenSet:
    """The queries of the card whose lines are unchanged, then the others as they stand in the file."""
    written: defaultdict[str, list[Pair]] = defaultdict(list)
    for detail in details:
        written[detail.item.text] += detail.pairs
    same = {text for text, own in written.items() if own == list(pairs.get(text, []))}
    kept = [_excluding(detail) if exclude_source else detail.item for detail in details if detail.item.text in same]
    plain = [item for item in golden if item.text not in same]
    taken = {item.id for item in kept}
    numbers = count(len(golden) + 1)
    for at, item in enumerate(plain):
        if item.id in taken:
            plain[at] = replace(item, id=next(id_ for n in numbers if (id_ := f"q{n:04d}") not in taken))
    reason = "the lines of the query are not those that were written with the card; the lines count"
    changed = [
        LedgerEntry("golden", item.id, reason, "card-differs")
        for item in plain
        if item.text in written
    ]  # fmt: skip
    return replace(golden, items=(*kept, *plain), ledger=golden.ledger + changed)


def _excluding(detail: Detail) -> GoldenItem:
    chunks = tuple(chunk_id(str(document), chunk) for document, chunk in detail.pairs if chunk is not None)
    return replace(detail.item, exclude=tuple(dict.fromkeys((*detail.item.exclude, *chunks))))


def write(golden: GoldenSet, path: Path, options: WriteOptions) -> Ledger:
    """Write the lines of the queries that have a relevant document, and a card if the lines alone lose something.

    Args:
        golden: what to write.
        path: a file ending in ``.jsonl``, or a folder for ``golden.jsonl``.
        options: the chunks, in which evidence is looked up. Without them, only chunk labels that the set was read with
            are written, and ``source_chunk_id`` is null otherwise.

    Returns:
        A note of how many queries the card completes, and of those whose chunk is not known.

    Raises:
        InputError: no query has a relevant document.
    """
    target = path if path.suffix == ".jsonl" else path / "golden.jsonl"
    known = _Lookup(options.chunks) if options.chunks is not None else None
    details = [Detail(item, list(_lines(item, known))) for item in golden]
    rows = [dict(zip(KEYS, (d.item.text, *pair), strict=True)) for d in details for pair in d.pairs]
    if not rows:
        raise InputError(
            f"golden set {golden.name!r} has no relevant document for any query: there is no line to write"
        )
    alone = golden_of(
        (("", row) for row in rows), dict(zip(("query", "document", "chunk"), KEYS, strict=True)), golden.name,
        exclude_source=False,
    )  # fmt: skip
    chunker = options.chunker or (golden.chunk_labels.chunker if golden.chunk_labels else None)
    write_bytes(target, lines((str(row["query"]), row) for row in rows))
    card = card_of(target)
    entries = []
    complete = alone.items == golden.items
    if complete and chunker is None:
        card.unlink(missing_ok=True)
    else:
        head = {"format": FORMAT, "format_version": FORMAT_VERSION, "chunker": chunker}
        more = [] if complete else [(d.item.id, {"item": row_of(d.item), "lines": d.pairs}) for d in details]
        write_bytes(card, lines([(str(card), head), *more]))
    if not complete:
        reason = f"three keys cannot hold all of the {len(golden)} queries: {card.name} beside the file has the rest"
        entries.append(LedgerEntry("export", str(target), reason, "in-card"))
    entries += [
        LedgerEntry("export", d.item.id, "the chunk of its evidence is not known", "no-chunk")
        for d in details
        if any(chunk is None for _, chunk in d.pairs)
    ]
    return Ledger(tuple(entries))


def _lines(item: GoldenItem, known: "_Lookup | None") -> Iterator[Pair]:
    """The document and chunk of each line, each pair once."""
    relevant = list(dict.fromkeys(e.document_id for e in item.evidence if e.grade > 0))
    ids = _written_ids(item)
    labels = item.metadata.get(CHUNK)
    if labels is not None and not isinstance(labels, Mapping) and len(relevant) > 1:
        yield [ids.get(document, document) for document in relevant], labels  # whose chunks they are is not known
        return
    by_document = labels if isinstance(labels, Mapping) else dict.fromkeys(relevant, labels)
    done: set[tuple[str, str]] = set()
    for evidence in item.evidence:
        if evidence.grade <= 0:
            continue
        document = evidence.document_id
        label = by_document.get(document)
        if label is None and known is not None:
            label = known.chunk(evidence, item)
        for chunk in label if isinstance(label, list | tuple) else [label]:
            if (document, repr(chunk)) not in done:
                done.add((document, repr(chunk)))
                yield ids.get(document, document), chunk


def _written_ids(item: GoldenItem) -> dict[str, object]:
    """Ids of documents that stood in a file as numbers."""
    written = item.metadata.get(DOCUMENT)
    return {str(id_): id_ for id_ in (written if isinstance(written, list | tuple) else [written])}


class _Lookup:
    """The number of the chunk that holds some evidence."""

    def __init__(self, chunks: Chunks) -> None:
        self.chunks = chunks
        self.order = np.argsort(chunks.document_index, kind="stable")
        self.bounds = np.searchsorted(chunks.document_index[self.order], np.arange(len(chunks.document_ids) + 1))

    def chunk(self, evidence: Evidence, item: GoldenItem) -> int | None:
        """The chunk that shares most of a span; of equal ones that which the query was written from, or the first."""
        at = self.chunks.document_row.get(evidence.document_id)
        if at is None:
            return None
        rows = self.order[self.bounds[at] : self.bounds[at + 1]]
        if evidence.end is None:
            return 0 if len(rows) == 1 else None
        starts, ends = self.chunks.starts[rows], self.chunks.ends[rows]
        if evidence.chunk and (same := (starts == evidence.start) & (ends == evidence.end)).any():
            return int(np.argmax(same))
        shared = np.minimum(ends, evidence.end) - np.maximum(starts, evidence.start)
        if shared.max() <= 0:
            return None
        most = np.flatnonzero(shared == shared.max()).tolist()
        own = item.metadata.get("chunks")
        written = [n for n in most if isinstance(own, list) and self.chunks.ids[rows[n]] in own]
        return int((written or most)[0])
