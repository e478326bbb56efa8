"""Turn missing requests into input files of batches that fit the budget and the provider's limits."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ragbench.core.errors import InputError
from ragbench.io.files import replacing
from ragbench.models.llm.base import Request, Usage
from ragbench.models.llm.batch.base import BatchService
from ragbench.models.llm.batch.journal import Batch, Journal
from ragbench.models.llm.costs import Price, estimated_usage, usage_bound


@dataclass
class Room:
    """The remaining budget, where everything under way counts with the most it can take.

    Attributes:
        max_cost: the limit, or None.
        max_tokens: the limit, or None.
        cost: used and set aside so far.
        tokens: used and set aside so far.
    """

    max_cost: float | None
    max_tokens: int | None
    cost: float = 0.0
    tokens: int = 0

    def take(self, most: Usage, price: Price | None) -> bool:
        """Reserve the most that a request can take, if it still fits."""
        tokens_ = most.input_tokens + most.output_tokens
        cost = price.cost(most) if price else 0.0
        over_cost = self.max_cost is not None and self.cost + cost > self.max_cost * (1 + 1e-9)
        if over_cost or (self.max_tokens is not None and self.tokens + tokens_ > self.max_tokens):
            return False
        self.cost, self.tokens = self.cost + cost, self.tokens + tokens_
        return True


@dataclass(frozen=True)
class Model:
    """A model that batches are sent to.

    Attributes:
        name: ``provider:name``.
        fingerprint: the model's; the keys of its answers start with it.
        price: of its tokens, or None.
        service: its batch API.
    """

    name: str
    fingerprint: str
    price: Price | None
    service: BatchService


def fitting(requests: Iterable[Request], price: Price | None, room: Room) -> list[Request]:
    """The requests before the first one that does not fit into the budget."""
    found: list[Request] = []
    for request in requests:
        if not room.take(usage_bound(request), price):
            break
        found.append(request)
    return found


def split(sizes: Sequence[int], most_lines: int, most_bytes: int) -> list[range]:
    """Split lines into ranges of equal size, as far as the limits allow.

    Args:
        sizes: bytes of each line.
        most_lines: of one batch.
        most_bytes: of one batch.
    """
    if not sizes:
        return []
    parts = max(-(-len(sizes) // most_lines), -(-sum(sizes) // most_bytes))
    even = -(-len(sizes) // parts)
    found: list[range] = []
    start = held = 0
    for at, size in enumerate(sizes):
        if at > start and (at - start == even or held + size > most_bytes):
            found.append(range(start, at))
            start, held = at, 0
        held += size
    return [*found, range(start, len(sizes))]


def plan_batches(
    journal: Journal,
    model: Model,
    requests: Sequence[Request],
    *,
    most_lines: int,
    structured: Callable[[str], bool],
) -> list[Batch]:
    """Write the input files and record the batches in the journal. Nothing is sent yet.

    Args:
        journal: of the run.
        model: the model to ask.
        requests: what is asked.
        most_lines: the most lines of one batch; the provider's own limit applies too.
        structured: whether the provider enforces the schema of a request (by fingerprint).

    Raises:
        InputError: a single request exceeds the size of an input file, or the disk is full.
    """
    service = model.service

    def line(number: int, request: Request) -> bytes:
        key = request.fingerprint
        row = service.line(service.record_id(number, key), request, structured=structured(key))
        return json.dumps(row, ensure_ascii=False).encode() + b"\n"

    # A line's number does not change its length, so the sizes hold for every split.
    sizes = [len(line(1, request)) for request in requests]
    large = next((request for request, size in zip(requests, sizes, strict=True) if size > service.most_bytes), None)
    if large is not None:
        raise InputError(f"a request of prompt {large.prompt!r} is larger than an input file of {model.name} may be")
    planned: list[Batch] = []
    for part in split(sizes, min(most_lines, service.most_lines), service.most_bytes):
        name = journal.next_name()
        asked = [requests[at] for at in part]
        with replacing(journal.file(name, "input")) as path, path.open("wb") as file:
            for number, request in enumerate(asked, 1):
                file.write(line(number, request))
        rows = [{"key": r.fingerprint, "input_tokens": estimated_usage(r).input_tokens} for r in asked]
        journal.write(name, "keys", rows)
        most = sum((usage_bound(request) for request in asked), Usage())
        planned.append(
            journal.note(
                "planned", name, model=model.name, fingerprint=model.fingerprint, place=dict(service.place),
                lines=len(asked), most_tokens=most.input_tokens + most.output_tokens,
                most_cost=model.price.cost(most) if model.price else 0.0,
            )
        )  # fmt: skip
    return planned


def tried(journal: Journal) -> tuple[Mapping[str, int], Mapping[str, str]]:
    """Count how often each request got no answer, with the last reason, by model and fingerprint."""
    times: dict[str, int] = {}
    reasons: dict[str, str] = {}
    for batch in journal.batches.values():
        for key, reason in journal.failures(batch.name):
            full = f"{batch.fingerprint}:{key}"
            times[full] = times.get(full, 0) + 1
            reasons[full] = reason
    return times, reasons
