"""Ask for the case against a verdict, and then for a decision."""

from collections.abc import Sequence

from ragbench.golden.drafts import Draft, Opinion
from ragbench.golden.prompts import judge
from ragbench.models.llm.prompt import DATA_RULE, Filled, Prompt

SCHEMA: dict[str, object] = {
    "title": "Reconsidered",
    "type": "object",
    "properties": {
        "argument": {"type": "string", "maxLength": 1500, "description": "the best case against the verdict"},
        "reason": {"type": "string", "maxLength": 1000, "description": "what decides, in one or two sentences"},
        "valid": {"type": "boolean", "description": "whether the query is valid after all"},
    },
    "required": ["argument", "reason", "valid"],
    "additionalProperties": False,
}

RECONSIDER = Prompt(
    name="reconsider",
    version=1,
    system=(
        "Another examiner decided whether a search query is valid for a test collection, and the case is in doubt. "
        "First make the strongest honest case AGAINST that verdict; then weigh both and decide yourself. "
        "Uphold the verdict unless the case against it is the better one. " + DATA_RULE
    ),
    template=(
        "{rule}\n\nThe verdict was: {verdict}. Its reason:\n{reason}\n\nType of the query: {type}\n\n"
        "Query:\n{query}\n\nReference answer:\n{answer}\n\n{quoted}{passages}"
        "Answer with one JSON object: argument (the case against the verdict), reason (what decides), valid "
        "(true or false)."
    ),
    schema=SCHEMA,
    max_tokens=700,
)


def filled(draft: Draft, passages: Sequence[str], opinion: Opinion) -> Filled:
    """Fields and data of one request.

    Args:
        draft: the query to examine again.
        passages: what the judge saw.
        opinion: what the judge said.
    """
    same = judge.filled(draft, passages)
    verdict = "the query is valid" if opinion.accepted else "the query is NOT valid"
    return Filled({**same.fields, "verdict": verdict}, {**same.data, "reason": opinion.reason or "(none given)"})
