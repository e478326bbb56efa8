"""Answers of a RAG system to queries, with the passages that the model saw."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

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


@dataclass(frozen=True)
class AnswerSet(Shown):
    """The answers of one system, one per query.

    Attributes:
        items: the answers, in the order of the questions.
        name: name of the system in reports.
        ledger: what was skipped while they were made or read.
        manifest: how they were made: retriever, model, prompt, fingerprints; empty for answers made elsewhere.

    Raises:
        InputError: there is no item, or a query is answered twice.

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

    def __post_init__(self) -> None:
        if not self.items:
            raise InputError(f"answers {self.name!r}: there is none")
        twice = sorted(id_ for id_, n in Counter(item.query_id for item in self.items).items() if n > 1)
        if twice:
            raise InputError(f"answers {self.name!r}: {len(twice)} queries are answered twice: {first_ten(twice)}")

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Answered]:
        return iter(self.items)

    @cached_property
    def fingerprint(self) -> str:
        """Fingerprint of queries, sources and answers, without times and costs."""
        return fingerprint(
            [
                [a.query_id, a.query, a.answer, [[s.id, s.text] for s in a.sources], a.cited, a.abstained, a.failure]
                for a in self.items
            ]
        )
