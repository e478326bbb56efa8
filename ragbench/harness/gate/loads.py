"""What a gate must know of runs of ``ragbench load``: under which load they were measured, and what was not."""

from collections.abc import Mapping

from ragbench.core.scored import ScoredRun
from ragbench.io.scored_runs import LOAD_KIND


def is_load(run: ScoredRun) -> bool:
    """Whether its queries are the requests of a load."""
    return run.manifest.get("kind") == LOAD_KIND


def conditions(run: ScoredRun) -> Mapping[str, object]:
    """The kind of loop, how many at once or a second, timeout; empty for what is no load."""
    levels = run.manifest.get("levels")
    found = levels.get(run.name) if isinstance(levels, Mapping) else None
    return found if is_load(run) and isinstance(found, Mapping) else {}


def is_known(run: ScoredRun, percentile: str) -> bool:
    """Whether a percentile was measured: not if it falls among requests that failed, which count with the timeout."""
    timeout = conditions(run).get("timeout")
    return not isinstance(timeout, int | float) or not run.failed or run.latency_ms[percentile] < timeout * 1000
