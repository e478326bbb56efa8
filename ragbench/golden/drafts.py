"""Drafts: queries under review, and the opinions of the review stages."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from ragbench.core.goldens import Evidence, Span

NOTHING: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Opinion:
    """The opinion of one review stage on one draft.

    Attributes:
        stage: the stage's name.
        accepted: whether the draft passes this stage.
        reason: the reason in words; never empty for a rejection.
        detail: numbers and raw answers to keep, JSON values only.
        cost: cost of the opinion, in the currency of the price table.
    """

    stage: str
    accepted: bool
    reason: str = ""
    detail: Mapping[str, object] = field(default_factory=lambda: NOTHING)
    cost: float = 0.0


@dataclass(frozen=True, slots=True)
class Draft:
    """A query as it was written, with its review so far.

    Attributes:
        id: a unique and stable fingerprint of the chunk, the prompt and the place in the answer.
        text: the query.
        type: the kind of query that was requested.
        answer: the reference answer, or None.
        quotes: the evidence as the writer quoted it.
        chunk_ids: the chunks it was written from, the first one leading.
        evidence: spans of the quotes in their documents, after they were located.
        masked: spans that retrievers must not find (masked queries).
        language: ISO 639-1 code of the language that was requested.
        provenance: model, prompt version and seed, JSON values only.
        opinions: opinions of the review stages, in order.
        rejected_by: the stage whose rejection stands, or None.
    """

    id: str
    text: str
    type: str
    answer: str | None
    quotes: tuple[str, ...]
    chunk_ids: tuple[str, ...]
    evidence: tuple[Evidence, ...] = ()
    masked: tuple[Span, ...] = ()
    language: str = "en"
    provenance: Mapping[str, object] = field(default_factory=dict)
    opinions: tuple[Opinion, ...] = ()
    rejected_by: str | None = None

    def reviewed(self, opinion: Opinion, overrules: str | None = None) -> "Draft":
        """Return the draft with one more opinion.

        Args:
            opinion: the opinion of a stage.
            overrules: the earlier stage whose rejection this one lifts when it accepts.
        """
        standing = self.rejected_by
        if not opinion.accepted:
            standing = opinion.stage
        elif standing == overrules:
            standing = None
        return replace(self, opinions=(*self.opinions, opinion), rejected_by=standing)
