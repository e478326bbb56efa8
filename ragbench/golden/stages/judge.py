"""Let a language model decide whether a query is valid."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from ragbench.core.errors import SettingError
from ragbench.golden.drafts import Draft, Opinion
from ragbench.golden.stages.base import ReviewContext, Stage, passages_for
from ragbench.golden.writer import about_fields
from ragbench.models.llm.base import Answer, Request
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
QUERY_ALONE = (
    "The query is valid if all of this holds: the passages answer it, or are about what it looks for; it can be "
    "understood by somebody who has not seen the passages; a real user could type it."
)
"""For queries that a prompt of the user asked for without answers and quotes."""
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


def judge_fields(draft: Draft, passages: Sequence[str], about: str = "") -> Filled:
    """Return the fields and data of one request.

    Args:
        draft: the query to examine.
        passages: the passages it was written from; for a query without an answer, also the nearest that a search found.
        about: what the collection is, in the user's words; empty if the user does not say.
    """
    unanswerable = draft.type == "unanswerable"
    alone = not (unanswerable or draft.answer or draft.quotes)
    collection = about_fields(about)
    fields = {
        "rule": collection.fields["about"] + (UNANSWERABLE if unanswerable else QUERY_ALONE if alone else ANSWERABLE),
        "type": draft.type,
        "quoted": "" if unanswerable or not draft.quotes else "Quotes:\n{quotes}\n\n",
        "passages": "".join(f"Passage {n}:\n{{passage_{n}}}\n\n" for n in range(1, len(passages) + 1)),
    }
    data = {"query": draft.text, "answer": draft.answer or "(none)", "quotes": "\n".join(draft.quotes)}
    data |= {f"passage_{n}": text for n, text in enumerate(passages, 1)}
    return Filled(fields, data, collection.own)


@dataclass(frozen=True)
class Judge(Stage):
    """Reject what the judge calls invalid, with its reason. A query without a usable answer of the judge is rejected
    too.

    Attributes:
        nearest: for queries without an answer, how many passages that might hold one the judge sees.
    """

    role: ClassVar[str | None] = "judge"
    prompts: ClassVar[tuple[Prompt, ...]] = (JUDGE,)
    nearest: int = 5

    def __post_init__(self) -> None:
        if self.nearest < 1:
            raise SettingError(f"stage 'judge': nearest is {self.nearest}; it must be 1 or more")

    def usual_request(self, draft: Draft, passages: Sequence[str], seed: int) -> Request:
        """Return the request for the draft."""
        return JUDGE.request(judge_fields(draft, passages), seed=seed)

    async def review(self, drafts: Sequence[Draft], context: ReviewContext) -> Sequence[Opinion]:
        """Give one opinion per draft; ``detail["certainty"]`` is ``certain`` or ``doubtful``."""
        shown = passages_for(drafts, context, self.nearest)
        requests = (
            JUDGE.request(judge_fields(draft, seen, context.writer.about), seed=context.seed)
            for draft, seen in zip(drafts, shown, strict=True)
        )
        return await context.opinions("judge", requests, len(drafts), lambda _, answer: _opinion(answer))


def _opinion(answer: Answer) -> Opinion:
    value = answer.value
    if not isinstance(value, Mapping) or not isinstance(value.get("valid"), bool):
        reason = f"the judge gave no usable answer: {answer.failure or 'no verdict in it'}"
        return Opinion("judge", False, reason, {"certainty": "none", "raw": answer.raw}, answer.cost)
    reason = " ".join(str(value.get("reason") or "").split()) or "no reason given"
    certainty = "doubtful" if value.get("certainty") == "doubtful" else "certain"
    return Opinion("judge", value["valid"], reason, {"certainty": certainty}, answer.cost)
