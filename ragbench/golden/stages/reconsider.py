"""Let a second language model argue against the judge, and decide."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from ragbench.core.errors import SettingError
from ragbench.golden.drafts import Draft, Opinion
from ragbench.golden.spool import chosen
from ragbench.golden.stages.base import ReviewContext, Stage, passages_for
from ragbench.golden.stages.judge import judge_fields
from ragbench.models.llm.base import Answer, Request
from ragbench.models.llm.prompt import DATA_RULE, Filled, Prompt

USUAL_REASON = 160
"""Assumed length of a judge's reason, in characters, for estimates."""

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


def reconsider_fields(draft: Draft, passages: Sequence[str], opinion: Opinion, about: str = "") -> Filled:
    """Return the fields and data of one request.

    Args:
        draft: the query to examine again.
        passages: the passages that the judge saw.
        opinion: the judge's opinion.
        about: what the collection is, in the user's words.
    """
    same = judge_fields(draft, passages, about)
    verdict = "the query is valid" if opinion.accepted else "the query is NOT valid"
    return Filled(
        {**same.fields, "verdict": verdict}, {**same.data, "reason": opinion.reason or "(none given)"}, same.own
    )


@dataclass(frozen=True)
class Reconsider(Stage):
    """Review again what the judge doubted or rejected. It may overrule the judge, and both opinions are kept.

    Attributes:
        nearest: for queries without an answer, how many passages that might hold one the model sees.
    """

    role: ClassVar[str | None] = "reconsider"
    prompts: ClassVar[tuple[Prompt, ...]] = (RECONSIDER,)
    overrules: ClassVar[str | None] = "judge"
    nearest: int = 5

    def __post_init__(self) -> None:
        if self.nearest < 1:
            raise SettingError(f"stage 'reconsider': nearest is {self.nearest}; it must be 1 or more")

    def usual_request(self, draft: Draft, passages: Sequence[str], seed: int) -> Request:
        """Return the request for the draft, as if the judge had rejected it."""
        opinion = Opinion("judge", False, "x" * USUAL_REASON)
        return RECONSIDER.request(reconsider_fields(draft, passages, opinion), seed=seed)

    async def review(self, drafts: Sequence[Draft], context: ReviewContext) -> list[Opinion]:
        """Give one opinion per draft. Drafts that the judge accepted without doubt pass without a request."""
        rows = [row for row, draft in enumerate(drafts) if _is_doubted(_verdict(draft))]
        doubted = chosen(drafts, rows)
        shown = passages_for(doubted, context, self.nearest)
        requests = (
            RECONSIDER.request(
                reconsider_fields(draft, passages, _verdict(draft), context.writer.about), seed=context.seed
            )
            for draft, passages in zip(doubted, shown, strict=True)
        )
        found = await context.opinions(
            "reconsider", requests, len(rows), lambda at, answer: _opinion(answer, _verdict(doubted[at]))
        )
        opinions = [Opinion("reconsider", True, "not in doubt")] * len(drafts)
        for row, opinion in zip(rows, found, strict=True):
            opinions[row] = opinion
        return opinions


def _verdict(draft: Draft) -> Opinion:
    """The last opinion of the judge; one that accepts without doubt if it did not see the draft."""
    return next((one for one in reversed(draft.opinions) if one.stage == "judge"), Opinion("judge", True))


def _is_doubted(verdict: Opinion) -> bool:
    return not verdict.accepted or verdict.detail.get("certainty") == "doubtful"


def _opinion(answer: Answer, verdict: Opinion) -> Opinion:
    value = answer.value
    if not isinstance(value, Mapping) or not isinstance(value.get("valid"), bool):
        reason = f"no usable answer ({answer.failure or 'no verdict in it'}): the judge's opinion stands"
        return Opinion("reconsider", verdict.accepted, reason, {"raw": answer.raw}, answer.cost)
    reason = " ".join(str(value.get("reason") or "").split()) or "no reason given"
    detail = {"argument": str(value.get("argument") or ""), "overruled": value["valid"] != verdict.accepted}
    return Opinion("reconsider", value["valid"], reason, detail, answer.cost)
