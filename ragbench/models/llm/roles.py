"""The language models of one run, and the tokens and costs of its folder."""

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ragbench.core.context import unheard
from ragbench.core.options import option, option_group
from ragbench.core.pace import Concurrency, parse_concurrency
from ragbench.io.files import write_text
from ragbench.models.llm.answers import AnswerStore
from ragbench.models.llm.base import Usage
from ragbench.models.llm.client import Client
from ragbench.models.llm.connect import Through, connect
from ragbench.models.llm.costs import Budget, Price
from ragbench.models.llm.limits import Limits


@option_group
class CallOptions:
    """How language models are called: the service, the budget and the limits. Every model of a run shares them."""

    base_url: str | None = option(
        "Address of a service that speaks OpenAI's protocol.", default=None, section="Model", metavar="URL",
        unset="the provider's",
    )  # fmt: skip
    max_cost: float | None = option(
        "The most to spend, in US dollars. Jobs that can be resumed count all runs of a folder.", default=None,
        section="Limits", unset="no limit",
    )  # fmt: skip
    max_tokens: int | None = option(
        "The most tokens, input and output together.", default=None, section="Limits", unset="no limit"
    )
    prices: Path | None = option(
        "YAML file with prices of models.", default=None, section="Limits", unset="the prices that come with ragbench"
    )
    concurrency: Concurrency = option(
        "Calls in flight at once; with auto, as many as the service takes, up to 64.", default=8, section="Limits",
        metavar="N|auto", parse=parse_concurrency,
    )  # fmt: skip
    rpm: float | None = option("Requests per minute.", default=None, section="Limits", unset="no limit")
    tpm: float | None = option("Tokens per minute.", default=None, section="Limits", unset="no limit")
    timeout: float = option("Seconds that one call may take.", default=60.0, section="Limits")

    @property
    def limits(self) -> Limits:
        """Concurrency, rates and timeout of a client."""
        return Limits(self.concurrency, self.rpm, self.tpm, self.timeout)

    @property
    def params(self) -> dict[str, str]:
        """Arguments of the model."""
        return {"base_url": self.base_url} if self.base_url else {}

    def connect(
        self, model: str, *, answers: Path | None, seed: int, budget: Budget | None = None,
        through: Through | None = None,
    ) -> Client:  # fmt: skip
        """Make a client for a model. Nothing is called yet.

        Args:
            model: ``provider:name``.
            answers: the answer cache, if answers are kept.
            seed: seed of the waits between tries.
            budget: shared with other clients; by default, of this client alone.
            through: has other processes make the calls.

        Raises:
            MissingExtra, SettingError: see `ragbench.models.llm.connect.connect`.
        """
        return connect(
            model,
            params=self.params,
            limits=self.limits,
            answers=answers,
            budget=budget or Budget(self.max_cost, self.max_tokens),
            prices=self.prices,
            seed=seed,
            through=through,
        )


@dataclass(frozen=True)
class ModelOptions:
    """The language models of a run.

    Attributes:
        models: names of the models by role; empty if no model is named.
        calls: service, budget and limits of the calls.
        seed: seed of the waits between tries.
    """

    models: Mapping[str, str]
    calls: CallOptions = field(default_factory=CallOptions)
    seed: int = 0


class Models:
    """The clients of a run: one per model, even if the model has several roles."""

    def __init__(self, options: ModelOptions) -> None:
        self.options = options
        self.store: AnswerStore | None = None
        self.clients = self._connect(None, Budget(options.calls.max_cost, options.calls.max_tokens))

    def _connect(self, answers: Path | None, budget: Budget, through: Through | None = None) -> dict[str, Client]:
        options = self.options
        by_name = {
            name: options.calls.connect(name, answers=answers, budget=budget, seed=options.seed, through=through)
            for name in dict.fromkeys(options.models.values())
        }
        return {role: by_name[name] for role, name in options.models.items()}

    def open(
        self, answers: Path, say: Callable[[str], None] = unheard, through: Through | None = None
    ) -> None:  # fmt: skip
        """Connect the clients to the answers of the run. What these answers cost counts against the budget.

        Args:
            answers: the answer cache.
            say: takes a line about answers that are damaged.
            through: has other processes make the calls; by default, this process makes them.
        """
        if not self.clients:
            return
        self.store = AnswerStore(answers)
        paid = self.paid().values()
        if self.store.damaged:
            say(f"{answers}: {len(self.store.damaged)} stored answers are damaged; what needs them asks again")
        tokens = sum(usage.input_tokens + usage.output_tokens for _, usage, _ in paid)
        cost = sum(price.cost(usage) for _, usage, price in paid if price is not None)
        budget = Budget(self.options.calls.max_cost, self.options.calls.max_tokens, cost=cost, tokens=tokens)
        self.clients = self._connect(answers, budget, through)

    def paid(self) -> dict[str, tuple[int, Usage, Price | None]]:
        """Tokens and price of the folder's answers, by model."""
        if self.store is None:
            return {}
        return {client.llm.name: (*self.store.paid(client.llm.fingerprint()), client.price)
                for client in self._distinct()}  # fmt: skip

    def _distinct(self) -> Iterator[Client]:
        seen: set[int] = set()
        for client in self.clients.values():
            if id(client) not in seen:
                seen.add(id(client))
                yield client

    async def aclose(self) -> None:
        """Wait for calls in flight, and close the clients."""
        for client in self._distinct():
            await client.aclose()

    def close(self) -> None:
        """Close the answer cache."""
        if self.store is not None:
            self.store.close()

    def totals(self) -> dict[str, dict[str, object]]:
        """Counts of this run, by model."""
        return {
            client.llm.name: {
                "calls": client.totals.calls,
                "from_cache": client.totals.cached,
                "retries": client.totals.retries,
                "reasks": client.totals.reasks,
                "given_up": client.totals.given_up,
                "in_doubt": client.totals.in_doubt,
                "input_tokens": client.totals.usage.input_tokens,
                "output_tokens": client.totals.usage.output_tokens,
                "cost": client.totals.cost,
                "prices": client.price.source if client.price else None,
            }
            for client in self._distinct()
        }


def write_spent(path: Path, models: Models) -> None:
    """Write what this run and the folder cost. Only this file differs between an interrupted run and one without
    interruption.
    """
    if not models.clients:
        return
    folder = {
        name: {"answers": count, "input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens,
               "cost": price.cost(usage) if price else None}
        for name, (count, usage, price) in models.paid().items()
    }  # fmt: skip
    # A full disk must not hide the error that ended the run.
    with contextlib.suppress(OSError):
        write_text(path, json.dumps({"last_run": models.totals(), "folder": folder}, indent=2) + "\n")
