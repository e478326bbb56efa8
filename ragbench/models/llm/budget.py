"""A hard limit on cost and tokens: the most a call can take is set aside before it is made."""

import asyncio
from dataclasses import dataclass

from ragbench.core.errors import SettingError
from ragbench.models.llm.base import Usage
from ragbench.models.llm.errors import BudgetSpent
from ragbench.models.llm.prices import Price, how_to_name_a_price


@dataclass(frozen=True)
class Reserved:
    """What was set aside for one call."""

    tokens: int
    cost: float


class Budget:
    """Shared by the clients of one run, in one event loop.

    A call that does not fit beside those in flight waits until they have ended,
    since they mostly take less than was set aside for them.

    Args:
        max_cost: the most to spend, in the currency of the price table; None for no limit.
        max_tokens: the most tokens, of input and output together; None for no limit.
        cost: spent before, by an earlier part of the run.
        tokens: taken before.

    Raises:
        SettingError: a limit that is not above 0.
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
        """Set aside for calls whose end is unknown; counted as spent, since they may be billed."""
        self._in_flight, self._held = 0, Reserved(0, 0.0)
        """Calls that something is set aside for, and how much for all of them."""
        self._waiting: list[asyncio.Future[None]] = []

    async def reserve(self, most: Usage, price: Price | None) -> Reserved:
        """Set aside the most that a call can take.

        Raises:
            BudgetSpent: it does not fit into what is left, even when nothing is in flight.
            SettingError: it would not even fit into the whole budget.
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
        """A call has ended.

        Args:
            reserved: what was set aside.
            usage: what it took; None for nothing.
            cost: what that cost.
        """
        if usage is not None:
            self.tokens += usage.input_tokens + usage.output_tokens
            self.cost += cost
        self._release(reserved)

    def settle_in_doubt(self, reserved: Reserved) -> None:
        """A call ended in a way that leaves open whether it is billed: count all that was set aside."""
        self.tokens += reserved.tokens
        self.cost += reserved.cost
        self.in_doubt = Reserved(self.in_doubt.tokens + reserved.tokens, self.in_doubt.cost + reserved.cost)
        self._release(reserved)

    def _release(self, reserved: Reserved) -> None:
        self._in_flight -= 1
        # What rounding left of the sum goes when nothing is in flight.
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
        # The sums of many small prices carry rounding; a billionth is no money.
        over_cost = self.max_cost is not None and cost + wanted.cost > self.max_cost * (1 + 1e-9)
        return over_tokens or over_cost

    def _check_alone(self, wanted: Reserved) -> None:
        if self._over(wanted, 0, 0.0):
            raise SettingError(
                f"the budget is too small for one call: it may take {_told(wanted)}, and the limit is "
                f"{self._limits()}. Raise the limit, or ask for shorter answers"
            )

    def _limits(self) -> str:
        limits = [f"{self.max_cost:g} in cost"] if self.max_cost is not None else []
        return " and ".join(limits + ([f"{self.max_tokens:,} tokens"] if self.max_tokens is not None else []))

    def _message(self, wanted: Reserved) -> str:
        doubt = f", {_told(self.in_doubt)} of it for calls that broke off" if self.in_doubt.tokens else ""
        return (
            f"the budget of {self._limits()} is spent: {_told(Reserved(self.tokens, self.cost))} are used{doubt}, "
            f"and the next call may take {_told(wanted)}. Every answer is kept: "
            "run the same command with a higher limit to go on"
        )


def _told(amount: Reserved) -> str:
    return f"{amount.tokens:,} tokens" + (f" ({amount.cost:.6g} in cost)" if amount.cost else "")


def require_price(model: str, price: Price | None, budget: Budget | None) -> None:
    """Refuse a limit on cost where the price is not known.

    Raises:
        SettingError: the message says how to name a price.
    """
    if budget is not None and budget.max_cost is not None and price is None:
        raise SettingError(
            f"a limit on cost needs the price of {model!r}, which is not known: {how_to_name_a_price(model)}"
        )
