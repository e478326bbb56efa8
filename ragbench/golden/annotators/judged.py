"""What the judge said of a query, and the queries that it rejected."""

from collections.abc import Mapping
from pathlib import Path

from ragbench.core.goldens import GoldenItem
from ragbench.io.golden_files.json_lines import read_objects
from ragbench.io.golden_files.native import item_of

REJECTED = "rejected.jsonl"
STAGES = ("judge", "reconsider")
_SAME_KEYS = ("id", "text", "type", "answer", "evidence", "masked", "struck")


def judge_opinion(item: GoldenItem) -> bool | None:
    """Whether the judge accepted the query; ``reconsider`` has the last word. None: no judge saw it."""
    review = item.metadata.get("review")
    said = [
        bool(opinion["accepted"])
        for opinion in (review if isinstance(review, list) else [])
        if isinstance(opinion, Mapping) and opinion.get("stage") in STAGES and "accepted" in opinion
    ]
    return said[-1] if said else None


def judge_rejects(path: Path) -> tuple[GoldenItem, ...]:
    """The queries of a ``rejected.jsonl`` that the judge saw and rejected.

    What another stage rejected is left out: the judge never saw it, or did not decide it.

    Raises:
        InputError: a line is wrong; the message has file and line.
    """
    found = []
    for where, row in read_objects(path):
        if row.get("stage") not in STAGES:
            continue
        metadata = {key: row[key] for key in ("language", "chunks", "quotes", "review") if row.get(key)}
        provenance = row.get("provenance")
        if isinstance(provenance, Mapping):
            metadata = {**provenance, **metadata}
        source = provenance.get("source") if isinstance(provenance, Mapping) else None
        shared = {key: row[key] for key in _SAME_KEYS if key in row}
        item = item_of(where, {**shared, "source": source, "metadata": metadata})
        if judge_opinion(item) is False:
            found.append(item)
    return tuple(found)


def rejects_beside(golden: Path) -> tuple[GoldenItem, ...]:
    """The judge's rejects that lie in the set's folder; none where there is no such file."""
    path = golden / REJECTED
    return judge_rejects(path) if golden.is_dir() and path.is_file() else ()
