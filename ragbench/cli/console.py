"""Where tables are printed."""

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

PIPE_WIDTH = 240


def console(*, pipe_width: int = PIPE_WIDTH, highlight: bool = True) -> "Console":
    """Standard output. Into a pipe or a file lines are this wide, so that they can be searched, unless COLUMNS is set.

    Args:
        pipe_width: characters of a line where nobody looks.
        highlight: colour numbers and names in plain text.
    """
    from rich.console import Console

    wide = None if sys.stdout.isatty() or "COLUMNS" in os.environ else pipe_width
    return Console(width=wide, highlight=highlight, emoji=False)
