"""Plan the size of a golden set for a difference that you want to detect."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, floor, log10

import numpy as np

from ragbench.comparison.assumed import ICC, Assumed, assume
from ragbench.comparison.gate.bounds import FEWEST_CLUSTERS
from ragbench.comparison.layout import Layout
from ragbench.comparison.pilot import Pilot
from ragbench.comparison.plan_settings import PlanSettings
from ragbench.comparison.repeat_plan import RepeatPlan, plan_repeats
from ragbench.comparison.wording_plan import WordingPlan, plan_wordings
from ragbench.core.brief import brief
from ragbench.core.context import generator
from ragbench.core.errors import SettingError
from ragbench.core.options import named
from ragbench.core.shown import Shown
from ragbench.stats.choose import WHOLE_RUNS, Choice, choose_test
from ragbench.stats.icc import resampled_errors
from ragbench.stats.power import (
    MOST_QUERIES,
    Aim,
    Design,
    RunEffects,
    least,
    power_of,
    queries_needed,
    smallest_of_documents,
    smallest_size,
)
from ragbench.stats.repeats import FEWEST_RUNS

FEW = 30
"""A pilot with fewer documents, or with fewer that differ, is called small."""
LOOSE = 0.5
"""If the interval of the ICC is wider, the value of more queries per document is unclear."""
TIMES = (0.5, 1, 2, 4, 8)
DEPTHS = (1, 2, 3, 5, 10, 20, 50)
STEPS = (1, 2, 3, 5)


@dataclass(frozen=True)
class Bounds:
    """How uncertain a pilot's design is.

    Attributes:
        low, high: designs at the ends of the 95% interval.
        planned: the design that the plan uses, with upper bounds. Their level is the assurance.
    """

    low: Design
    high: Design
    planned: Design


@dataclass(frozen=True)
class Range:
    """A figure with the 95% interval that follows from the pilot's uncertainty; the ends are None without a pilot.

    From a pilot, the figure itself uses the upper bound of the standard error (the assurance), not the measured one.
    """

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Goal:
    """The queries that one size of effect needs.

    Attributes:
        aim: a difference (two-sided) or a margin (one-sided).
        size: size of the difference or margin.
        power_now: power of the present queries; None without a number of queries.
        queries: queries needed in all, for whole documents; None if no number is enough.
        documents: documents that these queries come from.
        more_queries, more_documents: how many more are needed; all of them without a number of queries.
        range: range of the queries needed, from the pilot's uncertainty; None without a pilot.
        per_document: queries needed from each of the present documents instead; None if no number is enough, or the
            present queries are enough.
    """

    aim: Aim
    size: float
    power_now: float | None
    queries: int | None
    documents: int | None
    more_queries: int | None
    more_documents: int | None
    range: tuple[int, int] | None = None
    per_document: int | None = None


@dataclass(frozen=True)
class Row:
    """The smallest difference that a number of queries can detect; None if they can detect none."""

    queries: int
    documents: int
    per_document: float
    smallest: float | None


@brief
@dataclass(frozen=True)
class Plan(Shown):
    """The power of a golden set, now and with more queries.

    Attributes:
        settings: settings of the plan.
        pilot: the pilot; None if the plan uses assumptions.
        assumed: how the metric varies at the assumed level; None without a level.
        layout: queries and documents of the labels, if the plan is from labels alone.
        design: variation of the differences, as measured or assumed, and queries per document.
        assured: factor by which the figures use a larger standard deviation, so that the share of pilots that is the
            assurance plan enough; 1 without a pilot.
        queries, documents: present or assumed numbers; None if unknown.
        smallest: smallest difference that the queries can detect; None if they can detect none, or their number is
            unknown.
        goals: the wanted difference, or the next smaller round one; then the margin, if one was given.
        smallest_margin: smallest margin that a gate can confirm for an equally good candidate.
        by_queries: rows for more queries from more documents, with equally many from each.
        by_depth: rows for more queries from the present documents, with equally many from each.
        limit: the smallest difference that any number of queries from these documents can detect.
        alike_known: whether the ICC was measured or given; if not, ``by_depth`` and ``limit`` are missing.
        choice: the test that the plan assumes.
        warnings: weak points of the plan.
        repeats: how many runs of each query are worth their cost; None if it is unknown how runs vary.
        wordings: what a verdict over wordings leaves of the power; None for a pilot on queries without wordings.
    """

    settings: PlanSettings
    pilot: Pilot | None
    assumed: Assumed | None
    layout: Layout | None
    design: Design
    assured: float
    queries: int | None
    documents: int | None
    smallest: Range | None
    goals: tuple[Goal, ...]
    smallest_margin: Range | None
    by_queries: tuple[Row, ...]
    by_depth: tuple[Row, ...]
    limit: float | None
    alike_known: bool
    choice: Choice | None
    warnings: tuple[str, ...]
    repeats: RepeatPlan | None = None
    wordings: WordingPlan | None = None


def make_plan(settings: PlanSettings, pilot: Pilot | None = None, layout: Layout | None = None) -> Plan:
    """Plan the size of a golden set.

    Args:
        settings: settings of the plan; without a pilot they need the standard deviation or the level of the metric.
        pilot: two systems on a few queries.
        layout: queries and documents of the labels, if there is no pilot.

    Raises:
        SettingError: a needed setting is missing, or a setting contradicts the pilot.
    """
    assumed = None
    if pilot is not None:
        design = _measured_design(settings, pilot)
    else:
        assumed = _assumed(settings, layout)
        design = _assumed_design(settings, assumed, layout)
    queries = settings.queries or (pilot.sizes.n if pilot else layout.sizes.n if layout else None)
    if queries is None and settings.delta is None and settings.margin is None:
        raise SettingError(
            f"nothing to plan: say how many {named('queries')} there are, or which {named('delta')} is to be detected"
        )
    documents = None if queries is None else _documents(design, queries)
    if queries is not None and queries < design.per_document:
        raise SettingError(f"{queries} queries cannot come from documents of {design.per_document:g} queries each")
    bounds = None if pilot is None else _bounds(settings, design, pilot)
    smallest = _smallest(design, queries, settings, "difference", bounds)
    wanted = settings.delta or _next_size(smallest, design, settings)
    planned = design if bounds is None else bounds.planned
    goals = []
    if wanted is not None:
        goals.append(_goal(planned, queries, wanted, "difference", settings, bounds))
    if settings.margin is not None:
        goals.append(_goal(planned, queries, settings.margin, "margin", settings, bounds))
    known = _alike_known(settings, pilot)
    asked = goals[0].queries if goals and queries is None else queries
    return Plan(
        settings=settings,
        pilot=pilot,
        assumed=assumed,
        layout=layout,
        design=design,
        assured=planned.sd / design.sd,
        queries=queries,
        documents=documents,
        smallest=smallest,
        goals=tuple(goals),
        smallest_margin=_smallest(design, queries, settings, "margin", bounds) if settings.margin else None,
        by_queries=_by_queries(planned, asked, settings),
        by_depth=_by_depth(planned, documents, settings) if known else (),
        limit=_limit(planned, documents, settings) if known else None,
        alike_known=known,
        choice=None if asked is None else _choice(planned, asked),
        warnings=(
            *_warnings(design, queries, settings, pilot, smallest, assumed),
            *_run_warnings(settings, pilot, planned),
        ),
        repeats=_repeats(settings, pilot, design, queries, planned, goals[0] if goals else None),
        wordings=_wordings(settings, pilot, planned, queries, goals),
    )


def _choice(design: Design, queries: int) -> Choice:
    """The test of a comparison with so many queries."""
    if design.runs is not None:
        return Choice("t", "none", WHOLE_RUNS)
    return choose_test(n=queries, clusters=min(queries, _documents(design, queries)), binary=design.binary)


def _wordings(
    settings: PlanSettings, pilot: Pilot | None, design: Design, queries: int | None, goals: Sequence[Goal]
) -> WordingPlan | None:
    """Compute what is left of the power if no wording may contradict a claim."""
    if pilot is None or pilot.wordings is None or queries is None:
        return None
    return plan_wordings(
        pilot.wordings, design, queries, [(goal.size, goal.aim, goal.power_now or 0.0) for goal in goals],
        alpha=settings.alpha, power=settings.power, rng=generator(settings.seed, "plan", "wordings"),
    )  # fmt: skip


def _repeats(
    settings: PlanSettings, pilot: Pilot | None, design: Design, queries: int | None, planned: Design,
    goal: Goal | None,
) -> RepeatPlan | None:  # fmt: skip
    """Plan the runs of each query, if it is known how they vary."""
    runs = None if pilot is None else pilot.runs
    if runs is not None and settings.run_sd is not None:
        raise SettingError("is measured by the pilot, whose systems ran several times", option="run_sd")
    total = design.error(1) ** 2
    if runs is not None:
        within, shared, present = runs.within, runs.shared, runs.runs
        between = max(total - runs.of_mean, 0.0)
    elif settings.run_sd is not None:
        within, shared, present = settings.run_sd**2, 0.0, 1.0
        between = total - within
        if between <= 0:
            raise SettingError(
                f"is {settings.run_sd:g}, but differences of one run have a standard deviation of {design.sd:.3g} in "
                "all; it must be smaller",
                option="run_sd",
            )
    else:
        return None

    def needed(count: int) -> int | None:
        assert goal is not None
        bound = 0.0 if planned.runs is None else planned.runs.shared
        if bound > 0 and count < FEWEST_RUNS:
            return None
        sd = planned.sd * ((between + within / count) / (between + within / present)) ** 0.5
        effects = None if runs is None or bound == 0 else runs.effects(count, bound)
        return _needed(replace(planned, sd=sd, runs=effects), goal.size, goal.aim, settings)

    return plan_repeats(
        between, within, shared, query_cost=settings.query_cost, queries=queries, runs=present,
        needed=None if goal is None else needed,
    )  # fmt: skip


def _run_warnings(settings: PlanSettings, pilot: Pilot | None, planned: Design) -> list[str]:
    """Say what a plan assumes where systems ran several times."""
    runs = None if pilot is None else pilot.runs
    if runs is None:
        return []
    counts = " and ".join(map(str, dict.fromkeys((runs.baseline_runs, runs.candidate_runs))))
    notes = [f"the figures are for {counts} runs of each query, as in the pilot"]
    if planned.runs is not None:
        reach = smallest_size(
            Design(1e-9, runs=replace(planned.runs, within=0.0)), MOST_QUERIES, power=settings.power,
            alpha=settings.alpha,
        )  # fmt: skip
        bound = f", at most {planned.runs.shared**0.5:.2g} with {settings.assurance:.0%} assurance"
        notes.append(
            f"effects that whole runs share have an estimated standard deviation of {runs.shared_of_mean**0.5:.2g} in "
            f"the difference of these means{bound if settings.assurance > 0.5 else ''}. No number of queries averages "
            f"them out: with these runs, none detects a difference below {reach:.2g}"
        )
    return notes


def _assumed(settings: PlanSettings, layout: Layout | None) -> Assumed | None:
    if settings.level is None:
        if settings.correlation is not None:
            raise SettingError(f"needs {named('level')}, or {named('rules')} of a gate", option="correlation")
        return None
    return assume(settings.metric, settings.level, settings.correlation, None if layout is None else layout.single)


def _assumed_design(settings: PlanSettings, assumed: Assumed | None, layout: Layout | None) -> Design:
    sd = settings.sd if assumed is None else assumed.sd
    if sd is None:
        raise SettingError(
            f"name two systems as a pilot, or give {named('level')}: the mean of the metric, published or guessed; or "
            f"{named('sd')}: the standard deviation of the differences"
        )
    by_labels = layout is not None and settings.per_document is None
    each = layout.sizes.mean if layout and by_labels else settings.per_document or 1.0
    alike = settings.icc if settings.icc is not None or assumed is None else ICC
    if each > 1 and alike is None:
        raise SettingError(
            f"with {each:.3g} queries per document the plan needs {named('icc')}: how alike differences of one "
            "document are, 0 to 1. A pilot measures it"
        )
    unevenness = layout.sizes.unevenness if layout and by_labels else 1.0
    return Design(sd, alike or 0.0, each, unevenness, bool(assumed and assumed.binary))


def _measured_design(settings: PlanSettings, pilot: Pilot) -> Design:
    for name in ("sd", "level"):
        if getattr(settings, name) is not None:
            raise SettingError("cannot be used with a pilot, which measures how differences vary", option=name)
    measured = None if pilot.icc is None else min(1.0, max(0.0, pilot.icc.value))
    alike = settings.icc if settings.icc is not None else measured
    if settings.per_document is None:
        effect = pilot.effect if settings.icc is None else None
        sizes = pilot.sizes
        return Design(pilot.sd, alike or 0.0, sizes.mean, sizes.unevenness, pilot.binary, effect, _effects(pilot))
    if alike is None and settings.per_document > 1:
        raise SettingError(
            "the pilot cannot measure how alike differences of one document are (it has too few documents with "
            f"several queries), and the plan needs it for {named('per_document')}: give {named('icc')}, 0 to 1"
        )
    return Design(pilot.sd, alike or 0.0, settings.per_document, 1.0, pilot.binary, runs=_effects(pilot))


def _effects(pilot: Pilot, confidence: float | None = None) -> RunEffects | None:
    """How the difference of the pilot varies from run to run: estimated, or an upper bound."""
    runs = pilot.runs
    if runs is None:
        return None
    return runs.effects(runs.runs, runs.shared_of_mean if confidence is None else runs.shared_at(confidence))


def _alike_known(settings: PlanSettings, pilot: Pilot | None) -> bool:
    return settings.icc is not None or pilot is None or pilot.icc is not None


def _documents(design: Design, queries: int) -> int:
    # The mean number of queries per document is a fraction. Its product with the documents must not round up.
    return ceil(queries / design.per_document - 1e-9)


def _bounds(settings: PlanSettings, design: Design, pilot: Pilot) -> Bounds:
    """Return how uncertain the pilot's standard error is, and what its runs share."""
    effective = 1.0 if settings.icc is not None else settings.per_document
    draws = resampled_errors(pilot.differences, pilot.clusters, effective, generator(settings.seed, "plan"))
    known = pilot.sd if settings.icc is not None else design.error(1)
    low, high, planned = (np.quantile(draws, (0.025, 0.975, settings.assurance)) / known).tolist()
    # Differences from -1 to 1 have a standard deviation of at most 1, whatever a few of them suggest.
    most = max(1.0, 1 / pilot.sd) if np.abs(pilot.differences).max() <= 1 else float("inf")
    planned = 1.0 if settings.assurance == 0.5 else min(max(planned, 1.0), most)
    assured = None if settings.assurance == 0.5 else settings.assurance
    return Bounds(
        replace(design, sd=design.sd * min(low, 1.0), runs=_effects(pilot, 0.025)),
        replace(design, sd=design.sd * min(max(high, planned), most), runs=_effects(pilot, 0.975)),
        replace(design, sd=design.sd * planned, runs=_effects(pilot, assured)),
    )


def _smallest(
    design: Design, queries: int | None, settings: PlanSettings, aim: Aim, bounds: Bounds | None
) -> Range | None:
    if queries is None or not _possible(design, queries, aim):
        return None

    def size(one: Design) -> float | None:
        return smallest_size(one, queries, aim=aim, power=settings.power, alpha=settings.alpha)

    planned = size(design if bounds is None else bounds.planned)
    if planned is None or bounds is None:
        return None if planned is None else Range(planned)
    return Range(planned, size(bounds.low), size(bounds.high))


def _goal(
    design: Design, queries: int | None, size: float, aim: Aim, settings: PlanSettings, bounds: Bounds | None
) -> Goal:
    now = None
    if queries is not None:
        possible = _possible(design, queries, aim)
        now = power_of(design, queries, size, aim=aim, alpha=settings.alpha) if possible else 0.0
    needed = _needed(design, size, aim, settings)
    if needed is None:
        return Goal(aim, size, now, None, None, None, None)
    low, high = (
        (None, None) if bounds is None else (_needed(one, size, aim, settings) for one in (bounds.low, bounds.high))
    )
    documents = _documents(design, needed)
    have = 0 if queries is None else _documents(design, queries)
    more = max(0, needed - (queries or 0))
    return Goal(
        aim,
        size,
        now,
        needed,
        documents,
        more,
        max(0, documents - have) if more else 0,
        None if low is None or high is None else (low, high),
        _depth_needed(design, have, size, aim, settings) if queries is not None and more else None,
    )


def _needed(design: Design, size: float, aim: Aim, settings: PlanSettings) -> int | None:
    """Return the queries needed: at least the documents that a verdict needs, rounded up to whole documents."""
    found = queries_needed(design, size, aim=aim, power=settings.power, alpha=settings.alpha)
    if found is None:
        return None
    if aim == "margin":
        found = max(found, ceil(FEWEST_CLUSTERS * design.per_document))
    return floor(_documents(design, found) * design.per_document + 1e-9)


def _depth_needed(design: Design, documents: int, size: float, aim: Aim, settings: PlanSettings) -> int | None:
    """Return the queries needed from each present document, equally many from each; None if no number is enough."""
    limit = smallest_of_documents(design, documents, aim=aim, power=settings.power, alpha=settings.alpha)
    if limit is None or limit >= size or (aim == "margin" and documents < FEWEST_CLUSTERS):
        return None
    if design.runs is not None:
        return least(lambda m: power_of(design.spread_over(m), documents * m, size, aim=aim, alpha=settings.alpha)
                     >= settings.power)  # fmt: skip
    # With more queries per document only the standard error falls: (1 + (m - 1) icc) / m = a / m + icc.
    alone = smallest_size(replace(design.spread_over(1), binary=False), documents, aim=aim,
                          power=settings.power, alpha=settings.alpha)  # fmt: skip
    if alone is None:
        return None
    each = (1 - design.icc) / ((size / alone) ** 2 - design.icc)
    return max(1, ceil(each - 1e-9))


def _possible(design: Design, queries: int, aim: Aim) -> bool:
    return aim == "difference" or design.clusters(queries) >= FEWEST_CLUSTERS


def _next_size(smallest: Range | None, design: Design, settings: PlanSettings) -> float | None:
    """Return the largest round size (1, 2, 3 or 5 times a power of ten) below three quarters of the detectable one."""
    if smallest is None:
        return None
    bar = 0.75 * smallest.value
    power = floor(log10(bar))
    return max(round(step * 10.0**at, 12) for at in (power - 1, power) for step in STEPS if step * 10.0**at <= bar)


def _by_queries(design: Design, queries: int | None, settings: PlanSettings) -> tuple[Row, ...]:
    if queries is None:
        return ()
    rows = []
    for times in TIMES:
        documents = max(1, round(queries * times / design.per_document))
        n = queries if times == 1 else floor(documents * design.per_document + 1e-9)
        rows.append(_row(design, n, settings))
    return _unique(rows)


def _by_depth(design: Design, documents: int | None, settings: PlanSettings) -> tuple[Row, ...]:
    """Make rows for more queries per document; none if queries of one document are as good as others."""
    if documents is None or design.icc == 0:
        return ()
    each = sorted({*DEPTHS, round(design.per_document)})
    return tuple(_row(design.spread_over(m), documents * m, settings) for m in each)


def _row(design: Design, queries: int, settings: PlanSettings) -> Row:
    smallest = smallest_size(design, queries, power=settings.power, alpha=settings.alpha)
    return Row(queries, _documents(design, queries), design.per_document, smallest)


def _unique(rows: Sequence[Row]) -> tuple[Row, ...]:
    return tuple({row.queries: row for row in rows if row.queries >= row.per_document}.values())


def _limit(design: Design, documents: int | None, settings: PlanSettings) -> float | None:
    if documents is None or design.icc == 0:
        return None
    return smallest_of_documents(design, documents, power=settings.power, alpha=settings.alpha)


def _warnings(
    design: Design, queries: int | None, settings: PlanSettings, pilot: Pilot | None, smallest: Range | None,
    assumed: Assumed | None,
) -> tuple[str, ...]:  # fmt: skip
    found = list(pilot.notes) if pilot else []
    if pilot is not None:
        unit = "documents" if pilot.sizes.clusters < pilot.sizes.n else "queries"
        if pilot.sizes.clusters < FEW:
            found.append(
                f"the pilot has {pilot.sizes.clusters} independent {unit}, fewer than {FEW}: its standard deviation "
                "is uncertain, and the ranges above may be too narrow"
            )
        elif pilot.differing < FEW:
            found.append(
                f"only {pilot.differing} {unit} of the pilot differ: the plan depends on them, and a real change "
                "may affect more"
            )
        if pilot.icc is not None and settings.icc is None and pilot.icc.high - pilot.icc.low > LOOSE:
            found.append(
                f"the intraclass correlation is uncertain ({pilot.icc.low:.2f} to {pilot.icc.high:.2f}), so the gain "
                "from more queries on the same documents is a guess"
            )
        if pilot.icc is not None and pilot.icc.value < 0 and settings.icc is None:
            found.append(
                "the intraclass correlation is negative: the plan treats the queries of one document as independent"
            )
    if assumed is not None and smallest is not None and smallest.value > 1 - assumed.level:
        found.append(
            f"no candidate can be better by {smallest.value:.3f}: at a level of {assumed.level:g} only "
            f"{1 - assumed.level:.3g} is left, so these queries can only show a loss"
        )
    if queries is not None and smallest is None:
        found.append(
            f"{_documents(design, queries)} independent units are too few: no test can reach p = "
            f"{settings.alpha:g} with them"
        )
    return tuple(found)
