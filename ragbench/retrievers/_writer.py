"""Asks a language model for texts in place of queries, from code that is not asynchronous."""

import time
from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np

from ragbench.core.errors import ArmError
from ragbench.core.loop import LoopThread
from ragbench.core.progress import Progress
from ragbench.core.queries import Query
from ragbench.engine import ask
from ragbench.models.llm.base import Answer, Request
from ragbench.models.llm.client import Client

Texts = tuple[str, ...]


class Writer:
    """The texts that a model gives for queries, each query text asked for once.

    Attributes:
        failed: reason by query id, for queries that the model gave nothing for.
        cost: of the answers for all queries so far, whenever they were paid for; None where the price is not known.

    Args:
        client: closed with the writer.
        request: the question for a query.
        progress: told of every answer.
    """

    def __init__(self, client: Client, request: Callable[[Query], Request], progress: Progress) -> None:
        self._client, self._request, self._progress = client, request, progress
        self._timed = _Timed(client)
        self._answers: dict[str, Answer] = {}
        self._unchanged: set[str] = set()
        self._loop = LoopThread("ragbench-queries")
        self._closed = False
        self.failed: dict[str, str] = {}
        self.cost: float | None = None if client.price is None else 0.0

    def write(self, queries: Sequence[Query]) -> list[Texts]:
        """What the model made of each query, without what only repeats it; nothing where it failed.

        Raises:
            ArmError: it failed for every query so far, so that nothing would be measured but the inner retriever.
            BudgetSpent, ServiceDown, SettingError, InputError: see `Client.ask`.
        """
        fresh = {query.text: query for query in queries if query.text not in self._answers}
        if fresh:
            requests = [self._request(query) for query in fresh.values()]
            asking = ask(
                self._timed,
                requests,
                what="rewriting queries",
                progress=self._progress,
                in_flight=self._client.limits.concurrency,
            )
            self._answers.update(zip(fresh, self._loop.run(asking), strict=True))
        self._must_have_worked()
        return [self._texts(query) for query in queries]

    def notes(self) -> dict[str, object]:
        """What the model was asked, and what it took."""
        totals, told = self._client.totals, dict[str, object]()
        told["llm_calls"], told["llm_cached"] = totals.calls, totals.cached
        told["llm_tokens"] = totals.usage.tokens
        if totals.cost is not None:
            told["llm_cost"] = totals.cost
        if totals.retries:
            told["llm_retries"] = totals.retries
        if totals.reasks:
            told["llm_reasks"] = totals.reasks
        if self._timed.seconds:
            p50, p95 = np.percentile(self._timed.seconds, [50, 95]) * 1000
            told["llm_ms_p50"], told["llm_ms_p95"] = float(p50), float(p95)
        told["searched_as_is"] = len(self.failed)
        told["unchanged"] = len(self._unchanged)
        return told

    def close(self) -> None:
        """Bring calls in flight to their end and close the client; a second call does nothing."""
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
        answer = self._answers[query.text]
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
    """An asker that notes the seconds of what was paid for now."""

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
