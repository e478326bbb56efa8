"""Files of seed queries: text with one query per line, and beside it a JSON file with types, counts and shares."""

from collections.abc import Mapping
from pathlib import Path

from ragbench.core.errors import InputError
from ragbench.io.files import write_json, write_text
from ragbench.io.parsing import read_json

FORMAT, VERSION = "ragbench-seeds", 1


def counts_beside(path: Path) -> Path:
    """The JSON file beside a file of seeds."""
    return path.with_suffix(".json")


def write_seeds(path: Path, texts: list[str], counts: Mapping[str, object]) -> None:
    """Write the queries, and what is known of them beside."""
    write_text(path, "".join(f"{text}\n" for text in texts))
    write_json(counts_beside(path), {"format": FORMAT, **counts})


def read_shares(path: Path) -> dict[str, float] | None:
    """Share by query type from the JSON file beside a file of seeds; None if `write_seeds` did not write one.

    Raises:
        InputError: the file is damaged.
    """
    beside = counts_beside(path)
    if not beside.is_file():
        return None
    found = read_json(beside)
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        return None
    shares = found.get("shares")
    if found.get("version") != VERSION or not isinstance(shares, dict) or not shares:
        raise InputError(f"{beside}: no counts of seed queries that this ragbench reads; run ragbench seeds again")
    if not all(isinstance(share, int | float) and share >= 0 for share in shares.values()):
        raise InputError(f"{beside}: a share is no number of 0 or more")
    return {str(name): float(share) for name, share in shares.items()}
