"""Lexical overlap of queries with what must be found, and its effect on the scores."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ragbench.core.brief import brief
from ragbench.core.documents import Corpus
from ragbench.core.goldens import GoldenItem, GoldenSet
from ragbench.golden.audit.findings import Finding
from ragbench.golden.audit.retrieval import Retrieved
from ragbench.golden.overlap import overlaps
from ragbench.metrics.score import score

QUANTILES = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
HUMAN = (0.28, 0.55)
"""Least and greatest mean overlap of human queries with a relevant document: MED .28, Cranfield .39, SciFact .55."""
LOW, HIGH = 0.15, 0.7
"""Mean overlaps outside of these limits give a warning: about half of the overlap of human queries, and well above
it."""
METRIC = "ndcg@10"


@brief
@dataclass(frozen=True)
class Band:
    """Queries of similar overlap.

    Attributes:
        low, high: least and greatest overlap with the document.
        queries: number of queries.
        means: mean of the metric by retriever.
    """

    low: float
    high: float
    queries: int
    means: dict[str, float]


@brief
@dataclass(frozen=True)
class LexicalLeak:
    """Overlap of queries with their evidence and with its documents.

    Attributes:
        document: share of a query's distinct content words that a relevant document
            has (mean over those of the highest grade; the text that the query masks
            does not count): mean, and quantiles as ``p0`` to ``p100``.
        evidence: the same share for the evidence spans only.
        metric: the metric of the bands.
        bands: deciles of the overlap with the document; fewer if many queries share a value.
        correlation: Spearman's rank correlation of overlap and metric over queries, by retriever.
        findings: notes and warnings about the overlap.
    """

    document: dict[str, float]
    evidence: dict[str, float]
    metric: str
    bands: tuple[Band, ...]
    correlation: dict[str, float]
    findings: tuple[Finding, ...]


def lexical_leak(retrieved: Retrieved, *, language: str = "english", metric: str = METRIC) -> LexicalLeak:
    """Measure the overlap and the scores by overlap.

    Args:
        retrieved: rankings of several retrievers, with their queries and documents.
        language: Snowball language of the content words.
        metric: any metric of ragbench.
    """
    document, evidence = query_overlaps(retrieved.golden, retrieved.corpus, language)
    values = {spec: score(run, retrieved.task.judgements, metric).values[:, 0] for spec, run in retrieved.runs.items()}
    bands = _bands(document, values)
    correlation = {spec: _spearman(document, column) for spec, column in values.items()}
    shares = _quantiles(document)
    findings = (*_high(shares), *_turned(document, values, metric))
    return LexicalLeak(shares, _quantiles(evidence), metric, bands, correlation, findings)


def query_overlaps(
    golden: GoldenSet, corpus: Corpus, language: str = "english"
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Overlap of each query with its relevant documents, and with its evidence; (q,) each, NaN without evidence."""
    texts = {item.id: _texts(item, corpus) for item in golden}
    rows = [(item.text, text) for item in golden for text in texts[item.id]]
    shares = iter(overlaps([query for query, _ in rows], [text for _, text in rows], language))
    document, evidence = [], []
    for item in golden:
        found = [next(shares) for _ in texts[item.id]]
        document.append(float(np.mean(found[1:])) if found else float("nan"))
        evidence.append(float(found[0]) if found else float("nan"))
    return np.array(document), np.array(evidence)


def _texts(item: GoldenItem, corpus: Corpus) -> list[str]:
    """Return the evidence of the highest grade as one text, then each of its documents without masked text."""
    best = max((e.grade for e in item.evidence if e.document_id in corpus.by_id), default=0)
    if best <= 0:
        return []
    spans = [e for e in item.evidence if e.grade == best and e.document_id in corpus.by_id]
    documents = dict.fromkeys(e.document_id for e in spans)
    masked = {id_: _masked(corpus.by_id[id_].text, item, id_) for id_ in documents}
    evidence = " ".join(masked[e.document_id][e.start : e.end] for e in spans)
    # Retrievers index the title before the text.
    return [evidence, *(f"{corpus.by_id[id_].title} {text}" for id_, text in masked.items())]


def _masked(text: str, item: GoldenItem, document_id: str) -> str:
    for span in item.masked:
        if span.document_id == document_id:
            end = len(text) if span.end is None else min(span.end, len(text))
            text = text[: span.start] + " " * (end - span.start) + text[end:]
    return text


def _quantiles(shares: npt.NDArray[np.float64]) -> dict[str, float]:
    defined = shares[~np.isnan(shares)]
    if not len(defined):
        return {}
    found = np.quantile(defined, QUANTILES)
    named = {f"p{round(100 * q)}": round(float(value), 4) for q, value in zip(QUANTILES, found, strict=True)}
    return {"mean": round(float(defined.mean()), 4), **named, "n": len(defined)}


def _bands(shares: npt.NDArray[np.float64], values: dict[str, npt.NDArray[np.float64]]) -> tuple[Band, ...]:
    scored = ~np.isnan(shares) & ~np.isnan(np.array(list(values.values()))).any(axis=0)
    if not scored.any():
        return ()
    edges = np.unique(np.quantile(shares[scored], np.arange(1, 10) / 10, method="inverted_cdf"))
    band = np.searchsorted(edges, shares, side="left")
    bands = []
    for number in range(len(edges) + 1):
        rows = scored & (band == number)
        if rows.any():
            means = {spec: round(float(column[rows].mean()), 4) for spec, column in values.items()}
            bands.append(Band(float(shares[rows].min()), float(shares[rows].max()), int(rows.sum()), means))
    return tuple(bands)


def _spearman(shares: npt.NDArray[np.float64], values: npt.NDArray[np.float64]) -> float:
    both = ~np.isnan(shares) & ~np.isnan(values)
    if both.sum() < 3 or np.ptp(shares[both]) == 0 or np.ptp(values[both]) == 0:
        return float("nan")
    return round(float(np.corrcoef(_ranks(shares[both]), _ranks(values[both]))[0, 1]), 4)


def _ranks(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Ranks from 1; equal values share the mean of theirs."""
    _, at, counts = np.unique(values, return_inverse=True, return_counts=True)
    middle: npt.NDArray[np.float64] = np.cumsum(counts) - (counts - 1) / 2
    return middle[at]


def _high(shares: dict[str, float]) -> tuple[Finding, ...]:
    if not shares:
        return ()
    message = (
        f"a query shares {shares['mean']:.2f} of its content words with its document on average; "
        f"human queries share {HUMAN[0]:.2f} to {HUMAN[1]:.2f} on three public collections"
    )
    if shares["mean"] > HIGH:
        action = "lexical retrievers look better than they are: rewrite the queries with the highest overlap"
        return (Finding("warning", "lexical-leak", message, action),)
    if shares["mean"] < LOW:
        action = (
            "lexical retrievers look worse than they are, and many queries may have no answer: read a sample, "
            "and rewrite or review the queries"
        )
        return (Finding("warning", "low-overlap", message, action),)
    return (Finding("note", "lexical-overlap", message, "read the scores by overlap before you choose a system"),)


def _turned(
    shares: npt.NDArray[np.float64], values: dict[str, npt.NDArray[np.float64]], metric: str
) -> tuple[Finding, ...]:
    """Find two retrievers whose order changes between queries of low and of high overlap."""
    scored = ~np.isnan(shares) & ~np.isnan(np.array(list(values.values()))).any(axis=0)
    if scored.sum() < 20:
        return ()
    middle = np.median(shares[scored])
    low, high = scored & (shares <= middle), scored & (shares > middle)
    if not high.any():
        return ()
    found = []
    specs = list(values)
    for at, first in enumerate(specs):
        for second in specs[at + 1 :]:
            differences = [values[first][rows] - values[second][rows] for rows in (low, high)]
            gaps = [float(gap.mean()) for gap in differences]
            # A difference within its standard error does not count as an order.
            clear = all(abs(gap.mean()) > gap.std() / np.sqrt(len(gap)) for gap in differences)
            if gaps[0] * gaps[1] < 0 and clear:
                found.append(
                    Finding(
                        "warning",
                        "order-by-overlap",
                        f"{first} against {second}: {metric} {gaps[0]:+.3f} on the half of low overlap, "
                        f"{gaps[1]:+.3f} on the other; which is better depends on how the queries are worded",
                        "find out which half resembles your users' queries, and decide on that half",
                    )
                )
    return tuple(found)
