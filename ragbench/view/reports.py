"""Report pages of chosen evaluations, as ``ragbench report`` writes them."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

from ragbench.core.errors import InputError
from ragbench.io.inputs import PATHS, found
from ragbench.io.scored_runs import LOAD_KIND
from ragbench.view.library import Library
from ragbench.view.runs import FoundRun, looks, naming

KEPT = 8
"""Most pages to keep, so that going back and forth is free."""
TOGETHER = 12
"""Most evaluations on one page."""


class Reports:
    """Makes pages and keeps them.

    Args:
        library: corpora, golden sets and answers, each used where its fingerprint fits.
    """

    def __init__(self, library: Library) -> None:
        self._library = library
        self._pages: OrderedDict[tuple[object, ...], bytes] = OrderedDict()
        # One at a time: a page takes a core for seconds.
        self._lock = threading.Lock()

    def page(self, runs: Sequence[FoundRun], *, intersect: bool = False) -> bytes:
        """Return the page of these evaluations; the first system of the first one is the baseline.

        Raises:
            RagbenchError: they cannot be shown, or not together.
        """
        check(runs)
        key = (intersect, *((run.key, run.stamp, _inputs_now(run)) for run in runs))
        with self._lock:
            if key not in self._pages:
                self._pages[key] = self._made(runs, intersect)
                while len(self._pages) > KEPT:
                    self._pages.popitem(last=False)
            self._pages.move_to_end(key)
            return self._pages[key]

    def _made(self, runs: Sequence[FoundRun], intersect: bool) -> bytes:
        from ragbench.render.html.inputs import Wanted, read_report
        from ragbench.render.html.page import page
        from ragbench.render.vega import vega_script

        fitting = self._library.fitting(runs)
        with naming(runs):
            data = read_report(
                Wanted(
                    tuple(str(run.folder) for run in runs),
                    fitting,
                    intersect=intersect,
                    title=" against ".join(run.name for run in runs) if len(runs) > 1 else None,
                )
            )
            return page(data, vega_script()).encode("utf-8", "replace")


def _inputs_now(run: FoundRun) -> tuple[object, ...]:
    """Return a stamp of the inputs of an evaluation. A page is valid until the stamp changes."""
    inputs = [found(run.manifest or {}, name, run.folder) for name in ("corpus", "golden", "answers")]
    paths: list[Path] = []
    for one in inputs:
        if one is not None:
            paths += [one.path, *(Path(one.options[key]) for key in PATHS if key in one.options)]
    return tuple((one, looks(one)) for path in paths for one in (path, *sorted(path.rglob("*"))))


def check(runs: Sequence[FoundRun]) -> None:
    """Check that these evaluations can be shown on one page.

    Raises:
        InputError: none, too many, or a broken one.
    """
    if not runs:
        raise InputError("choose another evaluation; the requested one is no longer in the folder")
    if len(runs) > TOGETHER:
        raise InputError(f"choose at most {TOGETHER} evaluations; you chose {len(runs)}")
    loads = [run.name for run in runs if run.kind == LOAD_KIND]
    if loads:
        raise InputError(f"{', '.join(loads)}: a load has a summary, and no report")
    broken = [f"{run.name}: {run.fault}" for run in runs if run.fault]
    if broken:
        raise InputError("; ".join(broken))
