"""How differences on masked queries carry over to human queries, as learned on public collections.

``masked_pool.json`` has the figures of every collection: for each pair of settings, the difference on human queries and
on masked ones. ``python -m benchmarks.few_labels --pool`` writes it again.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ragbench.stats.borrowing import Transfer

FILE = Path(__file__).with_name("masked_pool.json")


@dataclass(frozen=True)
class MaskedPool:
    """What was learned, and on what.

    Attributes:
        transfer: how a difference carries over.
        collections: names of the collections.
        settings: number of retriever settings; each pair of them is one difference.
    """

    transfer: Transfer
    collections: tuple[str, ...]
    settings: int


@cache
def masked_pool() -> MaskedPool:
    """Read what was learned."""
    found = json.loads(FILE.read_text("utf-8"))
    names = tuple(one["name"] for one in found["collections"])
    return MaskedPool(Transfer(**found["transfer"]), names, len(found["settings"]))
