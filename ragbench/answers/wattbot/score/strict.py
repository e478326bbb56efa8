"""The score by the rules of docs/guides/wattbot.md, which understand every spelling in the data and lose no row."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from ragbench.answers.wattbot.score.parts import (
    Bools,
    Floats,
    Rows,
    Scored,
    close,
    joined,
    need_rows,
    plain_numbers,
    taken,
    weighted,
)
from ragbench.answers.wattbot.score.references import ANY, jaccard, reference_set
from ragbench.answers.wattbot.score.sheet import Sheet, Strings
from ragbench.answers.wattbot.score.values import read_value, unit_name
from ragbench.core.errors import InputError
from ragbench.core.ledger import Ledger, LedgerEntry, first_ten

KINDS = ("number", "range", "text", "blank", "empty")
NUMBER, RANGE, TEXT, BLANK, EMPTY = range(len(KINDS))
_TRUTHY = dict.fromkeys(("1", "1.0", "true", "t", "yes", "y"), True)
_FALSY = dict.fromkeys(("0", "0.0", "false", "f", "no", "n"), False)


@dataclass(frozen=True, eq=False)
class _Values:
    """The meaning of values, as columns. Units and texts are codes; the text of a plain number is -1."""

    kind: Rows
    low: Floats
    high: Floats
    unit: Rows
    truth: Rows
    text: Rows


def score_strict(truth: Sheet, predictions: Sheet, *, documents: Collection[str] | None = None) -> Scored:
    """Score a submission. Every row of the truth counts; a row without a prediction scores 0.

    Args:
        truth: the truth, with an answer in every row.
        predictions: the submission, without ids that the truth lacks.
        documents: ids of all documents, to report references to unknown ones; None skips that.

    Raises:
        InputError: the truth lacks an id or has no answers, or a flag is neither true nor false.
    """
    import pyarrow.compute as pc

    _check_ids(truth, predictions)
    rows = np.arange(len(truth), dtype=np.int64)
    found = pc.index_in(truth.ids, value_set=predictions.ids).fill_null(-1).to_numpy(zero_copy_only=False)
    found = found.astype(np.int64)
    there = found >= 0
    need_rows(int(there.sum()), truth, predictions)
    at = np.maximum(found, 0)
    value, true_kinds, given_kinds = _values(truth, predictions, at)
    reference = jaccard(truth.references, predictions.references, rows, at, ANY)
    truth_na, predicted_na = _na(truth, true_kinds, rows), _na(predictions, given_kinds, at)
    parts = (
        weighted(value.astype(np.float64), reference, (truth_na == predicted_na).astype(np.float64)) * there[:, None]
    )
    scored = Scored(truth, predictions, rows, found, parts)
    entries = [*_missing(scored), *_empty(scored, given_kinds == EMPTY), *_other_units(scored)]
    entries += _unknown_documents(scored, documents) if documents is not None else []
    return Scored(truth, predictions, rows, found, parts, Ledger(tuple(entries)))


def kinds_of(truth: Sheet) -> list[str]:
    """(n,) the kind of question by its true answer: ``number``, ``range``, ``true or false``, ``text`` or ``blank``."""
    coded = truth.values.dictionary_encode()
    units = coded_units(truth, {"": 0}).tolist()
    values = [read_value(text) for text in coded.dictionary.to_pylist()]
    found = []
    for code, unit in zip(coded.indices.to_pylist(), units, strict=True):
        one = values[code]
        yes_or_no = one.truth >= 0 or (one.kind == "number" and one.low in (0, 1) and not (unit or one.unit))
        found.append("true or false" if yes_or_no else one.kind)
    return found


def coded_units(sheet: Sheet, codes: dict[str, int]) -> Rows:
    """(n,) the code of each unit in its normalised spelling; 0 if there is none.

    Args:
        sheet: a sheet of n rows.
        codes: code of each unit, 0 for the empty one; new units are added.
    """
    if sheet.units is None:
        return np.zeros(len(sheet), dtype=np.int64)
    coded = sheet.units.dictionary_encode()
    names = [codes.setdefault(unit_name(text), len(codes)) for text in coded.dictionary.to_pylist()]
    found: Rows = np.array(names, dtype=np.int64)[coded.indices.to_numpy(zero_copy_only=False)]
    return found


def _check_ids(truth: Sheet, predictions: Sheet) -> None:
    import pyarrow.compute as pc

    known = pc.is_in(predictions.ids, value_set=truth.ids)
    if not pc.all(known).as_py():
        unknown = sorted(predictions.ids.filter(pc.invert(known)).to_pylist())
        raise InputError(
            f"{predictions.name}: {len(unknown)} ids are not in {truth.name}: {first_ten(unknown)}; "
            "score the answers to these questions only"
        )


def _values(truth: Sheet, predictions: Sheet, at: Rows) -> tuple[Bools, Rows, Rows]:
    """(n,) whether the value is right, and the kinds of both sides.

    Args:
        truth: the truth, with an answer in every row.
        predictions: the submission.
        at: (n,) row of the predictions for each row of the truth.
    """
    one, two = np.arange(len(truth)), len(truth) + at
    units: dict[str, int] = {"": 0}
    values = _understood(joined(truth.values, predictions.values), units)
    empty = np.flatnonzero(values.kind[one] == EMPTY)
    if len(empty):
        ids = taken(truth.ids, empty)
        raise InputError(
            f"{truth.name}: {len(ids)} rows have no answer_value: {first_ten(ids)}; the truth must hold the answers "
            "(a file of questions has none), and is_blank where there is no answer"
        )
    unit = coded_units(truth, units)
    v = values
    # A number in the truth that is followed by words other than its unit is a name ("3D printing").
    fits = (v.unit[one] == 0) | (v.unit[one] == unit)
    fits &= (v.unit[two] == 0) | (v.unit[two] == unit) | (v.unit[two] == v.unit[one])
    same_kind = v.kind[one] == v.kind[two]
    numeric = same_kind & ((v.kind[one] == NUMBER) | (v.kind[one] == RANGE)) & fits
    numeric &= close(v.low[one], v.low[two]) & close(v.high[one], v.high[two])
    truths = [
        np.where(
            (v.kind[side] == NUMBER) & (v.unit[side] == 0) & ((v.low[side] == 0) | (v.low[side] == 1)), v.low[side], -1
        )
        for side in (one, two)
    ]
    either = [np.where(v.truth[side] >= 0, v.truth[side], read) for side, read in zip((one, two), truths, strict=True)]
    words = (v.truth[one] >= 0) | (v.truth[two] >= 0)
    boolean = words & (unit == 0) & (either[0] >= 0) & (either[0] == either[1])
    right = numeric | boolean | ((v.text[one] == v.text[two]) & (v.text[one] >= 0))
    return right, v.kind[one], v.kind[two]


def _understood(written: Strings, units: dict[str, int]) -> _Values:
    """Read the values. Plain numbers are parsed as a column, the other distinct values one by one."""
    numbers, plain = plain_numbers(written)
    n = len(numbers)
    found = _Values(
        np.full(n, NUMBER, dtype=np.int64), numbers.copy(), numbers.copy(), np.zeros(n, dtype=np.int64),
        np.full(n, -1, dtype=np.int64), np.full(n, -1, dtype=np.int64),
    )  # fmt: skip
    words = ~plain
    coded = written.filter(words).dictionary_encode()
    codes = coded.indices.to_numpy(zero_copy_only=False)
    values = [read_value(text) for text in coded.dictionary.to_pylist()]
    texts: dict[str, int] = {}
    found.kind[words] = np.array([KINDS.index(value.kind) for value in values], dtype=np.int64)[codes]
    found.low[words] = np.array([value.low for value in values], dtype=np.float64)[codes]
    found.high[words] = np.array([value.high for value in values], dtype=np.float64)[codes]
    found.unit[words] = np.array([units.setdefault(v.unit, len(units)) for v in values], dtype=np.int64)[codes]
    found.truth[words] = np.array([value.truth for value in values], dtype=np.int64)[codes]
    found.text[words] = np.array([texts.setdefault(v.text, len(texts)) for v in values], dtype=np.int64)[codes]
    return found


def _na(sheet: Sheet, kinds: Rows, rows: Rows) -> Bools:
    """(n,) whether the question is unanswered: by the flag if there is one, otherwise by ``is_blank``."""
    if sheet.flags is None:
        blank: Bools = kinds == BLANK
        return blank
    coded = sheet.flags.dictionary_encode()
    words = [text.strip().casefold() for text in coded.dictionary.to_pylist()]
    known = {**_TRUTHY, **_FALSY}
    for code, word in enumerate(words):
        if word not in known:
            at = np.flatnonzero(coded.indices.to_numpy(zero_copy_only=False) == code)
            ids = taken(sheet.ids, at)
            raise InputError(
                f"{sheet.name}: {sheet.flag} is {coded.dictionary[code].as_py()!r} for {first_ten(ids)}; "
                "write true or false, 1 or 0, yes or no"
            )
    flags = np.array([known[word] for word in words])[coded.indices.to_numpy(zero_copy_only=False)]
    found: Bools = flags[rows]
    return found


def _missing(scored: Scored) -> list[LedgerEntry]:
    ids = taken(scored.truth.ids, np.flatnonzero(scored.prediction_rows < 0))
    return [LedgerEntry("score", id_, "no prediction; the row scores 0", "no-prediction") for id_ in ids]


def _empty(scored: Scored, empty: Bools) -> list[LedgerEntry]:
    ids = taken(scored.truth.ids, np.flatnonzero(empty & (scored.prediction_rows >= 0)))
    reason = "answer_value is empty, which is wrong for every question; write is_blank to abstain"
    return [LedgerEntry("score", id_, reason, "empty-value") for id_ in ids]


def _other_units(scored: Scored) -> list[LedgerEntry]:
    """Report rows whose answer_unit differs from the truth's. They do not change the score."""
    if scored.truth.units is None or scored.predictions.units is None:
        return []
    codes = {"": 0}
    rows = scored.prediction_rows
    true, given = coded_units(scored.truth, codes), coded_units(scored.predictions, codes)[rows]
    other = np.flatnonzero((rows >= 0) & (given > 0) & (given != true))
    names = list(codes)
    found = []
    for id_, row in zip(taken(scored.truth.ids, scored.truth_rows[other]), other.tolist(), strict=True):
        said, wanted = names[given[row]], names[true[row]] or "is_blank"
        reason = f"answer_unit is {said!r}, that of the truth {wanted!r}; it is not scored"
        found.append(LedgerEntry("score", id_, reason, "other-unit"))
    return found


def _unknown_documents(scored: Scored, documents: Collection[str]) -> list[LedgerEntry]:
    known = {id_.casefold() for id_ in documents}
    coded = scored.predictions.references.dictionary_encode()
    strangers = [sorted(reference_set(text) - known) for text in coded.dictionary.to_pylist()]
    found = []
    for id_, code in zip(scored.predictions.ids.to_pylist(), coded.indices.to_pylist(), strict=True):
        if strangers[code]:
            reason = f"the metadata have no document {', '.join(strangers[code])}"
            found.append(LedgerEntry("score", id_, reason, "unknown-document"))
    return found
