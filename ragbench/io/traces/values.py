"""Texts, numbers, times and passages in what tracing tools record."""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ragbench.core.answers import Source
from ragbench.core.traces import MADE_ID
from ragbench.io.search_logs import in_utc

QUERY_KEYS = ("query", "question", "user_query", "search_query", "input", "text", "prompt", "q", "message", "content",
              "query_str", "inputs", "kwargs", "args", "messages", "value")  # fmt: skip
"""Keys of an input that may hold the query, in the order in which they are tried."""
ANSWER_KEYS = ("answer", "output", "response", "result", "completion", "text", "content", "message", "choices",
               "generations", "outputs", "messages", "value", "kwargs")  # fmt: skip
"""Keys of an output that may hold the answer, in the order in which they are tried."""
PASSAGE_KEYS = ("page_content", "content", "text", "document", "chunk", "passage", "body")
ID_KEYS = ("chunk_id", "id", "_id", "node_id", "doc_id", "document_id", "product_id")
DOCUMENT_KEYS = ("document_id", "doc_id", "ref_doc_id", "product_id", "source", "file_name", "file_path", "url")
SCORE_KEYS = ("score", "relevance_score", "similarity", "rerank_score")
LIST_KEYS = ("documents", "docs", "results", "output", "outputs", "nodes", "source_documents", "matches", "hits")
USER, SYSTEM_ROLES = ("user", "human"), ("system", "developer", "tool", "function")
ASSISTANT = ("assistant", "ai", "model")
DEEPEST = 8


def unpacked(value: Any) -> Any:
    """A value, read as JSON if it is the text of an object, a list or a quoted string."""
    if isinstance(value, str) and value[:1] in ("{", "[", '"'):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def object_of(value: Any) -> Mapping[str, Any]:
    """An object, also one written as JSON; empty if the value is something else."""
    value = unpacked(value)
    return value if isinstance(value, Mapping) else {}


def objects_of(value: Any) -> list[Mapping[str, Any]]:
    """The objects in a list; the list and each object may be written as JSON."""
    value = unpacked(value)
    found = map(unpacked, value) if isinstance(value, list | tuple) else ()
    return [one for one in found if isinstance(one, Mapping)]


def first_of(row: Mapping[str, Any], keys: Iterable[str]) -> Any:
    """The value at the first of these keys that has one; else None."""
    return next((row[key] for key in keys if row.get(key) is not None), None)


def query_of(value: Any) -> str:
    """The query in an input: a text, or what stands at a usual key of an object, or the last message of a user."""
    return _text(unpacked(value), QUERY_KEYS, USER)


def answer_of(value: Any) -> str:
    """The answer in an output: a text, or what stands at a usual key, or the last message of the assistant."""
    return _text(unpacked(value), ANSWER_KEYS, ASSISTANT)


def _text(value: Any, keys: Sequence[str], roles: Sequence[str], depth: int = 0) -> str:
    if isinstance(value, str):
        return value.strip()
    if depth > DEEPEST:
        return ""
    if isinstance(value, Mapping):
        if set(value) & {"role", "type"} and _role(value) in SYSTEM_ROLES:
            return ""
        if "parts" in value:
            return _text(value["parts"], ("content", "text"), (), depth + 1)
        found = (_text(unpacked(value[key]), keys, roles, depth + 1) for key in keys if value.get(key))
        named = next((text for text in found if text), "")
        if named or len(value) != 1:
            return named
        return _text(next(iter(value.values())), keys, roles, depth + 1)
    if isinstance(value, list | tuple):
        said = [one for one in value if _role(one) in roles]
        for one in reversed(said) if said else value:
            text = _text(unpacked(one), keys, roles, depth + 1)
            if text:
                return text
    return ""


def _role(value: Any) -> str:
    if not isinstance(value, Mapping):
        return ""
    return str(value.get("role") or value.get("type") or "").lower()


def passages_of(value: Any) -> list[Source]:
    """The passages in the output of a retriever: a list of objects or texts, or an object that has one."""
    value = unpacked(value)
    for _ in range(DEEPEST):
        if not isinstance(value, Mapping):
            break
        value = unpacked(next((value[key] for key in LIST_KEYS if value.get(key)), None))
    if not isinstance(value, list | tuple):
        return []
    return passages(map(unpacked, value))


def passages(values: Iterable[Any]) -> list[Source]:
    """The passage in each value that has one."""
    return [one for one in map(passage_of, values) if one is not None]


def each_once(found: Iterable[Source]) -> tuple[Source, ...]:
    """The passages, each id once. Parts of a document that share its id become one passage with their texts."""
    kept: dict[str, Source] = {}
    for source in found:
        known = kept.setdefault(source.id, source)
        if source.text not in known.text:
            kept[source.id] = replace(known, text=f"{known.text}\n\n{source.text}".strip())
    return tuple(kept.values())


def passage_of(value: Any) -> Source | None:
    """The passage in a text, an object, or a pair of a document and its score; None if there is nothing in it."""
    if isinstance(value, list | tuple) and len(value) == 2 and isinstance(value[1], int | float):  # (document, score)
        first = passage_of(value[0])
        return None if first is None else replace(first, score=number(value[1]))
    if isinstance(value, str):
        return passage("", value, None, "") if value.strip() else None
    if not isinstance(value, Mapping):
        return None
    inner = value.get("node") if isinstance(value.get("node"), Mapping) else value.get("document")
    inner = inner if isinstance(inner, Mapping) else {}
    given = value.get("kwargs") if isinstance(value.get("kwargs"), Mapping) else {}
    objects: list[Mapping[str, Any]] = [value, inner, given or {}]
    objects += [object_of(one.get("metadata")) for one in objects]
    text = _first(objects, PASSAGE_KEYS)
    id_ = _first(objects, ID_KEYS)
    document = _first(objects[2:][::-1] + objects[:2], DOCUMENT_KEYS)
    if not (text or id_ or document):
        return None
    score = next((number(one[key]) for one in objects for key in SCORE_KEYS if one.get(key) is not None), None)
    return passage(id_ or document, text, score, document)


def passage(id_: str, text: str, score: Any, document: str) -> Source:
    """A passage; without an id, it gets one that is made from its text."""
    id_ = id_ or MADE_ID + hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]
    return Source(id_, document or id_, text, number(score))


def _first(objects: Iterable[Mapping[str, Any]], keys: Sequence[str]) -> str:
    for one in objects:
        for key in keys:
            value = one.get(key)
            if isinstance(value, str) and value.strip():
                return value
            if isinstance(value, int) and not isinstance(value, bool):
                return str(value)
    return ""


def number(value: Any) -> float | None:
    """A finite number, also one that is written as a text; else None."""
    if value is None or isinstance(value, bool):
        return None
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def whole(value: Any) -> int | None:
    """A whole number of 0 or more; else None."""
    found = number(value)
    return int(found) if found is not None and found >= 0 else None


def moment(value: Any) -> datetime | None:
    """A moment in UTC without a zone: ISO 8601, or seconds, milliseconds, microseconds or nanoseconds since 1970."""
    if isinstance(value, datetime):
        return in_utc(value)
    if isinstance(value, str) and not value.strip().isdecimal():
        try:
            return in_utc(datetime.fromisoformat(value.strip()))
        except ValueError:
            return None
    found = number(value)
    if found is None or found <= 0:
        return None
    size = abs(found)
    unit = 1e9 if size >= 1e17 else 1e6 if size >= 1e14 else 1e3 if size >= 1e11 else 1
    try:
        return datetime.fromtimestamp(found / unit, UTC).replace(tzinfo=None)
    except (ValueError, OverflowError, OSError):
        return None


def between(start: Any, end: Any) -> float | None:
    """Seconds from one moment to another; None if one is unknown or they are in the wrong order."""
    if (isinstance(start, str) and start.isdecimal() and isinstance(end, str) and end.isdecimal()) or (
        isinstance(start, int) and isinstance(end, int)
    ):
        nanoseconds = int(end) - int(start)  # a float does not hold nanoseconds since 1970
        return nanoseconds / 1e9 if nanoseconds >= 0 and int(start) >= 10**17 else None
    first, last = moment(start), moment(end)
    if first is None or last is None or last < first:
        return None
    return (last - first).total_seconds()


def name_of(value: Any) -> str:
    """An id or a name: a text, or a whole number written out; else empty."""
    if isinstance(value, str):
        return value.strip()
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""
