"""What a gate will say to an unchanged candidate: in sentences with two tables, and as JSON (docs/guides/plan.md)."""

from dataclasses import asdict
from typing import TYPE_CHECKING

from ragbench.comparison.gate.forecast import Forecast
from ragbench.core.fingerprint import plain
from ragbench.render.blocks import Block, Line, terminal

if TYPE_CHECKING:
    from rich.console import RenderableType

BY_WORDING = (
    " The queries are in several wordings, and the candidate is as good in each of them. One that is better in some "
    "wordings and worse in others passes less often. More queries do not change that, because the bounds must hold in "
    "a further wording."
)
SCHEMA_VERSION = 1
"""Version of the JSON object; it is raised when a key changes its meaning or is removed."""


def forecast_table(found: Forecast) -> "RenderableType":
    """The answer first, then the rules, then larger sets."""
    return terminal(forecast_blocks(found))


def forecast_blocks(found: Forecast) -> list[Block]:
    """The answer, what it is based on, the chances of each rule, and those of larger sets."""
    lines = (*(Line(line, "strong") for line in forecast_answers(found)), Line(_ground(found)))
    rules = tuple(
        (one.name, one.role, *(f"{share:.0%}" for share in (one.passes, one.inconclusive, one.fails, one.others)))
        for one in found.chances
    )
    sizes = tuple(
        (f"{one.queries:,}", f"{one.documents:,}", *(f"{share:.0%}" for share in (one.passes, one.fails, one.blocked)))
        for one in found.sizes
    )
    head = ("rule", "role", "pass", "inconclusive", "fail", "gate without it")
    return [
        Block(lines=lines),
        Block("An unchanged candidate, by rule", head, rules, align="llrrrr"),
        Block("With more queries", ("queries", "documents", "pass", "fail", "blocked"), sizes, align="rrrrr"),
    ]


def forecast_json(found: Forecast) -> dict[str, object]:
    """The JSON object of a forecast."""
    return {
        "schema_version": SCHEMA_VERSION,
        "sentences": [*forecast_answers(found), _ground(found)],
        "baseline": found.baseline,
        "other": found.other or None,
        "correlation": found.correlation,
        "between": found.between,
        "power": found.power,
        "gates": found.gates,
        "inconclusive": found.rules.inconclusive,
        "rules": [asdict(one) for one in found.chances],
        "bottleneck": None if found.bottleneck is None else found.bottleneck.name,
        "sizes": [plain(asdict(one)) for one in found.sizes],
        "queries": found.queries,
    }


def forecast_answers(found: Forecast) -> list[str]:
    """The chance to pass, the bottleneck, and the queries that decide."""
    now = found.sizes[0]
    several = len(found.chances) > 1
    what = f"all {len(found.chances)} rules" if several else "the rule"
    if several and any(one.role == "guard" for one in found.chances):
        what = "the gate"
    lines = [
        f"With {_set(now.queries, now.documents)}, a candidate that is as good as {found.baseline} passes {what} in "
        f"{now.passes:.0%} of gates and fails in {now.fails:.1%}. With 'inconclusive: {found.rules.inconclusive}', "
        f"{now.blocked:.1%} of gates block it."
    ]
    if found.between is not None and found.correlation is not None:
        more, less = (f"{share:.0%}" for share in found.between)
        ends = (f"{max(1 - times * (1 - found.correlation), 0):.3g}" for times in (1.5, 0.5))
        lines.append(
            f"That assumes how much it differs: it passes in {more} to {less} for correlations of {' to '.join(ends)}. "
            "Two systems measure it."
        )
    worst = found.bottleneck
    if worst is not None:
        lines.append(
            f"The bottleneck is {worst.name}: it passes in {worst.passes:.0%}, and without it the gate would pass in "
            f"{worst.others:.0%}."
        )
    if found.queries is None:
        most = found.sizes[-1]
        lines.append(
            f"Even with {most.queries:,} queries, it passes in only {most.passes:.0%} of gates. Allow a larger margin, "
            "lower a floor, or make rules guards."
        )
    elif found.queries > now.queries:
        lines.append(f"With about {found.queries:,} queries, it would pass in {found.power:.0%} of gates.")
    return lines


def _ground(found: Forecast) -> str:
    noise = (
        f"values that correlate by {found.correlation:g} with the baseline's"
        if found.correlation is not None
        else f"the differences of {found.other} and {found.baseline}, in random direction"
    )
    return (
        f"Simulated: {found.gates:,} gates on documents drawn with replacement, and a candidate with {noise}. Rules on "
        "latency, cost, failures, coverage and exposure see the figures of the baseline."
        + (" Every gate has runs of its own." if found.repeated else "")
        + (BY_WORDING if found.wordings else "")
    )


def _set(queries: int, documents: int) -> str:
    return f"{queries:,} queries" + (f" from {documents:,} documents" if documents < queries else "")
