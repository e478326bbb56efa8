"""Golden sets: queries, and the evidence that a system must find for them.

Relevance is kept as evidence: spans of documents. A golden set therefore stays
valid when the chunking changes; `ragbench.core.judgements` derives the labels of chunks or documents from it at
evaluation time.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ragbench.core.brief import brief, numbered
from ragbench.core.errors import InputError, nearest_of
from ragbench.core.fingerprint import fingerprint_list, plain
from ragbench.core.ledger import Ledger, first_ten
from ragbench.core.shown import Shown
from ragbench.core.turns import History

CONVERSATION = "conversation"
"""Key of the metadata that names the conversation of a query."""


@dataclass(frozen=True, slots=True)
class Span:
    """Characters ``start`` to ``end`` (exclusive) of a document, or the whole document if ``end`` is None.

    Examples:
        >>> rb.Span("returns", 9, 16)
        Span(document_id='returns', start=9, end=16)
    """

    document_id: str
    start: int = 0
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """A judged part of a document.

    Attributes:
        document_id: the document.
        start, end: character offsets in its text; ``end`` None means the whole document.
        grade: relevance label; above 0 means relevant, and 0 means judged and not relevant.
        chunk: whether the span is a chunk that was labelled. Where the documents are cut into the same chunk, it alone
            gets the grade; otherwise the span counts like any other.

    Examples:
        >>> rb.Evidence("returns", 9, 16, grade=2).whole
        False
        >>> rb.Evidence("returns").whole
        True
    """

    document_id: str
    start: int = 0
    end: int | None = None
    grade: int = 1
    chunk: bool = False

    @property
    def whole(self) -> bool:
        """Whether the evidence is the whole document."""
        return self.end is None


@brief
@dataclass(frozen=True, slots=True)
class GoldenItem:
    """One query and its labels.

    Attributes:
        id: unique within the set.
        text: the query as a user would type it.
        type: the kind of query ("attribute", "comparative", ...), or empty.
        answer: a reference answer, or None.
        evidence: judged spans; an item without a positive grade has no relevant document.
        masked: spans that the query was made from, which must not be retrieved for it.
        exclude: ids of chunks or documents that this query's ranking must not contain.
        source: the document that the query was written from, or None if it is not recorded. Queries with the same
            source are resampled together.
        metadata: provenance and anything to slice by, JSON values only.
        history: the conversation before the query, oldest turn first; empty for a query that stands alone.

    Examples:
        >>> evidence = (rb.Evidence("returns", 9, 16),)
        >>> item = rb.GoldenItem("q1", "how long can I return an item", evidence=evidence)
        >>> item.unit
        'document:returns'
    """

    id: str
    text: str
    type: str = ""
    answer: str | None = None
    evidence: tuple[Evidence, ...] = ()
    masked: tuple[Span, ...] = ()
    exclude: tuple[str, ...] = ()
    source: str | None = None
    metadata: Mapping[str, object] = field(default_factory=dict)
    history: History = ()

    @property
    def turn(self) -> int:
        """Which turn of its conversation the query is, from 1."""
        return 1 + sum(turn.role == "user" for turn in self.history)

    @property
    def wording(self) -> str | None:
        """How the query is worded (``metadata["wording"]``), or None. The text that it masks is masked for queries of
        the same wording only.
        """
        found = self.metadata.get("wording")
        return found if isinstance(found, str) and found else None

    @property
    def unit(self) -> str:
        """The resampling unit: the source document, else the conversation (``metadata["conversation"]``), else the only
        document with the highest grade, else the query.
        """
        if self.source is not None:
            return f"document:{self.source}"
        conversation = self.metadata.get(CONVERSATION)
        if isinstance(conversation, str) and conversation:
            return f"{CONVERSATION}:{conversation}"
        best = max((e.grade for e in self.evidence), default=0)
        documents = {e.document_id for e in self.evidence if e.grade == best}
        if best > 0 and len(documents) == 1:
            return f"document:{documents.pop()}"
        return f"query:{self.id}"


@brief
@dataclass(frozen=True)
class ChunkLabels:
    """What a file with chunk labels says besides its queries, whose ``metadata["source_chunk_id"]`` has the labels.

    Attributes:
        chunker: the chunker whose chunks are counted; None if the file does not name it.
        places: where each label is, "FILE:LINE" by query id and document id, for messages.
    """

    chunker: str | None = None
    places: Mapping[tuple[str, str], str] = field(default_factory=dict)


@brief
@dataclass(frozen=True)
class GoldenSet(Shown):
    """Queries with unique ids.

    Attributes:
        items: the queries, in order.
        name: name of the set in reports.
        ledger: what was skipped while the set was read.
        chunk_labels: where the chunk labels of the queries come from; None if they have none.

    Raises:
        InputError: there is no item, an id occurs twice, or a query has no text.

    Examples:
        >>> golden = rb.GoldenSet((rb.GoldenItem("q1", "apples", evidence=(rb.Evidence("a"),)),), name="fruit")
        >>> len(golden), golden.has_spans
        (1, False)
        >>> golden[0].text, golden["q1"].id
        ('apples', 'q1')
        >>> golden
        GoldenSet('fruit', 1 query)
    """

    items: tuple[GoldenItem, ...]
    name: str = "golden"
    ledger: Ledger = field(default_factory=Ledger)
    chunk_labels: ChunkLabels | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if not self.items:
            raise InputError(f"golden set {self.name!r} has no query")
        twice = sorted(id_ for id_, n in Counter(item.id for item in self.items).items() if n > 1)
        if twice:
            raise InputError(f"golden set {self.name!r}: {len(twice)} query ids occur twice: {first_ten(twice)}")
        blank = [item.id for item in self.items if not item.text.strip()]
        if blank:
            raise InputError(
                f"golden set {self.name!r}: {len(blank)} queries have no text: {first_ten(blank)}. "
                "Write their text or take them out"
            )

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[GoldenItem]:
        return iter(self.items)

    def __getitem__(self, which: int | str) -> GoldenItem:
        """Return a query by its position or its id.

        Raises:
            InputError: there is no query with that id.
        """
        if isinstance(which, str):
            if which not in self._by_id:
                raise InputError(f"no query {which!r}{nearest_of(which, self._by_id)}")
            return self._by_id[which]
        return self.items[which]

    @cached_property
    def _by_id(self) -> dict[str, GoldenItem]:
        return {item.id: item for item in self.items}

    def _brief(self) -> str:
        return f"{self.name!r}, {numbered(len(self), 'query')}"

    def by_wording(self) -> dict[str, "GoldenSet"]:
        """Return the queries of each wording (`GoldenItem.wording`); those without one are under the empty name."""
        found: dict[str, list[GoldenItem]] = {}
        for item in self.items:
            found.setdefault(item.wording or "", []).append(item)
        return {wording: GoldenSet(tuple(items), self.name) for wording, items in found.items()}

    @property
    def has_spans(self) -> bool:
        """Whether any evidence is a part of a document rather than the whole of it."""
        return any(not e.whole for item in self.items for e in item.evidence if e.grade > 0)

    @cached_property
    def fingerprint(self) -> str:
        """Fingerprint of every item, without the set's name."""
        return fingerprint_of(self.items)


def fingerprint_of(items: Iterable[GoldenItem]) -> str:
    """The fingerprint of a golden set with these items. They are taken one by one."""
    return fingerprint_list(map(_recorded, items))


def _recorded(item: GoldenItem) -> object:
    """An item as fingerprints see it."""
    row: Any = plain(item)
    # Manifests and baselines record fingerprints of sets whose `masked` was called `struck`.
    row["struck"] = row.pop("masked")
    if not row["history"]:
        del row["history"]
    for evidence in row["evidence"]:  # The same holds for sets from before there were chunk labels.
        if not evidence["chunk"]:
            del evidence["chunk"]
    return row
