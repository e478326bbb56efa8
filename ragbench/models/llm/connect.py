"""A client by the model's name."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ragbench.core.seeds import generator
from ragbench.models.llm.answers import AnswerStore
from ragbench.models.llm.budget import Budget, require_price
from ragbench.models.llm.chat_model import ChatModel
from ragbench.models.llm.client import Client
from ragbench.models.llm.limits import Limits
from ragbench.models.llm.openai_compatible import PROVIDER, OpenAICompatible
from ragbench.models.llm.prices import find_price
from ragbench.models.llm.structured import Structured


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
) -> Client:
    """A client for a model; nothing is called yet.

    Args:
        model: ``provider:name``: ``openai_compatible:MODEL`` is asked directly (see `OpenAICompatible`), all others
            through LangChain: ``openai:gpt-4o-mini``, ``bedrock_converse:...``.
        params: further arguments of the model, such as ``{"base_url": "http://localhost:8000/v1"}``.
        limits: how fast, how long, how often.
        answers: file of the answer cache; clients of several models may share it. None keeps nothing.
        budget: the hard limit, shared by the clients of one run.
        prices: the user's price table, a YAML file.
        seed: of the waits between tries; it changes no answer.
        structured: see `StructuredLLM`.

    Raises:
        MissingExtra: the provider's library is not installed.
        SettingError: unknown provider or parameter, no key, or a limit on cost without a price.
        InputError: a file that cannot be used.
    """
    limits = limits or Limits()
    kind = OpenAICompatible if model.partition(":")[0] == PROVIDER else ChatModel
    llm = kind(model, params, structured=structured, timeout=limits.timeout, concurrency=limits.concurrency)
    price = find_price(model, prices, at_provider=not llm.base_url)
    jitter = generator(seed, "llm", "retries", model)
    # Before the cache is opened, so that a refused setting leaves no file behind.
    require_price(model, price, budget)
    store = AnswerStore(answers) if answers is not None else None
    return Client(llm, limits=limits, answers=store, budget=budget, price=price, jitter=jitter)
