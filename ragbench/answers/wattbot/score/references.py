"""Overlap of lists of references: the Jaccard index, computed on columns."""

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
        separators: characters that separate the ids.
        id_of: returns the id of a part; empty for none.
    """

    separators: str
    id_of: Callable[[str], str]


def _any_id(part: str) -> str:
    id_ = part.strip(_AROUND).casefold()
    return "" if id_ == BLANK else id_


ANY = Spelling(";,", _any_id)
"""``a;b``, ``a, b``, ``['a', 'b']``, ``["a"]`` and a bare ``a``, without regard to case."""
SEMICOLONS = Spelling(";", lambda part: part.strip().lower())
"""The lesson's spelling: separated by semicolons, with brackets and quotes kept."""


def reference_set(written: str) -> frozenset[str]:
    """The ids of a list in any spelling, in lower case. ``is_blank`` and empty text are the empty set."""
    return frozenset(filter(None, map(_any_id, written.replace(";", ",").split(","))))


def jaccard(truth: Strings, predicted: Strings, truth_rows: Rows, predicted_rows: Rows, spelling: Spelling) -> Floats:
    """(n,) size of the intersection divided by that of the union; 1 if both are empty.

    Each distinct list, and each distinct part of one, is read once.

    Args:
        truth: lists as written; ``is_blank`` and empty text are the empty list.
        predicted: the same for a submission.
        truth_rows: (n,) rows of the truth to compare.
        predicted_rows: (n,) rows of the submission to compare with.
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
    """A sparse matrix of lists by ids, 1 if the id is in the list."""
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
    # ``is_blank`` means nothing only if it stands alone.
    alone = starts[:-1][np.diff(starts) == 1]
    kept[alone] &= members[alone] != ids.get(BLANK, -1)
    found = csr_array((kept.astype(np.int32), members, starts.copy()), shape=(len(distinct), len(ids)))
    found.eliminate_zeros()
    found.sum_duplicates()
    found.data[:] = 1
    return found
