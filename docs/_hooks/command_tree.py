"""Walk the commands of `ragbench` as their help shows them."""

import importlib.util
from collections.abc import Iterator
from typing import Any

import click

from ragbench.cli import app

EXAMPLE = "Example:"


def commands() -> dict[str, Any]:
    """The commands directly below `ragbench`."""
    found = children(app)
    if importlib.util.find_spec("ragbench.cli.legacy") is not None:
        import typer

        from ragbench.cli import legacy

        by_hand = typer.main.get_command(legacy.app).commands
        found = {name: by_hand[name] if passes_on(one) else one for name, one in found.items()}
    return found


def passes_on(command: Any) -> bool:
    """Whether a command hands its words to one that is declared by hand."""
    return [parameter.name for parameter in getattr(command, "params", [])] == ["words"]


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
        else:
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
