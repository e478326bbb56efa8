"""How the corpus room tells how far it is: the same shape as the retrievers' ``Context.progress``."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

Progress = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""``with progress(what, total) as advance: advance(n)``."""


def silent(what: str, total: int) -> AbstractContextManager[Callable[[int], None]]:
    """Progress that nobody looks at."""
    return nullcontext(lambda done: None)
