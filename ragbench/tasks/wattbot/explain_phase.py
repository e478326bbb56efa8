"""The second phase: what in the reports an answer rests on, and how it follows."""

from collections.abc import Sequence

from ragbench.models.llm.base import Request
from ragbench.models.llm.prompt import DATA_RULE, Filled, Prompt
from ragbench.tasks.wattbot.answer_phase import excerpts
from ragbench.tasks.wattbot.chunks import PageChunk
from ragbench.tasks.wattbot.questions import Question

EXPLAIN = Prompt(
    name="wattbot-explain",
    version=1,
    system=(
        "You show what an answer rests on in excerpts of reports. " + DATA_RULE + "\n\n"
        "Rules:\n"
        "- supporting_materials quotes the words, or names the table or figure, that prove the answer.\n"
        "- explanation says in one or two sentences how the answer follows, with the calculation if there is one."
    ),
    template=(
        "Question:\n{question}\n\nAnswer:\n{answer}\n\n{excerpts}"
        "Reply with one JSON object that follows the schema: supporting_materials, explanation."
    ),
    schema={
        "title": "Explanation",
        "type": "object",
        "properties": {
            "supporting_materials": {"type": "string", "maxLength": 2000},
            "explanation": {"type": "string", "maxLength": 2000},
        },
        "required": ["supporting_materials", "explanation"],
        "additionalProperties": False,
    },
    max_tokens=512,
)


def explain_request(
    question: Question, answer: str, chunks: Sequence[PageChunk], *, seed: int, max_tokens: int
) -> Request:
    """The request for one answered question."""
    shown, data = excerpts(chunks)
    data |= {"question": question.text, "answer": answer}
    return EXPLAIN.request(Filled({"excerpts": shown}, data), seed=seed, max_tokens=max_tokens)
