"""Means by slice, and the exposure of groups of items, as tables and as JSON."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ragbench.comparison.by_slice import slice_gap, slice_means
from ragbench.comparison.exposure import DEPTH, Exposure, GroupExposure, exposure
from ragbench.core.scored import ScoredRun
from ragbench.render.blocks import Block
from ragbench.render.numbers import counted, fraction, with_interval

SYSTEMS, MOST, MOST_SLICES = 3, 20, 30
"""Systems per table, values in a table of exposure, and slices in a table of means."""
EXPOSURE = (
    "exposure: the share of what users see, with 1 / log2(1 + rank) for each rank; relevant: the share of the relevant "
    "items; the gap is exposure minus relevant, and its intervals hold for all values together"
)


def slice_blocks(systems: Sequence[ScoredRun], by: Sequence[str], metric: str) -> list[Block]:
    """A table of means for each column, and one of exposure for each system and column of the corpus.

    Args:
        systems: systems on the same queries, at least one.
        by: the columns.
        metric: metric that all of them have.
    """
    found = []
    for name in by:
        parts = slice_means(systems, name, metric)
        largest = sorted(parts, key=lambda part: -part.queries)[:MOST_SLICES]
        rows = [
            (part.label, f"{part.queries:,}", *(with_interval(one) for one in part.means.values()))
            for part in parts
            if part in largest
        ]
        gaps = [gap for one in systems if (gap := slice_gap(one, name, metric)) is not None]
        lines = tuple(
            f"{gap.system}: the largest gap is {fraction(gap.gap)} [{fraction(gap.low)}, {fraction(gap.high)}], "
            f"between {gap.highest} and {gap.lowest}"
            for gap in gaps
        )
        if gaps:
            compared = " or ".join(str(count) for count in sorted({gap.slices for gap in gaps}))
            lines = (*lines, f"largest gap: of {compared} slices with enough queries; 95% interval over all pairs")
        if len(parts) > MOST_SLICES:
            lines = (*lines, f"{len(parts) - MOST_SLICES} more values have fewer queries")
        head = (name, "queries", *(one.name for one in systems))
        found.append(Block(f"{metric} by {name}, mean [95% interval]", head, tuple(rows), lines, columns=SYSTEMS + 1))
        found += _exposure(exposures(systems, name))
    return found


def exposures(systems: Sequence[ScoredRun], by: str, depth: int = DEPTH) -> list[Exposure]:
    """Compute the exposure by system; none if the column is not one of texts in the corpus."""
    values = systems[0].attributes.get(by, {})
    if not values or all(isinstance(value, float) for value in values.values()):
        return []
    return [exposure(one, by, depth) for one in systems if one.run is not None]


def _exposure(found: Sequence[Exposure]) -> list[Block]:
    if not found:
        return []
    first = found[0]
    by_label = [{group.label: group for group in one.groups} for one in found]
    labels = list(dict.fromkeys(label for groups in by_label for label in groups))
    rows = [
        (
            label,
            fraction(by_label[0][label].relevant) if label in by_label[0] else "-",
            *(_gap(groups[label]) if label in groups else "-" for groups in by_label),
        )
        for label in labels[:MOST]
    ]
    lines = [f"{one.system}: the largest gap is {_gap(one.largest)}: {one.largest.label}" for one in found]
    left = len(labels) - MOST
    lines += [f"{left} more values have a smaller share of the relevant items"] if left > 0 else []
    skipped = {one.system: one.skipped for one in found if one.skipped}
    for count in sorted(set(skipped.values())):
        names = [name for name, skips in skipped.items() if skips == count]
        whose = "" if len(names) == len(found) else f" ({', '.join(names)})"
        lines.append(f"{counted(count, 'query')} without a ranking or a relevant item skipped{whose}")
    title = f"Exposure by {first.by} in the first {first.depth}: gap to the share of the relevant items [95% interval]"
    head = (first.by, "relevant", *(one.system for one in found))
    return [Block(title, head, tuple(rows), (*lines, EXPOSURE), columns=SYSTEMS + 1)]


def _gap(group: GroupExposure) -> str:
    if group.low is None or group.high is None:
        return fraction(group.gap, signed=True)
    return (
        f"{fraction(group.gap, signed=True)} [{fraction(group.low, signed=True)}, {fraction(group.high, signed=True)}]"
    )


def slices_json(systems: Sequence[ScoredRun], by: Sequence[str], metric: str) -> list[dict[str, Any]]:
    """The same figures, not rounded, with one object for each column."""
    found: list[dict[str, Any]] = []
    for name in by:
        gaps = [gap for one in systems if (gap := slice_gap(one, name, metric)) is not None]
        found.append(
            {
                "by": name,
                "metric": metric,
                "slices": [
                    {
                        "label": part.label,
                        "queries": part.queries,
                        "means": {system: asdict(value) for system, value in part.means.items()},
                    }
                    for part in slice_means(systems, name, metric)
                ],
                "gaps": [asdict(gap) for gap in gaps],
                "exposure": [asdict(one) for one in exposures(systems, name)],
            }
        )
    return found
