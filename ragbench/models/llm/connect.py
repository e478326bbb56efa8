"""Make a client from a model's name, and read the model family from the name."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ragbench.core.context import generator
from ragbench.core.pace import most_at_once
from ragbench.models.llm.answers import AnswerStore
from ragbench.models.llm.base import LLM
from ragbench.models.llm.chat_model import ChatModel
from ragbench.models.llm.client import Client
from ragbench.models.llm.costs import Budget, Price, find_price, require_price
from ragbench.models.llm.limits import Limits
from ragbench.models.llm.local.base import LocalModel
from ragbench.models.llm.local.llamacpp import LlamaCpp
from ragbench.models.llm.local.transformers import Transformers
from ragbench.models.llm.local.vllm import VLLM
from ragbench.models.llm.openai_compatible import PROVIDER, OpenAICompatible
from ragbench.models.llm.structured import Structured

LOCAL: Mapping[str, type[LocalModel]] = {kind.extra: kind for kind in (Transformers, VLLM, LlamaCpp)}
"""Models that run in this process, by provider."""
FREE = Price(0.0, 0.0, "computed in this process")


@dataclass(frozen=True)
class Connection:
    """The settings that make a model, without keys. Another process can make the same model from them.

    Attributes:
        model: ``provider:name``.
        params: further arguments of the model.
        structured: see `StructuredLLM`.
        timeout: the most seconds of one call.
        concurrency: the most calls in flight.
    """

    model: str
    params: Mapping[str, Any] = field(default_factory=dict)
    structured: Structured = "auto"
    timeout: float = 60.0
    concurrency: int = 8

    def open(self) -> LocalModel | OpenAICompatible | ChatModel:
        """Make the model. Nothing is called yet.

        Raises:
            MissingExtra, SettingError: see `connect`.
        """
        provider = self.model.partition(":")[0]
        if provider in LOCAL:
            return LOCAL[provider](
                self.model, self.params, structured=self.structured, concurrency=self.concurrency
            )  # fmt: skip
        kind = OpenAICompatible if provider == PROVIDER else ChatModel
        return kind(
            self.model, self.params, structured=self.structured, timeout=self.timeout, concurrency=self.concurrency
        )


Through = Callable[[Connection, LLM], LLM]
"""Makes the model that a client calls, given the connection and the model that this process would call."""


def connect(
    model: str,
    *,
    params: Mapping[str, Any] | None = None,
    limits: Limits | None = None,
    answers: Path | None = None,
    budget: Budget | None = None,
    prices: Path | None = None,
    seed: int = 0,
    structured: Structured = "auto",
    through: Through | None = None,
) -> Client:
    """Make a client for a model. Nothing is called yet.

    Args:
        model: ``provider:name``: ``openai_compatible:MODEL`` is asked directly (see `OpenAICompatible`);
            ``transformers:MODEL``, ``vllm:MODEL`` and ``llamacpp:FILE`` run in this process (see `LOCAL`); all others
            are asked through LangChain: ``openai:gpt-4o-mini``, ``bedrock_converse:...``.
        params: further arguments of the model, such as ``{"base_url": "http://localhost:8000/v1"}``.
        limits: concurrency, rates, timeouts and retries.
        answers: file of the answer cache, which clients of several models may share; None stores nothing.
        budget: the hard limit, shared by the clients of one run.
        prices: the user's price table, a YAML file.
        seed: seed of the waits between tries; it changes no answer.
        structured: see `StructuredLLM`.
        through: has other processes make the calls; by default, this process makes them.

    Raises:
        MissingExtra: the provider's library is not installed.
        SettingError: the provider or a parameter is unknown, there is no key, or the cost is limited without a price.
        InputError: a file cannot be used.
    """
    limits = limits or Limits()
    connection = Connection(
        model, dict(params or {}), structured, limits.timeout, most_at_once(limits.concurrency)
    )  # fmt: skip
    own = connection.open()
    if isinstance(own, LocalModel):
        price: Price | None = find_price(model, prices) or FREE
    else:
        price = find_price(model, prices, base_url=own.base_url)
    llm = own if through is None else through(connection, own)
    jitter = generator(seed, "llm", "retries", model)
    # Before the cache is opened, so that a refused setting creates no file.
    require_price(model, price, budget)
    store = AnswerStore(answers) if answers is not None else None
    return Client(llm, limits=limits, answers=store, budget=budget, price=price, jitter=jitter)


FAMILIES: tuple[tuple[str, str], ...] = (
    ("anthropic claude", r"claude|anthropic"),
    ("openai gpt", r"gpt|chatgpt|davinci|\bo[1345](-|$)|text-embedding-(3|ada)"),
    ("google gemini and gemma", r"gemini|gemma|palm|text-bison"),
    ("meta llama", r"llama|vicuna|alpaca"),
    ("mistral", r"mistral|mixtral|ministral|codestral|magistral|zephyr"),
    ("qwen", r"qwen|qwq|gte-"),
    ("deepseek", r"deepseek"),
    ("amazon nova and titan", r"nova|titan"),
    ("cohere", r"cohere|command-?[ar]|\brerank-(english|multilingual|v3)|embed-(english|multilingual)"),
    ("microsoft phi", r"\bphi-?\d"),
    ("smollm", r"smollm"),
    ("ibm granite", r"granite"),
    ("zhipu glm", r"\bglm|chatglm"),
    ("baai bge", r"bge-"),
    ("minilm", r"minilm"),
)
"""Name of a family, and a pattern for the names of its models. The first match counts.

A model that was distilled from another family, or trained on its answers, counts as its own family.
"""
_PROVIDER = re.compile(r"^[a-z_]+[:/](?=[^:]*[a-z])", re.IGNORECASE)


def family(model: str) -> str | None:
    """Return the model family that a name belongs to; None if it is unknown.

    The provider before the colon does not count: ``openai:`` also precedes models
    of others on a compatible server.
    """
    name = _PROVIDER.sub("", model.strip(), count=1)
    if model.partition(":")[0] in LOCAL:
        name = name.rstrip("/").rpartition("/")[2]  # folders are named for anything
    return next((known for known, pattern in FAMILIES if re.search(pattern, name, re.IGNORECASE)), None)


def shared_family(one: str, other: str) -> str | None:
    """The family that both models belong to, or their common name if no family is known; None if they differ."""
    first, second = family(one), family(other)
    if first is not None or second is not None:
        return first if first == second else None
    return one.strip() if one.strip().lower() == other.strip().lower() else None
