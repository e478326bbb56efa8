"""The first phase: a value with its references, or nothing."""

from collections.abc import Sequence

from ragbench.models.llm.base import Request
from ragbench.models.llm.prompt import DATA_RULE, Filled, Prompt
from ragbench.tasks.wattbot.chunks import PageChunk
from ragbench.tasks.wattbot.questions import Question

MOST_ANSWER = 1000
"""Characters of the sentence that the model answers with."""

ANSWER = Prompt(
    name="wattbot-answer",
    version=1,
    system=(
        "You answer questions about reports from excerpts of them, and from nothing else. " + DATA_RULE + "\n\n"
        "Rules:\n"
        "- answer_value is a bare number in the unit asked for, without the unit and without commas in thousands; "
        "a range as [low,high]; 1 for true and 0 for false; else a name or a few words as the excerpts have them.\n"
        "- ref_id lists the documents whose excerpts the answer rests on, by the ids they are given under.\n"
        "- Where the excerpts do not hold the answer, is_blank is true and the other fields do not matter."
    ),
    template=(
        "Question:\n{question}\n\nUnit of the value:\n{unit}\n\n{excerpts}"
        "Answer with one JSON object that follows the schema: answer (one sentence), answer_value, ref_id, is_blank."
    ),
    schema={
        "title": "Answer",
        "type": "object",
        "properties": {
            "answer": {"type": "string", "maxLength": MOST_ANSWER},
            "answer_value": {"type": "string", "maxLength": 200},
            "ref_id": {"type": "array", "maxItems": 8, "items": {"type": "string", "maxLength": 100}},
            "is_blank": {"type": "boolean"},
        },
        "required": ["answer", "answer_value", "ref_id", "is_blank"],
        "additionalProperties": False,
    },
    max_tokens=512,
)


def excerpts(chunks: Sequence[PageChunk]) -> tuple[str, dict[str, str]]:
    """The part of a template that shows the chunks, and their texts as data."""
    shown = ""
    data = {}
    for number, chunk in enumerate(chunks, 1):
        shown += f"Excerpt {number}, document and page:\n{{from_{number}}}\n{{excerpt_{number}}}\n\n"
        data[f"from_{number}"] = f"{chunk.document_id}, page {chunk.page}"
        data[f"excerpt_{number}"] = chunk.text
    return shown, data


def answer_request(question: Question, chunks: Sequence[PageChunk], *, seed: int, max_tokens: int) -> Request:
    """The request for one question and what was found for it."""
    shown, data = excerpts(chunks)
    data |= {"question": question.text, "unit": question.unit}
    return ANSWER.request(Filled({"excerpts": shown}, data), seed=seed, max_tokens=max_tokens)
