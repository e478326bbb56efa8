"""The prompt of an answer: numbered sources between fences, the question, and what to do without an answer."""

from collections.abc import Sequence

from ragbench.core.answers import Source
from ragbench.models.llm.base import Request
from ragbench.models.llm.prompt import DATA_RULE, Filled, Prompt

UNKNOWN = "I do not know."
"""What a model says when the sources lack the answer."""

SCHEMA: dict[str, object] = {
    "title": "Answer",
    "type": "object",
    "properties": {
        "answer": {"type": "string", "maxLength": 8000, "description": "from the sources only, with [n] citations"},
        "citations": {
            "type": "array",
            "maxItems": 50,
            "items": {"type": "integer"},
            "description": "numbers of the sources that the answer rests on",
        },
        "is_unknown": {"type": "boolean", "description": "whether the sources lack the answer"},
    },
    "required": ["answer", "citations", "is_unknown"],
    "additionalProperties": False,
}
_SYSTEM = (
    "You answer questions from numbered sources and from nothing else. " + DATA_RULE + "\n\n"
    "Rules:\n"
    "- Use only what the sources say, and answer in the language of the question.\n"
    "- Name the source of each statement by its number in square brackets, as in [1] or [2, 3].\n"
    f"- If the sources do not hold the answer, say exactly: {UNKNOWN}\n"
)
_TEMPLATE = "Sources:\n\n{sources}Question:\n{question}\n\n"

ANSWER = Prompt(
    name="answer",
    version=1,
    system=_SYSTEM + "- Answer with one JSON object: answer, citations (the numbers used), is_unknown (true or false).",
    template=_TEMPLATE + "Answer the question with one JSON object that follows the schema.",
    schema=SCHEMA,
)
PLAIN = Prompt(
    name="answer-plain",
    version=1,
    system=_SYSTEM + "- Answer in plain text, as short as the question allows.",
    template=_TEMPLATE + "Answer the question.",
    schema=None,
)


def request(question: str, sources: Sequence[Source], *, plain: bool, max_tokens: int, seed: int) -> Request:
    """The request for one question.

    Args:
        question: as the user put it; fenced like the sources, since it may come from anybody.
        sources: what the model is shown, numbered from 1 in this order.
        plain: free text instead of a JSON object.
        max_tokens: the most the model may write.
        seed: of the run.
    """
    listed = "".join(f"[{number}]\n{{source_{number}}}\n\n" for number in range(1, len(sources) + 1))
    data = {f"source_{number}": source.text for number, source in enumerate(sources, 1)}
    prompt = PLAIN if plain else ANSWER
    return prompt.request(Filled({"sources": listed}, {**data, "question": question}), seed=seed, max_tokens=max_tokens)
