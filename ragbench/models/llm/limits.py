"""How fast to ask, how long to wait and how often to try."""

from dataclasses import dataclass

from ragbench.core.errors import SettingError


@dataclass(frozen=True)
class Limits:
    """Limits of one client.

    Attributes:
        concurrency: calls in flight at once.
        requests_per_minute: calls started per minute; None for no limit.
        tokens_per_minute: tokens per minute, of input and output together; None for no limit.
        timeout: seconds one call may take.
        retries: how often a call that failed is tried again. Being told to slow down (429) does not count.
        reasks: how often an answer that breaks the schema is asked for again.
        patience: seconds without one answered call after which the run ends; it can be resumed.
    """

    concurrency: int = 8
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    timeout: float = 60.0
    retries: int = 8
    reasks: int = 2
    patience: float = 600.0

    def __post_init__(self) -> None:
        faults = [
            f"{name} must be {least}, it is {value!r}"
            for name, value, least, good in (
                ("concurrency", self.concurrency, "at least 1", self.concurrency >= 1),
                ("requests_per_minute", self.requests_per_minute, "above 0", (self.requests_per_minute or 1) > 0),
                ("tokens_per_minute", self.tokens_per_minute, "above 0", (self.tokens_per_minute or 1) > 0),
                ("timeout", self.timeout, "above 0", self.timeout > 0),
                ("retries", self.retries, "at least 0", self.retries >= 0),
                ("reasks", self.reasks, "at least 0", self.reasks >= 0),
                ("patience", self.patience, "above 0", self.patience > 0),
            )
            if not good
        ]
        if faults:
            raise SettingError("limits of the language model: " + "; ".join(faults))
