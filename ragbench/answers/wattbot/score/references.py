"""Overlap of lists of references: Jaccard, many rows at once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ragbench.answers.wattbot.score.parts import Floats, Rows, joint_codes
from ragbench.answers.wattbot.score.sheet import BLANK, Strings

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
    truth_codes, predicted_codes, distinct = joint_codes(truth, predicted)
    members = _members(distinct, spelling)
    sizes = np.diff(members.indptr)
    mine, theirs = truth_codes[truth_rows], predicted_codes[predicted_rows]
    shared = np.diff(members[mine].multiply(members[theirs]).indptr)
    union = sizes[mine] + sizes[theirs] - shared
    found: Floats = np.where(union > 0, shared / np.maximum(union, 1), 1.0)
    return found


def _members(distinct: Strings, spelling: Spelling) -> Any:
    """Which ids each list holds: a sparse matrix of lists by ids, 1 where the id is in the list."""
    import pyarrow.compute as pc
    from scipy.sparse import csr_array

    first = spelling.separators[0]
    for other in spelling.separators[1:]:
        distinct = pc.replace_substring(distinct, pattern=other, replacement=first)
    split = pc.split_pattern(distinct, first)
    starts = split.offsets.to_numpy(zero_copy_only=False)
    parts = split.flatten().dictionary_encode()
    ids = {"": 0}
    named = [ids.setdefault(spelling.id_of(part), len(ids)) for part in parts.dictionary.to_pylist()]
    members = np.array(named, dtype=np.int32)[parts.indices.to_numpy(zero_copy_only=False)]
    kept = members > 0
    # The word for nothing means that only where it stands alone.
    alone = starts[:-1][np.diff(starts) == 1]
    kept[alone] &= members[alone] != ids.get(BLANK, -1)
    found = csr_array((kept.astype(np.int32), members, starts.copy()), shape=(len(distinct), len(ids)))
    found.eliminate_zeros()
    found.sum_duplicates()
    found.data[:] = 1
    return found
