"""How work on batches runs: `embed` texts, `search` an index, `ask` a model, and run several systems side by side.

Every part of ragbench that embeds many texts, searches many queries or asks a
model many questions calls these functions. There is one engine today: this
process. Another engine changes this file and adds one of its own.
"""

import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence, Sized
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from ragbench.core.context import Advance, Context, Progress
from ragbench.core.errors import RagbenchError
from ragbench.core.runs import Query, Run
from ragbench.io.token_vectors import TEXTS_PER_SHARD, Packed, TokenStore
from ragbench.io.token_vectors import Encode as EncodeTokens
from ragbench.io.vectors import VectorStore
from ragbench.models.embed.base import Embedder, TextKind
from ragbench.models.llm.base import Answer, AnswerLater, Asker, BudgetSpent, Request, ServiceDown

QUERIES_PER_BATCH = 1024
EAGER_TOKENS = 20_000
"""Up to this many texts, token vectors are made with the sentence vectors; above it, when they are first needed."""
IN_FLIGHT = 512
"""Requests handed to an asker at once. The asker's own limits decide how many of them are sent."""

Given = TypeVar("Given")
Result = TypeVar("Result")

_EMBEDDING = threading.Lock()
"""When systems that run side by side need the same vectors, the first embeds and the others read from the store."""


class Embedded(NamedTuple):
    """Vectors of texts.

    Attributes:
        vectors: float32 (n, d), rows of unit length; memory-mapped where possible.
        encoded: how many texts were embedded now rather than read from the store.
        with_tokens: whether the same pass stored their token vectors.
    """

    vectors: npt.NDArray[np.float32]
    encoded: int
    with_tokens: bool = False


def embed(
    embedder: Embedder, texts: Sequence[str], kind: TextKind, context: Context, *, what: str = "embedding chunks"
) -> Embedded:
    """Embed texts, reading from the vector store what it holds and storing the rest.

    Passages whose embedder is in ``context.token_embedders`` get their token
    vectors in the same pass, since one pass costs half of two.

    Args:
        embedder: the model.
        texts: n texts.
        kind: whether they are queries or passages. The two are stored apart.
        context: gives the folder of the store (nothing is stored when it is None) and the progress.
        what: the label of the progress.
    """

    def encode(batch: Sequence[str]) -> npt.NDArray[np.float32]:
        with context.progress(what, len(batch)) as advance:
            return embedder.encode(batch, kind, advance)

    def encode_with_tokens(batch: Sequence[str]) -> npt.NDArray[np.float32]:
        sentences = []
        with context.progress(f"{what} and their tokens", len(batch)) as advance:
            for start in range(0, len(batch), TEXTS_PER_SHARD):
                part = batch[start : start + TEXTS_PER_SHARD]
                found = embedder.encode_tokens(part, kind, advance)
                tokens.keep(part, found.vectors, found.offsets)
                sentences.append(found.sentences)
        return np.concatenate(sentences)

    if context.cache is None:
        return Embedded(encode(texts), len(texts))
    identity = embedder.fingerprint()
    tokens = _token_store(identity, context)
    wanted = kind == "passage" and identity in context.token_embedders
    both = wanted and embedder.gives_tokens and len(texts) <= EAGER_TOKENS
    folder = context.cache / "vectors" / (identity if kind == "passage" else f"{identity}-queries")
    store = VectorStore(folder, context.say)
    with _EMBEDDING:
        vectors, encoded = store.vectors(texts, encode_with_tokens if both else encode)
    return Embedded(vectors, encoded, both and encoded > 0)


def embed_tokens(embedder: Embedder, texts: Sequence[str], context: Context) -> list[Packed]:
    """Token vectors of passages for late interaction, from the token store where it holds them.

    Args:
        embedder: a model that gives token vectors.
        texts: n passages.
        context: as in `embed`.
    """
    return _token_store(embedder.fingerprint(), context).tokens(texts, _token_encoder(embedder, context))


def store_tokens(embedder: Embedder, texts: Sequence[str], context: Context) -> None:
    """Make the token vectors of passages that the token store lacks; the arguments are those of `embed_tokens`."""
    _token_store(embedder.fingerprint(), context).fill(texts, _token_encoder(embedder, context))


def _token_store(identity: str, context: Context) -> TokenStore:
    return TokenStore(None if context.cache is None else context.cache / "tokens" / identity, context.say)


def _token_encoder(embedder: Embedder, context: Context) -> EncodeTokens:
    def encode(batch: Sequence[str]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
        with context.progress("embedding tokens", len(batch)) as advance:
            found = embedder.encode_tokens(batch, "passage", advance)
        return found.vectors, found.offsets

    return encode


class Searchable(Protocol):
    """What `search` accepts: an index of `ragbench.retrievers.base`."""

    def search(self, queries: Sequence[Query], k: int) -> Run:
        """The first k items of each query."""
        ...


def search(index: Searchable, queries: Sequence[Query], k: int, progress: Progress) -> tuple[Run, float]:
    """Search all queries, one batch after another.

    Args:
        index: what to search.
        queries: the queries.
        k: the depth of each ranking.
        progress: counts queries.

    Returns:
        The rankings of all queries, and the seconds spent searching.
    """
    runs = []
    seconds = 0.0
    with progress("searching", len(queries)) as advance:
        for start in range(0, len(queries), QUERIES_PER_BATCH):
            batch = queries[start : start + QUERIES_PER_BATCH]
            began = time.perf_counter()
            runs.append(index.search(batch, k))
            seconds += time.perf_counter() - began
            advance(len(batch))
    return joined(runs), seconds


def joined(runs: Sequence[Run]) -> Run:
    """Join runs over different queries. The last run knows every item id, since vocabularies only grow."""
    if len(runs) == 1:
        return runs[0]
    ends = np.cumsum([0] + [run.offsets[-1] for run in runs])
    return Run(
        query_ids=[id_ for run in runs for id_ in run.query_ids],
        offsets=np.concatenate([[0]] + [run.offsets[1:] + end for run, end in zip(runs, ends, strict=False)]),
        items=np.concatenate([run.items for run in runs]),
        scores=np.concatenate([run.scores for run in runs]),
        item_ids=runs[-1].item_ids,
        unit=runs[-1].unit,
        failures={id_: reason for run in runs for id_, reason in run.failures.items()},
        repeated=sum(run.repeated for run in runs),
    )


OnAnswer = Callable[[int, Answer], None]
"""Called with the position of a request and its answer."""


async def ask(
    asker: Asker,
    requests: Iterable[Request],
    *,
    what: str,
    progress: Progress,
    total: int | None = None,
    on_answer: OnAnswer = lambda position, answer: None,
    in_flight: int = IN_FLIGHT,
    keep: bool = True,
) -> list[Answer]:
    """Ask a model many questions, a bounded number at a time. Equal requests are asked once.

    Requests are taken one by one as calls finish, so a generator can build them
    while others are under way. See `each` for what happens when the asker fails.

    Args:
        asker: the model.
        requests: the questions.
        what: the label of the progress.
        progress: counts requests.
        total: the number of requests, if ``requests`` has no length.
        on_answer: called for each answer as it arrives.
        in_flight: how many requests are handed to the asker at once.
        keep: whether to hold the answers in memory. Without it, only requests that are equal at the same time are asked
            once; a client answers others from its cache.

    Returns:
        The answers, in the order of the requests; none without ``keep``.

    Raises:
        AnswerLater: at least one answer is still to come.
    """
    answers: dict[int, Answer] = {}
    positions: dict[str, list[int]] = {}
    """The positions of each distinct request. Only the first of them is asked."""

    with progress(what, len(requests) if isinstance(requests, Sized) else total or 0) as advance:

        def settle(position: int, answer: Answer) -> None:
            if keep:
                answers[position] = answer
            on_answer(position, answer)
            advance(1)

        async def one(item: tuple[int, Request]) -> None:
            position, request = item
            known = positions.setdefault(request.fingerprint, [])
            known.append(position)
            if known[0] in answers:
                settle(position, answers[known[0]])
            elif position == known[0]:
                answer = await asker.ask(request)
                for row in known:
                    settle(row, answer)
                if not keep:
                    del positions[request.fingerprint]

        await each(one, enumerate(requests), in_flight=in_flight)
    return [answers[position] for position in sorted(answers)]


async def each(work: Callable[[Given], Awaitable[None]], items: Iterable[Given], *, in_flight: int = IN_FLIGHT) -> None:
    """Await ``work`` on each item, a bounded number at a time, and stop at the first error that ends the run.

    After such an error (a spent budget, a bad key) no further item is begun.
    Calls under way are waited for, since their answers are paid for, and then
    the error is raised. An asker that only notes a question for later
    (`AnswerLater`) does not stop the others.

    Args:
        work: called with one item.
        items: taken one by one, as workers become free.
        in_flight: how many items are worked on at once.

    Raises:
        AnswerLater: at least one answer is still to come, and nothing else failed.
    """
    waiting = iter(items)
    ended: list[Exception] = []
    later: list[AnswerLater] = []

    async def worker() -> None:
        while not ended:
            try:
                item = next(waiting)
            except StopIteration:
                return
            except Exception as error:
                ended.append(error)
                return
            try:
                await work(item)
            except AnswerLater as error:
                later.append(error)
            except Exception as error:
                ended.append(error)

    import asyncio

    async with asyncio.TaskGroup() as group:
        for _ in range(in_flight):
            group.create_task(worker())
    if ended or later:
        raise (ended or later)[0]


@dataclass(frozen=True)
class NotAsked(Answer):
    """There is no answer, because the run had ended before the question was sent."""


class UntilEnded:
    """An asker that answers `NotAsked` instead of raising once the budget is spent or the service is down.

    After the budget is spent, cached answers and calls that still fit the budget
    are answered. After the service went down, nothing is. Work thus ends with
    what is known, and every missing answer has its reason.

    Args:
        asker: the model.
        ends: the errors that end the run without being raised.

    Attributes:
        ended: the error that ended the run, or None.
    """

    def __init__(
        self, asker: Asker, ends: tuple[type[BudgetSpent | ServiceDown], ...] = (BudgetSpent, ServiceDown)
    ) -> None:
        self.asker = asker
        self.ends = ends
        self.ended: RagbenchError | None = None

    async def ask(self, request: Request) -> Answer:
        """Ask, or say why there is no answer. Raises what no later run can mend, such as a bad key."""
        if isinstance(self.ended, ServiceDown):
            return NotAsked(None, str(self.ended), unanswered=True)
        try:
            return await self.asker.ask(request)
        except self.ends as error:
            self.ended = error
            return NotAsked(None, str(error), unanswered=True)


@dataclass(frozen=True)
class OfRepeat:
    """An asker for one run of a system: a question that another run asked already is asked again.

    Attributes:
        asker: the model.
        repeat: number of the run; 0 asks the questions as they are.
    """

    asker: Asker
    repeat: int

    async def ask(self, request: Request) -> Answer:
        """Ask the question of this run."""
        return await self.asker.ask(request.of_repeat(self.repeat))


def side_by_side(
    work: Callable[[Given], Result], given: Sequence[Given], jobs: int, stop: threading.Event
) -> list[Result]:
    """Call ``work`` on each of ``given`` in threads, and return the results in order.

    When this thread is interrupted, ``stop`` is set, no further work begins, and
    the interrupt is raised at once. Running work ends at its next report of progress.
    """
    pool = ThreadPoolExecutor(jobs, thread_name_prefix="ragbench-arm")
    try:
        futures = [pool.submit(work, each_one) for each_one in given]
        return [future.result() for future in futures]
    except BaseException:
        stop.set()
        raise
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def stoppable(progress: Progress, stop: threading.Event) -> Progress:
    """The same progress, which raises `KeyboardInterrupt` when it is reported to after ``stop`` is set."""

    @contextmanager
    def shown(what: str, total: int) -> Iterator[Advance]:
        with progress(what, total) as advance:

            def checked(steps: int) -> None:
                if stop.is_set():
                    raise KeyboardInterrupt
                advance(steps)

            yield checked

    return shown
