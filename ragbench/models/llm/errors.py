"""What ends a whole run. None of it loses an answer: the same command goes on where it was."""

from ragbench.core.errors import RagbenchError


class BudgetSpent(RagbenchError):
    """The next call could cost more than is left of the budget."""


class ServiceDown(RagbenchError):
    """The provider has not answered any call for so long that waiting is pointless."""


class AnswerLater(RagbenchError):
    """The question is noted and will be answered later; other questions may still be put."""
