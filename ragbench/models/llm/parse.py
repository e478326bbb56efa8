"""A raw answer -> the JSON value it holds, if it follows the schema.

Models wrap JSON in words and code fences, leave a comma behind or forget to
escape a quote: such faults are repaired (json-repair). An answer that was cut off is
not repaired, though it could be made to parse: what is missing would be lost
without a word.
"""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from ragbench.core.errors import SettingError
from ragbench.models.llm.base import Request, Response

MOST_FAULTS = 5


REFUSED = {"content_filter", "guardrail_intervened", "refusal"}


class Invalid(Exception):
    """The answer cannot be used; the message tells the model why."""


class Refused(Invalid):
    """The provider would not let the model answer; asking again is of no use."""


def read_answer(request: Request, response: Response) -> object:
    """The text, or for a request with a schema the value.

    Raises:
        Invalid: there is none.
        SettingError: the request's schema is no JSON schema.
    """
    if response.finish_reason in REFUSED:
        raise Refused(f"the provider withheld the answer ({response.finish_reason})")
    if response.finish_reason in {"length", "max_tokens"}:
        raise Invalid(f"the answer was cut off at {request.max_tokens} tokens; give a shorter one")
    text = response.text.strip()
    if not text:
        raise Invalid(f"the answer is empty (it ended with {response.finish_reason!r})")
    if request.schema is None:
        return response.text
    value = _value(text)
    faults = sorted(_validator(request.schema_text).iter_errors(value), key=_place)
    if faults:
        told = [f"at {fault.json_path}: {fault.message[:300]}" for fault in faults[:MOST_FAULTS]]
        raise Invalid("the JSON does not follow the schema: " + "; ".join(told))
    return value


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        body = _body(text)
    try:
        return json.loads(body)
    except ValueError as error:
        if _cut_off(body):
            raise Invalid(f"the JSON is cut off: {error}") from error
        return _repaired(body, error)


def _repaired(body: str, error: ValueError) -> object:
    import json_repair

    try:
        value: object = json_repair.loads(body, skip_json_loads=True)
    except (ValueError, RecursionError) as failure:
        raise Invalid(f"the answer is not JSON: {error}") from failure
    if not isinstance(value, dict | list):
        raise Invalid(f"the answer is not JSON: {error}")
    return value


def _body(text: str) -> str:
    """What stands between the first opening bracket and the last closing one; all of the rest if none closes."""
    starts = [at for at in (text.find("{"), text.find("[")) if at >= 0]
    if not starts:
        raise Invalid("the answer holds no JSON object")
    start = min(starts)
    end = text.rfind("}" if text[start] == "{" else "]")
    # A cut-off answer may well hold closing brackets further in, so the end counts only where depth agrees.
    return text[start : end + 1] if end > start and not _cut_off(text[start : end + 1]) else text[start:]


def _cut_off(body: str) -> bool:
    """Whether brackets are still open at the end, strings left aside."""
    depth, quoted, escaped = 0, False, False
    for char in body:
        if escaped:
            escaped = False
        elif quoted:
            escaped, quoted = char == "\\", char != '"'
        elif char == '"':
            quoted = True
        elif char in "{[":
            depth += 1
        elif char in "}]":
            depth -= 1
    return depth > 0


def _place(fault: Any) -> tuple[str, str]:
    return str(fault.json_path), str(fault.message)


@lru_cache(maxsize=64)
def _validator(schema: str) -> Any:
    from jsonschema import Draft202012Validator  # type: ignore[import-untyped, unused-ignore]
    from jsonschema.exceptions import SchemaError  # type: ignore[import-untyped, unused-ignore]

    found: Mapping[str, Any] = json.loads(schema)
    try:
        Draft202012Validator.check_schema(found)
    except SchemaError as error:
        raise SettingError(f"a request's schema is no JSON schema: {error.message}") from error
    return Draft202012Validator(found)
