"""Drafts: queries on their way into a golden set, and what review said of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ragbench.core.goldens import Evidence, Span


@dataclass(frozen=True)
class Opinion:
    """What one review stage said of one draft.

    Attributes:
        stage: the stage's name.
        accepted: whether the draft may go on.
        reason: why, in words; never empty for a rejection.
        detail: numbers and raw answers worth keeping, JSON values only.
        cost: what it took, in the currency of the price table.
    """

    stage: str
    accepted: bool
    reason: str = ""
    detail: Mapping[str, object] = field(default_factory=dict)
    cost: float = 0.0


@dataclass(frozen=True)
class Draft:
    """One query as written, before, during and after review.

    Attributes:
        id: unique and stable: a fingerprint of the chunk, the prompt and the place in the answer.
        text: the query.
        type: the kind of query asked for.
        answer: reference answer, or None.
        quotes: the evidence as the writer quoted it.
        chunk_ids: the chunks it was written from, the first one leading.
        evidence: the quotes as spans of documents, once located.
        masked: spans that must not be found (the masked-sentence writer).
        language: language the query should be in, ISO 639-1.
        provenance: model, prompt version, seed: JSON values only.
        opinions: what review said, in order.
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

    @property
    def rejected_by(self) -> str | None:
        """The stage whose rejection stands, or None: a later opinion of ``reconsider`` overrules ``judge``."""
        standing: str | None = None
        for opinion in self.opinions:
            if not opinion.accepted:
                standing = opinion.stage
            elif opinion.stage == "reconsider" and standing == "judge":
                standing = None
        return standing
