"""Progress in a notebook: a bar where the notebook draws them, a text bar elsewhere."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

DELAY_SECONDS = 1.0
"""What takes less is not shown."""


@contextmanager
def bars(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """One task of ``total`` steps, as `ragbench.core.context.Progress` wants it; drawn by `tqdm.auto`."""
    with warnings.catch_warnings():
        # Where ipywidgets is missing, the import warns, with a path of this machine; it draws a text bar all the same.
        warnings.simplefilter("ignore")
        from tqdm.auto import tqdm

    with tqdm(total=total, desc=what, delay=DELAY_SECONDS, leave=False) as bar:

        def advance(steps: int) -> None:
            bar.update(steps)

        yield advance
