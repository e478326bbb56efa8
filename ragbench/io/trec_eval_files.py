"""Inputs that only trec_eval has: preferences and z-scores.

prefs          ``query group subgroup item level``
qrels_prefs    ``query group item level``: a qrels file whose labels are taken for preferences
zscores        ``query measure mean deviation``
"""

import math
from pathlib import Path

from ragbench.core.errors import InputError
from ragbench.io.trec import fields_of, read_content

Levels = dict[str, dict[str, dict[str, float]]]
"""Level of each item, by group and subgroup."""


def read_preferences(path: Path, *, subgroups: bool) -> dict[str, Levels]:
    """Read preferences by query.

    Args:
        path: the file.
        subgroups: whether it has a column of subgroups; otherwise each group has one.

    Raises:
        InputError: it cannot be read, a level is no number, or an item has two levels in a subgroup or is both relevant
            and not for a group.
    """
    layout = "query group subgroup item level" if subgroups else "query group item level"
    found: dict[str, Levels] = {}
    zero: dict[tuple[str, str, str], bool] = {}
    for number, (query, group, *subgroup, item, written) in fields_of(
        path, read_content(path), len(layout.split()), layout
    ):
        level = _number(f"{path}:{number}", written)
        own = found.setdefault(query, {}).setdefault(group, {}).setdefault(subgroup[0] if subgroup else "", {})
        where = f"{path}:{number}: item {item!r} of group {group!r} for query {query!r}"
        if own.get(item, level) != level:
            raise InputError(f"{where} has the level {level:g}, and {own[item]:g} further up")
        if zero.setdefault((query, group, item), level == 0) != (level == 0):
            raise InputError(f"{where} has the level {level:g}; a group gives an item level 0 always or never")
        own[item] = level
    if not found:
        raise InputError(f"{path}: there is no preference in it; a line reads: {layout}")
    return found


def read_zscores(path: Path) -> dict[tuple[str, str], tuple[float, float]]:
    """Read mean and standard deviation by query and measure.

    Raises:
        InputError: it cannot be read, or a value is no number.
    """
    layout = "query measure mean deviation"
    found = {
        (query, measure): (_number(f"{path}:{number}", mean), _number(f"{path}:{number}", deviation))
        for number, (query, measure, mean, deviation) in fields_of(path, read_content(path), 4, layout)
    }
    if not found:
        raise InputError(f"{path}: there is no z-score in it; a line reads: {layout}")
    return found


def _number(where: str, written: str) -> float:
    try:
        number = float(written)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InputError(f"{where}: {written!r} is no number")
    return number
