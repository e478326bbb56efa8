"""Analyse an A/B test: promote the challenger, roll back, or go on."""

from dataclasses import MISSING, Field, fields
from functools import partial
from pathlib import Path

from ragbench.comparison.ab.analyse import analyse
from ragbench.comparison.ab.frames import EventFrame, analyse_frame
from ragbench.comparison.ab.outcomes import Outcome, parse_outcome
from ragbench.comparison.ab.paired_runs import PairedResult, analyse_runs
from ragbench.comparison.ab.results import AbResult
from ragbench.comparison.ab.settings import AbSettings
from ragbench.comparison.references import System, systems
from ragbench.core.context import Context
from ragbench.core.errors import SettingError
from ragbench.core.options import named, option, options, part
from ragbench.core.scores import headline

OF_RUNS = ("outcomes", "guardrails", "alpha")
"""The settings that a comparison of two runs uses."""


@options
class Options(AbSettings):
    """The options of ``ragbench ab`` and `ragbench.ab`."""

    events: Path | EventFrame | None = option(
        "CSV or Parquet file with one row per event.", default=None, section="Input", positional=True
    )
    runs: tuple[System, System] | None = option(
        "Two runs of 'ragbench eval' to compare instead, FOLDER::ARM; the first is the control.", default=None,
        section="Input", metavar="A B",
    )  # fmt: skip
    seed: int = option("Seed of the resampling, for two runs.", default=0, section="Verdict")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.events is not None and self.runs is not None:
            raise SettingError(f"give {named('events')} or {named('runs')}, not both")
        if self.events is None and self.runs is None:
            raise SettingError(
                f"nothing to analyse: give {named('events')}, a file of events, or {named('runs')}, two evaluations"
            )
        if self.runs is not None:
            unused = [one.name for one in fields(AbSettings) if one.name not in OF_RUNS and _is_set(self, one)]
            if unused:
                raise SettingError(
                    f"{', '.join(named(name) for name in unused)}: for a file of events only; {named('runs')} compares "
                    f"two evaluations of the same queries, and takes {', '.join(named(name) for name in OF_RUNS)}"
                )
        elif self.seed != 0:
            raise SettingError(f"is for {named('runs')} only; the analysis of events draws nothing", option="seed")


def run(options: Options, context: Context) -> AbResult | PairedResult:
    """Analyse an online experiment, or compare two evaluations of the same queries, and advise what to do.

    The analysis checks the split first, because a broken split makes every difference meaningless. Then it estimates
    the outcomes, checks the guardrails and recommends to promote the challenger, to roll back, or to go on.

    Returns:
        The analysis of the events; for two runs, their comparison with the same kind of recommendation.

    Raises:
        InputError: a broken file; a column that is missing or has no numbers; runs that do not have the same queries.
        SettingError: an option that cannot be used.

    Examples:
        >>> result = rb.ab("datasets/experiment/events.csv", outcomes="converted")
        >>> result.recommendation.decision, result.recommendation.variant
        ('promote', 'treatment')
        >>> contrast = result.outcomes[0].contrasts[0]
        >>> f"{contrast.difference:+.3f} [{contrast.low:+.3f}, {contrast.high:+.3f}]"
        '+0.051 [+0.031, +0.071]'
        >>> result = rb.ab(runs=("reports/example::bm25:stem=false", "reports/example::bm25"))
        >>> result.recommendation.decision, result.verdicts[0].decision
        ('promote', 'better')
    """
    settings = part(options, AbSettings)
    if options.runs is not None:
        return _paired(options.runs, settings, options.seed)
    assert options.events is not None
    if isinstance(options.events, Path):
        return analyse(options.events, settings)
    return analyse_frame(options.events, settings.time, partial(analyse, settings=settings))


def _paired(runs: tuple[System, ...], settings: AbSettings, seed: int) -> PairedResult:
    if len(runs) != 2:
        raise SettingError(f"has {len(runs)} systems; it needs two, the control and the challenger", option="runs")
    scored = systems(runs)
    known = scored[0].scores.metrics
    # The name of a metric may have a colon, which would begin the words of an outcome.
    metrics = [one if isinstance(one, str) and one in known else _column(one) for one in settings.outcomes]
    metrics = metrics or [headline(known)]
    return analyse_runs(scored, metrics, settings.watched, alpha=settings.alpha, seed=seed)


def _column(outcome: str | Outcome) -> str:
    found = parse_outcome(outcome) if isinstance(outcome, str) else outcome
    if found != Outcome(found.column):
        raise SettingError(
            f"is {outcome!r}; with {named('runs')} it is the name of a metric alone, such as {found.column}",
            option="outcomes",
        )
    return found.column


def _is_set(options: Options, field: Field[object]) -> bool:
    default = field.default if field.default_factory is MISSING else field.default_factory()
    return bool(getattr(options, field.name) != default)
