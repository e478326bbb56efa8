"""An offline A/B test: two evaluation runs over the same queries, or a shadow test of the same live queries."""

from collections.abc import Sequence
from dataclasses import dataclass

from ragbench.comparison.ab.decide import p_text
from ragbench.comparison.ab.outcomes import Guardrail
from ragbench.comparison.ab.results import Recommendation
from ragbench.comparison.compare import Compared, CompareSettings, compare_runs
from ragbench.core.errors import InputError, SettingError, did_you_mean
from ragbench.core.options import named
from ragbench.core.scored import ScoredRun
from ragbench.core.shown import Shown
from ragbench.core.verdicts import Verdict

COST = "cost"
"""A guardrail on what one query costs; the others are latency percentiles: p50, p95, p99."""


@dataclass(frozen=True)
class WatchedFigure:
    """Latency or cost of both runs against a margin. One figure each, without an interval.

    Attributes:
        name: ``p95`` or ``cost``.
        rule: in words.
        control: the control's figure, or None where nothing was measured.
        challenger: the challenger's figure, or None.
        kept: within the margin; None where a figure is missing.
    """

    name: str
    rule: str
    control: float | None
    challenger: float | None
    kept: bool | None


@dataclass(frozen=True)
class PairedResult(Shown):
    """A whole offline A/B test.

    Attributes:
        control: name of the first run.
        challenger: name of the second.
        compared: the comparisons; the first metric of the first one decides.
        watched: guardrails.
        recommendation: the advice.
    """

    control: str
    challenger: str
    compared: tuple[Compared, ...]
    watched: tuple[WatchedFigure, ...]
    recommendation: Recommendation

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """Of all metrics, the deciding one first."""
        return tuple(verdict for compared in self.compared for verdict in compared.verdicts)


def analyse_runs(
    runs: Sequence[ScoredRun], metrics: Sequence[str], guardrails: Sequence[Guardrail], *, alpha: float, seed: int = 0
) -> PairedResult:
    """Compare two runs query by query, with the tests of ``ragbench compare``.

    Args:
        runs: control and challenger.
        metrics: the first one decides; the others are corrected among themselves.
        guardrails: on ``p50``, ``p95``, ``p99`` (ms) or ``cost``.
        alpha: error rate.
        seed: of the resampling.

    Raises:
        InputError: not exactly two runs, or their queries differ.
        ArmError: the control did not run.
        SettingError: an unknown guardrail.
    """
    if len(runs) != 2:
        raise InputError(
            f"{named('runs')} needs two systems and these are {len(runs)} ({', '.join(run.name for run in runs)}); "
            "name an arm as FOLDER::ARM"
        )
    watched = tuple(_watched(runs[0], runs[1], guardrail) for guardrail in guardrails)
    compared = tuple(
        compare_runs(runs, CompareSettings(metrics=tuple(chosen), examples=0, confidence=1 - alpha, seed=seed))
        for chosen in (metrics[:1], metrics[1:])
        if chosen
    )
    verdicts = [verdict for one in compared for verdict in one.verdicts]
    return PairedResult(runs[0].name, runs[1].name, compared, watched, _advice(verdicts, watched, runs[1]))


def _watched(control: ScoredRun, challenger: ScoredRun, guardrail: Guardrail) -> WatchedFigure:
    name = guardrail.outcome.column
    allowed = ["p50", "p95", "p99", COST]
    if name not in allowed:
        raise SettingError(f"guardrail of two runs: no figure {name!r}{did_you_mean(name, allowed)}")

    def figure(run: ScoredRun) -> float | None:
        return run.cost_per_query if name == COST else run.latency_ms.get(name)

    before, after = figure(control), figure(challenger)
    kept = None
    if before is not None and after is not None:
        limit = before * (1 + guardrail.bound) if guardrail.relative else before + guardrail.bound
        kept = after <= limit if guardrail.upper else after >= limit
    return WatchedFigure(name, guardrail.rule, before, after, kept)


def _advice(verdicts: Sequence[Verdict], watched: Sequence[WatchedFigure], challenger: ScoredRun) -> Recommendation:
    if challenger.error is not None:
        return Recommendation("no verdict", "", (f"{challenger.name} did not run: {challenger.error}",))
    primary = verdicts[0]
    reasons = [_about(primary)]
    broken = [f"guardrail {w.name} ({w.rule}) is broken: {w.control:.4g} to {w.challenger:.4g}" for w in watched
              if w.kept is False]  # fmt: skip
    missing = [f"guardrail {w.name} has no figure in one of the runs" for w in watched if w.kept is None]
    worse = [f"but {_about(verdict)}" for verdict in verdicts[1:] if verdict.decision == "worse"]
    if primary.decision == "not comparable":
        return Recommendation("no verdict", "", (*reasons, *primary.notes))
    if broken or primary.decision == "worse":
        return Recommendation("roll back", "", (*broken, *reasons))
    if primary.decision != "better":
        return Recommendation("go on", "", (*reasons, *primary.notes, "'ragbench plan' says how many more queries"))
    if missing or worse:
        return Recommendation("go on", "", (*reasons, *missing, *worse, "a person must weigh this"))
    kept = [w.name for w in watched]
    return Recommendation(
        "promote", challenger.name, (*reasons, *([f"guardrails kept: {', '.join(kept)}"] if kept else []))
    )


def _about(verdict: Verdict) -> str:
    said = f"{verdict.metric}: {verdict.decision}"
    if verdict.difference is None:
        return said
    p = p_text(verdict.p_adjusted)
    said += f" ({verdict.difference:+.4f}"
    if verdict.low is not None and verdict.high is not None:
        said += f" [{verdict.low:+.4f}, {verdict.high:+.4f}]"
    return f"{said}, p {'' if p[0] == '<' else '= '}{p}, {verdict.n:,} queries)"
