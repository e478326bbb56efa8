"""Overlap of lists of references: Jaccard, many rows at once."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ragbench.tasks.wattbot.score.parts import Floats, Rows, joint_codes
from ragbench.tasks.wattbot.score.sheet import BLANK, Strings

_AROUND = " \t\r\n'\"[]()\u2018\u2019\u201c\u201d"


@dataclass(frozen=True)
class Spelling:
    """How a list of references is read.

    Attributes:
        separators: characters that part the ids.
        id_of: the id that a part stands for; empty for none.
    """

    separators: str
    id_of: Callable[[str], str]


def _any_id(part: str) -> str:
    id_ = part.strip(_AROUND).casefold()
    return "" if id_ == BLANK else id_


ANY = Spelling(";,", _any_id)
"""``a;b``, ``a, b``, ``['a', 'b']``, ``["a"]`` and a bare ``a``; case means nothing."""
SEMICOLONS = Spelling(";", lambda part: part.strip().lower())
"""As the lesson reads it: parted by semicolons, brackets and quotes kept."""


def reference_set(written: str) -> frozenset[str]:
    """Ids of a list in any of its spellings, in lower case; ``is_blank`` and nothing are the empty set."""
    return frozenset(filter(None, map(_any_id, written.replace(";", ",").split(","))))


def jaccard(truth: Strings, predicted: Strings, truth_rows: Rows, predicted_rows: Rows, spelling: Spelling) -> Floats:
    """(n,) size of the intersection over that of the union; 1 where both are empty.

    Each distinct list is read once, and each distinct part of one.

    Args:
        truth: lists as written; ``is_blank`` and nothing are the empty list.
        predicted: the same of a submission.
        truth_rows: (n,) which of the truth's to compare.
        predicted_rows: (n,) with which of the submission's.
        spelling: how they are read.
    """
    import pandas as pd

    truth_codes, predicted_codes, distinct = joint_codes(truth, predicted)
    truth_codes, predicted_codes = truth_codes[truth_rows], predicted_codes[predicted_rows]
    owners, members, ids = _members(distinct, spelling)
    sizes = np.bincount(owners, minlength=len(distinct))
    starts = np.cumsum(sizes) - sizes
    mine, rows = _exploded(truth_codes, sizes, starts, members, ids)
    theirs, _ = _exploded(predicted_codes, sizes, starts, members, ids)
    shared = np.bincount(rows[pd.Index(mine).isin(theirs)], minlength=len(truth_codes))
    union = sizes[truth_codes] + sizes[predicted_codes] - shared
    found: Floats = np.where(union > 0, shared / np.maximum(union, 1), 1.0)
    return found


def _members(distinct: Strings, spelling: Spelling) -> tuple[Rows, Rows, int]:
    """Pairs (list, id), ordered by list and each once, and how many ids there are."""
    import pandas as pd
    import pyarrow.compute as pc

    first = spelling.separators[0]
    for other in spelling.separators[1:]:
        distinct = pc.replace_substring(distinct, pattern=other, replacement=first)
    split = pc.split_pattern(distinct, first)
    counts = pc.list_value_length(split).to_numpy(zero_copy_only=False).astype(np.int64)
    owners = np.repeat(np.arange(len(distinct), dtype=np.int64), counts)
    parts = split.flatten().dictionary_encode()
    ids = {"": 0}
    named = [ids.setdefault(spelling.id_of(part), len(ids)) for part in parts.dictionary.to_pylist()]
    members = np.array(named, dtype=np.int64)[parts.indices.to_numpy(zero_copy_only=False)]
    # The word for nothing means that only where it stands alone.
    kept = (members > 0) & ~((members == ids.get(BLANK, -1)) & (counts[owners] == 1))
    keys = pd.unique(owners[kept] * len(ids) + members[kept])
    return keys // len(ids), keys % len(ids), len(ids)


def _exploded(codes: Rows, sizes: Rows, starts: Rows, flat: Rows, ids: int) -> tuple[Rows, Rows]:
    """A key for every (row, id), and the row of each."""
    counts = sizes[codes]
    rows = np.repeat(np.arange(len(codes), dtype=np.int64), counts)
    within = np.arange(len(rows), dtype=np.int64) - np.repeat(np.cumsum(counts) - counts, counts)
    return rows * ids + flat[np.repeat(starts[codes], counts) + within], rows
