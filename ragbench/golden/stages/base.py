"""The contract of a review stage, and helpers that several stages share."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from ragbench import plugins
from ragbench.core.context import Context
from ragbench.core.documents import Chunks, Corpus
from ragbench.core.runs import Query
from ragbench.engine import ask
from ragbench.golden.drafts import Draft, Opinion
from ragbench.golden.spool import Opinions
from ragbench.golden.writer import USUAL, Writer
from ragbench.models.llm.base import Answer, Asker, Request
from ragbench.models.llm.prompt import Prompt


@dataclass(frozen=True)
class ReviewContext:
    """The inputs of a stage.

    Attributes:
        corpus: the documents.
        chunks: their chunks.
        askers: language models by role.
        seed: seed of the run.
        context: cache and progress, for retrievers and embedders.
        writer: how the writer was asked.
    """

    corpus: Corpus
    chunks: Chunks
    askers: Mapping[str, Asker]
    seed: int
    context: Context
    writer: Writer = USUAL

    async def ask(self, role: str, requests: Sequence[Request]) -> list[Answer]:
        """Ask the model of a role. Returns one answer per request, in order; each is stored, and paid for once.

        All answers are in memory at once; `opinions` reads them one by one.
        """
        return list(await ask(self.askers[role], requests, what=role, progress=self.context.progress))

    async def opinions(
        self, role: str, requests: Iterable[Request], total: int, read: Callable[[int, Answer], Opinion]
    ) -> Opinions:
        """Ask the model of a role, and return an opinion per request, in order.

        Requests are taken as calls finish, and answers are read as they come, so few of them are in memory at a time.
        The opinions are in a temporary file.

        Args:
            role: whom to ask.
            requests: the questions.
            total: how many they are.
            read: makes an opinion of the position of a request and its answer.
        """
        found = Opinions(total)

        def take(position: int, answer: Answer) -> None:
            found.put(position, read(position, answer))

        await ask(
            self.askers[role], requests, what=role, progress=self.context.progress, total=total, on_answer=take,
            keep=False,
        )  # fmt: skip
        return found


class Stage(ABC):
    """Accepts or rejects drafts. A subclass is a frozen dataclass whose fields are its settings.

    A stage that asks a language model sets `role` and `prompts`, and overrides `usual_request`. The user chooses the
    model by ``--role ROLE=MODEL``; without it, the judge's model is asked.
    """

    role: ClassVar[str | None] = None
    """Role of the language model that the stage asks, or None."""

    prompts: ClassVar[tuple[Prompt, ...]] = ()
    """The prompts of its requests. A run can only be resumed with the same prompts."""

    overrules: ClassVar[str | None] = None
    """Name of an earlier stage. This stage also sees the drafts that it rejected, and lifts the rejection of those
    that it accepts."""

    alone: ClassVar[bool] = False
    """Whether the opinion on a draft depends on that draft alone. Drafts may then come in several calls and in any
    order: few of them are in memory at a time, and those of a model are reviewed while it writes further ones."""

    def usual_request(self, draft: Draft, passages: Sequence[str], seed: int) -> Request | None:
        """Return the request for a draft of usual length, for the estimate of ``--dry-run``.

        Args:
            draft: a draft of usual length.
            passages: the chunks that it would be written from.
            seed: seed of the run.
        """
        return None

    @abstractmethod
    async def review(self, drafts: Sequence[Draft], context: ReviewContext) -> Sequence[Opinion]:
        """Give one opinion per draft, in order. Drafts that were finally rejected are not passed.

        The drafts of a model are in a file: each is read anew when you take it out of the sequence.
        """


def passages_for(drafts: Sequence[Draft], context: ReviewContext, nearest: int) -> Iterator[list[str]]:
    """Yield the chunks that each draft was written from. For queries without an answer, add the ``nearest`` that BM25
    finds.
    """
    chunks = context.chunks
    found: dict[str, list[str]] = {}
    asked = [Query(draft.id, draft.text) for draft in drafts if draft.type == "unanswerable"]
    if asked:
        index = plugins.build(plugins.RETRIEVERS, "bm25").index(chunks, context.context)
        run = index.search(asked, nearest)
        found = {query.id: [id_ for id_, _ in run.ranking(place)] for place, query in enumerate(asked)}
    shown = (dict.fromkeys((*draft.chunk_ids, *found.get(draft.id, ()))) for draft in drafts)
    return ([chunks[chunks.row[id_]].content for id_ in ids] for ids in shown)


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


def count_words(text: str) -> int:
    """Count the words of a text. In scripts without spaces between words, four characters count as a word."""
    # Splitting Chinese, Japanese or Thai at spaces gives one long "word".
    return sum(max(1, len(word) // 4 if not word.isascii() and len(word) > 24 else 1) for word in words(text))


def content_words(text: str) -> frozenset[str]:
    """Return the distinct words that carry the subject of a text."""
    return frozenset(word for word in words(text) if word not in EMPTY)
