"""Drift of queries, as JSON and as blocks."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from ragbench.core.fingerprint import plain
from ragbench.core.foreign import excerpt
from ragbench.core.ledger import issue_lines, without_folders
from ragbench.golden.drift.drift import Compared, Drift, Topic, names_of
from ragbench.golden.drift.reweigh import Weights
from ragbench.render.blocks import Block, Cell, Line
from ragbench.render.numbers import counted, fraction, p_value, with_interval

VERSION = 1
"""Version of the JSON object; it is raised when a key changes its meaning or is removed."""
EXAMPLES, UNCOVERED, LONGEST = 3, 5, 60
RARE = 0.01
"""Smaller shares are not shown in tables."""


def drift_json(found: Drift) -> dict[str, Any]:
    """Everything that was measured."""
    values: Any = plain(asdict(found))
    return {"version": VERSION, **values, "skipped": found.ledger.counts(), "ledger": found.ledger.rows()}


def drift_blocks(found: Drift) -> list[Block]:
    """What differs, new topics, what the reference does not cover, and the decision."""
    blocks = [block for one in found.aspects for block in _shares(one)]
    if found.topics:
        blocks.append(_topics(found))
    blocks.append(_coverage(found))
    if found.weights is not None:
        blocks.append(_weights(found.weights))
    return [*blocks, _aspects(found)]


def sentence(found: Drift) -> str:
    """The decision."""
    p = f"p = {p_value(found.p)}, corrected for {len(found.aspects)} comparisons"
    if not found.drifted:
        return (
            f"No drift shown: chance alone explains the differences ({p}). This is no proof that the queries are the "
            "same: with few of them, only large differences stand out."
        )
    differing = names_of(found.aspects, found.alpha)
    return f"Drift: the queries differ in {', '.join(differing)} ({p})."


def sentences(found: Drift) -> Iterator[str]:
    """The decision, and what was compared."""
    yield sentence(found)
    yield summary(found)


def summary(found: Drift) -> str:
    """What was compared."""
    sides = [
        f"{counted(searches, 'query')} of {name} in {counted(sessions, 'session or document', 'sessions or documents')}"
        for name, searches, sessions in zip(
            (found.current, found.reference), reversed(found.searches), reversed(found.sessions), strict=True
        )
    ]
    return f"{sides[0]}, beside {sides[1]}"


def _aspects(found: Drift) -> Block:
    rows = tuple(_aspect(one, found.alpha) for one in found.aspects)
    lines: list[str | Line] = [Line(sentence(found), "bad" if found.drifted else "good")]
    if not found.has_sessions:
        lines.append(
            "The current queries have no sessions, so each one counts as independent. A user who searches again and "
            "again can then look like drift."
        )
    skipped = without_folders(found.ledger.entries)
    lines += [f"skipped: {line}" for line in issue_lines(skipped, items=5)]
    head = ("aspect", "measure", "value", "by chance", "p", "corrected")
    return Block("Queries now beside the reference", head, rows, tuple(lines), (summary(found),), "llrrrr", main=True)


def _aspect(one: Compared, alpha: float) -> tuple[str | Cell, ...]:
    clear = one.p_adjusted <= alpha
    return (
        Cell(one.name, "strong" if clear else ""), one.measure, fraction(one.value), f"< {fraction(one.by_chance)}",
        p_value(one.p), p_value(one.p_adjusted),
    )  # fmt: skip


def _shares(one: Compared) -> Iterator[Block]:
    """The shares of classes that are not rare; nothing if there are not two of them."""
    rows = tuple(
        (name, fraction(before), fraction(now), fraction(now - before, signed=True))
        for name, (before, now) in one.shares.items()
        if max(before, now) >= RARE
    )
    if len(rows) > 1:
        yield Block(f"Shares of {one.name}", (one.name, "reference", "now", "difference"), rows)


def _topics(found: Drift) -> Block:
    rows = tuple(_topic(one) for one in found.topics)
    head = ("topic", "reference", "now", "p", "for example")
    lines = (
        "A new topic has grown, and the reference has hardly any query that is near. Each p is corrected for all "
        "topics and comparisons.",
    )
    return Block("Topics whose share changed", head, rows, lines, align="lrrrl")


def _topic(one: Topic) -> tuple[str | Cell, ...]:
    kind = "new" if one.new else "grew" if one.current > one.reference else "fell"
    shown = "; ".join(excerpt(text, LONGEST) for text in one.examples[:EXAMPLES])
    return (Cell(one.name, tag=kind), fraction(one.reference), fraction(one.current), p_value(one.p), shown)


def _coverage(found: Drift) -> Block:
    covered = found.covered
    lines = [
        f"{with_interval(covered)} of the current queries have a near query in the reference (cosine of {found.near:g} "
        "or more)."
    ]
    if found.uncovered:
        shown = "; ".join(f"{excerpt(text, LONGEST)} ({count:,})" for text, count in found.uncovered[:UNCOVERED])
        lines.append(f"The most frequent without one: {shown}.")
    return Block(lines=tuple(lines))


def _weights(weights: Weights) -> Block:
    title = "Systems on the golden set with the mix of the current queries"
    basis = (
        f"The golden set represents {weights.covered:.0%} of the current queries, and says nothing of the others. Its "
        f"{counted(weights.queries, 'query')} count like {weights.effective:.0f} with equal weights."
    )
    if weights.refused:
        return Block(title, lines=(f"There are no such means: {weights.refused}.",), above=(basis,))
    rows = tuple(
        (one.system, fraction(one.golden), with_interval(one.live),
         "" if one.difference is None else with_interval(one.difference, signed=True))
        for one in weights.systems
    )  # fmt: skip
    metric, first = weights.systems[0].metric, weights.systems[0].system
    head = (metric, "golden set", "current mix", f"difference to {first}")
    return Block(title, head, rows, above=(basis,))
