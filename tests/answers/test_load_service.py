"""Loads on a real server: what is measured is held against what the server did."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from ragbench.answers.answering import Question
from ragbench.answers.endpoint.settings import Endpoint
from ragbench.answers.load.result import LevelResult, LoadResult
from ragbench.answers.load.run import run_load
from ragbench.answers.load.settings import Level, LoadSettings
from ragbench.core.errors import ArmError
from tests.answers.load_server import LoadServer, serving

SLACK_MS = 150.0
"""The machine that runs the tests may be busy."""


def loads(levels: Sequence[Level]) -> dict[str, Any]:
    """The options that give these levels."""
    rates = [level.rate for level in levels if level.rate is not None]
    return {"rate": rates} if rates else {"concurrency": [level.concurrency for level in levels]}


def load(server: LoadServer | str, texts: Sequence[str], *levels: Level, **more: Any) -> LoadResult:
    url = server if isinstance(server, str) else server.url
    questions = [Question(f"q{number:03d}", text) for number, text in enumerate(texts)]
    settings = LoadSettings(**{**loads(levels), "warmup": 0, "timeout": 10, **more})
    return asyncio.run(run_load(Endpoint(url), questions, settings))


def only(result: LoadResult) -> LevelResult:
    (level,) = result.levels
    return level


def test_percentiles_against_the_server_and_its_script() -> None:
    waits = np.random.default_rng(3).lognormal(np.log(0.03), 0.7, 200)
    with serving() as server:
        level = only(load(server, [f"wait {wait:.4f}" for wait in waits], Level(8), requests=200))
    assert (level.answered, level.failed) == (200, 0)
    assert server.peak == 8
    # Connections are kept: so many as there are senders.
    assert server.connections == 8
    served = {one.id: (one.replied - one.received) * 1000 for one in server.served}
    seen = {e.question.id: (e.ended - e.due) * 1000 for e in level.exchanges}
    assert served.keys() == seen.keys()
    over = np.array([seen[id_] - served[id_] for id_ in served])
    assert over.min() > -1
    assert np.median(over) < SLACK_MS
    for name, share in (("p50", 50), ("p95", 95)):
        scripted, did = (
            float(np.percentile(values, share, method="inverted_cdf")) for values in (waits * 1000, [*served.values()])
        )
        assert scripted - 1 <= did <= level.latency_ms[name].value + 1 <= did + SLACK_MS
    assert level.per_second == pytest.approx(200 / level.seconds)
    # Eight senders share the waiting.
    assert level.seconds >= waits.sum() / 8


def test_a_stall_is_charged_to_the_service_by_an_open_loop_only() -> None:
    with serving(stall=(0.5, 1.0)) as server:
        opened = only(load(server, ["wait 0"], Level(rate=50), arrivals="fixed", seconds=2))
    with serving(stall=(0.5, 1.0)) as server:
        closed = only(load(server, ["wait .02"], Level(1), seconds=2))
    assert len(opened.exchanges) == 100
    assert [e.due for e in opened.exchanges] == pytest.approx(np.arange(100) / 50, abs=1e-6)
    # 25 requests fall into the stall and wait for what is left of it: 500, 480, 460, ... ms. p95 is the sixth.
    assert 400 - 25 <= opened.latency_ms["p95"].value <= 400 + SLACK_MS
    stalled = [e.ended - e.due for e in opened.exchanges if 0.52 < e.due < 0.98]
    assert stalled == pytest.approx([1.0 - e.due for e in opened.exchanges if 0.52 < e.due < 0.98], abs=SLACK_MS / 1000)
    # The lone sender met the stall once.
    assert sum(e.ended - e.due > 0.3 for e in closed.exchanges) == 1
    assert closed.latency_ms["p95"].value < 300


def test_a_full_house_counts_from_when_requests_were_due() -> None:
    with serving() as server:
        level = only(load(server, ["wait .2"], Level(rate=20), arrivals="fixed", seconds=0.5, in_flight=2))
    assert server.peak == 2
    # Two at a time, .2 s each: request k starts at .2 * (k // 2) and was due at .05 * k.
    expected = [0.2 * (k // 2) + 0.2 - 0.05 * k for k in range(10)]
    for e, least in zip(level.exchanges, expected, strict=True):
        # A busy machine only adds to it.
        assert least - 0.06 <= e.ended - e.due < least + 1
    assert level.late_ms[-1] > 300


def test_nothing_goes_on_for_ever() -> None:
    began = time.monotonic()
    with serving() as server:
        result = load(server, ["silent"], Level(rate=40), arrivals="fixed", seconds=0.5, timeout=0.4, in_flight=5)
    assert time.monotonic() - began < 0.9 + 1
    level = only(result)
    assert level.failures == {"timeout": 20}
    assert level.error is not None
    assert "every one of 20 requests failed" in level.error
    # The first five at once; each later one gets the place of one that has timed out, .4 s after that was due.
    late = [0.0 if k < 5 else 0.4 - 0.025 * 5 for k in range(20)]
    assert [e.sent - e.due for e in level.exchanges if e.sent is not None] == pytest.approx(late, abs=SLACK_MS / 1000)
    assert all(0.39 <= e.ended - e.due <= 0.4 + SLACK_MS / 1000 for e in level.exchanges)


@pytest.mark.parametrize("level", [Level(4), Level(rate=100)], ids=["closed", "open"])
def test_bounds_in_count_and_time(level: Level) -> None:
    with serving() as server:
        counted = only(load(server, ["wait .01"], level, requests=7, seconds=30))
        assert (len(counted.exchanges), server.received) == (7, 7)
        timed = only(load(server, ["wait .05"], level, requests=1000, seconds=0.5))
    assert 3 <= len(timed.exchanges) <= 80
    assert all(e.due < 0.5 for e in timed.exchanges)
    # What was under way was waited for.
    assert timed.failed == 0


def test_time_to_the_first_piece() -> None:
    with serving() as server:
        level = only(load(server, ["stream .05 4", "wait .01"], Level(2), requests=80))
    assert (level.answered, level.streamed) == (80, 40)
    assert server.connections == 2
    for e in level.exchanges:
        if e.first is None:
            assert e.question.id == "q001"
        else:
            assert 0.049 <= e.first - e.due <= e.ended - e.due - 0.14
            assert e.ended - e.due >= 0.199
    assert 49 <= level.first_token_ms["p50"].value <= 50 + SLACK_MS
    assert 200 <= level.latency_ms["p95"].value <= 200 + 2 * SLACK_MS


def test_every_kind_of_failure_has_its_name() -> None:
    kinds = {
        "wait 0": "",
        "abstain": "",
        "status 503": "status 503",
        "drop": "dropped",
        "half": "dropped",
        "cut-stream .01 2": "dropped",
        "garbage": "no HTTP",
        "text": "no answer",
        "array": "no answer",
        "empty": "no answer",
        "reports": "reported failure",
        "long": "too long",
        "silent": "timeout",
    }
    with serving() as server:
        level = only(load(server, list(kinds), Level(1), requests=len(kinds), timeout=2))
    found = {e.question.text: e.failure for e in level.exchanges}
    assert found == kinds, [(e.question.text, e.reason) for e in level.exchanges]
    assert server.received == len(kinds)
    assert len(level.ledger) == level.failed == 11
    assert level.answered == 2
    reasons = {entry.item: entry.reason for entry in level.ledger.entries}
    assert reasons["concurrency=1: r000003"] == "status 503 Word"
    assert all(reasons.values())
    # More than half failed: the median is the timeout, and known to be no more than a bound.
    assert (level.latency_ms["p50"].value, level.latency_ms["p50"].known) == (2000, False)
    assert level.answered_ms["p50"].value < 1000


def test_a_redirect_leads_nowhere() -> None:
    with serving() as elsewhere, serving() as server:
        level = only(load(server, [f"redirect {elsewhere.url}", "wait 0"], Level(1), requests=2))
        assert (elsewhere.received, elsewhere.connections) == (0, 0)
    assert level.failures == {"status 307": 1}


def test_a_service_that_is_not_there_gets_no_load() -> None:
    with serving() as server:
        url = server.url
    with pytest.raises(ArmError, match=r"none of 2 requests to warm up.*no connection"):
        load(url, ["wait 0"], Level(1), warmup=2)
    level = only(load(url, ["wait 0"], Level(1), requests=5))
    assert level.failures == {"not connected": 5}


def test_levels_go_on_with_the_questions() -> None:
    kept: list[int] = []
    with serving() as server:
        settings = LoadSettings(concurrency=(1, 2), requests=3, warmup=1)
        questions = [Question(f"q{number}", "wait 0") for number in range(10)]
        result = asyncio.run(
            run_load(Endpoint(server.url), questions, settings, keep=lambda there: kept.append(len(there.levels)))
        )
        asked = sorted(one.id for one in server.served)
    assert kept == [1, 2]
    assert asked == [f"q{number}" for number in range(7)]
    assert [level.ids for level in result.levels] == [
        ["r000001", "r000002", "r000003"],
        ["r000004", "r000005", "r000006"],
    ]
