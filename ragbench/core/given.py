"""Rankings and labels as users of Python have them: dicts, tables, and the objects of ranx and ir_measures."""

from collections.abc import Iterable, Mapping
from numbers import Real
from typing import Any

from ragbench.core.errors import InputError
from ragbench.core.judgements import Judgements
from ragbench.core.kinds import shown_value
from ragbench.core.runs import Run, Unit

QUERY = ("query_id", "q_id", "qid", "query-id", "query", "topic")
ITEM = ("item_id", "doc_id", "docid", "docno", "did", "corpus-id", "document_id", "chunk_id", "id")
SCORE = ("score", "sim", "similarity")
LABEL = ("label", "relevance", "rel", "grade", "score", "qrel")
LABELS_FORM = '{"q1": {"doc1": 1, "doc2": 0}}'
RUN_FORM = '{"q1": {"doc1": 3.2, "doc2": 1.4}}'
SHOW = "write rb.score(qrels, run, metrics): labels come first, then the ranking"


def run_of(given: Any, *, name: str = "run", unit: Unit = "chunk") -> Run:
    """Make a run of what a user has.

    Args:
        given: a `Run`; ``{query id: {item id: score}}``; ``{query id: [item ids, best first]}`` or pairs of id and
            score; a table with a row per retrieved item; an iterable of (query id, item id, score); or an object with
            ``to_dict``, such as a ``ranx.Run``.
        name: what it is called in messages.
        unit: whether the ids are of chunks or of documents.

    Raises:
        InputError: it is none of these, or a score is no number.
    """
    if isinstance(given, Run):
        return given
    rows = {str(query): _ranking(name, query, row) for query, row in _by_query(given, name, SCORE, RUN_FORM).items()}
    return Run.from_dict(rows, unit=unit)


def labels_of(given: Any, *, name: str = "qrels") -> Judgements:
    """Make judgements of what a user has.

    Args:
        given: `Judgements`; ``{query id: {item id: label}}``; ``{query id: [relevant ids]}``; a table with a row per
            label; an iterable of (query id, item id, label); or an object with ``to_dict``, such as ``ranx.Qrels``.
        name: what it is called in messages.

    Raises:
        InputError: it is none of these, or a label is no whole number.
    """
    if isinstance(given, Judgements):
        return given
    rows = {str(query): _labels(name, query, row) for query, row in _by_query(given, name, LABEL, LABELS_FORM).items()}
    return Judgements.from_dict(rows)


def is_rankings(value: object) -> bool:
    """Whether a value has the form of rankings by query: a run, or a mapping from queries to dicts or lists."""
    if isinstance(value, Run) or _is_table(value) or _converts(value):
        return True
    return isinstance(value, Mapping) and bool(value) and all(map(_is_row, value.values()))


def _is_row(row: object) -> bool:
    if isinstance(row, Mapping):
        return all(isinstance(score, Real) for score in row.values())
    return isinstance(row, list | tuple)


def _by_query(given: Any, name: str, values: tuple[str, ...], form: str) -> Mapping[Any, Any]:
    if isinstance(given, Mapping):
        return given
    if _is_table(given):
        return _of_table(given, name, values)
    if _converts(given):
        found = given.to_dict()
        return found if isinstance(found, Mapping) else _refuse(given, name, form)
    if isinstance(given, Iterable) and not isinstance(given, str | bytes):
        return _of_rows(given, name, form)
    return _refuse(given, name, form)


def _refuse(given: object, name: str, form: str) -> Mapping[Any, Any]:
    raise InputError(f"{name} is {shown_value(given)}; it must be a mapping by query, as in {form}")


def _is_table(value: object) -> bool:
    return hasattr(value, "columns") and hasattr(value, "to_dict") and not isinstance(value, type)


def _converts(value: object) -> bool:
    """Whether it is an object of another library that converts itself to a dict."""
    of_others = not type(value).__module__.startswith(("builtins", "ragbench"))
    return of_others and callable(getattr(value, "to_dict", None)) and not isinstance(value, type | Mapping)


def _of_table(table: Any, name: str, values: tuple[str, ...]) -> dict[Any, dict[Any, Any]]:
    columns = [str(column) for column in table.columns]
    chosen = []
    for role, known in (("queries", QUERY), ("items", ITEM), (values[0] + "s", values)):
        column = next((one for one in known if one in columns), None)
        if column is None:
            raise InputError(
                f"{name} has no column of {role}: call it {known[0]} (its columns are {', '.join(columns[:8])})"
            )
        chosen.append(table[column].tolist())
    return _of_rows(zip(*chosen, strict=True), name, "")


def _of_rows(rows: Iterable[Any], name: str, form: str) -> dict[Any, dict[Any, Any]]:
    found: dict[Any, dict[Any, Any]] = {}
    for number, row in enumerate(rows):
        if isinstance(row, str) or not isinstance(row, tuple | list) or len(row) < 3:
            raise InputError(
                f"{name}[{number}] is {shown_value(row)}; write a mapping by query, as in {form}, or rows of query "
                "id, item id and number"
            )
        found.setdefault(row[0], {})[row[1]] = row[2]
    return found


def _ranking(name: str, query: object, row: object) -> dict[str, float]:
    if isinstance(row, Mapping):
        return {str(item): _number(f"{name}[{query!r}][{item!r}]", score) for item, score in row.items()}
    if not isinstance(row, list | tuple):
        raise InputError(f"{name}[{query!r}] is {shown_value(row)}; write scores by item, as in {RUN_FORM}")
    if row and all(isinstance(one, list | tuple) and len(one) == 2 for one in row):
        return {str(item): _number(f"{name}[{query!r}]", score) for item, score in row}
    ids = list(dict.fromkeys(map(str, row)))
    return {item: float(len(ids) - at) for at, item in enumerate(ids)}


def _labels(name: str, query: object, row: object) -> dict[str, int]:
    if isinstance(row, list | tuple | set | frozenset):
        return dict.fromkeys(map(str, row), 1)
    if not isinstance(row, Mapping):
        raise InputError(f"{name}[{query!r}] is {shown_value(row)}; write labels by item, as in {LABELS_FORM}")
    return {str(item): _whole(f"{name}[{query!r}][{item!r}]", label) for item, label in row.items()}


def _number(where: str, value: Any) -> float:
    number = _as_float(value)
    if number is None:
        raise InputError(f"{where} is {shown_value(value)}; it must be a number, as in {RUN_FORM}")
    return number


def _whole(where: str, value: Any) -> int:
    number = _as_float(value)
    if number is None or not number.is_integer():
        raise InputError(f"{where} is {shown_value(value)}, and labels are whole numbers. Is it a ranking? Then {SHOW}")
    return int(number)


def _as_float(value: Any) -> float | None:
    try:
        return None if isinstance(value, str) else float(value)
    except (TypeError, ValueError):
        return None
