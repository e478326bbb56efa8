"""What a command prints, and where."""

import json
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TextIO

from ragbench.core.foreign import in_json, in_lines

if TYPE_CHECKING:
    from rich.console import Console

    from ragbench.core.context import Context

PIPE_WIDTH = 240
"""Characters of a line in a pipe or file, so that lines can be searched; ``COLUMNS`` sets another width."""


class Output:
    """Standard output for results, standard error for everything else when the result is one JSON object.

    Args:
        as_json: whether the result is one JSON object.
    """

    def __init__(self, as_json: bool = False) -> None:
        self.as_json = as_json

    def context(self) -> "Context":
        """Where a job reports its progress and its notes."""
        from ragbench.cli.progress import Progress
        from ragbench.core.context import Context

        return Context(progress=Progress(), say=self.say)

    def say(self, line: str) -> None:
        """Print a line beside the result."""
        print_lines(line, sys.stderr if self.as_json else sys.stdout)

    def error(self, line: str) -> None:
        """Print a line to standard error."""
        print_lines(line, sys.stderr)

    def lines(self, text: str) -> None:
        """Print lines of the result."""
        print_lines(text, sys.stdout)

    def annotation(self, title: str, text: str) -> None:
        """Print a warning that GitHub shows beside a change."""
        # The characters that GitHub's workflow commands escape; a colon or comma would end the title.
        text = in_lines(text).replace("%", "%25").replace("\n", "%0A")
        print(f"::warning title={title}::{text}", file=sys.stderr, flush=True)

    def object(self, result: Mapping[str, Any]) -> None:
        """Print one JSON object."""
        print(in_json(json.dumps(result, ensure_ascii=False, allow_nan=False)))

    def table(self, printed: Any, *, pipe_width: int = PIPE_WIDTH, highlight: bool = False) -> None:
        """Print what `rich` can print; in a pipe or file, lines end without spaces."""
        shown = console(pipe_width=pipe_width, highlight=highlight)
        if shown.is_terminal:
            shown.print(printed)
            return
        with shown.capture() as captured:
            shown.print(printed)
        print(re.sub(" +$", "", captured.get(), flags=re.MULTILINE), end="", flush=True)


def print_lines(text: str, file: TextIO) -> None:
    """Print text that may come from others: what a terminal, or a runner of GitHub, would obey is text.

    On a terminal, long lines break between words; a path or URL stays in one piece.
    """
    shown = re.sub(r"^(\s*):(?=:)", r"\1: ", in_lines(text), flags=re.MULTILINE)
    if file.isatty():
        width = shutil.get_terminal_size().columns
        shown = "\n".join(_at_words(line, width) for line in shown.split("\n"))
    print(shown, file=file, flush=True)


def _at_words(line: str, width: int) -> str:
    if len(line) <= width:
        return line
    return "\n".join(
        textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False, replace_whitespace=False)
    )


def console(*, pipe_width: int = PIPE_WIDTH, highlight: bool = True) -> "Console":
    """A console on standard output, as wide as the terminal, or ``pipe_width`` characters where nobody looks."""
    from rich.console import Console

    wide = None if sys.stdout.isatty() or "COLUMNS" in os.environ else pipe_width
    return Console(width=wide, highlight=highlight, emoji=False)
