"""What tables show of items without a label: the bounds of means, and a corrected difference with its bounds."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from ragbench.core.scores import HoleRange
from ragbench.core.verdicts import FilledHoles, Interval
from ragbench.render.blocks import Block
from ragbench.render.numbers import fraction

HEAD = ("system", "without a label", "mean, filled", "difference, filled", "none relevant", "all relevant", "bounds")


def hole_range_blocks(holes: Mapping[str, Mapping[str, HoleRange]], *, columns: int) -> list[Block]:
    """A table with a row for each metric; none if nobody asked for it.

    Args:
        holes: ranges by system and metric.
        columns: number of systems in a table.
    """
    shown = {name: ranges for name, ranges in holes.items() if ranges}
    if not shown:
        return []
    metrics = list(next(iter(shown.values())))
    rows = tuple((metric, *(_range(ranges[metric]) for ranges in shown.values())) for metric in metrics)
    lines = (
        "share of the items within the cut-off that have no label, and the lowest and highest mean if each of them is "
        "either not relevant or has the highest label",
    )
    return [Block("Items without a label", ("metric", *shown), rows, lines, columns=columns)]


def _range(one: HoleRange) -> str:
    if one.lowest is None or one.highest is None:
        return "-"
    return f"{one.share:.0%}: {fraction(one.lowest)} to {fraction(one.highest)}"


def holes_json(holes: Mapping[str, HoleRange]) -> dict[str, object]:
    """The ranges of one system as a JSON object, by metric."""
    return {metric: asdict(one) for metric, one in holes.items()}


def holes_blocks(found: Sequence[FilledHoles]) -> list[Block]:
    """A table; none if no labels of a model were given."""
    if not found:
        return []
    first = found[0]
    title = f"{first.metric}: items without a label, filled by a model and corrected [{first.confidence:.0%} interval]"
    base = (
        first.baseline,
        f"{first.holes_baseline:.0%}",
        _shown(first.mean_baseline, signed=False),
        "-",
        "-",
        "-",
        "-",
    )
    lines = [
        f"the model's errors come from {first.measured:,} items with labels of both kinds. none, all relevant: the "
        "difference if no item without a label is relevant, or if all are. bounds: if only those of one system are"
    ]
    lines += [
        f"{one.candidate}: {one.unfilled} items have no label of the model either and count as not relevant"
        for one in found
        if one.unfilled
    ]
    return [Block(title, HEAD, (base, *map(_row, found)), tuple(lines))]


def _row(one: FilledHoles) -> tuple[str, ...]:
    return (
        one.candidate,
        f"{one.holes_candidate:.0%}",
        _shown(one.mean_candidate, signed=False),
        _shown(one.difference, signed=True),
        fraction(one.irrelevant, signed=True),
        fraction(one.relevant, signed=True),
        f"{fraction(one.lowest, signed=True)} to {fraction(one.highest, signed=True)}",
    )


def _shown(interval: Interval, *, signed: bool) -> str:
    value, low, high = (fraction(end, signed=signed) for end in (interval.value, interval.low, interval.high))
    return f"{value} [{low}, {high}]"
