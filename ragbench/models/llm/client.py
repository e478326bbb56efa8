"""The client: limits, retries, cache and budget around any language model."""

import asyncio
import dataclasses
import secrets
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np

from ragbench.core.errors import InputError, RagbenchError, SettingError
from ragbench.core.pace import Pace
from ragbench.models.llm.answers import AnswerStore
from ragbench.models.llm.base import CALL, LLM, UNREADABLE, Answer, LLMError, Request, Response, Show, Usage
from ragbench.models.llm.costs import (
    Budget,
    Estimate,
    Price,
    Reserved,
    counted_usage,
    estimate,
    estimated_usage,
    require_price,
    usage_bound,
)
from ragbench.models.llm.limits import Breaker, Limits, Rate
from ragbench.models.llm.streaming import Shown, looked_at, until_left
from ragbench.models.llm.structured import Invalid, Refused, again, import_validator, read_answer


@dataclass
class Totals:
    """Running counts of one client.

    Attributes:
        calls: calls that the provider answered (and bills).
        cached: answers that came from the cache.
        retries: calls that were tried again.
        reasks: answers that broke the schema and were asked for again.
        given_up: requests without a usable answer.
        in_doubt: calls with an unknown outcome (time-outs, broken connections), which the provider may bill.
        usage: tokens of the answered calls.
        cost: their price, in the currency of the price table; None if the price is unknown.
    """

    calls: int = 0
    cached: int = 0
    retries: int = 0
    reasks: int = 0
    given_up: int = 0
    in_doubt: int = 0
    usage: Usage = field(default_factory=Usage)
    cost: float | None = None

    def notes(self) -> dict[str, object]:
        """What is worth reporting of a system that asks a model."""
        found: dict[str, object] = {
            "llm_calls": self.calls, "llm_cached": self.cached, "llm_tokens": self.usage.tokens,
        }  # fmt: skip
        if self.cost is not None:
            found["llm_cost"] = self.cost
        if self.retries:
            found["llm_retries"] = self.retries
        if self.reasks:
            found["llm_reasks"] = self.reasks
        return found


MOST_FAULTS = 4
"""A request on which the provider fails this often (500) is given up, whatever the number of retries."""
BREAKER_OPENS = 10
"""The breaker opens after this many different requests failed with no answer between them."""
REFUSALS_END = 10
"""If this many requests are refused before one is answered, the run ends: the requests are not at fault."""
FIRST_BACKOFF, LONGEST_BACKOFF = 0.5, 30.0
"""Seconds. The upper end of the wait doubles from try to try, and the wait is drawn from 0 to it ("full jitter",
M. Brooker, AWS Architecture Blog 2015)."""
CLOSING_SECONDS = 5.0


class _Unanswered(Exception):
    """The provider gave no answer to one request."""


class _Failed(Exception):
    """A call that may be tried again.

    Attributes:
        counts: 1 if the failure counts against the request, else 0.
        in_doubt: whether the provider may have answered.
        broken: whether the provider failed on this request.
    """

    def __init__(self, reason: str, counts: int, *, in_doubt: bool, broken: bool) -> None:
        super().__init__(reason)
        self.counts, self.in_doubt, self.broken = counts, in_doubt, broken


@dataclass
class _Shared:
    """One piece of work, and the number of tasks that wait for it."""

    work: "asyncio.Task[Answer]"
    shown: Shown | None = None
    waiting: int = 0


@dataclass(frozen=True)
class _Paid:
    response: Response
    usage: Usage = dataclasses.field(default_factory=Usage)
    cost: float = 0.0
    seconds: float | None = None


class Client:
    """Ask one language model, with limits, retries, a cache and a budget.

    See `ragbench.models.llm.connect.connect` for making a client by name.

    An answer is on disk before it is returned. Equal requests in flight at the same
    time are one call. A call that was started is finished even if nothing waits for
    it any more, since it is paid for. `aclose` must therefore be awaited.

    A client works in the event loop where it was first used. Its memory does not grow
    with the number of requests.

    Args:
        llm: the model.
        limits: concurrency, rates, timeouts and retries.
        answers: the cache, closed with the client; None stores nothing.
        budget: the limit on cost and tokens, may be shared with other clients; None for no limit.
        price: price of the model; None if it is unknown.
        jitter: generator that draws the waits between tries.

    Raises:
        SettingError: the cost is limited, and the price is unknown.
    """

    def __init__(
        self,
        llm: LLM,
        *,
        limits: Limits | None = None,
        answers: AnswerStore | None = None,
        budget: Budget | None = None,
        price: Price | None = None,
        jitter: np.random.Generator,
    ) -> None:
        self.llm, self.price = llm, price
        self.limits = limits or Limits()
        self.budget = budget or Budget()
        require_price(llm.name, price, self.budget)
        self.totals = Totals(cost=None if price is None else 0.0)
        self._answers, self._jitter = answers, jitter
        self._identity = llm.fingerprint()
        self._slots = Pace(self.limits.concurrency)
        """A call holds its slot until its answer is on disk: a kill never costs more answers than there are slots."""
        self._requests = Rate(self.limits.requests_per_minute)
        self._tokens = Rate(self.limits.tokens_per_minute)
        self._breaker = Breaker(BREAKER_OPENS, self.limits.patience)
        self._not_before = 0.0
        self._refusals = 0
        self._ended: RagbenchError | None = None
        """Why no further call may be made."""
        self._importing: asyncio.Task[object] | None = None
        """The import of the validator of answers, from the first call with a schema on. It takes a second or two on
        some machines, and calls go on meanwhile."""
        self._shared: dict[str, _Shared] = {}
        self._paying: set[asyncio.Task[_Paid]] = set()

    async def ask(self, request: Request, show: Show | None = None) -> Answer:
        """Ask, and return the answer or why there is none.

        Args:
            request: the question.
            show: receives the text as it is written (see `ragbench.models.llm.streaming`). A caller that leaves then
                ends the call, unless others watch it. A stream that broke off after its first piece is not retried.

        Raises:
            BudgetSpent: the next call does not fit into the budget.
            ServiceDown: the provider has not answered for longer than the patience.
            SettingError: the model cannot be used (bad key, unknown name), or the budget is too small for
                one call.
            InputError: the answer cannot be stored.
        """
        key = request.fingerprint if show is None else f"shown:{request.fingerprint}"
        shared = self._shared.get(key)
        first = shared is None
        if shared is None:
            shown = None if show is None else Shown()
            shared = self._shared[key] = _Shared(asyncio.create_task(self._ask(request, shown)), shown)
            shared.work.add_done_callback(looked_at)
        if show is not None and shared.shown is not None:
            shared.shown.add(show)
        shared.waiting += 1
        try:
            answer = await asyncio.shield(shared.work)
        finally:
            shared.waiting -= 1
            if not shared.waiting:
                self._shared.pop(key, None)
                shared.work.cancel()
        if first:
            return answer
        self.totals.cached += 1
        return dataclasses.replace(answer, usage=Usage(), cost=0.0)

    def plan(self, requests: Iterable[Request]) -> Estimate:
        """Estimate what these requests would take now, without asking. Re-asks are not included."""
        return estimate(requests, self.price, lambda request: self._kept(request) is not None)

    async def aclose(self) -> None:
        """Wait for calls in flight and store their answers, then close the cache and the connections."""
        for shared in list(self._shared.values()):
            shared.work.cancel()
        if self._paying:
            await asyncio.wait(self._paying, timeout=CLOSING_SECONDS + (0 if self.llm.local else self.limits.timeout))
        if self._answers is not None:
            await asyncio.to_thread(self._answers.close)
        await self.llm.aclose()

    async def _ask(self, request: Request, shown: Shown | None) -> Answer:
        usage, took, cost, raw, failure, seconds = Usage(), Usage(), 0.0, "", "", None
        asked = request
        for attempt in range(self.limits.reasks + 1):
            try:
                paid = await self._answer(asked, shown)
            except _Unanswered as error:
                self.totals.given_up += 1
                raw = shown.text if shown else raw
                return Answer(None, str(error), raw, usage, cost, unanswered=True, took=took, seconds=seconds)
            usage, cost, raw = usage + paid.usage, cost + paid.cost, paid.response.text
            took += paid.response.usage
            if paid.seconds is not None:
                seconds = (seconds or 0.0) + paid.seconds
            if self._importing is not None:
                await asyncio.shield(self._importing)
            try:
                value = read_answer(request, paid.response)
                if shown is not None and request.schema is None:
                    shown.whole(raw)
                return Answer(value, raw=raw, usage=usage, cost=cost, took=took, seconds=seconds)
            except Invalid as fault:
                failure = str(fault)
                if isinstance(fault, Refused) or shown:
                    break
                asked = again(request, raw, failure, attempt + 1)
                self.totals.reasks += attempt < self.limits.reasks
        self.totals.given_up += 1
        return Answer(None, failure, raw, usage, cost, took=took, seconds=seconds)

    def _key(self, request: Request) -> str:
        return f"{self._identity}:{request.fingerprint}"

    def _kept(self, request: Request) -> Response | None:
        return self._answers.get(self._key(request)) if self._answers is not None else None

    async def _answer(self, request: Request, shown: Shown | None) -> _Paid:
        """Return an answer to exactly this request, from the cache or paid for."""
        kept = self._kept(request)
        if kept:
            self.totals.cached += 1
            return _Paid(kept)
        failures = faults = tries = refused = 0
        store = secrets.token_hex() if self._answers is None else self._answers.id
        while True:
            # After a reply that refuses, another identity: a service would answer the same one from its records.
            CALL.set(f"{store}:{self._key(request)}:{refused}")
            try:
                return await self._call(request, shown)
            except _Failed as error:
                if shown:
                    self._breaker.given_up(request.fingerprint)
                    raise _Unanswered(f"broke off after {len(shown.text):,} characters: {error}") from error
                failures += error.counts
                faults += error.counts if error.broken else 0
                refused += not error.in_doubt
                if failures > self.limits.retries or faults >= MOST_FAULTS:
                    self._breaker.given_up(request.fingerprint)
                    raise _Unanswered(f"given up after {failures} failed calls: {error}") from error
            self.totals.retries += 1
            most = min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ** min(tries, 10))
            tries += 1
            await asyncio.sleep(float(self._jitter.uniform(0.0, most)))

    async def _call(self, request: Request, shown: Shown | None) -> _Paid:
        """Make one call, once there is a free slot and the breaker allows it.

        Raises:
            _Failed: it may be tried again.
        """
        await self._slots.acquire()
        probe = False
        try:
            if self._ended:
                raise self._ended
            probe = await self._breaker.enter()
            paying = await self._start(request, shown, probe=probe)
        except BaseException:
            self._slots.release()
            if probe:
                self._breaker.leave()
            raise
        try:
            if shown is None:
                # A task of its own: cancelling the wait for a paid answer must not lose the answer.
                return await asyncio.shield(paying)
            return await until_left(paying)
        finally:
            if probe:
                self._breaker.leave()

    def _failed(self, request: Request, error: LLMError, *, probe: bool) -> int:
        """Return 1 if the failure counts against the request, else 0 (the service is down, or asks for fewer calls)."""
        if error.fatal:
            self._ended = SettingError(f"language model {self.llm.name!r} cannot be used: {error}")
            raise self._ended from error
        if not error.retry:
            self._refuse(error)
        wait = error.retry_after or 0.0
        self._not_before = max(self._not_before, time.monotonic() + wait)
        if error.limited:
            self._breaker.held_up(str(error), wait)
            return 0
        self._breaker.failed(request.fingerprint, str(error), probe=probe)
        return 0 if self._breaker.is_open() else 1

    def _refuse(self, error: LLMError) -> None:
        self._refusals += 1
        if self._refusals >= REFUSALS_END and not self.totals.calls:
            self._ended = SettingError(
                f"language model {self.llm.name!r} refused each of the first {self._refusals} requests: {error}"
            )
            raise self._ended from error
        raise _Unanswered(f"refused: {error}") from error

    async def _start(self, request: Request, shown: Shown | None, *, probe: bool) -> "asyncio.Task[_Paid]":
        """Start a call, once the budget and the rates allow it. It returns its slot."""
        reserved = await self.budget.reserve(usage_bound(request), self.price)
        expected = estimated_usage(request)
        try:
            # Before the rates: calls that wait for the weights would otherwise all be sent in the second after they are
            # loaded. `_paid` raises the error, if there is one.
            with suppress(LLMError):
                await self.llm.open()
            while (wait := self._not_before - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            await self._requests.take()
            await self._tokens.take(expected.tokens)
        except BaseException:
            self.budget.settle(reserved, None)
            raise
        paying = asyncio.create_task(self._pay(request, shown, reserved, expected, probe=probe))
        self._paying.add(paying)
        paying.add_done_callback(self._paying.discard)
        paying.add_done_callback(looked_at)
        if self._importing is None and request.schema is not None:
            self._importing = asyncio.create_task(asyncio.to_thread(import_validator))
        return paying

    async def _pay(
        self, request: Request, shown: Shown | None, reserved: Reserved, expected: Usage, *, probe: bool
    ) -> _Paid:
        try:
            return await self._paid(request, shown, reserved, expected, probe=probe)
        finally:
            self._slots.release()

    async def _paid(
        self, request: Request, shown: Shown | None, reserved: Reserved, expected: Usage, *, probe: bool
    ) -> _Paid:
        began, started = time.perf_counter(), time.monotonic()
        try:
            await self.llm.open()
            began, started = time.perf_counter(), time.monotonic()
            response = await self._complete(request, shown)
        except LLMError as error:
            if error.retry:
                self._slots.pushed_back(started)
            if error.in_doubt:
                self.totals.in_doubt += 1
                self.budget.settle_in_doubt(reserved)
            else:
                self.budget.settle(reserved, None)
                self._tokens.correct(-expected.tokens)
            # Before the slot is free, so that the next call already knows.
            counts = self._failed(request, error, probe=probe)
            raise _Failed(str(error), counts, in_doubt=error.in_doubt, broken=error.broken) from error
        except BaseException:
            self.totals.in_doubt += 1
            self.budget.settle_in_doubt(reserved)
            raise
        seconds = time.perf_counter() - began
        self._slots.answered(started)
        self._breaker.answered()
        usage = counted_usage(request, response)
        cost = self.price.cost(usage) if self.price else 0.0
        if response.usage == Usage():
            # The provider does not count tokens, so a hard limit must use the most it can have been.
            self.budget.settle(reserved, Usage(reserved.tokens), reserved.cost)
        else:
            self.budget.settle(reserved, usage, cost)
        self._tokens.correct(usage.tokens - expected.tokens)
        self.totals.calls += 1
        self.totals.usage += usage
        self.totals.cost = None if self.totals.cost is None else self.totals.cost + cost
        response = dataclasses.replace(response, usage=usage)
        if self._answers is not None:
            try:
                response = await self._answers.put(self._key(request), response)
            except InputError as error:
                self._ended = error
                raise
        return _Paid(response, usage, cost, seconds)

    async def _complete(self, request: Request, shown: Shown | None) -> Response:
        try:
            async with asyncio.timeout(None if self.llm.local else self.limits.timeout):
                return await (self.llm.complete(request) if shown is None else self.llm.stream(request, shown))
        except TimeoutError as error:
            reason = f"no answer within {self.limits.timeout:g} s"
            raise LLMError(reason, retry=True, in_doubt=True) from error
        except UNREADABLE as error:
            reason = f"the reply cannot be read ({type(error).__name__}: {error})"
            raise LLMError(reason, retry=False, in_doubt=True) from error
