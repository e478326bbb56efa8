"""What a check of stored files found, as blocks and as JSON."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ragbench.core.spelling import given
from ragbench.render.blocks import Block, Cell, Line, Row

if TYPE_CHECKING:
    from ragbench.core.checkup import Checkup, Store

VERSION = 1
ADVICE = {
    "answers": "{repair} saves the answers that can be read",
    "vectors": "the next run embeds them again, {repair} removes them now",
    "token vectors": "the next run embeds them again, {repair} removes them now",
    "runs": "the next run computes them again, {repair} removes them now",
    "baseline": "set it again",
    "history": "restore the file from a copy, or remove the damaged lines",
    "evaluation": "evaluate again",
}
"""What to do about a damaged store, by its kind."""


def doctor_json(checkup: "Checkup") -> dict[str, Any]:
    """Every store with its counts, and whether all is well."""
    stores = [
        {"kind": one.kind, "path": str(one.path), "sound": one.sound, "damaged": one.damaged,
         "fault": one.fault or None, "repaired": one.repaired or None}
        for one in checkup.stores
    ]  # fmt: skip
    return {"version": VERSION, "folder": str(checkup.folder), "healthy": checkup.healthy, "stores": stores}


def doctor_blocks(checkup: "Checkup") -> list[Block]:
    """A table of the stores, and a line for each that is damaged."""
    rows = tuple(_row(store) for store in checkup.stores)
    lines = list(_lines(checkup)) or [Line("Nothing is damaged.", "good")]
    return [Block(head=("store", "path", "sound", "damaged"), rows=rows, lines=tuple(lines), align="llrr")]


def _row(store: "Store") -> Row:
    damaged = Cell(f"{store.damaged:,}" if store.damaged or not store.fault else "?", "bad" if store.fault else "")
    return (store.kind, str(store.path), f"{store.sound:,}", damaged)


def _lines(checkup: "Checkup") -> Iterator[Line]:
    for store in checkup.stores:
        if store.fault:
            then = store.repaired or ADVICE[store.kind].format(repair=given("repair", True))
            # Errors of readers name the file, and say what to do.
            where = "" if store.fault.startswith(str(store.path)) else f"{store.path}: "
            advice = "" if then in store.fault else f" {then[0].upper()}{then[1:]}."
            yield Line(f"{where}{store.fault}.{advice}", "" if store.healthy else "warning")
