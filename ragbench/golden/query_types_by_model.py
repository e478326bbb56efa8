"""The type of a query by a language model. A query without a usable answer gets the type of the rules."""

from collections.abc import Mapping, Sequence

from ragbench.core.context import Progress, silent
from ragbench.engine import ask
from ragbench.golden.query_types import LOGGED_TYPES, query_type
from ragbench.golden.wanted import TYPES
from ragbench.models.llm.base import Answer, Asker, Request
from ragbench.models.llm.prompt import DATA_RULE, Filled, Prompt

TOKENS = 100
CLASSIFY = Prompt(
    name="query-type",
    version=2,
    system="You sort queries from the log of a search service by their type. " + DATA_RULE,
    template=("Types:\n{types}\n\nQuery:\n{query}\n\nAnswer with one JSON object: type, the name of the query's type."),
    schema={
        "title": "Type",
        "type": "object",
        "properties": {"type": {"type": "string", "enum": list(LOGGED_TYPES)}},
        "required": ["type"],
        "additionalProperties": False,
    },
    max_tokens=TOKENS,
)


def requests_of(texts: Sequence[str], seed: int) -> list[Request]:
    """The requests, one for each query, so that no query can change the type of another."""
    listed = "\n".join(f"{name}: {TYPES[name]}" for name in LOGGED_TYPES)
    return [CLASSIFY.request(Filled({"types": listed}, {"query": text}), seed=seed) for text in texts]


async def types_by_model(
    texts: Sequence[str], asker: Asker, *, seed: int, progress: Progress = silent
) -> tuple[dict[str, str], int]:
    """Ask a model for the type of each query.

    Returns:
        The type by query, and how many queries have that of the rules because the model gave none.
    """
    answers = await ask(asker, requests_of(texts, seed), what="classifying queries", progress=progress)
    found = {text: name for text, answer in zip(texts, answers, strict=True) if (name := _read(answer)) is not None}
    missing = [text for text in texts if text not in found]
    return {**found, **{text: query_type(text) for text in missing}}, len(missing)


def _read(answer: Answer) -> str | None:
    """The type in an answer; None without one of the types."""
    name = answer.value.get("type") if isinstance(answer.value, Mapping) else None
    return str(name) if name in LOGGED_TYPES else None
