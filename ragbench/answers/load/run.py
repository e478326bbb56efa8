"""Run the loads on a service, one after another."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from importlib.metadata import version

import numpy as np
import numpy.typing as npt

from ragbench.answers.answering import Question
from ragbench.answers.endpoint.settings import Endpoint
from ragbench.answers.load.loops import Exchange, Pause, closed_loop, open_loop
from ragbench.answers.load.mix import endless
from ragbench.answers.load.result import LevelResult, LoadResult
from ragbench.answers.load.service import Service
from ragbench.answers.load.settings import Arrivals, Level, LoadSettings
from ragbench.core.context import Progress, generator, silent
from ragbench.core.errors import ArmError, SettingError
from ragbench.core.fingerprint import fingerprint_texts
from ragbench.core.spelling import named
from ragbench.io.scored_runs import LOAD_KIND


def arrivals(
    rate: float, count: int, seconds: float, kind: Arrivals, draw: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Draw arrival times in seconds from the start of a level: ascending, below ``seconds``, at most ``count``.

    ``poisson`` models independent users: gaps are drawn from the exponential
    distribution with mean ``1 / rate``. ``fixed`` is every ``1 / rate`` seconds, from 0.

    Raises:
        SettingError: no arrival falls into the time.
    """
    times = np.arange(count) / rate if kind == "fixed" else np.cumsum(draw.exponential(1 / rate, count))
    due: npt.NDArray[np.float64] = times[times < seconds]
    if not len(due):
        raise SettingError(
            f"is {rate:g}, and no request is due within {seconds:g} seconds; raise {named('seconds')}", option="rate"
        )
    return due


def rising_arrivals(rate: float, seconds: float, kind: Arrivals, draw: np.random.Generator) -> npt.NDArray[np.float64]:
    """Draw arrival times of a rate that rises evenly from 0 to ``rate`` within ``seconds``, ascending.

    By then, ``rate * t^2 / (2 * seconds)`` requests are due on average after ``t`` seconds. Arrivals of rate 1 are
    moved to the times at which so many are due (time change of a Poisson process; Cinlar 1975, section 4.7).
    """
    expected = rate * seconds / 2
    if not expected:
        return np.empty(0)
    if kind == "fixed":
        unit = np.arange(1.0, expected)
    else:
        unit = np.cumsum(draw.exponential(1.0, int(expected + 10 * np.sqrt(expected) + 20)))
    due: npt.NDArray[np.float64] = np.sqrt(2 * seconds * unit[unit < expected] / rate)
    return due


Keep = Callable[[LoadResult], None]


async def run_load(
    endpoint: Endpoint,
    questions: Sequence[Question],
    settings: LoadSettings,
    *,
    name: str = "questions",
    keep: Keep = lambda result: None,
    progress: Progress = silent,
) -> LoadResult:
    """Ask the questions repeatedly under each load. The run ends after ``settings.longest`` seconds at the latest.

    The host is not checked here; see `ragbench.answers.load.settings.check_host`.

    Args:
        endpoint: the service. The settings replace its ``timeout`` and ``concurrency``.
        questions: at least one; they are asked in this order, repeatedly, unless the settings draw them.
        settings: see `LoadSettings`.
        name: name of the questions.
        keep: called with the result so far after each level.
        progress: counts requests.

    Raises:
        ArmError: no request of the warm-up was answered.
        SettingError: no request of a level falls into its time, or the mix names a type that no question has.
        InputError: a question has no weight.
    """
    due = {level: _due(level, settings) for level in settings.levels if level.rate is not None}
    asked = replace(endpoint, timeout=settings.timeout, concurrency=settings.at_once)
    manifest = _manifest(endpoint, questions, settings, name)
    found: list[LevelResult] = []
    waiting = endless(questions, settings.mix, settings.weights, generator(settings.seed, "load", "questions"))
    async with Service(asked) as service:
        await _warm_up(service, waiting, settings)
        for level in settings.levels:
            began, cpu = time.perf_counter(), time.process_time()
            exchanges = await _run(service, waiting, level, due.get(level), settings, progress)
            busy = (time.process_time() - cpu) / max(time.perf_counter() - began, 1e-9)
            before = sum(len(one.exchanges) for one in found)
            asked_so_far = settings.warmup + sum(one.rising for one in found) + before + len(exchanges)
            measured = tuple(exchange for exchange in exchanges if exchange.due >= 0)
            rising = len(exchanges) - len(measured)
            repeats = asked_so_far / len(questions)
            found.append(LevelResult(level, measured, before + 1, settings.timeout, busy, repeats, rising))
            keep(LoadResult(tuple(found), settings, manifest))
    return LoadResult(tuple(found), settings, manifest)


async def _run(
    service: Service,
    questions: Iterator[Question],
    level: Level,
    due: Sequence[float] | None,
    settings: LoadSettings,
    progress: Progress,
) -> list[Exchange]:
    timeout, ramp_up = settings.timeout, settings.ramp_up
    with progress(level.name, settings.requests if due is None else sum(at >= 0 for at in due)) as advance:
        if due is not None:
            return await open_loop(
                service, questions, due=due, in_flight=settings.in_flight, timeout=timeout, advance=advance,
                ramp_up=ramp_up,
            )  # fmt: skip
        return await closed_loop(
            service, questions, concurrency=level.concurrency or 1, requests=settings.requests,
            seconds=settings.seconds, timeout=timeout, advance=advance, ramp_up=ramp_up,
            pause=_pauses(level, settings),
        )  # fmt: skip


def _pauses(level: Level, settings: LoadSettings) -> Pause:
    """Think times, drawn for each sender on its own, so that they do not depend on the service."""
    draws: dict[int, np.random.Generator] = {}

    def pause(sender: int) -> float:
        if settings.think_times == "fixed" or not settings.think:
            return settings.think
        if sender not in draws:
            draws[sender] = generator(settings.seed, "load", "think", level.name, str(sender))
        return float(draws[sender].exponential(settings.think))

    return pause


def _due(level: Level, settings: LoadSettings) -> list[float]:
    assert level.rate is not None
    draw = generator(settings.seed, "load", level.name)
    due = arrivals(level.rate, settings.requests, settings.seconds, settings.arrivals, draw)
    rising = generator(settings.seed, "load", "ramp-up", level.name)
    before = rising_arrivals(level.rate, settings.ramp_up, settings.arrivals, rising)
    return [*(before - settings.ramp_up).tolist(), *due.tolist()]


async def _warm_up(service: Service, questions: Iterator[Question], settings: LoadSettings) -> None:
    clock = asyncio.get_running_loop().time
    replies = [await service.ask(next(questions), clock() + settings.timeout) for _ in range(settings.warmup)]
    if replies and all(reply.failure for reply in replies):
        raise ArmError(
            f"the service answered none of {len(replies)} requests to warm up, so no load is put on it; "
            f"the first: {replies[0].reason}"
        )


def _manifest(
    endpoint: Endpoint, questions: Sequence[Question], settings: LoadSettings, name: str
) -> dict[str, object]:
    printed = fingerprint_texts([one.id for one in questions], [one.text for one in questions])
    return {
        "kind": LOAD_KIND,
        "url": endpoint.shown_url,
        "golden": {"name": name, "fingerprint": printed, "queries": len(questions)},
        "levels": {level.name: settings.conditions(level) for level in settings.levels},
        "settings": {
            "requests": settings.requests,
            "seconds": settings.seconds,
            "timeout": settings.timeout,
            "in_flight": settings.in_flight,
            "warmup": settings.warmup,
            "seed": settings.seed,
            **({"ramp_up": settings.ramp_up} if settings.ramp_up else {}),
        },
        "versions": {"ragbench": version("ragbench"), "aiohttp": version("aiohttp")},
    }
