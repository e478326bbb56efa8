"""The run store: computed rankings, by the fingerprint of everything that decides them.

Each run is one file, written atomically: columns as numpy arrays, and one JSON object for ids, failures and costs.
    Nothing in it is pickled.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ragbench.core.runs import Run, Unit
from ragbench.io.files import replacing
from ragbench.io.parsing import DAMAGED


@dataclass(frozen=True)
class StoredRun:
    """A run and the facts that were stored with it.

    Attributes:
        run: the rankings.
        facts: timings and notes, as JSON values.
    """

    run: Run
    facts: Mapping[str, object]


@dataclass(frozen=True)
class RunStore:
    """Stored runs by fingerprint."""

    folder: Path

    def load(self, key: str, ids: Mapping[Unit, Sequence[str]]) -> StoredRun | None:
        """Load the run of a key. A file that cannot be read counts as absent, and the run is computed again.

        Args:
            key: fingerprint of what decides the run.
            ids: ids of the corpus by unit. The items of the run are rows of those of its unit, which are extended if
                the run has other ids.
        """
        path = self.folder / f"{key}.npz"
        if not path.is_file():
            return None
        try:
            return _read(path, ids)
        except (*DAMAGED, MemoryError):
            return None

    def save(self, key: str, stored: StoredRun) -> None:
        """Store a run, without the ids that it never returned."""
        run = stored.run
        used, items = np.unique(run.items, return_inverse=True)
        head = {
            "query_ids": list(run.query_ids),
            "item_ids": [run.item_ids[item] for item in used.tolist()],
            "unit": run.unit,
            "failures": dict(run.failures),
            "repeated": run.repeated,
            "facts": dict(stored.facts),
        }
        with replacing(self.folder / f"{key}.npz") as path, path.open("wb") as handle:
            np.savez_compressed(
                handle,
                head=np.frombuffer(json.dumps(head, sort_keys=True).encode("utf-8"), dtype=np.uint8),
                offsets=run.offsets,
                items=items.astype(np.int32),
                scores=run.scores,
            )


def _read(path: Path, ids: Mapping[Unit, Sequence[str]]) -> StoredRun:
    with np.load(path, allow_pickle=False) as columns:
        head = json.loads(columns["head"].tobytes().decode("utf-8"))
        offsets, items, scores = (columns[name] for name in ("offsets", "items", "scores"))
    for column, kind in ((offsets, "i"), (items, "i"), (scores, "f")):
        if column.ndim != 1 or column.dtype.kind != kind:
            raise ValueError("a column is none of a run")
    sizes = np.diff(offsets)
    whole = len(sizes) == len(head["query_ids"]) and (sizes >= 0).all() and offsets[0] == 0
    if not whole or not len(items) == len(scores) == offsets[-1] or (items < 0).any():
        raise ValueError("the columns do not belong together")
    item_ids = ids[head["unit"]]
    row = {id_: i for i, id_ in enumerate(item_ids)}
    known = len(row)
    position = np.array([row.setdefault(id_, len(row)) for id_ in head["item_ids"]], dtype=np.int32)
    run = Run(
        query_ids=head["query_ids"],
        offsets=offsets,
        items=position[items] if len(items) else items,
        scores=scores,
        item_ids=item_ids if len(row) == known else list(row),
        unit=head["unit"],
        failures=head["failures"],
        repeated=head["repeated"],
    )
    return StoredRun(run, head["facts"])
