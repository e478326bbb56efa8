"""The contract of a review stage, and helpers that several stages share."""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from ragbench import plugins
from ragbench.core.context import Context
from ragbench.core.documents import Chunks, Corpus
from ragbench.core.runs import Query
from ragbench.golden.drafts import Draft, Opinion
from ragbench.models.llm.base import Asker


@dataclass(frozen=True)
class ReviewContext:
    """The inputs of a stage.

    Attributes:
        corpus: the documents.
        chunks: their chunks.
        askers: language models by role (``judge``, ``reconsider``). A role is missing if the user named no model for
            it.
        seed: seed of the run.
        context: cache and progress, for retrievers and embedders.
    """

    corpus: Corpus
    chunks: Chunks
    askers: Mapping[str, Asker]
    seed: int
    context: Context


class Stage(ABC):
    """Accepts or rejects drafts. A subclass is a frozen dataclass whose fields are its settings."""

    role: ClassVar[str | None] = None
    """Role of the language model that the stage needs, or None."""

    @abstractmethod
    async def review(self, drafts: Sequence[Draft], context: ReviewContext) -> list[Opinion]:
        """Give one opinion per draft, in order. Drafts that were finally rejected are not passed."""


def passages_for(drafts: Sequence[Draft], context: ReviewContext, nearest: int) -> list[list[str]]:
    """Return the chunks that each draft was written from. For queries without an answer, add the ``nearest`` that BM25
    finds.
    """
    chunks = context.chunks
    own = [list(draft.chunk_ids) for draft in drafts]
    open_ = [at for at, draft in enumerate(drafts) if draft.type == "unanswerable"]
    if open_:
        index = plugins.build(plugins.RETRIEVERS, "bm25").index(chunks, context.context)
        run = index.search([Query(drafts[at].id, drafts[at].text) for at in open_], nearest)
        for place, at in enumerate(open_):
            own[at] += [id_ for id_, _ in run.ranking(place) if id_ not in own[at]]
    return [[chunks[chunks.row[id_]].content for id_ in ids] for ids in own]


_WORD = re.compile(r"\w+(?:[.,'’]\w+)*")
# Words that carry no subject in an English query. Queries in other languages keep all their words.
_EMPTY_WORDS = """
a about above after all also am an and any are as at be because been before being below between both but by can
could did do does doing down during each few for from further had has have having he her here hers him his how i if
in into is it its just like may me might more most must my no nor not of off on once only or other our out over own
per same shall she should so some such than that the their them then there these they this those through to too
under until up us very was we were what when where which while who whom whose why will with would you your
"""
EMPTY = frozenset(_EMPTY_WORDS.split())


def words(text: str) -> list[str]:
    """Split a text into words in lower case. Numbers keep their dots and commas."""
    return [match.group().lower() for match in _WORD.finditer(text)]


def content_words(text: str) -> frozenset[str]:
    """Return the distinct words that carry the subject of a text."""
    return frozenset(word for word in words(text) if word not in EMPTY)
