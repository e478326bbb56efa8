"""Score by lexical overlap: the scores of queries that share few or many words with their relevant items."""

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ragbench.core.judgements import Judgements
from ragbench.core.scored import ScoredRun
from ragbench.golden.overlap import ContentWords
from ragbench.render.charts._frames import metric_estimate
from ragbench.render.charts.chart import BANDS_HINT, Chart, estimate_text, lines_figure, quantitative, rows_of, share

if TYPE_CHECKING:
    import pandas as pd

PARTS = 10
FEWEST = 10
"""Fewest queries of a part. Fewer than ten times as many queries give fewer parts."""


def query_overlaps(
    queries: Sequence[str], query_ids: Sequence[str], judgements: Judgements, texts: Mapping[str, str]
) -> npt.NDArray[np.float64]:
    """Return for each query (q,) the share of its distinct content words that its relevant items contain.

    The mean over its items of the highest grade, as `ragbench golden audit` has it for documents; NaN for a query
    without a relevant item whose text is there, and for one without content words.

    Args:
        queries: texts of the queries.
        query_ids: ids of the queries.
        judgements: labels of items.
        texts: text by item id.
    """
    labels = judgements.to_dict()
    pairs = [(row, item) for row, id_ in enumerate(query_ids) for item in _best(labels.get(id_, {})) if item in texts]
    found = np.full(len(queries), np.nan)
    if not pairs:
        return found
    rows = np.array([row for row, _ in pairs], dtype=np.int64)
    shares = _shares(queries, pairs, texts)
    defined = ~np.isnan(shares)
    count = np.bincount(rows[defined], minlength=len(queries))
    total = np.bincount(rows[defined], weights=shares[defined], minlength=len(queries))
    some = count > 0
    found[some] = total[some] / count[some]
    return found


def _shares(
    queries: Sequence[str], pairs: Sequence[tuple[int, str]], texts: Mapping[str, str]
) -> npt.NDArray[np.float64]:
    """Return `ragbench.golden.overlap.overlaps` (n,) of each query and item; every text is read once."""
    items = list(dict.fromkeys(item for _, item in pairs))
    place = {item: len(queries) + i for i, item in enumerate(items)}
    words = ContentWords.of([*queries, *(texts[item] for item in items)])
    width = max(len(words.vocabulary), 1)
    has = words.row * width + words.word  # ascending
    query = np.array([row for row, _ in pairs], dtype=np.int64)
    item = np.array([place[item] for _, item in pairs], dtype=np.int64)
    counts = words.counts()
    first = np.concatenate(([0], np.cumsum(counts)))
    lengths = counts[query]
    pair = np.repeat(np.arange(len(pairs)), lengths)
    within = np.arange(len(pair)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    asked = item[pair] * width + words.word[first[query][pair] + within]
    at = np.minimum(np.searchsorted(has, asked), len(has) - 1)
    hits = np.bincount(pair[has[at] == asked], minlength=len(pairs))
    with np.errstate(invalid="ignore"):
        shares: npt.NDArray[np.float64] = hits / lengths
    return shares


def overlap_frame(runs: Sequence[ScoredRun], metric: str, texts: Mapping[str, str]) -> "pd.DataFrame":
    """Return one row per system and part of the queries. Systems without labels have no rows.

    The queries are cut at the tenths of their overlap; equal overlaps stay together, so there may be fewer parts,
    and there are at least `FEWEST` queries to a part on average.

    Columns: ``system``; ``overlap`` (mean of the part), ``from``, ``to``; ``value``, ``low``, ``high`` (mean of the
    metric and 95% interval); ``n``, queries with a value.
    """
    import pandas as pd

    found = []
    known: dict[int, npt.NDArray[np.float64]] = {}
    for run in runs:
        if run.error is not None or run.judgements is None or metric not in run.scores.metrics:
            continue
        if id(run.judgements) not in known:  # the arms of one evaluation share queries and labels
            known[id(run.judgements)] = query_overlaps(run.queries.texts, run.queries.ids, run.judgements, texts)
        overlap = known[id(run.judgements)].copy()
        overlap[np.isnan(run.scores.column(metric))] = np.nan
        for rows in _parts(overlap):
            value = metric_estimate(run, metric, rows)
            own = overlap[rows]
            found.append((run.name, own.mean(), own.min(), own.max(), value.mean, value.low, value.high, value.n))
    columns = ["system", "overlap", "from", "to", "value", "low", "high", "n"]
    frame = pd.DataFrame(found, columns=columns)
    return frame.astype(dict.fromkeys(columns[1:-1], float))


def overlap_chart(frame: "pd.DataFrame", metric: str, systems: Sequence[str] | None = None) -> Chart:
    """Draw a line per system over the overlap.

    Args:
        frame: columns of `overlap_frame`.
        metric: name of the metric.
        systems: all systems of the report, whose order decides colour and shape; by default those of the frame.
    """
    names = list(dict.fromkeys(frame["system"]))
    said = [estimate_text(row.value, row.low, row.high) for row in rows_of(frame)]
    spans = [_span(low, high) for low, high in zip(frame["from"], frame["to"], strict=True)]
    shown = frame.assign(said=said, span=spans)
    ends = []
    for name in names:
        own = shown[shown["system"] == name]
        first, last = own.iloc[0], own.iloc[-1]
        ends.append(f"{name} {first['said']} at {first['span']}, {last['said']} at {last['span']}")
    description = (
        f"Mean {metric} by the share of a query's content words that what must be found has, from the lowest tenth of "
        f"the queries to the highest: {'; '.join(ends)}."
    )
    axis = {"format": ".1~f", "tickCount": 6, "grid": False}
    x = quantitative("overlap", "words shared with what must be found", scale={"zero": False, "padding": 10}, axis=axis)
    hover = (("system", "system"), ("span", "overlap"), ("said", f"{metric} [95%]"), ("n", "queries"))
    spec = lines_figure(description, shown, metric, x, systems or names, hover)
    rows = tuple(
        (row.system, row.span, share(row.value), share(row.low), share(row.high), str(row.n)) for row in rows_of(shown)
    )
    head = ("system", "overlap", metric, "low", "high", "queries")
    return Chart("overlap", f"{metric} by lexical overlap", description, spec, head, rows, BANDS_HINT)


def _best(labels: Mapping[str, int]) -> list[str]:
    best = max(labels.values(), default=0)
    return sorted(item for item, label in labels.items() if label == best) if best > 0 else []


def _parts(overlap: npt.NDArray[np.float64]) -> list[npt.NDArray[np.int64]]:
    """Split the rows into parts, the lowest overlap first. Equal overlaps stay together."""
    order = np.argsort(overlap, kind="stable")
    order = order[: int((~np.isnan(overlap)).sum())]
    if not len(order):
        return []
    full = len(order) / max(1, min(PARTS, len(order) // FEWEST))
    ends = np.flatnonzero(np.append(np.diff(overlap[order]) > 0, True)) + 1
    cuts = [0]
    for end in ends.tolist():
        if end - cuts[-1] >= full - 0.5:
            cuts.append(end)
    # What is left over goes with the last part, unless it is half a part by itself.
    if cuts[-1] < len(order):
        if len(order) - cuts[-1] < full / 2 and len(cuts) > 1:
            cuts.pop()
        cuts.append(len(order))
    return [order[low:high] for low, high in itertools.pairwise(cuts)]


def _span(low: float, high: float) -> str:
    return share(low) if low == high else f"{share(low)} to {share(high)}"
