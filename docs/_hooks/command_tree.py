"""Walk the commands of `ragbench` as their help shows them."""

from collections.abc import Iterator
from typing import Any

import click

from ragbench.cli import app

EXAMPLE = "Example:"


def commands() -> dict[str, Any]:
    """The commands directly below `ragbench`."""
    return children(app)


def children(command: Any) -> dict[str, Any]:
    """The commands directly below a command, by name."""
    if not hasattr(command, "list_commands"):
        return {}
    context = click.Context(command)
    return {name: command.get_command(context, name) for name in command.list_commands(context)}


def leaves(found: dict[str, Any] | None = None, name: str = "ragbench") -> Iterator[tuple[str, Any]]:
    """Every command that runs something, with its whole name."""
    for sub, command in (commands() if found is None else found).items():
        below = children(command)
        if below:
            yield from leaves(below, f"{name} {sub}")
        if not below or command.params:  # a group can be a command itself
            yield f"{name} {sub}", command


def paragraphs(command: Any) -> Iterator[tuple[str, bool]]:
    """The paragraphs of a command's help, and whether each is an example. Each line of an example comes by itself."""
    for text in (command.help or "").strip().split("\n\n"):
        if not text.startswith(EXAMPLE):
            yield " ".join(text.split()), False
            continue
        lines: list[str] = []
        for line in text.splitlines():
            words = line.removeprefix(EXAMPLE).strip()
            if words.startswith("ragbench ") or not lines:
                lines.append(words)
            else:
                lines[-1] = f"{lines[-1].removesuffix(chr(92)).strip()} {words}".strip()
        yield from ((line, True) for line in lines if line)
