"""Ask whether a query is fit for a golden set."""

from collections.abc import Sequence

from ragbench.golden.drafts import Draft
from ragbench.models.llm.prompt import DATA_RULE, Filled, Prompt

SCHEMA: dict[str, object] = {
    "title": "Verdict",
    "type": "object",
    "properties": {
        "reason": {"type": "string", "maxLength": 1000, "description": "one or two sentences"},
        "valid": {"type": "boolean"},
        "certainty": {"type": "string", "enum": ["certain", "doubtful"]},
    },
    "required": ["reason", "valid", "certainty"],
    "additionalProperties": False,
}

ANSWERABLE = (
    "The query is valid if all of this holds: the passages answer it; the quotes prove the reference answer; it can "
    "be understood by somebody who has not seen the passages; a real user could type it; it is of the type stated."
)
UNANSWERABLE = (
    "The query is meant to have no answer in the collection. The passages are the nearest that a search found. The "
    "query is valid if none of them answers it, a real user of this collection could type it, and it can be "
    "understood by itself."
)

JUDGE = Prompt(
    name="judge",
    version=1,
    system=(
        "You examine search queries that were written for a test collection, and decide whether each is valid. "
        "A wrong query in the collection does more harm than a good one that is lost. " + DATA_RULE
    ),
    template=(
        "{rule}\n\nType of the query: {type}\n\nQuery:\n{query}\n\nReference answer:\n{answer}\n\n{quoted}"
        "{passages}Answer with one JSON object: first the reason, then valid (true or false), then certainty "
        "(certain or doubtful)."
    ),
    schema=SCHEMA,
    max_tokens=400,
)


def filled(draft: Draft, passages: Sequence[str]) -> Filled:
    """Fields and data of one request.

    Args:
        draft: the query to examine.
        passages: what it was written from; for one without an answer, the nearest that a search found.
    """
    unanswerable = draft.type == "unanswerable"
    fields = {
        "rule": UNANSWERABLE if unanswerable else ANSWERABLE,
        "type": draft.type,
        "quoted": "" if unanswerable or not draft.quotes else "Quotes:\n{quotes}\n\n",
        "passages": "".join(f"Passage {n}:\n{{passage_{n}}}\n\n" for n in range(1, len(passages) + 1)),
    }
    data = {"query": draft.text, "answer": draft.answer or "(none)", "quotes": "\n".join(draft.quotes)}
    data |= {f"passage_{n}": text for n, text in enumerate(passages, 1)}
    return Filled(fields, data)
