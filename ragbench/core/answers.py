"""Answers of a RAG system to queries, with the passages that the model saw."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from ragbench.core.brief import brief, numbered
from ragbench.core.errors import InputError
from ragbench.core.fingerprint import fingerprint
from ragbench.core.ledger import Ledger, first_ten
from ragbench.core.shown import Shown


@dataclass(frozen=True, slots=True)
class Source:
    """A passage that the model saw.

    Attributes:
        id: the chunk (or whatever the service calls it), unique within one answer.
        document_id: the document it is from.
        text: the text as the model saw it.
        score: score of the retriever, or None.
    """

    id: str
    document_id: str
    text: str
    score: float | None = None


@brief
@dataclass(frozen=True, slots=True)
class Answered:
    """One query and the system's answer.

    Attributes:
        query_id: the golden item's id.
        query: text of the query.
        answer: text of the answer; empty if there is none.
        sources: passages that the model saw, best first.
        cited: ids of the sources that the answer cites, in order of citation.
        abstained: whether the system said that it does not know. That is not a failure, and right for an unanswerable
            query.
        failure: why there is no answer, or empty.
        seconds: time from the question to the complete answer; None if it was not measured.
        first_token_seconds: time to the first piece of a streamed answer.
        retrieval_seconds: time until the passages were found, if the system reports it.
        input_tokens, output_tokens: as counted by the provider; None if it does not report them.
        cost: cost in the currency of the price table; None if it is unknown.
        metadata: anything to slice by, JSON values only.

    Examples:
        >>> from ragbench.core.answers import Answered
        >>> Answered("q1", "How long can I return an item?", "30 days.").abstained
        False
    """

    query_id: str
    query: str
    answer: str
    sources: tuple[Source, ...] = ()
    cited: tuple[str, ...] = ()
    abstained: bool = False
    failure: str = ""
    seconds: float | None = None
    first_token_seconds: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost: float | None = None
    metadata: Mapping[str, object] = field(default_factory=dict)
    retrieval_seconds: float | None = None


@brief
@dataclass(frozen=True)
class AnswerSet(Shown):
    """The answers of one system, one per query and run.

    Attributes:
        items: the answers, in the order of the questions; those of the first run, if the system ran several times.
        name: name of the system in reports.
        ledger: what was skipped while they were made or read.
        manifest: how they were made: retriever, model, prompt, fingerprints; empty for answers made elsewhere.
        repeats: the answers of the other runs; empty if the system ran once.

    Raises:
        InputError: a run has no item, or answers a query twice.

    Examples:
        >>> from ragbench.core.answers import Answered
        >>> answers = rb.AnswerSet((Answered("q1", "How long can I return an item?", "30 days."),), name="v1")
        >>> len(answers), answers.items[0].answer
        (1, '30 days.')
    """

    items: tuple[Answered, ...]
    name: str = "answers"
    ledger: Ledger = field(default_factory=Ledger)
    manifest: Mapping[str, object] = field(default_factory=dict)
    repeats: tuple[tuple[Answered, ...], ...] = ()

    def __post_init__(self) -> None:
        for number, items in enumerate(self.runs, start=1):
            of_run = f" of run {number}" if self.repeats else ""
            if not items:
                raise InputError(f"answers {self.name!r}: there is none{of_run}")
            twice = sorted(id_ for id_, n in Counter(item.query_id for item in items).items() if n > 1)
            if twice:
                raise InputError(
                    f"answers {self.name!r}: {len(twice)} queries{of_run} are answered twice: {first_ten(twice)}"
                    + ("" if self.repeats else ". If they are of several runs, name the run of each in a column 'run'")
                )

    @property
    def runs(self) -> tuple[tuple[Answered, ...], ...]:
        """The answers of each run; one for a system that ran once."""
        return (self.items, *self.repeats)

    def _brief(self) -> str:
        return f"{self.name!r}, {numbered(len(self), 'answer')}"

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Answered]:
        return iter(self.items)

    @cached_property
    def fingerprint(self) -> str:
        """Fingerprint of queries, sources and answers, without times and costs."""
        runs = [
            [
                [a.query_id, a.query, a.answer, [[s.id, s.text] for s in a.sources], a.cited, a.abstained, a.failure]
                for a in items
            ]
            for items in self.runs
        ]
        return fingerprint(runs if self.repeats else runs[0])

    @cached_property
    def changed(self) -> tuple[str, ...]:
        """Ids of the queries whose answer was not the same in every run."""
        others = [{item.query_id: _said(item) for item in items} for items in self.repeats]
        return tuple(a.query_id for a in self.items if any(one.get(a.query_id) != _said(a) for one in others))


def _said(item: Answered) -> tuple[object, ...]:
    return item.answer, item.abstained, item.failure
