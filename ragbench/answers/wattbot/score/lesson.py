"""The score as the published lesson computes it, to stay comparable with old scores.

The lesson on RAG with the WattBot data (in the format of the Carpentries) has a function
that loops over the rows of the merged tables. The arithmetic here is the same, with its
oddities, but on columns. docs/guides/wattbot.md lists where it differs from
`ragbench.answers.wattbot.score.strict`.
"""

from pathlib import Path
from typing import Any

import numpy as np

from ragbench.answers.wattbot.score.parts import (
    Bools,
    Floats,
    Rows,
    Scored,
    close,
    joined,
    joint_codes,
    plain_numbers,
    weighted,
)
from ragbench.answers.wattbot.score.references import SEMICOLONS, jaccard
from ragbench.answers.wattbot.score.sheet import (
    BLANK,
    FLAGS,
    ID,
    QUESTION,
    REFERENCES,
    REQUIRED,
    UNIT,
    VALUE,
    Sheet,
    Strings,
)
from ragbench.core.errors import InputError, did_you_mean
from ragbench.io.encoding import read_text

MOST_COLUMNS = 10_000
"""pandas renames equal columns in time that grows with the square."""


def read_lesson_frame(path: Path) -> Any:
    """Read a table with the types that ``pandas.read_csv`` infers, as in the lesson, in any common encoding.

    Raises:
        InputError: the file is not a table, or lacks a column.
    """
    from io import StringIO

    import pandas as pd

    text, _ = read_text(path)
    if text.split("\n", 1)[0].count(",") > MOST_COLUMNS:
        raise InputError(f"{path}: no sound CSV (more than {MOST_COLUMNS:,} columns)")
    try:
        frame = pd.read_csv(StringIO(text))
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise InputError(f"{path}: no sound CSV ({error})") from error
    for column in REQUIRED:
        if column not in frame.columns:
            raise InputError(f"{path}: has no column {column!r}{did_you_mean(column, map(str, frame.columns))}")
    return frame


def score_lesson(truth: Any, predictions: Any, names: tuple[str, str] = ("truth", "predictions")) -> Scored:
    """Score two data frames by the lesson's rules.

    Args:
        truth: frame with the columns ``id``, ``answer_value`` and ``ref_id``, as read by ``pandas.read_csv``.
        predictions: the same for a submission.
        names: their names in messages.

    Raises:
        InputError: they have no common id, or ids of different types.
    """
    truth_rows, prediction_rows = _inner_join(truth, predictions, names)
    if not len(truth_rows):
        raise InputError(f"{names[1]}: no id of {names[0]} is in it; are these answers to other questions?")
    truth_sheet, prediction_sheet = _sheet(truth, names[0]), _sheet(predictions, names[1])
    value, blank = _values(truth_sheet.values, prediction_sheet.values, truth_rows, prediction_rows)
    reference = jaccard(truth_sheet.references, prediction_sheet.references, truth_rows, prediction_rows, SEMICOLONS)
    na = np.ones(len(value)) if _one_flag_for_both(truth, predictions) else (blank[0] == blank[1]).astype(np.float64)
    parts = weighted(value.astype(np.float64), reference, na)
    return Scored(truth_sheet, prediction_sheet, truth_rows, prediction_rows, parts)


def _values(
    truth: Strings, predicted: Strings, truth_rows: Rows, predicted_rows: Rows
) -> tuple[Bools, tuple[Bools, Bools]]:
    """(n,) whether the value is right, and whether each side is blank."""
    both = joined(truth, predicted)
    numbers, is_number = plain_numbers(both)
    words = ~is_number
    coded = both.filter(words).dictionary_encode()
    read, blank, text_code = _words(coded.dictionary.to_pylist())
    codes = coded.indices.to_numpy(zero_copy_only=False)
    numbers[words], is_number[words] = read[codes], text_code[codes] < 0
    is_blank, text = np.zeros(len(both), dtype=bool), np.full(len(both), -1, dtype=np.int64)
    is_blank[words], text[words] = blank[codes], text_code[codes]
    one, two = truth_rows, len(truth) + predicted_rows
    # A number and a text are never spelled alike, and "is_blank" is a text.
    right = np.where(
        is_number[one] & is_number[two], close(numbers[one], numbers[two]), (text[one] == text[two]) & (text[one] >= 0)
    )
    return right, (is_blank[one], is_blank[two])


def _words(distinct: list[str]) -> tuple[Floats, Bools, Rows]:
    """The values that Python reads as numbers, which count as blank, and a code for each text (-1 for a number)."""
    numbers, blank = np.full(len(distinct), np.nan), np.zeros(len(distinct), dtype=bool)
    codes = np.full(len(distinct), -1, dtype=np.int64)
    seen: dict[str, int] = {}
    for row, text in enumerate(distinct):
        try:
            numbers[row] = float(text)
        except ValueError:
            codes[row] = seen.setdefault(text.strip().lower(), len(seen))
        blank[row] = text.lower() == BLANK  # with a space beside it, it does not count as a flag
    return numbers, blank, codes


def _one_flag_for_both(truth: Any, predictions: Any) -> bool:
    """Whether the lesson uses one column as the flag of both sides, so that they always agree.

    The lesson looks for the column in the merged table, where it has its plain name
    only if exactly one of the files has it.
    """
    return any((column in truth.columns) != (column in predictions.columns) for column in FLAGS)


def _inner_join(truth: Any, predictions: Any, names: tuple[str, str]) -> tuple[Rows, Rows]:
    """Rows of every pair with the same id, in the order of ``merge``. Repeated ids give every combination."""
    import pandas as pd

    if truth[ID].dtype == predictions[ID].dtype == "str":
        mine, theirs, distinct = joint_codes(_written(truth[ID]), _written(predictions[ID]))
        if max(np.bincount(mine).max(), np.bincount(theirs).max()) == 1:
            row = np.full(len(distinct), -1, dtype=np.int64)
            row[theirs] = np.arange(len(theirs))
            found = row[mine]
            return np.flatnonzero(found >= 0), found[found >= 0]
    try:
        keys = truth[[ID]].assign(_truth=np.arange(len(truth)))
        others = predictions[[ID]].assign(_prediction=np.arange(len(predictions)))
        pairs = keys.merge(others, on=ID)
    except (ValueError, pd.errors.MergeError) as error:
        raise InputError(f"{names[0]} and {names[1]}: their ids are of different types ({error})") from error
    return pairs["_truth"].to_numpy(dtype=np.int64), pairs["_prediction"].to_numpy(dtype=np.int64)


def _sheet(frame: Any, name: str) -> Sheet:
    columns = {key: _written(frame[key]) for key in (ID, VALUE, REFERENCES, UNIT, QUESTION) if key in frame.columns}
    return Sheet(name, columns[ID], columns[VALUE], columns[REFERENCES], columns.get(UNIT), columns.get(QUESTION))


def _written(column: Any) -> Strings:
    """Every cell as ``str`` writes it. An empty cell is ``nan``."""
    import pyarrow as pa

    if column.dtype == "str":
        found = pa.array(column).cast(pa.string())
        found = found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found
        return found.fill_null("nan")
    return pa.array([str(cell) for cell in column.tolist()], type=pa.string())
