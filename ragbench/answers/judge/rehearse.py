"""Answers of the right form to a judge's questions, for counting calls without making any."""

from collections.abc import Mapping
from typing import Any

from ragbench.answers.judge.statements import MOST_STATEMENTS, SPLIT
from ragbench.models.llm.base import Request

CHARACTERS_PER_STATEMENT = 60
"""Of an answer, from below, so that there are rather too many statements than too few."""


def stand_in(request: Request) -> object:
    """A value that the request's schema takes; "" for a request without one.

    Lists are as short as may be, but a text is split into about as many statements as
    it may make. Truth values are true.
    """
    if request.prompt == SPLIT.label:
        # The output was bounded by the text's length; what fills it most is the text, twice.
        length = request.max_tokens * 2 // 3
        count = min(MOST_STATEMENTS, max(1, length // CHARACTERS_PER_STATEMENT))
        # Statements of two texts differ, or requests about them would count as one.
        statement = request.fingerprint.ljust(CHARACTERS_PER_STATEMENT, "x")[:CHARACTERS_PER_STATEMENT]
        return {"statements": [{"quote": "", "statement": statement}] * count}
    return "" if request.schema is None else _of(request.schema)


def _of(schema: Mapping[str, Any]) -> object:
    if "enum" in schema:
        return schema["enum"][0]
    if "$ref" in schema or "anyOf" in schema:
        return None
    kind = schema.get("type")
    if kind == "object":
        return {key: _of(value) for key, value in schema.get("properties", {}).items()}
    if kind == "array":
        return [_numbered(schema["items"], at) for at in range(schema.get("minItems", 1))]
    plain: Mapping[str, object] = {"string": "x", "integer": schema.get("minimum", 0), "number": 0.0, "boolean": True}
    return plain.get(str(kind))


def _numbered(schema: Mapping[str, Any], at: int) -> object:
    """A row; its numbers count on from the least."""
    made = _of(schema)
    if isinstance(made, dict):
        return {key: one + at if isinstance(one, int) and not isinstance(one, bool) else one
                for key, one in made.items()}  # fmt: skip
    return made
