"""Compare each system with the one before it and with the first, in the order in which they were given."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from ragbench.comparison.pairing import Pair
from ragbench.comparison.verdict import VerdictSettings, corrected_by_metric, verdicts
from ragbench.core.scored import MEDIAN, ScoredRun
from ragbench.core.steps import Step, Steps
from ragbench.core.verdicts import Verdict


def steps_of(
    runs: Sequence[ScoredRun],
    metric: str,
    settings: VerdictSettings,
    *,
    to_first: Sequence[Verdict],
    means: Mapping[str, float | None],
    notes: Mapping[str, str],
) -> Steps:
    """Compare the systems step by step.

    A system that did not run is a step without figures, and the next one is compared with the last that ran.

    Args:
        runs: the systems in order; those that ran have the same queries in the same order.
        metric: printed name of the metric.
        settings: settings of the verdicts.
        to_first: the verdicts on the other systems and the first that ran; those of other metrics are ignored.
        means: mean of each system.
        notes: notes of the user by system.

    Raises:
        InputError: a system that ran lacks the metric, or a value is infinite.
    """
    ran = [run for run in runs if run.error is None]
    first = {one.candidate: one for one in to_first if one.metric == metric}
    pairs = [(Pair(*pair), metric) for pair in pairwise(ran)]
    previous = {one.candidate: one for one in corrected_by_metric(verdicts(pairs, settings), "holm")}
    return Steps(
        metric,
        tuple(
            Step(
                run.name, means.get(run.name), previous.get(run.name), first.get(run.name),
                run.latency_ms.get(MEDIAN), run.cost_per_query, notes.get(run.name, ""), run.error,
            )
            for run in runs
        ),
    )  # fmt: skip
