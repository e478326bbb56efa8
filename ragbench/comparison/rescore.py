"""Score stored rankings again at another relevance level."""

from collections.abc import Sequence
from dataclasses import replace

from ragbench.core.errors import InputError, SettingError
from ragbench.core.options import option, option_group
from ragbench.core.scored import ScoredRun
from ragbench.metrics.parse import parse_all
from ragbench.metrics.score import score
from ragbench.metrics.settings import uncut


@option_group
class RelevanceLevel:
    """The least label that counts as relevant."""

    level_of: int | None = option(
        "Least label that counts as relevant; the stored rankings are scored again.", default=None,
        section="Evaluation", unset="as they were evaluated",
    )  # fmt: skip

    def check_level(self) -> None:
        """Check the level.

        Raises:
            SettingError: it is below 1.
        """
        if self.level_of is not None and self.level_of < 1:
            raise SettingError(f"is {self.level_of}; it must be at least 1", option="level_of")


def names_at(metrics: Sequence[str], level: int | None) -> tuple[str, ...]:
    """Return the names of metrics at a level: ``recall(level=2)@10`` for ``recall@10``.

    A metric that sets its own level, or has none, keeps its name.

    Raises:
        SettingError: no metric has a level.
    """
    if level is None:
        return tuple(metrics)
    found = parse_all(list(metrics), level=level)
    if not any(hasattr(metric, "level") for metric in found):
        raise SettingError(
            f"is {level}, and none of {', '.join(metrics)} has a relevance level; name a metric that has one, such as "
            "recall@10",
            option="level_of",
        )
    return tuple(map(str, found))


def at_level(run: ScoredRun, metrics: Sequence[str], level: int | None) -> ScoredRun:
    """Score the rankings of a system again.

    Args:
        run: the system.
        metrics: the metrics, as `names_at` returns them.
        level: least label that counts as relevant; None leaves the system as it is.

    Raises:
        InputError: it has no rankings or labels, or it ran several times.
    """
    if level is None or run.error is not None:
        return run
    if run.run is None or run.judgements is None:
        raise InputError(f"{run.name}: it has no rankings to score again at level {level}")
    if run.scores.repeats is not None:
        raise InputError(f"{run.name} ran several times and is not scored again; evaluate it at level {level}")
    return scored_again(run, metrics)


def scored_again(run: ScoredRun, metrics: Sequence[str]) -> ScoredRun:
    """Score the rankings of a system by other metrics. It must have rankings and labels."""
    assert run.run is not None
    assert run.judgements is not None
    scores = score(run.run, run.judgements, list(metrics), ties=run.ties)
    depth = max(run.scores.cuts.values(), default=0)
    cuts = {str(metric): depth for metric in parse_all(list(metrics)) if depth and uncut(metric)}
    return replace(run, scores=replace(scores, cuts=cuts))
