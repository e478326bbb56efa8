"""How the surface at hand spells an option: the command line, Python or a configuration file."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Spell = Callable[[str], str]


def in_python(option: str) -> str:
    """``per_chunk=``: an argument of a call."""
    return f"{option}="


_spell: Spell = in_python


def named(option: str) -> str:
    """The option as the user wrote it, or would write it, for messages.

    Example:
        >>> named("per_chunk")
        'per_chunk='
    """
    return _spell(option)


def given(option: str, value: object) -> str:
    """The option with the value that the user gave it, for messages.

    Example:
        >>> given("by", "colour")
        "by='colour'"
    """
    name = named(option)
    return f"{name}{value!r}" if name.endswith("=") else f"{name} {value}"


@contextmanager
def spelled_by(spell: Spell) -> Iterator[None]:
    """Spell options by another rule within the block. It holds for all threads: a process has one surface."""
    global _spell
    before, _spell = _spell, spell
    try:
        yield
    finally:
        _spell = before
