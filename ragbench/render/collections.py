"""Public test collections, as JSON and on a terminal."""

import dataclasses
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from ragbench.io.public_collections import Fetched, PublicCollection
from ragbench.render.blocks import Block, Line, Row

VERSION = 1
CHECKS = {
    "nothing": "no checksum is published; this one is remembered",
    "earlier fetch": "the same as at the first fetch",
}


def collections_json(
    collections: Mapping[str, PublicCollection], fetched: Collection[str], cache: Path
) -> dict[str, Any]:
    """Every collection with its attributes, and whether it is in the cache.

    Args:
        collections: by name.
        fetched: names of those that are in the cache.
        cache: the folder in which collections are kept.
    """
    rows = [{**dataclasses.asdict(row), "fetched": name in fetched} for name, row in collections.items()]
    return {"version": VERSION, "cache": str(cache), "collections": rows}


def collections_blocks(
    collections: Mapping[str, PublicCollection], fetched: Collection[str], cache: Path
) -> list[Block]:
    """A table of the collections, their licences, and what the checksums mean."""
    rows: list[Row] = [
        (
            name,
            f"{row.documents:,}" if row.documents else "?",
            f"{row.queries:,}" if row.queries else "?",
            "?" if row.bytes is None else f"{row.bytes / 1e6:,.1f}",
            "sha256" if row.sha256 else "md5" if row.md5 else "first fetch",
            "yes" if name in fetched else "",
            row.title,
        )
        for name, row in collections.items()
    ]
    head = ("name", "documents", "queries", "MB", "checksum", "fetched", "about")
    licences = []
    for licence in sorted({row.licence for row in collections.values()}):
        names = ", ".join(name for name, row in collections.items() if row.licence == licence)
        licences.append(Line(f"{licence}: {names}", bullet=True))
    checks = (
        "A published checksum, md5 or sha256, is checked. Where there is none, the bytes of the first fetch are "
        "remembered, and later ones must be the same."
    )
    return [
        Block("Public collections", head, tuple(rows), align="lrrrlll"),
        Block("Licences, as published", lines=tuple(licences)),
        Block(lines=(checks, f"Cache: {cache}")),
    ]


def fetched_json(collection: PublicCollection, fetched: Fetched) -> dict[str, Any]:
    """The collection with its attributes, its folder, and how its bytes were checked."""
    row = {**dataclasses.asdict(collection), **dataclasses.asdict(fetched), "path": str(fetched.path)}
    return {"version": VERSION, **row}


def fetched_lines(fetched: Fetched) -> list[str]:
    """The checksum with its origin, and the folder."""
    how = CHECKS.get(fetched.checked_by, f"equal to the published {fetched.checked_by}")
    where = "already in" if fetched.from_cache else "written to"
    return [f"sha256 {fetched.sha256} ({how})", f"{where} {fetched.path}"]
