"""What requests take and cost: prices, token counts, estimates before a run, and the hard limit during it."""

import asyncio
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ragbench.core.errors import InputError, SettingError
from ragbench.core.spelling import named
from ragbench.io.files import read_yaml
from ragbench.models.llm.base import BudgetSpent, Request, Response, Usage

LARGEST = 1e15
"""No price is higher; a whole number of hundreds of digits is no float."""
TABLE = Path(__file__).with_name("prices.yaml")


@dataclass(frozen=True)
class Price:
    """The price of one million tokens.

    Attributes:
        input: price of input tokens.
        output: price of output tokens.
        source: where the price comes from, for the report.
    """

    input: float
    output: float
    source: str = ""

    def cost(self, usage: Usage) -> float:
        """The cost of these tokens."""
        return (usage.input_tokens * self.input + usage.output_tokens * self.output) / 1e6


HOSTS: Mapping[str, str] = {
    "api.openai.com": "openai",
    "api.anthropic.com": "anthropic",
    "generativelanguage.googleapis.com": "google_genai",
    "api.mistral.ai": "mistralai",
    "api.deepseek.com": "deepseek",
    "api.groq.com": "groq",
    "api.cohere.com": "cohere",
}
"""Providers by the host of their addresses."""
SAME_PRICES: Mapping[str, str] = {
    "bedrock": "bedrock_converse",
    "azure_openai": "openai",
    "google_vertexai": "google_genai",
}
"""Providers whose models are listed under another one."""
VERSION = re.compile(r"(?:-\d{4}-\d{2}-\d{2}|-\d{8}|-latest)?(?:-v?\d+:\d+)?$")
"""The end of a name that fixes a version: ``-2024-07-18``, or ``-20240307-v1:0`` of Bedrock."""


def find_price(model: str, own: Path | None = None, *, base_url: str = "") -> Price | None:
    """Find the price of a model; None if neither table has it.

    Bedrock's prices differ by region, so its inference profiles (``us....``) have their own rows. A version of a model
    that has no row of its own has the price of the model.

    Args:
        model: ``provider:name``.
        own: the user's table; it takes precedence over the built-in one.
        base_url: the address of the service, if the user named one. A model of a known provider has its list price
            behind a gateway too. An ``openai_compatible`` server at any other address has its own prices, so only the
            user's table counts.

    Raises:
        InputError: the user's table cannot be read.
    """
    if own is not None:
        found = _read(own).get(model)
        if found:
            return found
    provider, _, name = model.partition(":")
    provider = HOSTS.get(_host(base_url), provider)
    provider = SAME_PRICES.get(provider, provider)
    built_in = _built_in()
    return built_in.get(f"{provider}:{name}") or built_in.get(f"{provider}:{VERSION.sub('', name, count=1)}")


def _host(base_url: str) -> str:
    try:
        return urlsplit(base_url).hostname or ""
    except ValueError:
        return ""


def how_to_name_a_price(model: str) -> str:
    """Explain how to add a price."""
    return (
        f"write it to a YAML file and name that file with {named('prices')}: "
        f"'{model}: {{input: 0.15, output: 0.60}}' (per million tokens; 0 for a model of your own)"
    )


@cache
def _built_in() -> Mapping[str, Price]:
    return _read(TABLE)


def _read(path: Path) -> Mapping[str, Price]:
    found = read_yaml(path)
    if not isinstance(found, dict):
        raise InputError(f"{path}: a price table is a mapping from provider:model to {{input, output}}")
    source, date = str(found.pop("source", path.name)), found.pop("date", None)
    source += f", {date}" if date is not None else ""
    return {str(model): _price(path, str(model), row, source) for model, row in found.items()}


def _price(path: Path, model: str, row: Any, source: str) -> Price:
    if not isinstance(row, dict) or set(row) != {"input", "output"}:
        raise InputError(f"{path}: {model!r} needs exactly the keys input and output, it has {row!r}")
    for key, value in row.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < LARGEST:
            raise InputError(f"{path}: {key} of {model!r} must be a number from 0 up, it is {value!r}")
    return Price(float(row["input"]), float(row["output"]), source)


CHARACTERS_PER_TOKEN = 4.0
"""Characters per token of English text with common tokenizers. Other scripts take more tokens."""
PER_MESSAGE, PER_REQUEST = 16, 256
"""Upper bounds of the tokens that a chat template adds; a schema sent as a tool adds its own framing."""


def estimated_usage(request: Request) -> Usage:
    """Estimate the input tokens. The output tokens are an upper bound."""
    return Usage(_tokens(_written(request)), request.max_tokens)


def usage_bound(request: Request) -> Usage:
    """An upper bound of what the provider counts.

    A token of a byte-level vocabulary stands for at least one byte of UTF-8, and
    `max_tokens` bounds the output.
    """
    text = _written(request)
    framing = PER_REQUEST + PER_MESSAGE * len(request.messages)
    return Usage(len(text.encode("utf-8", "surrogatepass")) + framing, request.max_tokens)


def counted_usage(request: Request, response: Response) -> Usage:
    """The provider's count, or an estimate if it gave none."""
    if response.usage != Usage():
        return response.usage
    return Usage(_tokens(_written(request)), _tokens(response.text))


def _written(request: Request) -> str:
    said = "".join(message.text for message in request.messages)
    # Twice: for a server that accepts no schema it is in the prompt, with its instruction.
    return said + 2 * request.schema_text


def _tokens(text: str) -> int:
    return max(1, round(len(text) / CHARACTERS_PER_TOKEN))


@dataclass(frozen=True)
class Estimate:
    """The cost of a plan. ``+`` joins two of them.

    Attributes:
        calls: requests that must be paid for.
        cached: requests whose answers are stored already.
        input_tokens: input tokens of the calls, at about four characters per token.
        output_tokens: the most output tokens of the calls.
        least: cost without any output; None if the price is unknown.
        most: cost if every answer had its greatest length; None if the price is unknown.
        source: where the price comes from.
    """

    calls: int = 0
    cached: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    least: float | None = 0.0
    most: float | None = 0.0
    source: str = ""

    def __add__(self, other: "Estimate") -> "Estimate":
        return Estimate(
            self.calls + other.calls,
            self.cached + other.cached,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            None if self.least is None or other.least is None else self.least + other.least,
            None if self.most is None or other.most is None else self.most + other.most,
            self.source if other.source in ("", self.source) else "; ".join(filter(None, (self.source, other.source))),
        )

    def lines(self, *, prices: bool = True) -> list[str]:
        """The lines that ``--dry-run`` prints.

        Args:
            prices: whether the last one names the source of the prices.
        """
        shown = [
            f"calls          {self.calls:,}" + (f" ({self.cached:,} more are answered already)" if self.cached else ""),
            f"input tokens   about {self.input_tokens:,} (four characters a token)",
            f"output tokens  at most {self.output_tokens:,}",
        ]
        if self.least is None or self.most is None:
            return [*shown, f"cost           unknown: the price table has no such model ({named('prices')} FILE)"]
        shown.append(f"cost           {self.least:,.4f} to {self.most:,.4f}, before repairs of unusable answers")
        return shown + ([f"prices         {self.source}"] if self.source and prices else [])


def estimate(requests: Iterable[Request], price: Price | None, known: Callable[[Request], bool]) -> Estimate:
    """Estimate what the requests would take. Equal requests are one call.

    Args:
        requests: read once, one at a time.
        price: price of the model, or None.
        known: says whether a request's answer is stored already.
    """
    calls = cached = 0
    total = Usage()
    seen: set[str] = set()
    for request in requests:
        if request.fingerprint in seen:
            continue
        seen.add(request.fingerprint)
        if known(request):
            cached += 1
            continue
        calls += 1
        total += estimated_usage(request)
    least = price.cost(Usage(total.input_tokens, 0)) if price else None
    most = price.cost(total) if price else None
    return Estimate(calls, cached, total.input_tokens, total.output_tokens, least, most, price.source if price else "")


@dataclass(frozen=True)
class Reserved:
    """What was reserved for one call."""

    tokens: int
    cost: float


class Budget:
    """A hard limit on cost and tokens, shared by the clients of one run in one event loop.

    A call that does not fit beside those in flight waits until they have ended,
    since most of them take less than was reserved.

    Args:
        max_cost: the most to spend, in the currency of the price table; None for no limit.
        max_tokens: the most tokens, of input and output together; None for no limit.
        cost: the cost of an earlier part of the run.
        tokens: the tokens of an earlier part of the run.

    Raises:
        SettingError: a limit is not above 0.
    """

    def __init__(
        self, max_cost: float | None = None, max_tokens: int | None = None, *, cost: float = 0.0, tokens: int = 0
    ) -> None:
        for name, limit in (("max_cost", max_cost), ("max_tokens", max_tokens)):
            if limit is not None and not limit > 0:
                raise SettingError(f"{name} must be above 0, it is {limit}")
        self.max_cost, self.max_tokens = max_cost, max_tokens
        self.cost, self.tokens = cost, tokens
        self.in_doubt = Reserved(0, 0.0)
        """Reserved for calls with an unknown outcome; counted as spent, since they may be billed."""
        self._in_flight, self._held = 0, Reserved(0, 0.0)
        """Number of calls with a reservation, and the sum of the reservations."""
        self._waiting: list[asyncio.Future[None]] = []

    async def reserve(self, most: Usage, price: Price | None) -> Reserved:
        """Reserve the most that a call can take.

        Raises:
            BudgetSpent: it does not fit into the rest of the budget, even with nothing in flight.
            SettingError: it would not fit into the whole budget.
        """
        wanted = Reserved(most.input_tokens + most.output_tokens, price.cost(most) if price else 0.0)
        self._check_alone(wanted)
        while True:
            if not self._over(wanted, self.tokens, self.cost):
                if not self._over(wanted, self.tokens + self._held.tokens, self.cost + self._held.cost):
                    self._in_flight += 1
                    self._held = Reserved(self._held.tokens + wanted.tokens, self._held.cost + wanted.cost)
                    return wanted
            elif not self._in_flight:
                raise BudgetSpent(self._message(wanted))
            await self._settlement()

    def settle(self, reserved: Reserved, usage: Usage | None, cost: float = 0.0) -> None:
        """Record that a call has ended.

        Args:
            reserved: the reservation of the call.
            usage: the tokens it took; None for none.
            cost: their cost.
        """
        if usage is not None:
            self.tokens += usage.input_tokens + usage.output_tokens
            self.cost += cost
        self._release(reserved)

    def settle_in_doubt(self, reserved: Reserved) -> None:
        """Record a call that may or may not be billed: the whole reservation counts."""
        self.tokens += reserved.tokens
        self.cost += reserved.cost
        self.in_doubt = Reserved(self.in_doubt.tokens + reserved.tokens, self.in_doubt.cost + reserved.cost)
        self._release(reserved)

    def _release(self, reserved: Reserved) -> None:
        self._in_flight -= 1
        # With nothing in flight, the sum is exactly 0; this removes rounding errors.
        left = self._held.cost - reserved.cost if self._in_flight else 0.0
        self._held = Reserved(self._held.tokens - reserved.tokens, left)
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    async def _settlement(self) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        await future

    def _over(self, wanted: Reserved, tokens: int, cost: float) -> bool:
        over_tokens = self.max_tokens is not None and tokens + wanted.tokens > self.max_tokens
        # Sums of many small prices carry rounding errors, so a billionth is tolerated.
        over_cost = self.max_cost is not None and cost + wanted.cost > self.max_cost * (1 + 1e-9)
        return over_tokens or over_cost

    def _check_alone(self, wanted: Reserved) -> None:
        if self._over(wanted, 0, 0.0):
            raise SettingError(
                f"the budget is too small for one call: it may take {_reported(wanted)}, and the limit is "
                f"{self._limits()}. Raise the limit, or ask for shorter answers"
            )

    def _limits(self) -> str:
        limits = [f"{self.max_cost:g} in cost"] if self.max_cost is not None else []
        return " and ".join(limits + ([f"{self.max_tokens:,} tokens"] if self.max_tokens is not None else []))

    def _message(self, wanted: Reserved) -> str:
        doubt = f", {_reported(self.in_doubt)} of it for calls that broke off" if self.in_doubt.tokens else ""
        return (
            f"the budget of {self._limits()} is spent: {_reported(Reserved(self.tokens, self.cost))} are used{doubt}, "
            f"and the next call may take {_reported(wanted)}. Every answer is kept: "
            "run the same command with a higher limit to go on"
        )


def _reported(amount: Reserved) -> str:
    return f"{amount.tokens:,} tokens" + (f" ({amount.cost:.6g} in cost)" if amount.cost else "")


def require_price(model: str, price: Price | None, budget: Budget | None) -> None:
    """Refuse a limit on cost if the price is unknown.

    Raises:
        SettingError: the price is unknown; the message says how to add it.
    """
    if budget is not None and budget.max_cost is not None and price is None:
        raise SettingError(
            f"a limit on cost needs the price of {model!r}, which is not known: {how_to_name_a_price(model)}"
        )
