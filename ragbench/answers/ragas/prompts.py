"""Ragas' prompts, built once instead of for every question."""

from typing import Any

from pydantic import BaseModel
from ragas.prompt.metrics.base_prompt import BasePrompt  # type: ignore[import-not-found, unused-ignore]

ROOM, ROOM_PER_STATEMENT = 512, 256
"""Tokens of an answer, and more of them for the verdict and the reason of a statement."""


class Written(str):
    """A prompt as Ragas writes it, which knows what it asks about."""

    statements: tuple[str, ...] | None = None
    """The statements to be judged, one verdict each; None where the prompt lists none."""
    room: int | None = None
    """Tokens that an answer may well need: it repeats the statements, or a text in pieces. None where not known."""


class KeptPrompt:
    """Writes what a prompt of Ragas writes.

    Ragas derives the schema and writes the examples anew for every question, which
    takes most of a millisecond; both are the same every time. All but the input is
    kept from the first question.
    """

    def __init__(self, prompt: "BasePrompt[Any, Any]") -> None:
        self._prompt = prompt
        self._around: tuple[str, str] | None = None

    def to_string(self, data: BaseModel) -> Written:
        """The prompt for this input."""
        # As BasePrompt.to_string writes it.
        given = data.model_dump_json(indent=4, exclude_none=True)
        if self._around is None:
            whole = self._prompt.to_string(data)
            before, found, after = whole.rpartition(given)
            if not found:
                raise RuntimeError(f"ragas' {type(self._prompt).__name__} does not hold its input as JSON")
            self._around = (before, after)
        written = Written(self._around[0] + given + self._around[1])
        statements = getattr(data, "statements", None)
        if statements is not None:
            written.statements = tuple(statements)
            written.room = ROOM + sum(ROOM_PER_STATEMENT + len(one) for one in statements)
        elif isinstance(text := getattr(data, "answer", None) or getattr(data, "response", None), str):
            # In the costliest scripts a character is more than a token.
            written.room = ROOM + 2 * len(text)
        return written


def keep_prompts(metric: Any) -> None:
    """Put a `KeptPrompt` in the place of each prompt of a metric; its settings must not change after that."""
    for name, value in list(vars(metric).items()):
        if isinstance(value, BasePrompt):
            setattr(metric, name, KeptPrompt(value))
