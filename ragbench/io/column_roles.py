"""Which column of a table plays which role."""

from collections.abc import Iterable, Mapping, Sequence

from ragbench.core.errors import InputError, SettingError, did_you_mean
from ragbench.core.pairs import pairs


def choose_columns(
    found: Iterable[str],
    named: Mapping[str, str],
    where: str,
    aliases: Mapping[str, Sequence[str]],
    needed: Mapping[str, str],
    option: str,
) -> dict[str, str]:
    """The column of each role: the user's choice, else the first alias that is there and not taken.

    Args:
        found: the columns there are.
        named: the user's choice, ``{role: column}``.
        where: the file, for messages.
        aliases: what a column may be called, by role.
        needed: roles that must be there, and what each holds, in words.
        option: how a column is named on the command line: ``"--columns {role}=NAME"``.

    Raises:
        SettingError: a role or column that does not exist.
        InputError: no column for a role that is needed.
    """
    columns = list(found)
    for role, column in named.items():
        if role not in aliases:
            raise SettingError(f"no role {role!r} for a column{did_you_mean(role, aliases)}")
        if column not in columns:
            raise SettingError(f"{where}: no column {column!r}{did_you_mean(column, columns)}")
    chosen = dict(named)
    for role, names in aliases.items():
        match = next((name for name in names if name in columns and name not in chosen.values()), None)
        if role not in chosen and match is not None:
            chosen[role] = match
    for role, holds in needed.items():
        if role not in chosen:
            raise InputError(
                f"{where}: no column holds {holds} (known are {', '.join(aliases[role])}); it has "
                f"{', '.join(columns)}. Rename it, or name it: {option.format(role=role)}, "
                f"columns={{'{role}': 'NAME'}} in Python"
            )
    return chosen


def columns_by_role(written: str | None) -> dict[str, str]:
    """``"query=NAME,answer=NAME"`` of the command line as column by role; empty for None.

    Raises:
        SettingError: it is written otherwise, or names a role twice.
    """
    return pairs("--columns", written, "ROLE=COLUMN")
