"""Scores of run files: a table with a column for each run, and JSON (docs/guides/metrics-of-run-files.md)."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ragbench.core.ledger import first_ten
from ragbench.core.scores import HoleRange, Scores
from ragbench.metrics.trec_eval.evaluate import TrecResult
from ragbench.render.blocks import Block, Row, notes_block, terminal
from ragbench.render.holes import hole_range_blocks, holes_json
from ragbench.render.numbers import counted

if TYPE_CHECKING:
    from rich.console import RenderableType

JSON = dict[str, object]
SCHEMA_VERSION = 1
RUNS_PER_TABLE = 6
Named = Mapping[str, Scores]
Holes = Mapping[str, Mapping[str, HoleRange]]


def metrics_tables(
    scores: Named, notes: Sequence[str], *, per_query: bool, summary: bool, holes: Holes | None = None
) -> "RenderableType":
    """The means of all runs side by side; tables of the queries of each run and of items without a label if asked."""
    blocks = [_queries(name, one) for name, one in scores.items()] if per_query else []
    blocks += hole_range_blocks(holes or {}, columns=RUNS_PER_TABLE)
    blocks += notes_block([*notes, *score_notes(scores)])
    return terminal([*blocks, _means(scores)] if summary else blocks)


def _means(scores: Named) -> Block:
    first = next(iter(scores.values()))
    means = [one.means() for one in scores.values()]
    rows = tuple((metric, *(number(mean[metric]) for mean in means)) for metric in first.metrics)
    judged = len(first.query_ids)
    return Block(
        f"Mean over {judged:,} judged {'query' if judged == 1 else 'queries'}",
        ("metric", *scores),
        rows,
        main=True,
        columns=RUNS_PER_TABLE,
    )


def _queries(name: str, scores: Scores) -> Block:
    rows: list[Row] = [
        (id_, *map(number, row)) for id_, row in zip(scores.query_ids, scores.values.tolist(), strict=True)
    ]
    return Block(name, ("query", *scores.metrics), tuple(rows))


def number(value: float) -> str:
    """Four decimals without a leading zero, as in ``.2853``; ``-`` for NaN, and whole numbers above 1 as they are."""
    if math.isnan(value):
        return "-"
    if abs(value) >= 1.00005:
        return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"
    text = f"{value:.4f}"
    return text.replace("0.", ".", 1) if abs(value) < 0.99995 else text


def score_notes(scores: Named) -> Iterator[str]:
    """Note what each run lacks, what is not judged, and which queries have nothing relevant."""
    for name, one in scores.items():
        hopeless = {entry.item for entry in one.ledger.of("no-relevant")}
        absent = [entry.item for entry in one.ledger.of("not-retrieved") if entry.item not in hopeless]
        if absent:
            yield f"{name}: nothing is ranked for {len(absent)} of the queries, which count as 0: {first_ten(absent)}"
        strange = [entry.item for entry in one.ledger.of("not-judged")]
        if strange:
            yield f"{name}: {len(strange)} of its queries are not judged and are skipped: {first_ten(strange)}"
        for entry in one.ledger.of("nothing-judged"):
            yield f"warning: {name}: {entry.reason}"
    reasons: dict[str, list[str]] = {}
    for entry in next(iter(scores.values())).ledger.of("no-relevant"):
        reasons.setdefault(entry.reason, []).append(entry.item)
    for reason, items in reasons.items():
        queries, why = counted(len(items), "query"), reason.split("; ")[0]
        yield f"{queries}: {why}; they are skipped where that matters: {first_ten(items)}"


def metrics_json(scores: Named, notes: Sequence[str], *, per_query: bool, holes: Holes | None = None) -> JSON:
    """The JSON object of the table."""
    return {
        "schema_version": SCHEMA_VERSION,
        "runs": [
            {
                "name": name,
                "metrics": {
                    metric: {"mean": none(mean), "n": int((~np.isnan(one.column(metric))).sum())}
                    for metric, mean in one.means().items()
                },
                **({"holes": holes_json(holes[name])} if holes else {}),
                **({"queries": _by_query(one)} if per_query else {}),
            }
            for name, one in scores.items()
        ],
        "notes": [*notes, *score_notes(scores)],
    }


def trec_json(results: Mapping[str, TrecResult], notes: Sequence[str], *, per_query: bool) -> JSON:
    """The JSON object of what trec_eval computes. Geometric means are logarithms for single queries."""
    return {
        "schema_version": SCHEMA_VERSION,
        "runs": [
            {
                "name": name,
                "run_id": one.tag,
                "metrics": {
                    measure.name: none(value)
                    for measure, value in zip(one.measures, one.summary.tolist(), strict=True)
                    if not math.isnan(value)
                },
                **({"queries": _of_trec(one)} if per_query else {}),
            }
            for name, one in results.items()
        ],
        "notes": list(notes),
    }


def _of_trec(one: TrecResult) -> dict[str, dict[str, object]]:
    numbers = [at for at, measure in enumerate(one.measures) if measure.single and measure.name not in one.strings]
    return {
        query: {one.measures[at].name: none(float(one.values[at, i])) for at in numbers}
        | {name: strings[i] for name, strings in one.strings.items()}
        for i, query in enumerate(one.query_ids)
    }


def _by_query(scores: Scores) -> dict[str, dict[str, float | None]]:
    return {
        id_: {metric: none(value) for metric, value in zip(scores.metrics, row, strict=True)}
        for id_, row in zip(scores.query_ids, scores.values.tolist(), strict=True)
    }


def none(value: float) -> float | None:
    """NaN becomes None."""
    return None if math.isnan(value) else value
