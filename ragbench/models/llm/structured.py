"""Answers that follow a JSON schema: how the provider is held to it, and how a reply is read and asked for again.

Models wrap JSON in words and code fences, leave a trailing comma or forget to
escape. `read_answer` repairs what has one reading only.
"""

import dataclasses
import itertools
import json
import re
from abc import abstractmethod
from collections.abc import Mapping
from functools import lru_cache
from importlib import import_module
from typing import Any, Literal

from ragbench.core.errors import SettingError
from ragbench.core.foreign import without_surrogates
from ragbench.models.llm.base import LLM, LLMError, Message, Request, Response, Show

Structured = Literal["auto", "json_schema", "none"]
REFUSED_STREAM = re.compile(r"\bstream(ing|s|_options|_usage)?\b", re.IGNORECASE)
"""A whole word: Bedrock names its operation ``ConverseStream`` in each of its errors."""
REFUSED_FORM = re.compile(r"response_format|json_schema|structured|tool|grammar|schema", re.IGNORECASE)


class StructuredLLM(LLM):
    """A model that enforces a schema in one of two ways.

    Args:
        structured: ``json_schema`` enforces it through the provider; ``none`` writes it into the prompt; ``auto``
            uses the provider until it refuses.

    Raises:
        SettingError: the value is none of these.
    """

    def __init__(self, structured: Structured) -> None:
        if structured not in ("auto", "json_schema", "none"):
            raise SettingError(f"structured must be auto, json_schema or none, it is {structured!r}")
        self.structured = structured
        self._through_provider = structured != "none"
        self._counted = True
        """Whether a stream is asked to count its tokens. Some servers refuse that."""

    @abstractmethod
    async def _call(self, request: Request, through_provider: bool) -> Response:
        """Make one call, with the schema enforced in one way.

        Raises:
            LLMError: it gave no answer.
        """

    async def complete(self, request: Request) -> Response:
        """Make one call, and a second one without the schema if the provider refuses it.

        Raises:
            LLMError: it gave no answer.
        """
        through_provider = self._through_provider and request.schema is not None
        try:
            return await self._call(request, through_provider)
        except LLMError as error:
            if not (through_provider and self._refuses_form(error)):
                raise
        self._through_provider = False
        return await self._call(request, through_provider=False)

    @abstractmethod
    async def _stream(self, request: Request, show: Show) -> Response:
        """Make one call without a schema, and pass its text on while it is written.

        Raises:
            LLMError: it gave no answer, or broke off.
        """

    async def stream(self, request: Request, show: Show) -> Response:
        """Make one call. It is not streamed if it has a schema (half a JSON object is useless) or streams are refused.

        Raises:
            LLMError: it gave no answer, or broke off.
        """
        if request.schema is not None or not self.streams:
            return await self.complete(request)
        counted, begun = self._counted, False

        def noted(piece: str) -> None:
            nonlocal begun
            begun = begun or bool(piece)
            show(piece)

        try:
            return await self._stream(request, noted)
        except LLMError as error:
            if begun or error.retry or error.fatal or not REFUSED_STREAM.search(str(error)):
                raise
        # Other calls may have found out the same meanwhile. What counts is how this call was made.
        if counted:
            self._counted = False
        else:
            self.streams = False
        return await self.stream(request, show)

    def _refuses_form(self, error: LLMError) -> bool:
        refused = not error.retry and not error.fatal and REFUSED_FORM.search(str(error))
        return self.structured == "auto" and bool(refused)


MOST_FAULTS = 5
DEEPEST = 100
"""Brackets within brackets of an answer. Deeper values end the programs that read them."""
LARGEST = 2**63
"""Numbers of an answer lie below it. Larger ones overflow in arithmetic and in tables."""
LONGEST_REPAIR = 10_000
"""Characters of broken JSON that are repaired."""
MOST_REPAIR = 5_000_000
"""Characters times quotation marks of broken JSON that are repaired. The time grows with it: up to a second here."""
LONGEST_QUOTE = 20_000
"""Characters of an unusable answer that are quoted when it is asked for again."""

REFUSED = {"content_filter", "guardrail_intervened", "refusal"}


class Invalid(Exception):
    """The answer cannot be used. The message tells the model why."""


class Refused(Invalid):
    """The provider did not let the model answer. Asking again does not help."""


def read_answer(request: Request, response: Response) -> object:
    """Read the text of an answer, or its JSON value if the request has a schema.

    Raises:
        Invalid: the answer holds no usable value.
        SettingError: the request's schema is not a JSON schema.
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
    value = _usable(_value(text))
    faults = sorted(_validator(request.schema_text).iter_errors(value), key=_place)
    if faults:
        reported = [f"at {fault.json_path}: {fault.message[:300]}" for fault in faults[:MOST_FAULTS]]
        raise Invalid("the JSON does not follow the schema: " + "; ".join(reported))
    return value


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        body = _body(text)
    except RecursionError as error:
        raise Invalid(_too_deep()) from error
    try:
        return json.loads(body)
    except ValueError as error:
        if _cut_off(body):
            raise Invalid(f"the JSON is cut off: {error}") from error
        return _repaired(body, error)
    except RecursionError as error:
        raise Invalid(_too_deep()) from error


def _too_deep() -> str:
    return f"the JSON is nested more than {DEEPEST} deep"


def _usable(value: Any, depth: int = 0) -> Any:
    """The value with texts that a file can hold.

    Raises:
        Invalid: it is nested too deep, or has a number that is too large or not finite.
    """
    if depth > DEEPEST:
        raise Invalid(_too_deep())
    if isinstance(value, str):
        return without_surrogates(value)
    if isinstance(value, int | float) and not abs(value) < LARGEST:  # not >=, which lets NaN pass
        raise Invalid("the JSON has a number that is too large")
    if isinstance(value, float) and value.is_integer():
        return int(value)  # JSON has one kind of number: 1.0 is a whole one, and may be a place in a list
    if isinstance(value, list):
        return [_usable(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {without_surrogates(key): _usable(item, depth + 1) for key, item in value.items()}
    return value


def _repaired(body: str, error: ValueError) -> object:
    import json_repair

    if len(body) > LONGEST_REPAIR or len(body) * body.count('"') > MOST_REPAIR:
        raise Invalid(f"the answer is not JSON: {error}") from error
    if _depth(body) > DEEPEST:
        raise Invalid(_too_deep()) from error
    try:
        value: object = json_repair.loads(body, skip_json_loads=True)
    except (ValueError, RecursionError) as failure:
        raise Invalid(f"the answer is not JSON: {error}") from failure
    if not isinstance(value, dict | list):
        raise Invalid(f"the answer is not JSON: {error}")
    return value


def _body(text: str) -> str:
    """The text from the first opening bracket to the last closing one, or to the end if none closes."""
    starts = [at for at in (text.find("{"), text.find("[")) if at >= 0]
    if not starts:
        raise Invalid("the answer holds no JSON object")
    start = min(starts)
    end = text.rfind("}" if text[start] == "{" else "]")
    # A cut-off answer may hold closing brackets earlier, so the end counts only if the depth agrees.
    return text[start : end + 1] if end > start and not _cut_off(text[start : end + 1]) else text[start:]


def _cut_off(body: str) -> bool:
    """Whether brackets outside strings are still open at the end."""
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


def _depth(body: str) -> int:
    """The most brackets that are open at once, in strings too: broken JSON does not tell where strings end."""
    steps = (1 if sign in "[{(" else -1 for sign in body if sign in "[{()}]")
    return max(itertools.accumulate(steps, lambda depth, step: max(0, depth + step)), default=0)


def _place(fault: Any) -> tuple[str, str]:
    return str(fault.json_path), str(fault.message)


def import_validator() -> None:
    """Import what `read_answer` needs for a request with a schema."""
    import_module("jsonschema")


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


def again(request: Request, raw: str, fault: str, attempt: int) -> Request:
    """Build the request that repeats the unusable answer and says what was wrong. A resumed run builds the same one."""
    quoted = raw if len(raw) <= LONGEST_QUOTE else f"{raw[:LONGEST_QUOTE]}..."
    said = (
        Message("assistant", quoted if quoted.strip() else "(no answer)"),
        Message("user", f"This answer cannot be used: {fault}. Answer the request above again, in the form asked for."),
    )
    return dataclasses.replace(request, messages=request.messages + said, sample=request.sample + attempt)
