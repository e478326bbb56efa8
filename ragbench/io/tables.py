"""Tables of any kind: JSON Lines, CSV, TSV and Parquet, with column roles and errors that name the line."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ragbench.core.errors import InputError, SettingError, did_you_mean
from ragbench.core.pairs import pairs
from ragbench.io.encoding import read_text


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


def read_objects(path: Path) -> Iterator[tuple[str, dict[str, object]]]:
    r"""``("file:line", object)`` for every line that is not blank.

    Only ``\n`` ends a line: the other separators that Unicode knows may stand inside a JSON string.

    Raises:
        InputError: no such file, or a line that is no JSON object.
    """
    for number, line in enumerate(read_text(path)[0].split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        try:
            value = json.loads(line)
        except json.JSONDecodeError as error:
            raise InputError(f"{where}: no JSON ({error.msg} at column {error.colno})") from error
        except RecursionError:
            raise InputError(f"{where}: no JSON that can be read (nested too deep)") from None
        if not isinstance(value, dict):
            raise InputError(f"{where}: a JSON object belongs on each line, this is {value!r:.60}")
        yield where, value


def lines(objects: Iterable[tuple[str, Mapping[str, object]]]) -> bytes:
    """Bytes of named objects, one a line; keys keep their order.

    Raises:
        InputError: a value that JSON cannot hold (NaN among them); the message has the name.
    """
    return b"".join(_line(name, value) for name, value in objects)


def _line(name: str, value: Mapping[str, object]) -> bytes:
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        try:
            return text.encode() + b"\n"
        except UnicodeEncodeError:  # half a surrogate pair: only the escaped form can be written
            return json.dumps(value, allow_nan=False).encode() + b"\n"
    except (TypeError, ValueError) as error:
        raise InputError(f"{name}: it cannot be written as JSON ({error})") from error


def text_value(where: str, row: Mapping[str, object], key: str) -> str:
    """A required string (a number is written out).

    Raises:
        InputError: the key is missing, or holds something else.
    """
    if key not in row:
        raise InputError(f"{where}: no key {key!r}; it has {', '.join(map(repr, row)) or 'none'}")
    return as_text(where, key, row[key])


def as_text(where: str, key: str, value: object) -> str:
    """A string, or a whole number written out.

    Raises:
        InputError: it is something else.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise InputError(f"{where}: {key!r} must be a string, it is {value!r:.60}")


def query_text(where: str, value: str) -> str:
    """The same text.

    Raises:
        InputError: it is blank.
    """
    if not value.strip():
        raise InputError(f"{where}: the query has no text. Write it or take the line out")
    return value


def read_parquet(path: Path) -> Any:
    """The table (`pyarrow.Table`) of a Parquet file.

    Raises:
        OSError, pyarrow.ArrowException: it is not there or broken.
    """
    with open_parquet(path) as file:
        return file.read(use_threads=False)


@contextmanager
def open_parquet(path: Path) -> Iterator[Any]:
    """The open `pyarrow.parquet.ParquetFile`; read from it with ``use_threads=False``.

    Raises:
        OSError, pyarrow.ArrowException: it is not there or broken.
    """
    import pyarrow.parquet as pq

    with pq.ParquetFile(path, pre_buffer=False) as file:
        yield file
