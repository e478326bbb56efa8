"""The contract of a language model: requests, responses, and the errors that end a run."""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import blake2b
from typing import Any, Literal, Protocol

from ragbench.core.errors import RagbenchError
from ragbench.core.fingerprint import fingerprint
from ragbench.core.foreign import without_surrogates

Role = Literal["system", "user", "assistant"]
Show = Callable[[str], None]
"""Receives a text piece by piece, in order, in the caller's event loop."""


MOST_TOKENS = 2**63 - 1
"""The largest count of tokens that the answer cache can store."""
MOST_BYTES = 4 * 2**20
"""The largest reply that is read: about a million tokens."""
UNREADABLE = (RecursionError, OverflowError, UnicodeError, MemoryError)
"""What a hostile reply makes Python raise. It costs that one request."""
SAMPLES_OF_A_RUN = 1000
"""Sample numbers of one run of a system, for its own samples and for requests that are asked again."""


@dataclass(frozen=True)
class Message:
    """One message of a conversation."""

    role: Role
    text: str


@dataclass(frozen=True)
class Request:
    """One question to a model. Everything in it decides the answer, so all of it is the cache key.

    The fingerprint contains the module and the name of this class: moving or renaming it invalidates every
    answer cache.

    Attributes:
        prompt: name and version of the prompt it was made from, ``"draft/3"``.
        messages: the conversation, in order.
        schema: JSON schema the answer must follow; None for free text.
        max_tokens: the most the model may write.
        temperature: 0 for the most likely answer.
        seed: passed on if the provider accepts one.
        sample: which of several answers to the same question this one is.
    """

    prompt: str
    messages: tuple[Message, ...]
    schema: Mapping[str, object] | None = None
    max_tokens: int = 1024
    temperature: float = 0.0
    seed: int = 0
    sample: int = 0

    def of_repeat(self, repeat: int) -> "Request":
        """Make the same request for another run of the system, so that it is asked again; 0 changes nothing."""
        return replace(self, sample=self.sample + SAMPLES_OF_A_RUN * repeat) if repeat else self

    @cached_property
    def fingerprint(self) -> str:
        """Fingerprint of the request. A cache key also contains the model's fingerprint."""
        return fingerprint(self)

    @cached_property
    def schema_text(self) -> str:
        """The schema as JSON, or empty. It is cached, since every call needs it several times."""
        return "" if self.schema is None else json.dumps(self.schema)


@dataclass(frozen=True)
class Usage:
    """Tokens of one call, as counted by the provider or, if it does not count, as estimated.

    A count lies in 0 to `MOST_TOKENS`. A count outside, which only a faulty provider reports, becomes the nearer end.
    """

    input_tokens: int = 0
    output_tokens: int = 0

    def __post_init__(self) -> None:
        for name in ("input_tokens", "output_tokens"):
            object.__setattr__(self, name, min(max(getattr(self, name), 0), MOST_TOKENS))

    @classmethod
    def reported(cls, input_tokens: Any, output_tokens: Any) -> "Usage":
        """Read the counts of a reply; a count that is missing is 0.

        Raises:
            LLMError: a count is no finite number.
        """
        try:
            return cls(int(input_tokens or 0), int(output_tokens or 0))
        except (TypeError, ValueError, OverflowError) as error:
            counts = f"{input_tokens!r:.40} and {output_tokens!r:.40}"
            raise LLMError(f"the reply counts its tokens as {counts}", retry=True, in_doubt=True) from error

    @property
    def tokens(self) -> int:
        """Input and output together."""
        return self.input_tokens + self.output_tokens

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(self.input_tokens + other.input_tokens, self.output_tokens + other.output_tokens)


@dataclass(frozen=True)
class Response:
    """A model's reply.

    Half a surrogate pair, which no file can hold, becomes U+FFFD.

    Attributes:
        text: the raw answer.
        usage: tokens of this call.
        finish_reason: why the text ended, as the provider reports it ("stop", "length", ...).
    """

    text: str
    usage: Usage = field(default_factory=Usage)
    finish_reason: str = "stop"

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", without_surrogates(self.text))
        object.__setattr__(self, "finish_reason", without_surrogates(self.finish_reason))


CALL: ContextVar[str] = ContextVar("call", default="")
"""Identity of the call in progress, which the client sets: the same when the call is repeated after a kill."""


def idempotency_key(body: bytes) -> str:
    """The value of the header ``Idempotency-Key`` for a request body; empty if no client makes the call.

    A service that knows the header answers a repeated call from its records and does not bill it again.

    Source: IETF draft "The Idempotency-Key HTTP Header Field".
    """
    call = CALL.get()
    return blake2b(call.encode() + body, digest_size=16).hexdigest() if call else ""


class LLMError(Exception):
    """A call that gave no answer.

    Attributes:
        retry: whether the same call may succeed later (429, 5xx, time-outs, broken connections).
        retry_after: seconds the provider asked to wait, or None.
        fatal: whether every other call would fail too (bad key, unknown model).
        limited: whether the provider only asked for fewer calls (429). Such a call does not count against the request.
        in_doubt: whether the provider may have answered and billed anyway (a time-out, a broken connection).
        broken: whether the provider failed on this request (500), rather than being away or busy (502, 503, 504, 529).
    """

    def __init__(
        self,
        reason: str,
        *,
        retry: bool,
        retry_after: float | None = None,
        fatal: bool = False,
        limited: bool = False,
        in_doubt: bool = False,
        broken: bool = False,
    ) -> None:
        super().__init__(reason)
        self.retry, self.retry_after, self.fatal = retry, retry_after, fatal
        self.limited, self.in_doubt, self.broken = limited, in_doubt, broken


class LLM(ABC):
    """One language model, without limits, retries or a cache (`ragbench.models.llm.client` adds them)."""

    name: str
    """The name as the user wrote it: ``bedrock_converse:MODEL``, ``openai:MODEL``."""
    streams: bool = False
    """Whether `stream` passes text on while it is written. It becomes False if a server turns out not to stream."""
    local: bool = False
    """Whether it computes in this process. Such a call costs nothing and has no time limit."""

    @abstractmethod
    def fingerprint(self) -> str:
        """Identity of the model and its settings, without keys: part of every cache key."""

    @abstractmethod
    async def complete(self, request: Request) -> Response:
        """Make one call.

        Raises:
            LLMError: the call gave no answer.
        """

    async def stream(self, request: Request, show: Show) -> Response:
        """Make one call and pass its text on while it is written. A model that does not stream passes on nothing.

        Raises:
            LLMError: the call gave no answer, or broke off.
        """
        return await self.complete(request)

    async def open(self) -> None:
        """Do what has to be done once before calls, and does not count as their time, such as loading weights.

        Raises:
            LLMError: it cannot be done.
        """
        return

    async def aclose(self) -> None:
        """Release connections and threads, if there are any."""
        return


@dataclass(frozen=True)
class Answer:
    """An answer that follows the request's schema, or the reason why there is none.

    Attributes:
        value: the parsed JSON object (or the text, for a request without schema); None if given up.
        failure: why it was given up, or empty.
        raw: the last raw answer, for the issue log.
        usage: tokens that were paid for now, re-asks included; none for a cached answer.
        cost: their price, in the currency of the price table; 0.0 if the price is unknown.
        unanswered: the provider never answered, so nothing is stored and a later run asks again. A failure without
            it is final: a later run finds the same answers and gives up in the same way.
        took: tokens of all answers behind it, re-asks included, whenever they were paid for: the usage without a
            cache.
        seconds: duration of the calls that were paid for now, without the wait for a free slot; None for a cached
            answer.
    """

    value: object | None
    failure: str = ""
    raw: str = ""
    usage: Usage = field(default_factory=Usage)
    cost: float = 0.0
    unanswered: bool = False
    took: Usage = field(default_factory=Usage)
    seconds: float | None = field(default=None, compare=False)


class Asker(Protocol):
    """Something that answers requests. Limits, retries, cache and budget are behind it."""

    async def ask(self, request: Request) -> Answer:
        """Return the answer, or why there is none. Raises only what ends the whole run (budget spent, bad key)."""
        ...


class BudgetSpent(RagbenchError):
    """The next call could cost more than is left of the budget."""


class ServiceDown(RagbenchError):
    """The provider has not answered any call for so long that waiting is pointless."""


class AnswerLater(RagbenchError):
    """The question is recorded and will be answered later. Other questions may still be asked."""
