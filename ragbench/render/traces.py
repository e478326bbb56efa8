"""Requests of traces, as rows of ragbench's own files, as JSON and as blocks."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from ragbench.core.answers import Answered, AnswerSet, Source
from ragbench.core.brief import numbered
from ragbench.core.ledger import issue_lines, without_folders
from ragbench.core.traces import MADE_ID, TracedRequest, Traces
from ragbench.render.blocks import Block

VERSION = 1


def log_rows(found: Traces) -> Iterator[dict[str, object]]:
    """A row per request, as `ragbench.io.search_logs` reads them."""
    for one in found.requests:
        row: dict[str, object] = {"query_id": one.id, "query": one.query}
        given = {"session_id": one.session, "user_id": one.user, "timestamp": one.time and one.time.isoformat()}
        row |= {key: value for key, value in given.items() if value}
        yield {**row, "results": [source.id for source in one.documents]}


def ranking_of(found: Traces) -> dict[str, dict[str, float]]:
    """The rankings of the requests that searched, as a run file in JSON.

    Scores stay as they were recorded if they agree with the order of the passages. Otherwise, as with distances or
    without scores, the passage at position n gets 1/n.
    """
    return {one.id: _scores(one.documents) for one in found.requests if one.retrieved}


def _scores(documents: tuple[Source, ...]) -> dict[str, float]:
    scores = [source.score for source in documents if source.score is not None]
    kept = len(scores) == len(documents) and all(high > low for high, low in pairwise(scores))
    return {
        source.id: source.score if kept and source.score is not None else 1 / rank
        for rank, source in enumerate(documents, start=1)
    }


def answers_of(found: Traces, name: str) -> AnswerSet | None:
    """The answers of the requests that have one or failed; None if there is none."""
    items = tuple(_answered(one) for one in found.requests if one.answer or one.failure)
    return AnswerSet(items, name, found.ledger, {"from": "traces"}) if items else None


def _answered(one: TracedRequest) -> Answered:
    feedback = {said.name: said.label or said.score for said in one.feedback if said.label or said.score is not None}
    return Answered(
        one.id, one.query, one.answer, one.documents, failure=one.failure, seconds=one.seconds,
        input_tokens=one.input_tokens, output_tokens=one.output_tokens, retrieval_seconds=one.retrieval_seconds,
        metadata={"feedback": feedback} if feedback else {},
    )  # fmt: skip


def feedback_rows(found: Traces) -> Iterator[dict[str, object]]:
    """A row per feedback, with the query that it is about."""
    for one in found.requests:
        for said in one.feedback:
            row = {"query_id": one.id, "query": one.query, "name": said.name, "score": said.score}
            yield {**row, "label": said.label, "comment": said.comment}


def traces_json(found: Traces) -> dict[str, Any]:
    """Counts, latencies, and what was skipped."""
    requests = found.requests
    times = [one.time for one in requests if one.time is not None]
    return {
        "version": VERSION,
        "spans": found.spans,
        "formats": found.formats,
        "requests": len(requests),
        "with_ranking": sum(one.retrieved for one in requests),
        "empty_rankings": sum(one.retrieved and not one.documents for one in requests),
        "with_answer": sum(bool(one.answer) for one in requests),
        "failed": sum(bool(one.failure) for one in requests),
        "sessions": len({one.session for one in requests if one.session}),
        "with_feedback": sum(bool(one.feedback) for one in requests),
        "without_document_ids": sum(any(source.id.startswith(MADE_ID) for source in one.documents) for one in requests),
        "from": min(times).isoformat() if times else None,
        "to": max(times).isoformat() if times else None,
        "seconds": _quantiles([one.seconds for one in requests if one.seconds is not None]),
        "retrieval_seconds": _quantiles(
            [one.retrieval_seconds for one in requests if one.retrieval_seconds is not None]
        ),
        "skipped": found.ledger.counts(),
        "ledger": found.ledger.rows(),
    }


def _quantiles(seconds: list[float]) -> dict[str, float] | None:
    if not seconds:
        return None
    p50, p95 = np.quantile(seconds, (0.5, 0.95)).tolist()
    return {"p50": round(p50, 6), "p95": round(p95, 6)}


def traces_blocks(found: Traces) -> list[Block]:
    """What was read, what was found in it, and what was skipped."""
    counts = traces_json(found)
    formats = ", ".join(f"{name} {count:,}" for name, count in found.formats.items())
    period = f", from {counts['from']} to {counts['to']}" if counts["from"] else ""
    rows = [(label, f"{counts[key]:,}") for key, label in (
        ("requests", "requests"), ("with_ranking", "with a ranking"), ("empty_rankings", "with an empty ranking"),
        ("with_answer", "with an answer"), ("failed", "failed"), ("with_feedback", "with feedback"),
        ("sessions", "sessions"),
    )]  # fmt: skip
    for key, label in (("seconds", "p50 and p95 of the time to the answer"),
                       ("retrieval_seconds", "p50 and p95 of the time of retrieval")):  # fmt: skip
        if counts[key]:
            rows.append((label, f"{counts[key]['p50']:.3f} s, {counts[key]['p95']:.3f} s"))
    notes = [f"skipped: {line}" for line in issue_lines(without_folders(found.ledger.entries), items=5)]
    if counts["without_document_ids"]:
        notes.append(
            f"{numbered(counts['without_document_ids'], 'request')} with passages that have no id; "
            "ragbench made their ids from their texts"
        )
    return [
        Block(lines=(f"{numbered(found.spans, 'span')} ({formats}){period}.", *notes)),
        Block("Traces", ("what", "number"), tuple(rows), main=True),
    ]
