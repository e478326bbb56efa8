"""What requests would take, before anything is spent."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ragbench.models.llm import tokens
from ragbench.models.llm.base import Request, Usage
from ragbench.models.llm.prices import Price


@dataclass(frozen=True)
class Estimate:
    """A plan's cost; two plans are joined with ``+``.

    Attributes:
        calls: requests that must be paid for.
        cached: requests whose answers are there already.
        input_tokens: of the calls, at about four characters a token.
        output_tokens: the most that the calls may write.
        least: cost if nothing were written; None where the price is not known.
        most: cost if every answer were as long as it may be; None where the price is not known.
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

    def lines(self) -> list[str]:
        """As printed by ``--dry-run``."""
        shown = [
            f"calls          {self.calls:,}" + (f" ({self.cached:,} more are answered already)" if self.cached else ""),
            f"input tokens   about {self.input_tokens:,} (four characters a token)",
            f"output tokens  at most {self.output_tokens:,}",
        ]
        if self.least is None or self.most is None:
            return [*shown, "cost           unknown: the price table has no such model (--prices FILE)"]
        shown.append(f"cost           {self.least:,.4f} to {self.most:,.4f}, before repairs of unusable answers")
        return shown + ([f"prices         {self.source}"] if self.source else [])


def estimate(requests: Iterable[Request], price: Price | None, known: Callable[[Request], bool]) -> Estimate:
    """What the requests would take; equal ones are one call.

    Args:
        requests: read once, one at a time.
        price: of the model, or None.
        known: whether a request's answer is there already.
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
        total += tokens.estimate(request)
    least = price.cost(Usage(total.input_tokens, 0)) if price else None
    most = price.cost(total) if price else None
    return Estimate(calls, cached, total.input_tokens, total.output_tokens, least, most, price.source if price else "")
