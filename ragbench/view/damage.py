"""What a damaged file of an evaluation becomes: an error that names the evaluation."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ragbench.core.errors import InputError
from ragbench.view.runs import FoundRun

# What code that reads what 'ragbench eval' wrote can meet in a damaged folder.
DAMAGED = (KeyError, ValueError, TypeError, IndexError, AttributeError, OSError)


@contextmanager
def naming(runs: Sequence[FoundRun]) -> Iterator[None]:
    """Read what these evaluations hold in here.

    Raises:
        InputError: a file of theirs is damaged.
    """
    try:
        yield
    except DAMAGED as error:
        names = ", ".join(run.name for run in runs)
        raise InputError(f"{names}: a file of it is damaged ({type(error).__name__}: {error})") from error
