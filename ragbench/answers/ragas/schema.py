"""The schema of an answer that Ragas wants, with all that Ragas leaves unsaid."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from pydantic import BaseModel

BINARY = frozenset({"verdict", "attributed", "noncommittal"})
"""Ragas declares these as integers and counts any but 0 as yes."""
NOT_EMPTY = frozenset({"question", "statement", "statements", "claims"})
"""Texts, and lists of them."""
PER_STATEMENT = "NLIStatementOutput"
"""The answers with one verdict per statement asked; Ragas takes whatever number comes."""


@lru_cache(maxsize=512)
def strict_schema(model: type[BaseModel], asked: int | None = None) -> Mapping[str, object]:
    """The model's JSON schema without references, closed to other keys, verdicts either 0 or 1.

    Args:
        model: Ragas' response model.
        asked: how many statements were asked about: so many verdicts must come. None where none were.
    """
    plain = model.model_json_schema()
    schema: dict[str, Any] = {"title": model.__name__, **_narrowed(plain, plain.get("$defs", {}))}
    if asked is not None and model.__name__ == PER_STATEMENT:
        schema["properties"]["statements"] |= {"minItems": asked, "maxItems": asked}
    return schema


def _narrowed(node: Mapping[str, Any], shared: Mapping[str, Any]) -> dict[str, Any]:
    if "$ref" in node:
        return _narrowed(shared[str(node["$ref"]).rsplit("/", 1)[-1]], shared)
    kept = {key: value for key, value in node.items() if key not in {"$defs", "title", "default"}}
    if "items" in kept:
        kept["items"] = _narrowed(kept["items"], shared)
    if "properties" in kept:
        kept["properties"] = {name: _field(name, value, shared) for name, value in kept["properties"].items()}
        kept |= {"required": list(kept["properties"]), "additionalProperties": False}
    return kept


def _field(name: str, node: Mapping[str, Any], shared: Mapping[str, Any]) -> dict[str, Any]:
    field = _narrowed(node, shared)
    if name in BINARY and field.get("type") == "integer":
        field["enum"] = [0, 1]
    text = field.get("items", field)
    if name in NOT_EMPTY and text.get("type") == "string":
        text["minLength"] = 1
    return field
