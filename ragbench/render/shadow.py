"""A shadow test, as JSON and as blocks."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from ragbench.comparison.shadow import Disagreement, Served, Shadow
from ragbench.core.evaluations import Estimate
from ragbench.core.fingerprint import plain
from ragbench.core.foreign import excerpt
from ragbench.core.ledger import issue_lines, without_folders
from ragbench.render.blocks import Block
from ragbench.render.numbers import counted, fraction, with_interval

VERSION = 1
"""Version of the JSON object; it is raised when a key changes its meaning or is removed."""
SHOWN = 10
"""Disagreements in the table."""
LONGEST = 60
TOP = 3


def shadow_json(found: Shadow) -> dict[str, Any]:
    """All figures and the disagreements, without the milliseconds of single queries."""
    values: Any = plain(asdict(found))
    for side in ("first", "second"):
        (values[side]["latency"] or {}).pop("by_query", None)
    ledger = found.ledger.rows()
    return {"version": VERSION, **values, "skipped": found.ledger.counts(), "ledger": ledger}


def shadow_blocks(found: Shadow) -> list[Block]:
    """How the systems served the queries, where their results differ, and the queries with the largest disagreement."""
    blocks = [_served(found)]
    if len(found.by_type) > 1:
        blocks.append(_by_type(found))
    if found.disagreements:
        blocks.append(_disagreements(found))
    return [*blocks, _results(found)]


def summary(found: Shadow) -> str:
    """What was compared, in a sentence."""
    sessions = f" in {counted(found.sessions, 'session')}" if found.sessions < found.searches else ""
    left = found.searches - found.compared
    only = f"; {left:,} of them have no answer of both systems and are not compared" if left else ""
    return (
        f"{counted(found.searches, 'search', 'searches')}{sessions}, "
        f"{counted(found.queries, 'distinct query', 'distinct queries')}{only}"
    )


def sentences(found: Shadow) -> Iterator[str]:
    """What the figures mean."""
    top = max(found.k)
    yield (
        f"{percent(found.changed[top])} of the searches have other items in the top {top}. On average, the two systems "
        f"share {percent(found.overlap[top])} of these items."
    )
    yield (
        "This shows how much the results differ, not which are better. Label the items that differ, or ask a judge, "
        "before you decide."
    )


def percent(value: Estimate) -> str:
    """``34% [31%, 37%]``."""
    ends = "" if value.low is None or value.high is None else f" [{value.low:.0%}, {value.high:.0%}]"
    return f"{value.mean or 0:.0%}{ends}"


def _results(found: Shadow) -> Block:
    rows = [("rank-biased overlap", with_interval(found.rbo))]
    for cut in found.k:
        rows.append((f"overlap@{cut}", with_interval(found.overlap[cut])))
        what = "another first result" if cut == 1 else f"other items in the top {cut}"
        rows.append((f"searches with {what}", with_interval(found.changed[cut])))
    title = f"{found.second.name} beside {found.first.name}"
    # The queries are named by the user: their lines are enough.
    skipped = without_folders(found.ledger.entries)
    lines = (*sentences(found), *(f"skipped: {line}" for line in issue_lines(skipped, items=5)))
    return Block(title, ("results", "mean [95% interval]"), tuple(rows), lines, (summary(found),), main=True)


def _served(found: Shadow) -> Block:
    first, second = found.first, found.second
    rows = [
        ("failed searches", with_interval(first.failed), with_interval(second.failed),
         with_interval(found.failed_more, signed=True)),
        ("searches without a result", with_interval(first.empty), with_interval(second.empty), ""),
    ]  # fmt: skip
    if first.latency is not None or second.latency is not None:
        rows += [
            ("p50, ms", _median(first), _median(second), ""),
            ("p95, ms", _p95(first), _p95(second), ""),
        ]
    if found.slower is not None:
        shown = "{:+,.1f}".format
        ends = "" if found.slower.low is None or found.slower.high is None else (
            f" [{shown(found.slower.low)}, {shown(found.slower.high)}]"
        )  # fmt: skip
        rows.append(("same queries, mean ms", "", "", shown(found.slower.mean or 0.0) + ends))
    lines = [
        f"{one.name}: {counted(count, 'query')} failed: {excerpt(reason, 120)}"
        for one in (first, second)
        for reason, count in list(one.reasons.items())[:3]
    ]
    lines += [
        f"{one.name}: {counted(one.degraded, 'query')} were not searched as its settings say"
        for one in (first, second)
        if one.degraded
    ]
    return Block("Service", ("", first.name, second.name, "difference"), tuple(rows), tuple(lines))


def _median(one: Served) -> str:
    if one.latency is None:
        return "-"
    ends = one.latency.p50_low, one.latency.p50_high
    return f"{one.latency.p50:,.1f}" + ("" if None in ends else f" [{ends[0]:,.1f}, {ends[1]:,.1f}]")


def _p95(one: Served) -> str:
    return "-" if one.latency is None else f"{one.latency.p95:,.1f}"


def _by_type(found: Shadow) -> Block:
    rows = tuple(
        (one.type, f"{one.searches:,}", with_interval(one.rbo), with_interval(one.changed)) for one in found.by_type
    )
    head = ("type", "searches", "rank-biased overlap", "another first result")
    return Block("By type of query (classified by rules)", head, rows)


def _disagreements(found: Shadow) -> Block:
    rows = tuple(_row(one) for one in found.disagreements[:SHOWN])
    more = len(found.disagreements) - SHOWN
    lines = [f"and {more} more"] if more > 0 else []
    if found.private:
        lines.append(f"{counted(found.private, 'query')} with personal data are not listed")
    head = ("query", "searches", "overlap", f"top {TOP} of {found.first.name}", f"top {TOP} of {found.second.name}")
    return Block("Largest disagreements", head, rows, tuple(lines), align="lrrll")


def _row(one: Disagreement) -> tuple[str, ...]:
    tops = (", ".join(excerpt(item, 20) for item in top[:TOP]) or "nothing" for top in (one.first, one.second))
    return (excerpt(one.text, LONGEST), f"{one.searches:,}", fraction(one.rbo), *tops)
