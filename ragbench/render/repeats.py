"""Repeated runs: where the variance of a score comes from, as a table and as JSON."""

from collections.abc import Mapping
from dataclasses import asdict

from ragbench.core.scores import Components, Scores
from ragbench.render.blocks import Block

PARTS = {
    "document": "document",
    "query": "query",
    "run": "run",
    "run_query": "run x query",
    "judge": "judge",
}
NEGATIVE = "0*: the estimate is below 0, as happens by chance where the true part is small"


def variance_blocks(variance: Mapping[str, Mapping[str, Components]], metric: str) -> list[Block]:
    """The share of each part in the variance of one value of one query, a row for each system that ran several times.

    Args:
        variance: components by system and metric.
        metric: the metric of the table.
    """
    found = {name: by_metric[metric] for name, by_metric in variance.items() if metric in by_metric}
    return _table(f"Share of the variance of {metric}", "system", found)


def metric_variance_blocks(variance: Mapping[str, Components]) -> list[Block]:
    """The same for one system, a row for each metric."""
    return _table("Share of the variance", "metric", variance)


def _table(title: str, of: str, found: Mapping[str, Components]) -> list[Block]:
    if not found:
        return []
    kinds = [kind for kind in PARTS if any(kind in one.parts for one in found.values())]
    rows = tuple(
        (
            name,
            *(_share(one, kind) for kind in kinds),
            _reliability(one.reliability()),
            _reliability(one.reliability(one.runs, one.judgements)),
        )
        for name, one in found.items()
    )
    head = (of, *(PARTS[kind] for kind in kinds), "reliability", "of the mean")
    meaning = ["run: shared by all queries of a run; run x query: of each query on its own"] if "run" in kinds else []
    meaning.append(
        "reliability: correlation of the query scores of two evaluations, with one run and judgement, and with as many "
        "as here"
    )
    if any(one.negative for one in found.values()):
        meaning.append(NEGATIVE)
    return [Block(title, head, rows, tuple(meaning))]


def _share(one: Components, kind: str) -> str:
    if kind not in one.parts or not one.shares:
        return "-"
    return "0*" if kind in one.negative else f"{one.shares[kind]:.0%}"


def _reliability(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def repeats_json(scores: Scores | None, variance: Mapping[str, Components], changed: int) -> dict[str, object] | None:
    """The JSON object of the runs of a system; None for a single run."""
    if scores is None or scores.repeats is None:
        return None
    runs, judgements = scores.repeats.shape[:2]
    parts = {name: components_json(one) for name, one in variance.items()}
    return {"runs": runs, "judgements": judgements, "changed_queries": changed, "variance": parts}


def components_json(one: Components) -> dict[str, object]:
    """The JSON object of components of variance, with their shares and the reliability of means over all runs."""
    return {
        **asdict(one),
        "negative": list(one.negative),
        "shares": one.shares,
        "reliability": one.reliability(one.runs, one.judgements),
    }
