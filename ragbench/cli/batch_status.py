"""The work behind ``ragbench batch status``."""

import json
from pathlib import Path

from ragbench.core.errors import InputError, RagbenchError
from ragbench.models.llm.batch.base import Seen, service_for
from ragbench.models.llm.batch.journal import JOURNAL, Batch, Journal
from ragbench.models.llm.batch.send import patiently


def journal_of(folder: Path) -> Journal:
    """The journal of a run folder that has one.

    Raises:
        InputError: there is none, or it cannot be read.
    """
    if not (folder / JOURNAL).is_file():
        raise InputError(f"{folder}: no batch was ever sent from here (there is no {JOURNAL}); run batch submit first")
    return Journal.read(folder)


def show(folder: Path, *, offline: bool, as_json: bool) -> None:
    """Print a row per batch.

    Raises:
        InputError: no such run.
    """
    journal = journal_of(folder)
    rows = [_row(batch, None if offline else _seen(batch)) for batch in journal.batches.values()]
    if as_json:
        print(json.dumps({"version": 1, "folder": str(folder), "batches": rows}, ensure_ascii=False))
        return
    _print(rows)


def _seen(batch: Batch) -> Seen | str | None:
    """How the provider sees a batch that is with it; the reason in words where it cannot be asked."""
    if batch.step != "created":
        return None
    try:
        service = service_for(batch.model, batch.place)
        return patiently(f"looking at {batch.name}", lambda: service.look(batch.id))
    except RagbenchError as error:
        return str(error)


def _row(batch: Batch, seen: Seen | str | None) -> dict[str, object]:
    row: dict[str, object] = {
        "batch": batch.name, "id": batch.id, "model": batch.model, "requests": batch.lines, "step": batch.step,
        "state": batch.state, "done": None, "answered": batch.answered, "failed": batch.failed, "reason": batch.reason,
    }  # fmt: skip
    if isinstance(seen, Seen):
        return row | {"state": seen.state, "done": seen.done, "reason": seen.reason}
    return row | {"reason": seen} if seen else row


def _print(rows: list[dict[str, object]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("batch", no_wrap=True)
    table.add_column("model", overflow="fold")
    table.add_column("state", no_wrap=True)
    for name in ("requests", "answered", "failed"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        fetched = row["step"] == "fetched"
        done = row["answered"] if fetched else row["done"]
        state = row["state"] or row["step"]
        table.add_row(str(row["batch"]), str(row["model"]), str(state), f"{row['requests']:,}",
                      "" if done is None else f"{done:,}", f"{row['failed']:,}" if fetched else "")  # fmt: skip
    console = Console()
    console.print(table)
    for row in rows:
        if row["reason"]:
            console.print(f"{row['batch']}: {row['reason']}", markup=False, highlight=False)
    if any(row["step"] == "created" for row in rows):
        console.print("answers are not here before ragbench batch fetch", markup=False, highlight=False)
