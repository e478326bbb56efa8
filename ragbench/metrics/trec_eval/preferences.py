"""trec_eval's measures of preferences: how many of the preferences of annotators a ranking fulfils.

A judgement group, such as an annotator, gives items a level. In one of its subgroups, an item of a higher level is
preferred to each item of a lower one. A ranking fulfils the preference if it has the preferred item first, or if it has
only this one of the two.

Source: trec_eval 10, ``form_prefs_counts.c`` and the files of the measures.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from ragbench.core.errors import InputError

Levels = Mapping[str, Mapping[str, Mapping[str, float]]]
"""The preferences of a query: the level of each item, by group and subgroup."""
Scope = Literal["all", "imp", "ret"]
"""Which preferences count: all of them, those with one retrieved item at least, or those with two."""


@dataclass(frozen=True, eq=False)
class Group:
    """The preferences of one group for one query. Its j items are those that any group judged.

    Attributes:
        prefers: (j, j) whether the item of the row is preferred to that of the column; retrieved items come first, in
            the order of the ranking.
        level: (j,) level of each item; NaN if this group did not judge it.
        ranked: whether the group has one subgroup, so that its levels rank all of its items.
        retrieved: number of retrieved items.
    """

    prefers: npt.NDArray[np.bool_]
    level: npt.NDArray[np.float64]
    ranked: bool
    retrieved: int

    @classmethod
    def of(cls, subgroups: Mapping[str, Mapping[str, float]], position: Mapping[str, int], retrieved: int) -> "Group":
        """Collect the preferences of all subgroups, and those that follow from them."""
        prefers, level = np.zeros((len(position), len(position)), dtype=bool), np.full(len(position), np.nan)
        for name in sorted(subgroups):
            rows = [position[item] for item in subgroups[name]]
            own = np.array(list(subgroups[name].values()))
            prefers[np.ix_(rows, rows)] |= own[:, None] > own[None, :]
            level[rows] = own
        return cls(prefers if len(subgroups) == 1 else _closed(prefers), level, len(subgroups) == 1, retrieved)

    def count(self, scope: Scope, left_out: npt.NDArray[np.int64] | None = None) -> tuple[int, int]:
        """Count the preferences that are fulfilled, and those that are possible, without those of some items."""
        n, prefers = self.retrieved, self.prefers
        if left_out is not None:
            prefers = prefers.copy()
            prefers[left_out] = prefers[:, left_out] = False
        fulfilled, possible = int(np.triu(prefers[:n, :n]).sum()), int(prefers[:n, :n].sum())
        if scope != "ret":
            fulfilled += int(prefers[:n, n:].sum())
            possible += int(prefers[:n, n:].sum() + prefers[n:, :n].sum())
        return fulfilled, possible + (int(prefers[n:, n:].sum()) if scope == "all" else 0)

    def as_many_nonrelevant(self, scope: Scope) -> tuple[int, int]:
        """Count with as many nonrelevant items (level 0) as relevant ones: the first of them, or more fulfilled ones.

        trec_eval compares the nonrelevant items that it keeps with all items of a ranked group, themselves included.
        """
        seen = np.arange(len(self.level)) < (self.retrieved if scope == "ret" else len(self.level))
        relevant = self.level > 0
        nonrelevant = self.level <= 0 if self.ranked else self.level == 0
        r, n = int((relevant & seen).sum()), int((nonrelevant & seen).sum())
        if r >= n:
            fulfilled, possible = self.count(scope)
            found = int(relevant[: self.retrieved].sum())
            return fulfilled + found * (r - n), possible + int(relevant.sum()) * (r - n)
        if not self.ranked:
            return self.count(scope, np.flatnonzero(nonrelevant)[int(relevant.sum()) :])
        lowest = np.flatnonzero(self.level == np.nanmin(self.level))
        fulfilled, possible = self.count(scope, lowest)
        kept = np.array([row for row in lowest[:r] if seen[row]], dtype=np.int64)
        judged = np.flatnonzero(~np.isnan(self.level) & seen)
        first = judged[judged < self.retrieved]
        return fulfilled + int((first[:, None] < kept).sum()), possible + len(judged) * len(kept)


def _closed(prefers: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Add what follows: an item is preferred to those that its less preferred items are preferred to."""
    while True:
        steps = prefers.astype(np.float32)
        more = prefers | (steps @ steps > 0)
        if (more == prefers).all():
            return prefers
        prefers = more


def groups_of(query: str, ranking: Sequence[str], levels: Levels) -> list[Group]:
    """Compare a ranking with the preferences of each group.

    Args:
        query: its id, for messages.
        ranking: item ids, best first.
        levels: the preferences of the query.

    Raises:
        InputError: a group prefers an item to another and the other to it.
    """
    judged = {item for subgroups in levels.values() for items in subgroups.values() for item in items}
    found = [item for item in ranking if item in judged]
    position = {item: at for at, item in enumerate([*found, *sorted(judged.difference(found))])}
    groups = []
    for name in sorted(levels):
        group = Group.of(levels[name], position, len(found))
        if (both := np.argwhere(group.prefers & group.prefers.T)).size:
            one, other = (list(position)[at] for at in both[0])
            raise InputError(
                f"query {query!r}: the subgroups of {name!r} contradict each other on {one!r} and {other!r}; give each "
                "opinion a group of its own"
            )
        groups.append(group)
    return groups


Groups = Sequence[Group]


def _total(groups: Groups, scope: Scope) -> tuple[int, int]:
    counts = [group.count(scope) for group in groups]
    return sum(fulfilled for fulfilled, _ in counts), sum(possible for _, possible in counts)


def simple(groups: Groups, scope: Scope) -> float:
    """Share of the possible preferences that are fulfilled."""
    fulfilled, possible = _total(groups, scope)
    return fulfilled / possible if possible else 0.0


def by_group(groups: Groups, scope: Scope) -> float:
    """The same share within each group, averaged."""
    counts = [group.count(scope) for group in groups]
    return sum(fulfilled / possible for fulfilled, possible in counts if possible) / len(groups)


def by_group_balanced(groups: Groups, scope: Scope) -> float:
    """The same with as many nonrelevant items as relevant ones; 0 if a group has no preference."""
    counts = [group.as_many_nonrelevant(scope) for group in groups]
    if not all(possible for _, possible in counts):
        return 0.0
    return sum(fulfilled / possible for fulfilled, possible in counts) / len(groups)


def by_pair(groups: Groups, scope: Scope) -> float:
    """Average over pairs of items of the share of the groups whose preference is fulfilled."""
    n = groups[0].retrieved
    first = np.sum([group.prefers for group in groups], axis=0)
    both = np.triu(first + first.T, 1)
    last = n if scope == "ret" else len(both)
    seen = both[:n, :last] > 0
    total = float((first[:n, :last][seen] / both[:n, :last][seen]).sum())
    pairs = int(seen.sum()) + (int((both[n:, n:] > 0).sum()) if scope == "all" else 0)
    return total / pairs if pairs else 0.0


KINDS: dict[str, Callable[[Groups, Scope], float]] = {
    "prefs_num_prefs_poss": lambda groups, scope: _total(groups, scope)[1],
    "prefs_num_prefs_ful": lambda groups, scope: _total(groups, scope)[0],
    "prefs_simp": simple,
    "prefs_pair": by_pair,
    "prefs_avgjg": by_group,
    "prefs_avgjg_Rnonrel": by_group_balanced,
}
SUFFIXES: dict[str, Scope] = {"_ret": "ret", "_imp": "imp"}


def preference(family: str, groups: Groups) -> float:
    """The value of a measure by its name."""
    scope: Scope = SUFFIXES.get(family[-4:], "all")
    return KINDS[family if scope == "all" else family[:-4]](groups, scope)
