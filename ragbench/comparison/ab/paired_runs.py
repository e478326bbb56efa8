"""An offline A/B test: two evaluation runs over the same queries, or a shadow test of the same live queries."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ragbench.comparison.ab.decide import p_text
from ragbench.comparison.ab.outcomes import Guardrail, Outcome
from ragbench.comparison.ab.results import Recommendation
from ragbench.comparison.compare import Compared, CompareSettings, compare_runs
from ragbench.core.brief import brief
from ragbench.core.errors import InputError, SettingError, did_you_mean
from ragbench.core.options import named
from ragbench.core.scored import ScoredRun
from ragbench.core.shown import Shown
from ragbench.core.verdicts import Verdict
from ragbench.stats.online.quantiles import quantile_change

SHARES = {"p50": 0.50, "p95": 0.95, "p99": 0.99}
COST = "cost"
"""A guardrail on what one query costs; the others are latency percentiles: p50, p95, p99."""


@brief
@dataclass(frozen=True)
class WatchedFigure:
    """Latency or cost of both runs against a margin.

    Attributes:
        name: ``p95`` or ``cost``.
        rule: in words.
        control: the control's figure, or None where nothing was measured.
        challenger: the challenger's figure, or None.
        kept: True if the whole interval is within the margin, False if it is beyond the margin, None if undecided.
        low, high: limits of the change, a share of the control if the margin is one; None for the cost, which has no
            interval, and with too few timed queries.
        queries: number of queries that were timed in both runs.
        needed: number of timed queries that would probably decide it if nothing changed; None if it is decided or
            unknown.
        relative: whether the change is a share of the control.
    """

    name: str
    rule: str
    control: float | None
    challenger: float | None
    kept: bool | None
    low: float | None = None
    high: float | None = None
    queries: int = 0
    needed: int | None = None
    relative: bool = True


@brief
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
        """The verdicts on all metrics, the deciding one first."""
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
    watched = tuple(_watched(runs[0], runs[1], guardrail, alpha) for guardrail in guardrails)
    compared = tuple(
        compare_runs(runs, CompareSettings(metrics=tuple(chosen), examples=0, confidence=1 - alpha, seed=seed))
        for chosen in (metrics[:1], metrics[1:])
        if chosen
    )
    verdicts = [verdict for one in compared for verdict in one.verdicts]
    return PairedResult(runs[0].name, runs[1].name, compared, watched, _advice(verdicts, watched, runs[1]))


def _watched(control: ScoredRun, challenger: ScoredRun, guardrail: Guardrail, alpha: float) -> WatchedFigure:
    name = guardrail.outcome.column
    allowed = [*SHARES, COST]
    if name not in allowed:
        raise SettingError(f"guardrail of two runs: no figure {name!r}{did_you_mean(name, allowed)}")
    if guardrail.outcome != Outcome(name, "", "mean", guardrail.upper):
        raise SettingError(
            f"guardrail of two runs: {guardrail.outcome.how!r} is for events; write {name}:max_increase=5%"
        )
    if name == COST:
        return _cost(control.cost_per_query, challenger.cost_per_query, guardrail)
    ids = [id_ for id_ in control.query_ms if id_ in challenger.query_ms]
    if not ids:
        return WatchedFigure(
            name, guardrail.rule, control.latency_ms.get(name), challenger.latency_ms.get(name), None,
            relative=guardrail.relative,
        )  # fmt: skip
    before, after = (np.array([run.query_ms[id_] for id_ in ids]) for run in (control, challenger))
    found = quantile_change(before, after, SHARES[name], relative=guardrail.relative, alpha=alpha)
    kept, needed = None, None
    if found.low is not None and found.high is not None:
        within, beyond = (found.high, found.low) if guardrail.upper else (-found.low, -found.high)
        limit = guardrail.bound if guardrail.upper else -guardrail.bound
        kept = True if within <= limit else False if beyond > limit else None
        if kept is None and guardrail.bound:
            needed = math.ceil(len(ids) * ((found.high - found.low) / 2 / guardrail.bound) ** 2)
    elif len(ids) < found.fewest:
        needed = found.fewest
    return WatchedFigure(
        name, guardrail.rule, found.control, found.challenger, kept, found.low, found.high, len(ids), needed,
        guardrail.relative,
    )  # fmt: skip


def _cost(before: float | None, after: float | None, guardrail: Guardrail) -> WatchedFigure:
    kept = None
    if before is not None and after is not None:
        limit = before * (1 + guardrail.bound) if guardrail.relative else before + guardrail.bound
        kept = after <= limit if guardrail.upper else after >= limit
    return WatchedFigure(COST, guardrail.rule, before, after, kept, relative=guardrail.relative)


def change_text(watched: WatchedFigure) -> str:
    """The interval of the change as `` (+2.0% to +9.1%)``, or an empty text."""
    if watched.low is None or watched.high is None:
        return ""
    low, high = (f"{end:+.1%}" if watched.relative else f"{end:+.3g} ms" for end in (watched.low, watched.high))
    return f" ({low} to {high})"


def _undecided(watched: WatchedFigure) -> str:
    said = f"guardrail {watched.name} ({watched.rule}) is undecided"
    if watched.name == COST or watched.control is None or watched.challenger is None:
        return f"{said}: one of the runs has no figure"
    if not watched.queries:
        return f"{said}: a run has no times by query; evaluate both again"
    said += f" by {watched.queries:,} timed queries{change_text(watched)}"
    return said if watched.needed is None else f"{said}; it takes about {watched.needed:,}"


def _advice(verdicts: Sequence[Verdict], watched: Sequence[WatchedFigure], challenger: ScoredRun) -> Recommendation:
    if challenger.error is not None:
        return Recommendation("no verdict", "", (f"{challenger.name} did not run: {challenger.error}",))
    primary = verdicts[0]
    reasons = [_about(primary)]
    broken = [f"guardrail {w.name} ({w.rule}) is broken: {w.control:.4g} to {w.challenger:.4g}{change_text(w)}"
              for w in watched if w.kept is False]  # fmt: skip
    missing = [_undecided(w) for w in watched if w.kept is None]
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
