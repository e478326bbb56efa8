"""The settings of a load test, and the check of the host that it may run on."""

import ipaddress
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from ragbench.answers.load.mix import parse_mix
from ragbench.core.brief import brief
from ragbench.core.errors import SettingError
from ragbench.core.options import named, option, option_group
from ragbench.core.web import LOOPBACK

Arrivals = Literal["poisson", "fixed"]
ThinkTimes = Literal["exponential", "fixed"]
THINK_TIMES: tuple[ThinkTimes, ...] = ("exponential", "fixed")
ARRIVALS: tuple[Arrivals, ...] = ("poisson", "fixed")
MOST_REQUESTS, MOST_SECONDS, MOST_AT_ONCE, MOST_RATE = 1_000_000, 86_400.0, 1_000, 10_000.0


@dataclass(frozen=True)
class Level:
    """One load: a number of concurrent requests, or requests per second. Exactly one of the two is given.

    Attributes:
        concurrency: senders of a closed loop. Each waits for its answer before it sends again.
        rate: requests per second of an open loop, which arrive whether or not earlier ones are answered.
    """

    concurrency: int | None = None
    rate: float | None = None

    @property
    def name(self) -> str:
        """``concurrency=4`` or ``rate=2.5``: the name of the arm."""
        return f"concurrency={self.concurrency}" if self.rate is None else f"rate={self.rate:g}"


def parse_concurrency(text: str) -> tuple[int, ...]:
    """Parse ``1,4,16``.

    Raises:
        SettingError: a part is not a whole number.
    """
    found = _numbers("concurrency", text)
    for part, value in zip(text.split(","), found, strict=True):
        if not value.is_integer():
            raise SettingError(f"has {part.strip()!r}, which is not a whole number", option="concurrency")
    return tuple(int(value) for value in found)


def parse_rates(text: str) -> tuple[float, ...]:
    """Parse ``2.5,5``.

    Raises:
        SettingError: a part is not a number.
    """
    return _numbers("rate", text)


def _numbers(option: str, text: str) -> tuple[float, ...]:
    found = []
    for part in text.split(","):
        try:
            value = float(part)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise SettingError(
                f"has {part.strip()!r}, which is not a number; separate numbers with commas, as in 1,4,16",
                option=option,
            )
        found.append(value)
    return tuple(found)


@brief
@option_group
class LoadSettings:
    """The loads, one after another, and their limits. Every level ends by itself."""

    concurrency: Sequence[int] | None = option(
        "Closed loops: number of senders, each of which waits for its answer.", default=None, section="Load",
        metavar="N,N,...", parse=parse_concurrency, unset="1, without a rate",
    )  # fmt: skip
    rate: Sequence[float] | None = option(
        "Open loops: requests per second, which arrive whether or not earlier ones are answered.", default=None,
        section="Load", metavar="N,N,...", parse=parse_rates, unset="none",
    )  # fmt: skip
    arrivals: Arrivals = option(
        "Arrivals of an open loop: poisson (independent users) or fixed (even gaps).", default="poisson",
        section="Load",
    )  # fmt: skip
    think: float = option(
        "Closed loops: seconds that a sender waits between an answer and its next request.", default=0.0,
        section="Load",
    )  # fmt: skip
    think_times: ThinkTimes = option(
        "Think times: exponential (drawn, with that mean) or fixed.", default="exponential", section="Load"
    )
    ramp_up: float = option(
        "Seconds in which the load of a level rises from 0; requests sent meanwhile are not measured.", default=0.0,
        section="Load",
    )  # fmt: skip
    mix: Mapping[str, float] | None = option(
        "Shares of the types of questions, which are then drawn at random.", default=None, section="Load",
        metavar="TYPE=SHARE,...", parse=parse_mix, unset="the questions in their order",
    )  # fmt: skip
    weights: str | None = option(
        "Column with how often each question is asked; questions are then drawn at random.", default=None,
        section="Load", metavar="COLUMN", unset="the questions in their order",
    )  # fmt: skip
    in_flight: int = option(
        "The most requests under way in an open loop; others wait while their clocks run.", default=256,
        section="Load",
    )  # fmt: skip
    warmup: int = option("Number of unmeasured requests before the first level.", default=3, section="Load")
    requests: int = option("The most requests of one level.", default=1_000, section="Limits")
    seconds: float = option("Seconds after which a level sends nothing more.", default=30.0, section="Limits")
    timeout: float = option(
        "Seconds for one answer; in an open loop, from when the request was due.", default=60.0, section="Limits"
    )
    seed: int = option("Seed of arrivals, think times and drawn questions.", default=0, section="Run")

    def __post_init__(self) -> None:
        faults = list(self._faults())
        if faults:
            raise SettingError("\n".join(faults))

    def _faults(self) -> list[str]:
        counts = [("requests", self.requests, 1, MOST_REQUESTS), ("in_flight", self.in_flight, 1, MOST_AT_ONCE)]
        counts += [("warmup", self.warmup, 0, MOST_AT_ONCE)]
        counts += [("concurrency", value, 1, MOST_AT_ONCE) for value in self.concurrency or ()]
        sizes = [("seconds", self.seconds, MOST_SECONDS), ("timeout", self.timeout, MOST_SECONDS)]
        sizes += [("rate", value, MOST_RATE) for value in self.rate or ()]
        found = [
            f"{named(option)} is {value}; it must be {low} to {high:,}"
            for option, value, low, high in counts
            if not low <= value <= high
        ]
        found += [
            f"{named(option)} is {value:g}; it must be above 0 and at most {high:,g}"
            for option, value, high in sizes
            if not 0 < value <= high
        ]
        found += [
            f"{named(option)} is {value:g}; it must be 0 to {MOST_SECONDS:,g}"
            for option, value in (("think", self.think), ("ramp_up", self.ramp_up))
            if not 0 <= value <= MOST_SECONDS
        ]
        if self.think and self.rate is not None:
            found.append(
                f"{named('think')} is for closed loops; with {named('rate')}, requests do not wait for answers"
            )
        if self.think_times not in THINK_TIMES:
            found.append(f"{named('think_times')} is {self.think_times!r}; it must be {' or '.join(THINK_TIMES)}")
        if self.arrivals not in ARRIVALS:
            found.append(f"{named('arrivals')} is {self.arrivals!r}; it must be {' or '.join(ARRIVALS)}")
        if self.seed < 0:
            found.append(f"{named('seed')} is {self.seed}; it must be 0 or more")
        if self.concurrency is not None and self.rate is not None:
            found.append(
                f"{named('concurrency')} is for closed loops and {named('rate')} for open ones; give one of them, and "
                "run the other load separately"
            )
        names = [level.name for level in self.levels]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            found.append(f"the level {twice[0]} is given twice")
        if not names:
            found.append(f"there is no level; give numbers for {named('concurrency')} or {named('rate')}")
        return found

    @property
    def levels(self) -> tuple[Level, ...]:
        """The loads in order, all closed or all open; by default, one request at a time."""
        if self.rate is not None:
            return tuple(Level(rate=value) for value in self.rate)
        return tuple(Level(concurrency=value) for value in ((1,) if self.concurrency is None else self.concurrency))

    @property
    def longest(self) -> float:
        """Seconds after which the run has ended, whatever the service does."""
        return self.warmup * self.timeout + len(self.levels) * (self.ramp_up + self.seconds + self.timeout)

    @property
    def at_once(self) -> int:
        """The most open connections."""
        return max(self.in_flight if level.concurrency is None else level.concurrency for level in self.levels)

    def conditions(self, level: Level) -> dict[str, object]:
        """The conditions that must be equal for a comparison of the times of two runs."""
        found: dict[str, object] = {"loop": "closed", "concurrency": level.concurrency, "timeout": self.timeout}
        if level.rate is not None:
            found = {"loop": "open", "rate": level.rate, "arrivals": self.arrivals, "timeout": self.timeout}
        if self.think:
            found |= {"think": self.think, "think_times": self.think_times}
        if self.mix or self.weights:
            found |= {"mix": dict(sorted((self.mix or {}).items())), "weights": self.weights}
        return found


def check_host(url: str, own: bool) -> None:
    """Refuse an invalid address, and a host that is neither this machine nor the user's.

    Args:
        url: address of the service.
        own: whether the user says that the host is theirs (``i_own_this_host``).

    Raises:
        SettingError: a load test on this host is not allowed.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname
        usable = parts.scheme in ("http", "https") and bool(host) and parts.port != 0
    except ValueError:
        host, usable = None, False
    if not usable or host is None or "@" in parts.netloc:
        raise SettingError(f"is {url!r}; it must be like http://localhost:8080/ask, without a password", option="url")
    if not own and not is_loopback(host):
        raise SettingError(
            f"{named('url')}: {host} is not this machine. A load test can take a service down and cost money. If the "
            f"host is yours, confirm it with {named('i_own_this_host')}"
        )


def is_loopback(host: str) -> bool:
    """Whether a host in a URL can only be this machine. Names are not looked up."""
    if host in LOOPBACK:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
