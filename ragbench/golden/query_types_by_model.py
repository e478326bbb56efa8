"""The type of a query by a language model. A query without a usable answer gets the type of the rules."""

from collections.abc import Mapping, Sequence

from ragbench.core.context import Progress, silent
from ragbench.engine import ask
from ragbench.golden.drafting import TYPES
from ragbench.golden.query_types import LOGGED_TYPES, query_type
from ragbench.models.llm.base import Answer, Asker, Request
from ragbench.models.llm.prompt import DATA_RULE, Filled, Prompt

PER_CALL = 20
TOKENS_PER_QUERY = 20
CLASSIFY = Prompt(
    name="query-type",
    version=1,
    system="You sort queries from the log of a search service by their type. " + DATA_RULE,
    template=(
        "Types:\n{types}\n\nThere are {count} queries, one per line, each after its number:\n{queries}\n\n"
        "Answer with one JSON object: types, a list with the number and the type of every query."
    ),
    schema=None,
)


def schema(count: int) -> dict[str, object]:
    """The JSON schema of an answer for ``count`` queries."""
    item = {
        "type": "object",
        "properties": {
            "number": {"type": "integer", "minimum": 1, "maximum": count},
            "type": {"type": "string", "enum": list(LOGGED_TYPES)},
        },
        "required": ["number", "type"],
        "additionalProperties": False,
    }
    return {
        "title": "Types",
        "type": "object",
        "properties": {"types": {"type": "array", "items": item, "minItems": count, "maxItems": count}},
        "required": ["types"],
        "additionalProperties": False,
    }


def requests_of(texts: Sequence[str], seed: int) -> list[Request]:
    """The requests, each for up to `PER_CALL` queries."""
    listed = "\n".join(f"{name}: {TYPES[name]}" for name in LOGGED_TYPES)
    found = []
    for start in range(0, len(texts), PER_CALL):
        part = texts[start : start + PER_CALL]
        shown = "\n".join(f"{number}. {text}" for number, text in enumerate(part, 1))
        filled = Filled({"types": listed, "count": str(len(part))}, {"queries": shown})
        tokens = 100 + TOKENS_PER_QUERY * len(part)
        found.append(CLASSIFY.request(filled, seed=seed, schema=schema(len(part)), max_tokens=tokens))
    return found


async def types_by_model(
    texts: Sequence[str], asker: Asker, *, seed: int, progress: Progress = silent
) -> tuple[dict[str, str], int]:
    """Ask a model for the type of each query.

    Returns:
        The type by query, and how many queries have that of the rules because the model gave none.
    """
    answers = await ask(asker, requests_of(texts, seed), what="classifying queries", progress=progress)
    found: dict[str, str] = {}
    for at, answer in enumerate(answers):
        part = texts[at * PER_CALL : (at + 1) * PER_CALL]
        found.update({part[number - 1]: name for number, name in _read(answer, len(part)).items()})
    missing = [text for text in texts if text not in found]
    return {**found, **{text: query_type(text) for text in missing}}, len(missing)


def _read(answer: Answer, count: int) -> dict[int, str]:
    """The type by number. What names a number twice, or one that was not asked for, does not count."""
    items = answer.value.get("types") if isinstance(answer.value, Mapping) else None
    found: dict[int, str] = {}
    for item in items if isinstance(items, list) else []:
        number, name = (item.get("number"), item.get("type")) if isinstance(item, Mapping) else (None, None)
        if isinstance(number, int) and 1 <= number <= count and name in LOGGED_TYPES:
            found.setdefault(number, str(name))
    return found
