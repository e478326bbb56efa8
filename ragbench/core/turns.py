"""The turns of a conversation before a question."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, get_args

from ragbench.core.errors import InputError

Role = Literal["user", "assistant"]
ROLES: dict[str, Role] = {
    **{role: role for role in get_args(Role)},
    **dict.fromkeys(("human", "customer", "question"), "user"),
    **dict.fromkeys(("ai", "bot", "model", "system_answer", "answer"), "assistant"),
}
"""Roles by the words that files use for them."""
MOST_TURNS = 1000
"""The most turns of one conversation."""


class Turn(NamedTuple):
    """One turn: who spoke, and what was said."""

    role: Role
    content: str


History = tuple[Turn, ...]


def history_of(value: object, where: str) -> History:
    """Read the turns before a question, oldest first.

    Args:
        value: a list of ``{"role": "user", "content": "..."}``, or of texts that the user and the assistant said by
            turns, the user first. None or an empty list for no turn.
        where: file and line, for messages.

    Raises:
        InputError: the value has another form, or a role is unknown.

    Examples:
        >>> history_of(["red tents?", "We have two."], "")
        (Turn(role='user', content='red tents?'), Turn(role='assistant', content='We have two.'))
    """
    if value is None or value == "":
        return ()
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        raise InputError(f"{where}: the history must be a list of turns, it is {value!r:.60}")
    if len(value) > MOST_TURNS:
        raise InputError(f"{where}: the history has {len(value):,} turns; at most {MOST_TURNS:,} are read")
    return tuple(_turn(one, number, where) for number, one in enumerate(value))


def _turn(value: object, number: int, where: str) -> Turn:
    if isinstance(value, str):
        return Turn("assistant" if number % 2 else "user", value)
    content = value.get("content") if isinstance(value, Mapping) else None
    if not isinstance(value, Mapping) or not isinstance(content, str):
        raise InputError(
            f"{where}: turn {number + 1} of the history must be a text, or an object with role and content; it is "
            f"{value!r:.60}"
        )
    said = str(value.get("role", "")).casefold()
    if said not in ROLES:
        raise InputError(
            f"{where}: turn {number + 1} of the history has the role {said!r:.60}; known are user, assistant"
        )
    return Turn(ROLES[said], content)


def as_rows(history: Sequence[Turn]) -> list[dict[str, str]]:
    """The turns as JSON values, as services take them."""
    return [{"role": turn.role, "content": turn.content} for turn in history]


def as_text(history: Sequence[Turn]) -> str:
    """The turns as text, a paragraph each."""
    return "\n\n".join(f"{turn.role}: {turn.content}" for turn in history)


def in_conversation(question: str, history: Sequence[Turn]) -> str:
    """The question, after the turns before it if there are any."""
    return as_text([*history, Turn("user", question)]) if history else question
