"""Join the spans of each trace to the request that it answers."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from ragbench.core.answers import Source
from ragbench.core.ledger import LedgerEntry
from ragbench.core.traces import Kind, Span, TracedRequest
from ragbench.io.traces.values import each_once

STAGE = "traces"
SEARCH: tuple[Kind, ...] = ("retriever", "reranker")


def requests_of(spans: Iterable[Span]) -> tuple[list[TracedRequest], list[LedgerEntry]]:
    """The requests in order of time, and what was skipped.

    The query is the input of the root span, else that of the first retriever. The answer is the output of the root,
    else that of the last call of a model. The ranking is that of the last reranker, else those of all retrievers, one
    after another, each passage once.
    """
    traces: dict[str, dict[str, Span]] = {}
    skipped = []
    for span in spans:
        known = traces.setdefault(span.trace, {})
        if span.id in known:
            skipped.append(LedgerEntry(STAGE, span.where, f"the span {span.id!r:.60} was read before", "repeated-span"))
        else:
            known[span.id] = span
    found = []
    for trace, by_id in traces.items():
        request = _request(trace, by_id)
        if request.query:
            found.append(request)
        else:
            where = next(iter(by_id.values())).where
            skipped.append(LedgerEntry(STAGE, where, "no span of the trace has the text of a query", "no-query"))
    found.sort(key=lambda request: (request.time or datetime.max, request.id))
    return found, skipped


def _request(trace: str, by_id: dict[str, Span]) -> TracedRequest:
    spans = sorted(by_id.values(), key=lambda span: span.start or datetime.max)
    steps = [span for span in spans if span.kind != "other" or span.input or span.output or span.start]
    # A span whose parent is not in the file counts as a root: services in front of it may not be traced.
    roots = [span for span in steps if span.parent not in by_id]
    asked = [span for span in roots if span.input] or roots
    root = asked[0] if asked else None
    searches = [span for span in steps if span.kind in SEARCH]
    models = [span for span in steps if span.kind == "model"]
    query = next((span.input for span in ([root] if root else []) + searches + models if span.input), "")
    failure = root.failure if root else ""
    answer = ""
    if root is not None and root.kind not in SEARCH and not failure:
        answer = root.output or next((span.output for span in reversed(models) if span.output), "")
    outer = [span for span in searches if not _below(span, by_id, SEARCH)]
    times = [span.seconds for span in outer if span.seconds is not None]
    called = [span for span in models if not _below(span, by_id, ("model",))]
    return TracedRequest(
        trace, query, answer, _ranking(searches), bool(searches), root.start if root else None,
        root.seconds if root else None, sum(times) if times else None,
        _first(spans, "session"), _first(spans, "user"), failure,
        _sum([span.input_tokens for span in called]), _sum([span.output_tokens for span in called]),
        tuple(dict.fromkeys(one for span in spans for one in span.feedback)),
    )  # fmt: skip


def _below(span: Span, by_id: dict[str, Span], kinds: Sequence[Kind]) -> bool:
    """Whether a span is part of another one of these kinds."""
    seen = {span.id}
    parent = by_id.get(span.parent)
    while parent is not None and parent.id not in seen:
        if parent.kind in kinds:
            return True
        seen.add(parent.id)
        parent = by_id.get(parent.parent)
    return False


def _ranking(searches: list[Span]) -> tuple[Source, ...]:
    reranked = [span for span in searches if span.kind == "reranker" and span.documents]
    used = reranked[-1:] or [span for span in searches if span.documents]
    return each_once(source for span in used for source in span.documents)


def _first(spans: list[Span], name: str) -> str:
    return next((value for span in spans if (value := getattr(span, name))), "")


def _sum(counts: list[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
