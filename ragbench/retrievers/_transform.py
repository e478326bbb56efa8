"""Retrievers that let a language model rewrite the query before another retriever searches."""

import time
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, cast

import numpy as np

from ragbench.core.context import Context, Progress
from ragbench.core.documents import Chunks
from ragbench.core.errors import ArmError, MissingExtra, RagbenchError, SettingError
from ragbench.core.fingerprint import file_sha256, fingerprint
from ragbench.core.loop import LoopThread
from ragbench.core.pace import most_at_once
from ragbench.core.runs import Query, Run
from ragbench.core.spelling import named
from ragbench.core.turns import History
from ragbench.engine import ask
from ragbench.models.llm.base import Answer, Request
from ragbench.models.llm.client import Client
from ragbench.models.llm.connect import connect
from ragbench.models.llm.costs import Budget
from ragbench.models.llm.limits import Limits
from ragbench.models.llm.prompt import Filled, Prompt
from ragbench.plugins import RETRIEVERS, build
from ragbench.retrievers._query_prompts import MOST_TEXTS, schema
from ragbench.retrievers.base import Index, Ranking, Retriever
from ragbench.retrievers.hybrid import fuse, fused_rows, one_vocabulary

Texts = tuple[str, ...]


class Writer:
    """Asks a model for texts in place of queries, once per query text.

    Attributes:
        failed: reason by query id, for queries without an answer.
        cost: of the answers for all queries so far, whenever they were paid for; None if the price is unknown.

    Args:
        client: closed with the writer.
        request: the question for a query.
        progress: counts answers.
        needed: whether a query is rewritten at all; the others have no texts.
    """

    def __init__(
        self,
        client: Client,
        request: Callable[[Query], Request],
        progress: Progress,
        needed: Callable[[Query], bool] = lambda query: True,
    ) -> None:
        self._client, self._request, self._progress, self._needed = client, request, progress, needed
        self._timed = _Timed(client)
        self._answers: dict[tuple[str, History], Answer] = {}
        self._unchanged: set[str] = set()
        self._loop = LoopThread("ragbench-queries")
        self._closed = False
        self.failed: dict[str, str] = {}
        self.cost: float | None = None if client.price is None else 0.0

    def write(self, queries: Sequence[Query]) -> list[Texts]:
        """Ask for the texts of each query. Texts that repeat the query are dropped; a failed query has none.

        Raises:
            ArmError: the model failed for every query so far, so only the inner retriever would be measured.
            BudgetSpent, ServiceDown, SettingError, InputError: see `Client.ask`.
        """
        asked = [query for query in queries if self._needed(query)]
        fresh = {(one.text, one.history): one for one in asked if (one.text, one.history) not in self._answers}
        if fresh:
            requests = [self._request(query) for query in fresh.values()]
            asking = ask(
                self._timed,
                requests,
                what="rewriting queries",
                progress=self._progress,
                in_flight=most_at_once(self._client.limits.concurrency),
            )
            self._answers.update(zip(fresh, self._loop.run(asking), strict=True))
        self._must_have_worked()
        return [self._texts(query) if self._needed(query) else () for query in queries]

    def notes(self) -> dict[str, object]:
        """Counts, tokens, cost and latency of the model's calls."""
        notes = self._client.totals.notes()
        if self._timed.seconds:
            p50, p95 = np.percentile(self._timed.seconds, [50, 95]) * 1000
            notes["llm_ms_p50"], notes["llm_ms_p95"] = float(p50), float(p95)
        notes["searched_as_is"] = len(self.failed)
        notes["unchanged"] = len(self._unchanged)
        return notes

    def close(self) -> None:
        """Finish the calls in flight and close the client. A second call does nothing."""
        if self._closed:
            return
        self._closed = True
        try:
            self._loop.run(self._client.aclose())
        finally:
            self._loop.close()

    def _must_have_worked(self) -> None:
        answers = list(self._answers.values())
        if answers and all(answer.value is None for answer in answers):
            raise ArmError(
                f"{self._client.llm.name} transformed none of {len(answers)} queries; the first: {answers[0].failure}"
            )

    def _texts(self, query: Query) -> Texts:
        answer = self._answers[query.text, query.history]
        if self._client.price is not None and self.cost is not None:
            self.cost += self._client.price.cost(answer.took)
        if answer.value is None:
            self.failed[query.id] = f"searched as it is, its transformation failed: {answer.failure}"
            return ()
        seen = {_folded(query.text)}
        texts = []
        for text in cast(dict[str, Any], answer.value)["texts"]:
            if _folded(text) and _folded(text) not in seen:
                seen.add(_folded(text))
                texts.append(text.strip())
        if not texts:
            self._unchanged.add(query.id)
        return tuple(texts)


class _Timed:
    """An asker that records the seconds of calls that were paid for now."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.seconds: list[float] = []

    async def ask(self, request: Request) -> Answer:
        began = time.perf_counter()
        answer = await self._client.ask(request)
        if answer.usage.tokens:
            self.seconds.append(time.perf_counter() - began)
        return answer


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


CHANGES_NOTHING = ("max_cost", "prices", "concurrency", "timeout", "retries", "patience")
"""Settings that decide whether and when an answer comes, but not which."""


@dataclass(frozen=True)
class Transformed(Retriever):
    """A retriever that searches with another one for the texts that a language model wrote for the query.

    The model is asked once per query, at temperature 0, and its answers are kept
    in the cache folder, so a second run asks nothing. A query whose transformation
    fails is searched as it is and reported (`Index.degraded`). When the budget is
    spent or the provider is down, the arm ends with an error.

    Attributes:
        llm: ``provider:name`` of the language model (`ragbench.models.llm.connect.connect`).
        of: spec of the retriever that searches.
        base_url: address of your own server, up to ``/v1``.
        params: further arguments of the model; keys come from the environment only.
        about: a description of the documents for the model ("manuals of kitchen appliances").
        max_tokens: output limit per query; 0 uses the prompt's own limit. Reasoning models need more.
        max_cost: the most to spend, in the currency of the price table.
        prices: your own price table (YAML).
        concurrency: questions in flight at once.
        timeout: seconds of one call.
        retries: how often a call that failed is tried again.
        patience: seconds without one answer after which the arm ends.
    """

    llm: str
    of: str = "hybrid"
    base_url: str = ""
    params: Mapping[str, object] = field(default_factory=dict)
    about: str = ""
    max_tokens: int = 0
    max_cost: float | None = None
    prices: Path | None = None
    concurrency: int = 8
    timeout: float = 60.0
    retries: int = 4
    patience: float = 120.0

    prompt: ClassVar[Prompt]

    @property
    def texts_asked(self) -> int:
        """The most texts that the model may give for a query."""
        return 1

    @property
    def deterministic(self) -> bool:
        """False: a language model may answer differently each time, also at temperature 0."""
        return False

    @property
    def parts(self) -> list[Retriever]:
        """The retriever that searches."""
        return [build(RETRIEVERS, self.of)]

    def fields(self) -> Mapping[str, str]:
        """Values for the placeholders of the prompt, except the query."""
        return {}

    def check(self) -> list[str]:
        """Check its own settings, the inner retriever's and the language model's. No call is made."""
        faults = []
        if not 1 <= self.texts_asked <= MOST_TEXTS:
            faults.append(f"n is {self.texts_asked}; it must be 1 to {MOST_TEXTS}")
        if self.max_tokens < 0:
            faults.append(f"max_tokens is {self.max_tokens}; it must be 0 or more")
        try:
            faults += [f"{self.of}: {fault}" for fault in build(RETRIEVERS, self.of).check()]
        except SettingError as error:
            faults.append(str(error))
        try:
            self.client(Context())
        except (RagbenchError, MissingExtra) as error:
            options = any(named(option) in str(error) for option in ("prices", "base_url"))
            hint = " (for a retriever: the settings prices=FILE, base_url=URL)" if options else ""
            faults.append(f"{error}{hint}")
        return faults

    def key(self) -> str:
        """The settings that decide an answer, the prompt, the prices and the key of the inner retriever."""
        settings = {name: value for name, value in vars(self).items() if name not in CHANGES_NOTHING}
        prices = file_sha256(self.prices) if self.prices is not None and self.prices.is_file() else ""
        prompt = self.prompt.fingerprint
        return fingerprint([type(self).__name__, settings, prompt, prices, [part.key() for part in self.parts]])

    def needed(self, query: Query) -> bool:
        """Whether the model is asked about the query at all."""
        return True

    def data(self, query: Query) -> Mapping[str, str]:
        """The texts that the prompt shows between fences."""
        return {"query": query.text}

    def request(self, query: Query, seed: int) -> Request:
        """What the model is asked for a query."""
        about = f" The documents are: {self.about}." if self.about else ""
        # Texts that replace a long query are long themselves.
        tokens = self.prompt.max_tokens + len(query.text) // 2
        return self.prompt.request(
            Filled({**self.fields(), "about": about}, self.data(query)),
            seed=seed,
            schema=schema(self.texts_asked, tokens),
            max_tokens=self.max_tokens or tokens * self.texts_asked,
        )

    def client(self, context: Context) -> Client:
        """Make the client of the language model, with the answer cache.

        Raises:
            MissingExtra, SettingError, InputError: see `connect`.
        """
        return connect(
            self.llm,
            params={**self.params, **({"base_url": self.base_url} if self.base_url else {})},
            limits=Limits(
                concurrency=self.concurrency, timeout=self.timeout, retries=self.retries, patience=self.patience
            ),
            answers=None if context.cache is None else context.cache / "llm" / "answers.sqlite",
            budget=Budget(max_cost=self.max_cost),
            prices=self.prices,
            seed=context.seed,
        )

    def index(self, chunks: Chunks, context: Context) -> Index:
        """Index with the inner retriever. The model is asked when queries arrive."""
        inner = build(RETRIEVERS, self.of).index(chunks, context)
        try:
            writer = Writer(
                self.client(context),
                lambda query: self.request(query, context.seed).of_repeat(context.repeat),
                context.progress,
                self.needed,
            )
        except BaseException:
            inner.close()
            raise
        return self.around(inner, writer)

    @abstractmethod
    def around(self, inner: Index, writer: Writer) -> Index:
        """The index that asks the writer for texts and the inner index for results."""


class TransformedIndex(Index):
    """An inner index, and the writer of the texts that it searches for.

    Args:
        of: spec of the inner retriever, for the notes.
        inner: what searches.
        writer: what asks the language model.
    """

    def __init__(self, of: str, inner: Index, writer: Writer) -> None:
        super().__init__(inner.item_ids, inner.unit)
        self.parts = (inner,)
        self._of, self._writer = of, writer

    def update_notes(self) -> None:
        """Update notes, cost and the list of queries that were searched as they are."""
        for part in self.parts:
            self.notes.update({f"{self._of}.{key}": value for key, value in part.notes.items()})
        self.notes.update(self._writer.notes())
        self.cost, self.degraded = self._writer.cost, self._writer.failed

    def close(self) -> None:
        """Finish the calls in flight and close the inner index."""
        self._writer.close()
        for part in self.parts:
            part.close()


def some(count: int, one: str, many: str) -> str:
    """``"one passage"``, ``"3 passages"``."""
    return f"one {one}" if count == 1 else f"{count} {many}"


@dataclass(frozen=True)
class Several(Transformed):
    """Search for several texts per query and fuse their rankings as `ragbench.retrievers.hybrid.Hybrid` does.

    Attributes:
        original: weight of the query's own ranking, relative to 1 for each text; 0 omits it.
        fusion: the rule: ``rrf``, ``minmax`` or ``zscore``.
        rrf_k: the constant of ``rrf``.
        depth: how many items of each ranking are fused.
    """

    original: float = 1.0
    fusion: Literal["rrf", "minmax", "zscore"] = "rrf"
    rrf_k: float = 60
    depth: int = 100

    def check(self) -> list[str]:
        """Settings of the fusion, and those of every transformation."""
        return [
            *super().check(),
            *([f"original is {self.original}; it must be 0 or more"] if self.original < 0 else []),
            *([f"rrf_k is {self.rrf_k}; it must be 0 or more"] if self.rrf_k < 0 else []),
            *([f"depth is {self.depth}; it must be at least 1"] if self.depth < 1 else []),
        ]

    def around(self, inner: Index, writer: Writer) -> "SeveralIndex":
        """The index that fuses."""
        return SeveralIndex(self, inner, writer)


class SeveralIndex(TransformedIndex):
    """The inner index applies the exclusions, so that ranks count only items that may be shown."""

    excludes = True

    def __init__(self, settings: Several, inner: Index, writer: Writer) -> None:
        super().__init__(settings.of, inner, writer)
        self._settings = settings
        self._alone = settings.texts_asked == 1 and not settings.original

    def rank(self, queries: Sequence[Query], k: int) -> Ranking:
        """The fused rankings. With one text per query, its ranking and scores."""
        settings = self._settings
        searches = [
            self._searches(query, texts) for query, texts in zip(queries, self._writer.write(queries), strict=True)
        ]
        runs: list[Run] = []
        owners, weights = [], []
        for slot in range(max(map(len, searches), default=1)):
            at = np.array([position for position, found in enumerate(searches) if slot < len(found)], dtype=np.int64)
            asked = [queries[position]._replace(text=searches[position][slot][0]) for position in at.tolist()]
            run = self.parts[0].search(asked, k if self._alone else max(k, settings.depth))
            runs.append(run)
            owners.append(at[run.query_index])
            weights.append(np.array([searches[position][slot][1] for position in at.tolist()])[run.query_index])
        self.update_notes()
        position_of = {query.id: position for position, query in enumerate(queries)}
        failures = {position_of[id_]: reason for run in runs for id_, reason in run.failures.items()}
        if self._alone and runs:
            return _as_found(runs[0], len(queries), failures)
        self.item_ids, items = one_vocabulary(self.item_ids, runs)
        rows = fused_rows(
            runs, owners, items, weights, fusion=settings.fusion, rrf_k=settings.rrf_k, depth=settings.depth
        )
        return fuse(rows, len(queries), failures)

    def _searches(self, query: Query, texts: Texts) -> list[tuple[str, float]]:
        """The texts to search for a query, with the weights of their rankings."""
        found = [(text, 1.0) for text in texts]
        if not found:
            return [(query.text, 1.0)]
        return [(query.text, self._settings.original), *found] if self._settings.original else found


def _as_found(run: Run, queries: int, failures: dict[int, str]) -> Ranking:
    items = np.full((queries, int(run.lengths.max(initial=0))), -1, dtype=np.int32)
    scores = np.zeros(items.shape, dtype=np.float32)
    items[run.query_index, run.ranks - 1] = run.items
    scores[run.query_index, run.ranks - 1] = run.scores
    return Ranking(items, scores, failures)
