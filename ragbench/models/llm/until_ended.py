"""Goes on to the end without answers where a model ends the run."""

from dataclasses import dataclass

from ragbench.core.errors import RagbenchError
from ragbench.models.llm.base import Answer, Asker, Request
from ragbench.models.llm.errors import BudgetSpent, ServiceDown


@dataclass(frozen=True)
class NotAsked(Answer):
    """No answer, since the run had ended before the question was put."""


class UntilEnded:
    """An asker that does not raise when the budget is spent or the service is down.

    With a spent budget, answers that are there already are still given, and so is what still
    fits; with a service that is down, nothing. Every other question gets `NotAsked` with the
    reason. So work ends with what is known, and what is missing is accounted for.

    Attributes:
        ended: what ended the run; None while nothing has.
    """

    def __init__(self, asker: Asker) -> None:
        self.asker = asker
        self.ended: RagbenchError | None = None

    async def ask(self, request: Request) -> Answer:
        """The answer, or why there is none. Raises what no later run can mend (bad key, unusable setting)."""
        if isinstance(self.ended, ServiceDown):
            return NotAsked(None, str(self.ended), unanswered=True)
        try:
            return await self.asker.ask(request)
        except (BudgetSpent, ServiceDown) as error:
            self.ended = error
            return NotAsked(None, str(error), unanswered=True)
