"""What a client did so far."""

from dataclasses import dataclass, field

from ragbench.models.llm.base import Usage


@dataclass
class Totals:
    """Running counts of one client.

    Attributes:
        calls: calls that the provider answered (and bills).
        cached: answers that were found in the cache.
        retries: calls that were tried again.
        reasks: answers that broke the schema and were asked for again.
        given_up: requests without a usable answer.
        in_doubt: calls whose end is unknown (time-outs, broken connections): the provider may bill them.
        usage: tokens of the answered calls.
        cost: what these cost, in the currency of the price table; None where the price is not known.
    """

    calls: int = 0
    cached: int = 0
    retries: int = 0
    reasks: int = 0
    given_up: int = 0
    in_doubt: int = 0
    usage: Usage = field(default_factory=Usage)
    cost: float | None = None
