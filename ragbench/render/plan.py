"""A plan in sentences with two small tables, and as the documented JSON object (docs/guides/plan.md)."""

from dataclasses import asdict
from typing import TYPE_CHECKING

from ragbench.comparison.assumed import Assumed
from ragbench.comparison.layout import Layout
from ragbench.comparison.pilot import Pilot
from ragbench.comparison.plan import Goal, Plan, Range, Row
from ragbench.comparison.repeat_plan import TRIED, RepeatPlan
from ragbench.comparison.wording_plan import WordingPlan
from ragbench.core.fingerprint import plain
from ragbench.render.blocks import Block, Line, notes_block, terminal
from ragbench.render.numbers import counted

if TYPE_CHECKING:
    from rich.console import RenderableType

SCHEMA_VERSION = 1
"""Version of the JSON object; it is raised when a key changes its meaning or is removed."""


def plan_tables(plan: Plan) -> "RenderableType":
    """The answer first, then what it is based on, then the tables."""
    return terminal(plan_blocks(plan))


def plan_blocks(plan: Plan) -> list[Block]:
    """The answer, what it is based on, notes, and what more queries would show."""
    bold = [Line(line, "strong") for line in answers(plan)]
    found = [Block(lines=(*bold, *grounds(plan))), *notes_block(plan.warnings)]
    if plan.by_queries:
        head = ("queries", "documents", "detectable")
        found.append(Block("More queries from more documents", head, tuple(_more(plan)), align="rrr"))
    if plan.repeats is not None:
        found.append(_repeats(plan.repeats, plan.goals[0] if plan.goals else None))
    if plan.by_depth:
        title = f"More queries from the same {counted(plan.documents or 0, 'document')}"
        found.append(Block(title, ("per document", "queries", "detectable"), tuple(_deeper(plan)), align="rrr"))
    return found


def plan_json(plan: Plan) -> dict[str, object]:
    """The JSON object of a plan."""
    return {
        "schema_version": SCHEMA_VERSION,
        "sentences": [*answers(plan), *grounds(plan)],
        "metric": plan.settings.metric,
        "pilot": None if plan.pilot is None else _pilot(plan.pilot),
        "assumed": None if plan.assumed is None else _assumed(plan.assumed),
        "labels": None if plan.layout is None else _labels(plan.layout),
        "design": {**asdict(plan.design), "design_effect": plan.design.effect},
        "assurance": None if plan.pilot is None else plan.settings.assurance,
        "planned_sd": plan.design.sd * plan.assured,
        "queries": plan.queries,
        "documents": plan.documents,
        "smallest": None if plan.smallest is None else asdict(plan.smallest),
        "smallest_margin": None if plan.smallest_margin is None else asdict(plan.smallest_margin),
        "goals": [plain(asdict(goal)) for goal in plan.goals],
        "by_queries": [asdict(row) for row in plan.by_queries],
        "by_depth": [asdict(row) for row in plan.by_depth],
        "limit": plan.limit,
        "test": None if plan.choice is None else plan.choice.test,
        "warnings": list(plan.warnings),
        "repeats": None if plan.repeats is None else plain(asdict(plan.repeats)),
        "wordings": None if plan.wordings is None else plain(asdict(plan.wordings)),
        "settings": asdict(plan.settings),
    }


def answers(plan: Plan) -> list[str]:
    """What can be detected, and how many queries more would take."""
    lines = []
    if plan.queries is not None:
        place = f"With {_spread(plan, plan.queries, plan.documents or 0)} you can detect"
        if plan.smallest is None:
            lines.append(f"{place} no difference in {plan.settings.metric}, however large.")
        else:
            lines.append(f"{place} {_range(plan.smallest)} in {plan.settings.metric}.")
    lines += [_goal(goal, plan) for goal in plan.goals if goal.aim == "difference"]
    if plan.smallest_margin is not None:
        lines.append(f"For the gate: an equally good candidate passes a margin of {_range(plan.smallest_margin)}.")
    lines += [_goal(goal, plan) for goal in plan.goals if goal.aim == "margin"]
    return lines if plan.wordings is None else [*lines, *_over_wordings(plan.wordings, plan.settings.power)]


def _over_wordings(found: WordingPlan, power: float) -> list[str]:
    """What is left of these chances where queries ask in several wordings."""
    lines = [
        f"A verdict on these queries also needs a mean difference of at least {_size(found.small)} that no wording "
        f"contradicts. The difference varies between the {found.wordings} wordings by a standard deviation of "
        f"about {_size(found.between)}, which so few wordings show only roughly."
    ]
    for goal in found.goals:
        what = _size(goal.size) if goal.aim == "difference" else f"a margin of {_size(goal.size)}"
        lost = f": the wordings cost {1 - goal.power_now / goal.without:.0%} of the power" if goal.without > 0 else ""
        lines.append(
            f"For {what}, the chance of such a verdict is {goal.power_now:.0%}, not {goal.without:.0%}{lost}. With any "
            f"number of queries it is {goal.most:.0%}."
        )
    lines.append(
        "More queries in these wordings do not help with this: however many there are, they detect no "
        f"difference below {_size(found.limit)} with a chance of {power:.0%}. Labelled queries of your users help."
    )
    return lines


def grounds(plan: Plan) -> list[str]:
    """What the answer is based on, and which test it holds for."""
    lines = []
    design = plan.design
    if plan.pilot is not None:
        lines.append(_measured(plan.pilot, plan))
        if plan.assured > 1:
            lines.append(
                f"The plan uses a standard deviation of {_size(plan.design.sd * plan.assured)}, which is at least "
                f"the true one in {plan.settings.assurance:.0%} of such pilots (assurance). The measured one is too "
                "low in about half of them."
            )
    else:
        if plan.layout is not None:
            lines.append(_counted(plan.layout))
        lines.append(_assumption(plan))
    if design.effect > 1.005:
        lines.append(
            f"Queries of one document resemble each other: {design.effect:.2f} of them count as much as one "
            "independent query (design effect)."
        )
    if plan.choice is not None:
        lines.append(
            f'"Can detect" means: if the true difference has that size, the default test of compare '
            f"({plan.choice.test}) shows it in {plan.settings.power:.0%} of comparisons, two-sided at {_level(plan)}. "
            "For several comparisons, divide alpha by their number."
        )
    if any(goal.aim == "margin" for goal in plan.goals):
        lines.append(
            f"If the candidate is just as good, it passes the margin in {plan.settings.power:.0%} of runs. This holds "
            f"for the gate's one-sided bound at {_level(plan)} (false_passes)."
        )
    return lines


def _repeats(found: RepeatPlan, goal: Goal | None) -> Block:
    """How many runs of each query are worth their cost, and what others give."""
    times = "one run" if found.best == 1 else f"{found.best} runs"
    text = (
        f"From run to run, one query's difference has a standard deviation of {_size(found.within**0.5)}; between "
        f"queries it is {_size(found.between**0.5)}. If one more query with its labels costs as much as "
        f"{found.query_cost:g} runs of a query, {times} of each query {'is' if found.best == 1 else 'are'} worth the "
        "cost."
    )
    rows = [(str(row.runs), f"{row.queries:,}", f"{row.error:.4f}".replace("0.", ".", 1)) for row in found.rows]
    head = ("runs", "queries for the same cost", "standard error")
    if goal is not None and any(row.needed is not None for row in found.rows):
        what = _size(goal.size) if goal.aim == "difference" else f"a margin of {_size(goal.size)}"
        text += f" The column at the right has the queries that {what} needs with so many runs."
        needed = ["none is enough" if row.needed is None else f"{row.needed:,}" for row in found.rows]
        return Block(
            "Runs of each query", (*head, f"queries for {what}"),
            tuple((*row, more) for row, more in zip(rows, needed, strict=True)), above=(text,), align="rrrr",
        )  # fmt: skip
    if goal is not None:
        text += f" No number of queries is enough for {_size(goal.size)} with up to {max(TRIED)} runs of each."
    return Block("Runs of each query", head if rows else (), tuple(rows), above=(text,), align="rrr" if rows else "")


def _counted(layout: Layout) -> str:
    queries, documents = layout.sizes.n, layout.sizes.clusters
    source = "each from its own document"
    if documents < queries:
        uneven = f", which count as {layout.effective:.0f} of equal size" if layout.effective < documents - 0.5 else ""
        source = f"from {documents:,} documents{uneven}"
    without = f" {counted(layout.without, 'query')} without one are not used." if layout.without else ""
    return (
        f"The labels have {counted(queries, 'query')} with a relevant document, {source}; {layout.single:.0%} of the "
        f"queries have a single relevant document.{without}"
    )


def _assumption(plan: Plan) -> str:
    design, assumed = plan.design, plan.assumed
    alike = f", intraclass correlation {_size(design.icc)}" if design.per_document > 1 else ""
    if assumed is None:
        return f"Assumed: differences with a standard deviation of {_size(design.sd)}{alike}."
    text = (
        f"Assumed: {assumed.metric} of {_size(assumed.level)} for both systems, and a correlation of "
        f"{_size(assumed.correlation)} between their values"
    )
    if assumed.discordant is not None:
        text += f", so that exactly one of them succeeds on {assumed.discordant:.1%} of the queries"
    else:
        usual = "typical at this level" if assumed.value_sd < assumed.most else "the largest at this level"
        text += f"; the values have a standard deviation of {_size(assumed.value_sd)} ({usual})"
    return f"{text}. The differences have a standard deviation of {_size(design.sd)}{alike}. A pilot measures it."


def _goal(goal: Goal, plan: Plan) -> str:
    what = _size(goal.size) if goal.aim == "difference" else f"a margin of {_size(goal.size)}"
    chance = "" if goal.power_now is None else f" At present the chance is {goal.power_now:.0%}."
    if goal.queries is None or goal.documents is None:
        return f"For {what}, no number of queries is enough.{chance}"
    known = "" if goal.range is None else f" (95% range {goal.range[0]:,} to {goal.range[1]:,})"
    whole = f"{_spread(plan, goal.queries, goal.documents)} in all{known}"
    if plan.queries is None:
        return f"For {what}, write {_spread(plan, goal.queries, goal.documents)}."
    if not goal.more_queries:
        return f"For {what}, this is enough: you need {whole}.{chance}"
    source = f" from {goal.more_documents or 0:,} more {'document' if goal.more_documents == 1 else 'documents'}"
    source = source if plan.design.per_document > 1 else ""
    text = f"For {what}, write {goal.more_queries:,} more {_noun(goal.more_queries)}{source}: {whole}.{chance}"
    if plan.design.icc > 0 and plan.documents is not None and plan.alike_known:
        same = f"the same {plan.documents:,} documents"
        text += (
            f" With {same} you need {goal.per_document:,} queries per document."
            if goal.per_document is not None
            else f" No number of queries on {same} is enough."
        )
    return text


def _measured(pilot: Pilot, plan: Plan) -> str:
    alike = ""
    if pilot.icc is not None:
        found = pilot.icc
        alike = f", intraclass correlation {_size(found.value)} [{_size(found.low)}, {_size(found.high)}]"
    source = f" from {counted(pilot.sizes.clusters, 'document')}" if pilot.sizes.clusters < pilot.sizes.n else ""
    taken = f"; the plan uses {_size(plan.settings.icc)}, as set" if plan.settings.icc is not None else ""
    return (
        f"Measured on {pilot.candidate} against {pilot.baseline}, {counted(pilot.sizes.n, 'query')}{source}: mean "
        f"difference {_size(float(pilot.differences.mean()), signed=True)}, standard deviation "
        f"{_size(pilot.sd)}{alike}{taken}. Another pair may vary more or less."
    )


def _spread(plan: Plan, queries: int, documents: int) -> str:
    source = f" from {documents:,} documents" if plan.design.per_document > 1 else ""
    return f"{queries:,} {_noun(queries)}{source}"


def _noun(queries: int) -> str:
    return "query" if queries == 1 else "queries"


def _range(found: Range) -> str:
    if found.low is None or found.high is None:
        return _size(found.value)
    return f"{_size(found.value)} [{_size(found.low)}, {_size(found.high)}]"


def _size(value: float, *, signed: bool = False) -> str:
    """Two or three significant digits: ``.300``, ``.030``, ``.0064``, ``-.070``."""
    digits = 3 if abs(value) >= 0.0095 or value == 0 else 4 if abs(value) >= 0.00095 else 5
    text = f"{value:+.{digits}f}" if signed else f"{value:.{digits}f}"
    return text.replace("0.", ".", 1) if abs(value) < 0.9995 else text


def _level(plan: Plan) -> str:
    return f"{plan.settings.alpha:g}".replace("0.", ".", 1)


def _more(plan: Plan) -> list[tuple[str, ...]]:
    return [(f"{row.queries:,}", f"{row.documents:,}", _shown(row)) for row in plan.by_queries]


def _deeper(plan: Plan) -> list[tuple[str, ...]]:
    rows = [(f"{row.per_document:g}", f"{row.queries:,}", _shown(row)) for row in plan.by_depth]
    return [*rows, ("unlimited", "", "nothing" if plan.limit is None else _size(plan.limit))]


def _shown(row: Row) -> str:
    return "nothing" if row.smallest is None else _size(row.smallest)


def _assumed(assumed: Assumed) -> dict[str, object]:
    return {**asdict(assumed), "sd": assumed.sd, "discordant": assumed.discordant}


def _labels(layout: Layout) -> dict[str, object]:
    return {
        "queries": layout.sizes.n,
        "without_relevant": layout.without,
        "documents": layout.sizes.clusters,
        "effective_documents": layout.effective,
        "relevant": layout.relevant,
        "single_relevant": layout.single,
    }


def _pilot(pilot: Pilot) -> dict[str, object]:
    return {
        "baseline": pilot.baseline,
        "candidate": pilot.candidate,
        "queries": pilot.sizes.n,
        "documents": pilot.sizes.clusters,
        "design_effect": pilot.effect,
        "effective_per_document": pilot.sizes.effective,
        "differing": pilot.differing,
        "difference": float(pilot.differences.mean()),
        "sd": pilot.sd,
        "icc": None if pilot.icc is None else asdict(pilot.icc),
        "binary": pilot.binary,
    }
