"""The settings of a load test, and the check of the host that it may run on."""

import ipaddress
import math
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from ragbench.answers.endpoint import LOOPBACK
from ragbench.core.errors import SettingError

Arrivals = Literal["poisson", "fixed"]
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


@dataclass(frozen=True)
class LoadSettings:
    """The loads, in order, and their bounds. Every level ends by itself.

    Attributes:
        levels: at least one, all closed or all open.
        requests: the most requests of one level.
        seconds: a level sends nothing after this time; requests under way have ``timeout`` left.
        timeout: seconds for one answer; in an open loop, from when the request was due.
        arrivals: arrivals of an open loop: ``poisson`` (independent users) or ``fixed`` (even gaps).
        in_flight: the most requests under way in an open loop; others wait while their clocks run.
        warmup: number of unmeasured requests before the first level, one after another.
        seed: seed of the arrivals.
    """

    levels: tuple[Level, ...]
    requests: int = 1_000
    seconds: float = 30.0
    timeout: float = 60.0
    arrivals: Arrivals = "poisson"
    in_flight: int = 256
    warmup: int = 3
    seed: int = 0

    def __post_init__(self) -> None:
        faults = list(self._faults())
        if faults:
            raise SettingError("\n".join(faults))

    def _faults(self) -> list[str]:
        at_once = [level.concurrency for level in self.levels if level.concurrency is not None]
        rates = [level.rate for level in self.levels if level.rate is not None]
        counts = [("--requests", self.requests, 1, MOST_REQUESTS), ("--in-flight", self.in_flight, 1, MOST_AT_ONCE)]
        counts += [("--warmup", self.warmup, 0, MOST_AT_ONCE)]
        counts += [("--concurrency", value, 1, MOST_AT_ONCE) for value in at_once]
        sizes = [("--seconds", self.seconds, MOST_SECONDS), ("--timeout", self.timeout, MOST_SECONDS)]
        sizes += [("--rate", value, MOST_RATE) for value in rates]
        found = [
            f"{option} is {value}; it must be {low} to {high:,}"
            for option, value, low, high in counts
            if not low <= value <= high
        ]
        found += [
            f"{option} is {value:g}; it must be above 0 and at most {high:,g}"
            for option, value, high in sizes
            if not 0 < value <= high
        ]
        if self.arrivals not in ARRIVALS:
            found.append(f"--arrivals is {self.arrivals!r}; it must be {' or '.join(ARRIVALS)}")
        if self.seed < 0:
            found.append(f"--seed is {self.seed}; it must be 0 or more")
        names = [level.name for level in self.levels]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            found.append(f"{twice[0]} is asked for twice")
        if not names:
            found.append("no load is asked for: give --concurrency or --rate")
        return found

    @property
    def longest(self) -> float:
        """Seconds after which the run has ended, whatever the service does."""
        return self.warmup * self.timeout + len(self.levels) * (self.seconds + self.timeout)

    @property
    def at_once(self) -> int:
        """The most open connections."""
        return max(self.in_flight if level.concurrency is None else level.concurrency for level in self.levels)

    def conditions(self, level: Level) -> dict[str, object]:
        """The conditions that must be equal for a comparison of the times of two runs."""
        if level.rate is None:
            return {"loop": "closed", "concurrency": level.concurrency, "timeout": self.timeout}
        return {"loop": "open", "rate": level.rate, "arrivals": self.arrivals, "timeout": self.timeout}


def parse_levels(concurrency: str | None, rate: str | None) -> tuple[Level, ...]:
    """Parse the levels of ``--concurrency 1,4,16`` or ``--rate 2.5,5``. The default is one request at a time.

    Raises:
        SettingError: both are given, or a part is not a number.
    """
    if concurrency is not None and rate is not None:
        raise SettingError(
            "--concurrency is a closed loop and --rate an open one: give one of them, and the other in another run"
        )
    if rate is not None:
        return tuple(Level(rate=_number("--rate", part)) for part in rate.split(","))
    parts = [(part, _number("--concurrency", part)) for part in (concurrency or "1").split(",")]
    for part, value in parts:
        if not value.is_integer():
            raise SettingError(f"--concurrency: {part.strip()!r} is not a whole number")
    return tuple(Level(concurrency=int(value)) for _, value in parts)


def _number(option: str, part: str) -> float:
    try:
        value = float(part)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise SettingError(f"{option}: {part.strip()!r} is not a number; write them with commas, as in {option} 1,4,16")
    return value


def check_host(url: str, own: bool) -> None:
    """Refuse an invalid address, and a host that is neither this machine nor the user's.

    Args:
        url: address of the service.
        own: whether the user says that the host is theirs (``--i-own-this-host``).

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
        raise SettingError(f"--url is {url!r}; it must be like http://localhost:8080/ask, without a password")
    if not own and not is_loopback(host):
        raise SettingError(
            f"--url: {host} is not this machine. Load can take a service down and cost money, so it is put on "
            "another host only if that is yours: then add --i-own-this-host"
        )


def is_loopback(host: str) -> bool:
    """Whether a host in a URL can only be this machine. Names are not looked up."""
    if host in LOOPBACK:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
