"""The card of an evaluation: a small file with what a list of evaluations shows, beside the results in full.

A folder without a card, or whose results are newer than it, is read by its results.
"""

import json
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ragbench.core.errors import InputError
from ragbench.core.experiments import Tried
from ragbench.core.fingerprint import text_hash
from ragbench.core.ledger import Ledger, LedgerEntry
from ragbench.core.spelling import given, named
from ragbench.io.checksums import CHECKSUM
from ragbench.io.files import write_text
from ragbench.io.parsing import DAMAGED
from ragbench.io.scored_runs import RESULTS

CARD = "evaluation.json"
IDENTITY = "identity"
"""Key of the manifest: fingerprints of the parts that make an evaluation the one it is."""
FINISHED = "finished"
"""Key of the manifest: when the evaluation was finished."""
DEPTH = 6
"""Most folders below the given one that are searched."""
SIGNED = f', "{CHECKSUM}": "'
"""Before the checksum of the text, which ends the card. It is faster than one of the values."""
KEPT = ("kind", "complete", FINISHED, "golden", "corpus", "chunks")
"""Keys of the manifest that the card keeps."""


def evaluation_folders(root: Path, *, most: int | None = None) -> Iterator[Path]:
    """Find the folders with an evaluation, the root included. Hidden folders are skipped, and links are not followed.

    Args:
        root: the folder.
        most: after how many to stop; None finds all.
    """
    count = 0
    for here, below, files in os.walk(root, followlinks=False):
        path = Path(here)
        deep = len(path.relative_to(root).parts) >= DEPTH
        below[:] = [] if deep else sorted(name for name in below if not name.startswith("."))
        if RESULTS in files:
            yield path
            count += 1
            if count == most:
                return


def write_card(results: Mapping[str, Any], folder: Path) -> None:
    """Write the card of results that were just written."""
    content = json.dumps(_card(results), ensure_ascii=False)
    write_text(folder / CARD, f'{content[:-1]}{SIGNED}{text_hash(content)}"}}\n')


def refuse_other(folder: Path, identity: Mapping[str, str]) -> None:
    """Refuse a folder that holds another finished evaluation. The same one may be made again.

    An evaluation of an older version, which did not record what it is, counts as another one.

    Args:
        folder: the folder.
        identity: fingerprints of the parts of the evaluation that is to be written, by name.

    Raises:
        InputError: it holds another evaluation, or results that cannot be read.
    """
    try:
        manifest = json.loads((folder / RESULTS).read_bytes())["manifest"]
        if not manifest["complete"]:
            return
        known = dict(manifest.get(IDENTITY) or {})
    except FileNotFoundError:
        return
    except DAMAGED:
        known = {}
    if known == identity:
        return
    different = ", ".join(name for name in identity if known and known.get(name) != identity[name])
    parts = f" (different: {different})" if different else ""
    raise InputError(
        f"{folder}: holds another evaluation{parts}. Choose another {named('out')}, or give {given('force', True)} to "
        "replace it"
    )


def read_evaluations(root: Path) -> tuple[list[list[Tried]], Ledger]:
    """Read the systems of every evaluation below a folder.

    Returns:
        The systems of each evaluation, oldest first, and an issue log of those that cannot be read or did not finish.

    Raises:
        InputError: there is no such folder.
    """
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; name one that holds the folders of 'ragbench eval --out'")
    found: list[list[Tried]] = []
    entries: list[LedgerEntry] = []
    for folder in evaluation_folders(root):
        name = os.fsencode(folder.relative_to(root)).decode("utf-8", "backslashreplace")
        try:
            found.append(_read(folder, name))
        except _Unfinished:
            entries.append(LedgerEntry("read", name, "the evaluation was interrupted; run it again", "interrupted"))
        except OSError as error:
            reason = f"cannot be read ({error.strerror or error})"
            entries.append(LedgerEntry("read", name, reason, "unreadable"))
        except DAMAGED as error:
            reason = f"holds no results of ragbench ({type(error).__name__}: {str(error)[:200]})"
            entries.append(LedgerEntry("read", name, reason, "damaged"))
    found.sort(key=lambda systems: (systems[0].finished, systems[0].folder) if systems else ("", ""))
    return found, Ledger(tuple(entries))


class _Unfinished(Exception):
    """An evaluation that is incomplete."""


def _read(folder: Path, name: str) -> list[Tried]:
    written = (folder / RESULTS).stat().st_mtime_ns
    card = folder / CARD
    if card.is_file() and card.stat().st_mtime_ns >= written:
        text, _, checksum = card.read_text(encoding="utf-8").rpartition(SIGNED)
        if checksum.rstrip() != f'{text_hash(text + "}")}"}}':
            raise ValueError(f"{CARD} was changed since it was written")
        content = json.loads(text + "}")
    else:
        content = _card(json.loads((folder / RESULTS).read_bytes()))
    return list(_systems(content, name, written / 1e9))


def _card(results: Mapping[str, Any]) -> dict[str, Any]:
    """What the results say that a list of evaluations shows."""
    manifest = results["manifest"]
    return {
        "schema_version": 1,
        "manifest": {key: manifest[key] for key in KEPT if key in manifest},
        "arms": [_arm(arm) for arm in results["arms"]],
    }


def _arm(arm: Mapping[str, Any]) -> dict[str, Any]:
    setup = arm.get("setup") or {}
    means = {
        name: {end: value.get(end) for end in ("mean", "low", "high", "n")}
        for name, value in arm.get("metrics", {}).items()
    }
    return {
        "name": arm["name"],
        "error": None if arm["status"] == "ok" else arm["error"],
        "metrics": means,
        "p50": arm.get("latency_ms", {}).get("p50"),
        "cost_per_query": arm.get("cost_per_query"),
        "setup": {key: setup.get(key) for key in ("retriever", "chunker", "notes")},
    }


def _systems(card: Mapping[str, Any], folder: str, changed: float) -> Iterator[Tried]:
    """The systems of a card. Whatever is missing or of another kind raises one of `DAMAGED`."""
    manifest = card["manifest"]
    if not manifest["complete"]:
        raise _Unfinished
    recorded = manifest.get(FINISHED)
    at = datetime.fromtimestamp(changed, UTC) if recorded is None else datetime.fromisoformat(recorded).astimezone(UTC)
    golden, corpus, chunks = (manifest.get(name) or {} for name in ("golden", "corpus", "chunks"))
    for arm in card["arms"]:
        setup = arm["setup"]
        yield Tried(
            folder, str(arm["name"]), at.isoformat(timespec="seconds"), recorded is None,
            str(manifest.get("kind") or "retrieval"),
            str(golden.get("name", "")), str(golden.get("fingerprint", "")), str(corpus.get("fingerprint", "")),
            str(chunks.get("fingerprint", "")),
            {str(name): {end: _number(of[end]) for end in of} for name, of in arm["metrics"].items()},
            _number(arm["p50"]), _number(arm["cost_per_query"]),
            str(setup["retriever"] or ""), str(setup["chunker"] or ""), str(setup["notes"] or ""),
            None if arm["error"] is None else str(arm["error"]),
        )  # fmt: skip


def _number(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r} is no number")
    return float(value)
