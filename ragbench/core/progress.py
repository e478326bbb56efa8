"""How long work reports how far it is, without knowing who listens."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

Advance = Callable[[int], None]
"""Called with the number of steps done since the last call."""

Progress = Callable[[str, int], AbstractContextManager[Advance]]
"""``with progress(what, total) as advance: advance(steps)``."""


def silent(what: str, total: int) -> AbstractContextManager[Advance]:
    """Nobody listens."""
    return nullcontext(lambda steps: None)
