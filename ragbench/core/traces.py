"""Traces of a running system: spans as tracing tools record them, and the requests that they describe."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from ragbench.core.answers import Source
from ragbench.core.brief import brief
from ragbench.core.ledger import Ledger

Kind = Literal["retriever", "reranker", "model", "other"]
MADE_ID = "text-"
"""How the id of a passage begins if it is made from its text."""


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a user or an evaluator said about an answer.

    Attributes:
        name: what was asked, such as ``user-rating``.
        score: a number, or None.
        label: a word, or empty.
        comment: a remark, or empty.
    """

    name: str
    score: float | None = None
    label: str = ""
    comment: str = ""


@brief
@dataclass(frozen=True, slots=True)
class Span:
    """One step of a request, whatever tool recorded it.

    Attributes:
        where: file and line or row, for messages.
        trace: id of the trace.
        id: id of the span.
        parent: id of the span that it is part of, or empty.
        kind: what the step did.
        input, output: the text that went in and came out, or empty.
        documents: the passages that a retriever or reranker returned, best first.
        start: when it began, in UTC without a zone, or None.
        seconds: how long it took, or None.
        session, user: ids, or empty.
        failure: why it failed, or empty.
        input_tokens, output_tokens: what a model counted, or None.
        feedback: what users said about it.
    """

    where: str
    trace: str
    id: str
    parent: str = ""
    kind: Kind = "other"
    input: str = ""
    output: str = ""
    documents: tuple[Source, ...] = ()
    start: datetime | None = None
    seconds: float | None = None
    session: str = ""
    user: str = ""
    failure: str = ""
    input_tokens: int | None = None
    output_tokens: int | None = None
    feedback: tuple[Feedback, ...] = ()


@brief
@dataclass(frozen=True, slots=True)
class TracedRequest:
    """One request of a user.

    Attributes:
        id: id of the trace.
        query: what the user asked.
        answer: what the system answered, or empty.
        documents: the passages that were retrieved, best first.
        retrieved: whether the trace has a retriever, even one that found nothing.
        time: when the request came, in UTC without a zone, or None.
        seconds: time to the end of the answer, or None.
        retrieval_seconds: time that retrieval and reranking took, or None.
        session, user: ids, or empty.
        failure: why there is no answer, or empty.
        input_tokens, output_tokens: sums over the calls of language models, or None.
        feedback: what users said about it.
    """

    id: str
    query: str
    answer: str = ""
    documents: tuple[Source, ...] = ()
    retrieved: bool = False
    time: datetime | None = None
    seconds: float | None = None
    retrieval_seconds: float | None = None
    session: str = ""
    user: str = ""
    failure: str = ""
    input_tokens: int | None = None
    output_tokens: int | None = None
    feedback: tuple[Feedback, ...] = ()


@brief
@dataclass(frozen=True)
class Traces:
    """The requests of some files of traces.

    Attributes:
        requests: the requests, in order of time.
        spans: number of spans that were read.
        formats: number of spans by format of the files.
        ledger: what was skipped.
    """

    requests: Sequence[TracedRequest]
    spans: int
    formats: dict[str, int]
    ledger: Ledger = field(default_factory=Ledger)

    def __len__(self) -> int:
        return len(self.requests)
