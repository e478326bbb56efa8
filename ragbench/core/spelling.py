"""Spell options in messages as the user would write them: on the command line, in Python or in a configuration file."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Spell = Callable[[str], str]


def in_python(option: str) -> str:
    """Spell an option as an argument of a call: ``per_chunk=``."""
    return f"{option}="


_spell: Spell = in_python


def named(option: str) -> str:
    """Spell an option in a message as the user would write it.

    Example:
        >>> named("per_chunk")
        'per_chunk='
    """
    return _spell(option)


def given(option: str, value: object) -> str:
    """Spell an option with its value in a message.

    Example:
        >>> given("by", "colour")
        "by='colour'"
        >>> given("texts", False)
        'texts=False'
    """
    name = named(option)
    if isinstance(value, bool) and name.startswith("--"):
        return name if value else f"--no-{name[2:]}"
    return f"{name}{value!r}" if name.endswith("=") else f"{name} {value}"


@contextmanager
def spelled_by(spell: Spell) -> Iterator[None]:
    """Spell options by another rule within the block. It applies to all threads, because a process has one user
    interface.
    """
    global _spell
    before, _spell = _spell, spell
    try:
        yield
    finally:
        _spell = before
