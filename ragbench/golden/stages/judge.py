"""A language model decides whether a query is valid."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from ragbench.core.errors import SettingError
from ragbench.engine import ask
from ragbench.golden.drafts import Draft, Opinion
from ragbench.golden.prompts import judge as prompt
from ragbench.golden.stages._passages import passages_for
from ragbench.golden.stages.base import ReviewContext, Stage
from ragbench.models.llm.base import Answer


@dataclass(frozen=True)
class Judge(Stage):
    """Rejects what the judge calls invalid, with its reason; a judge without a usable answer rejects too.

    Attributes:
        nearest: for queries without an answer, how many passages the judge sees that might hold one.
    """

    role: ClassVar[str | None] = "judge"
    nearest: int = 5

    def __post_init__(self) -> None:
        if self.nearest < 1:
            raise SettingError(f"stage 'judge': nearest is {self.nearest}; it must be 1 or more")

    async def review(self, drafts: Sequence[Draft], context: ReviewContext) -> list[Opinion]:
        """One opinion per draft; ``detail["certainty"]`` is ``certain`` or ``doubtful``."""
        shown = passages_for(drafts, context, self.nearest)
        requests = [
            prompt.JUDGE.request(prompt.filled(draft, passages), seed=context.seed)
            for draft, passages in zip(drafts, shown, strict=True)
        ]
        answers = await ask(context.askers["judge"], requests, what="judging", progress=context.context.progress)
        return [_opinion(answer) for answer in answers]


def _opinion(answer: Answer) -> Opinion:
    value = answer.value
    if not isinstance(value, Mapping) or not isinstance(value.get("valid"), bool):
        reason = f"the judge gave no usable answer: {answer.failure or 'no verdict in it'}"
        return Opinion("judge", False, reason, {"certainty": "none", "raw": answer.raw}, answer.cost)
    reason = " ".join(str(value.get("reason") or "").split()) or "no reason given"
    certainty = "doubtful" if value.get("certainty") == "doubtful" else "certain"
    return Opinion("judge", value["valid"], reason, {"certainty": certainty}, answer.cost)
