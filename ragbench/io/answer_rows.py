"""One row of a file of answers -> what was asked, shown and said.

Column names are recognised: those of ragbench, of ragas (``user_input``, ``response``,
``retrieved_contexts``) and others in use. What is in no role becomes metadata.
"""

import ast
import io
import itertools
import json
import math
import sys
import tokenize
from collections.abc import Iterable, Mapping
from typing import Any

from ragbench.core.answers import Answered, Source
from ragbench.core.errors import InputError
from ragbench.io.parsing import NOT_JSON
from ragbench.io.tables import as_text, choose_columns, query_text

ALIASES: dict[str, tuple[str, ...]] = {
    "id": ("query_id", "id", "_id", "qid", "question_id", "query-id"),
    "query": ("query", "question", "user_input", "query_text", "text", "prompt"),
    "answer": ("answer", "response", "output", "generated_answer", "prediction", "result"),
    "sources": ("sources", "retrieved_contexts", "contexts", "context", "source_documents"),
    "source_ids": ("source_ids", "retrieved_context_ids", "context_ids", "retrieved_ids", "chunk_ids"),
    "document_ids": ("document_ids", "source_document_ids", "doc_ids"),
    "cited": ("cited", "citations", "cited_ids"),
    "abstained": ("abstained", "is_unknown", "is_blank"),
    "failure": ("failure", "error"),
    "seconds": ("seconds", "latency", "latency_seconds", "total_seconds"),
    "first_token_seconds": ("first_token_seconds", "ttft", "time_to_first_token"),
    "retrieval_seconds": ("retrieval_seconds", "retrieval_latency", "search_seconds"),
    "input_tokens": ("input_tokens", "prompt_tokens"),
    "output_tokens": ("output_tokens", "completion_tokens"),
    "cost": ("cost",),
    "reference": ("reference", "reference_answer", "ground_truth", "expected_answer"),
    "run": ("run", "repeat"),
    "metadata": ("metadata",),
}
"""What a column may be called, per role; the first that is there counts."""
MEASURED = ("seconds", "first_token_seconds", "retrieval_seconds", "input_tokens", "output_tokens", "cost")
WHOLE = ("input_tokens", "output_tokens")
TEXT_KEYS = ("text", "content", "page_content", "passage")
TRUE, FALSE = ("true", "1", "yes", "y", "t", "1.0"), ("false", "0", "no", "n", "f", "0.0", "")


def roles(found: Iterable[str], named: Mapping[str, str], where: str) -> dict[str, str]:
    """The column of each role.

    Args:
        found: the columns there are.
        named: the user's choice, ``{role: column}``.
        where: the file, for messages.

    Raises:
        SettingError: a role or column that does not exist.
        InputError: no column holds the query, or none the answer.
    """
    return choose_columns(
        found, named, where, ALIASES, {"query": "the query", "answer": "the answer"}, "--columns {role}=NAME"
    )


def answered(
    where: str,
    number: int,
    row: Mapping[str, object],
    role: Mapping[str, str],
    ids: Mapping[str, str],
    texts: Mapping[str, str] | None = None,
) -> Answered:
    """What a row says.

    Args:
        where: file and line, for messages.
        number: of the row, from 1: its id where nothing else gives one.
        row: values by column.
        role: column by role, as `roles` gives it.
        ids: query id by text, for a file without ids.
        texts: the same the other way round, for a file whose queries are ids.

    Raises:
        InputError: a value that cannot be used.
    """
    given = {key: row[column] for key, column in role.items() if not _absent(row.get(column))}
    query = query_text(where, as_text(where, role["query"], given.get("query", "")))
    if "id" in role and "id" not in given:
        raise InputError(f"{where}: {role['id']!r} is empty; every answer needs the id of its query")
    fallback = ids.get(query, f"q{number:04d}")
    if "id" not in role and texts and query in texts and query not in ids:
        fallback, query = query, texts[query]
    failure = _text(where, role, given, "failure")
    sources = _sources(where, role, given)
    return Answered(
        query_id=as_text(where, role["id"], given["id"]) if "id" in given else fallback,
        query=query,
        answer=_text(where, role, given, "answer"),
        sources=sources,
        cited=tuple(dict.fromkeys(_ids(where, role, given, "cited"))),
        abstained=_flag(where, role, given),
        failure=failure,
        metadata=_metadata(where, row, role, given),
        **{key: _number(where, role[key], given[key], whole=key in WHOLE) for key in MEASURED if key in given},
    )


def _absent(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value)) or value == ""


def _text(where: str, role: Mapping[str, str], given: Mapping[str, object], key: str) -> str:
    """Numbers and truth values are written out: answers such as 12.5 lose their quotes in tables."""
    value = given.get(key, "")
    return str(value) if isinstance(value, int | float) else as_text(where, role.get(key, key), value)


def _number(where: str, column: str, value: object, *, whole: bool) -> Any:
    try:
        number = math.nan if isinstance(value, bool) else float(str(value))
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and number >= 0 and (not whole or number.is_integer())):
        kind = "a whole number" if whole else "a number"
        raise InputError(f"{where}: {column!r} must be {kind} of 0 or more, it is {value!r:.60}")
    return int(number) if whole else number


def _flag(where: str, role: Mapping[str, str], given: Mapping[str, object]) -> bool:
    word = str(given.get("abstained", "")).strip().lower()
    if word not in TRUE + FALSE:
        raise InputError(f"{where}: {role['abstained']!r} must be true or false, it is {given['abstained']!r:.60}")
    return word in TRUE


def _sources(where: str, role: Mapping[str, str], given: Mapping[str, object]) -> tuple[Source, ...]:
    """Passages with ids; without any they are called 1, 2, ... in their order."""
    ids = _ids(where, role, given, "source_ids")
    documents = _ids(where, role, given, "document_ids")
    passages = _list(where, role.get("sources", ""), given.get("sources", []))
    if not passages:
        passages = [""] * (len(ids) or len(documents))
    for what, values in (("source_ids", ids), ("document_ids", documents)):
        if values and len(values) != len(passages):
            shown = role.get("sources", "source_ids")
            raise InputError(f"{where}: {len(passages)} passages in {shown!r} but {len(values)} in {role[what]!r}; one "
                             "belongs to each")  # fmt: skip
    found: list[Source] = []
    for at, passage in enumerate(passages):
        id_ = ids[at] if ids else str(at + 1)
        found.append(_source(where, role, passage, id_, documents[at] if documents else ""))
    names = [source.id for source in found]
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise InputError(f"{where}: the passage {twice[0]!r} is shown twice; ids of passages differ within one answer")
    return tuple(found)


def _source(where: str, role: Mapping[str, str], passage: object, id_: str, document: str) -> Source:
    column = role.get("sources", "sources")
    if not isinstance(passage, Mapping):
        return Source(id_, document, as_text(where, column, passage))
    key = next((key for key in TEXT_KEYS if key in passage), None)
    if key is None:
        raise InputError(f"{where}: a passage in {column!r} has no text (known are {', '.join(TEXT_KEYS)})")
    score = passage.get("score")
    return Source(
        as_text(where, "id", id_ if _absent(passage.get("id")) else passage["id"]),
        as_text(where, "document_id", document if passage.get("document_id") is None else passage["document_id"]),
        as_text(where, key, passage[key]),
        None if _absent(score) else _score(where, score),
    )


def _score(where: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= sys.float_info.max:
        raise InputError(f"{where}: the score of a passage must be a number, it is {value!r:.60}")
    return float(value)


def _ids(where: str, role: Mapping[str, str], given: Mapping[str, object], key: str) -> list[str]:
    column = role.get(key, key)
    value = given.get(key, [])
    if isinstance(value, str) and not value.lstrip().startswith(("[", "(")):
        return [part.strip() for part in value.split(";") if part.strip()]
    return [as_text(where, column, id_) for id_ in _list(where, column, value)]


def _list(where: str, column: str, value: object) -> list[object]:
    """A list, or one written into a cell as JSON or as Python prints it; anything else is a list of one."""
    if isinstance(value, list | tuple):
        return list(value)
    if not isinstance(value, str) or not value.strip().startswith("["):
        return [value]
    try:
        found = json.loads(value)
    except NOT_JSON:
        found = _python_list(where, column, value)
    return found if isinstance(found, list) else [value]


def _python_list(where: str, column: str, cell: str) -> object:
    """A list as Python prints it; a passage that only begins with a bracket stays as it is."""
    try:
        found = ast.literal_eval(cell.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    kinds = [token.type for token in tokenize.generate_tokens(io.StringIO(cell.strip()).readline)
             if token.type not in (tokenize.NL, tokenize.COMMENT)]  # fmt: skip
    if any(one == two == tokenize.STRING for one, two in itertools.pairwise(kinds)):
        raise InputError(
            f"{where}: {column!r} holds a numpy array as text, in which the strings run together; "
            "write the column as lists (.tolist()) or the file as Parquet"
        )
    return found


def _metadata(
    where: str, row: Mapping[str, object], role: Mapping[str, str], given: Mapping[str, object]
) -> dict[str, object]:
    kept = given.get("metadata", {})
    if isinstance(kept, str):
        try:
            kept = json.loads(kept)
        except NOT_JSON:
            kept = None
    if not isinstance(kept, Mapping):
        raise InputError(f"{where}: {role['metadata']!r} must be a JSON object, it is {given['metadata']!r:.60}")
    taken = set(role.values())
    others = {key: value for key, value in row.items() if key not in taken and not _absent(value)}
    reference = {"reference": given["reference"]} if "reference" in given else {}
    return {**others, **reference, **kept}
