"""Percentiles, arrivals, bounds and the reading of replies, each on its own."""

import itertools
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest

from ragbench.answers.endpoint.reply import ReplyReader, Unusable, check_answer
from ragbench.answers.endpoint.settings import Reply
from ragbench.answers.load.run import arrivals
from ragbench.answers.load.settings import Level, LoadSettings, check_host, parse_concurrency, parse_rates
from ragbench.core.context import generator
from ragbench.core.errors import SettingError
from ragbench.stats.intervals import enough_for, percentile


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=300), st.sampled_from([0.5, 0.95, 0.99]))
def test_percentiles_are_numpys_inverted_cdf_and_never_the_maximum(values: list[float], share: float) -> None:
    ordered = np.sort(np.array(values))
    found = percentile(ordered, share)
    if share > 0.5 and len(values) < round(1 / (1 - share)):
        assert found is None
        return
    assert found is not None
    assert found.value == np.percentile(ordered, share * 100, method="inverted_cdf")
    assert found.low is None or found.low <= found.value
    assert found.high is None or found.high >= found.value


@pytest.mark.parametrize(("n", "share"), [(40, 0.5), (100, 0.95), (400, 0.99), (1000, 0.99), (73, 0.95)])
def test_intervals_cover_and_are_no_wider_than_they_must_be(n: int, share: float) -> None:
    found = percentile(np.arange(1.0, n + 1), share)
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    low, high = int(found.low), int(found.high)

    def at_most(k: int) -> float:
        """Chance that k values or fewer lie below the true percentile."""
        return sum(math.comb(n, i) * share**i * (1 - share) ** (n - i) for i in range(k + 1))

    # The true percentile lies below the value of rank r if fewer than r values lie below it.
    assert at_most(low - 1) <= 0.025 < at_most(low)
    assert 1 - at_most(high - 1) <= 0.025 < 1 - at_most(high - 2)


def test_how_many_it_takes() -> None:
    for share, enough in ((0.95, 72), (0.99, 368)):
        assert share**enough <= 0.025 < share ** (enough - 1)
        assert enough_for(share) == enough
        few, many = (percentile(np.arange(1.0, n + 1), share) for n in (enough - 1, enough))
        assert few is not None
        assert few.high is None
        assert many is not None
        assert many.high == enough


def test_a_percentile_among_failures_is_not_known() -> None:
    values = np.append(np.arange(1.0, 991.0), np.full(10, 60_000.0))
    found = {share: percentile(values, share, censored=10) for share in (0.5, 0.95, 0.99)}
    assert [one and (one.value, one.known, one.high_known) for one in found.values()] == [
        (500.0, True, True),
        (950.0, True, True),
        (990.0, True, False),
    ]
    worse = percentile(values, 0.99, censored=11)
    assert worse is not None
    assert not worse.known


def test_fixed_arrivals_are_even() -> None:
    assert arrivals(4, 100, 1.1, "fixed", generator(0)).tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert arrivals(4, 3, 10, "fixed", generator(0)).tolist() == [0, 0.25, 0.5]


def test_poisson_arrivals_are_exponential_and_seeded() -> None:
    first, again, other = (arrivals(20, 10_000, 100, "poisson", generator(seed, "x")) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first[:100], other[:100])
    assert first[-1] < 100
    # 2000 are expected, with a standard deviation of 45.
    assert 1800 < len(first) < 2200
    assert kstest(np.diff(first), "expon", args=(0, 1 / 20)).pvalue > 0.001
    with pytest.raises(SettingError, match="no request is due"):
        arrivals(0.001, 10, 0.001, "poisson", generator(0))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.1", "[::1]", "LOCALHOST"])
def test_this_machine_may_be_asked(host: str) -> None:
    check_host(f"http://{host}:8080/ask", own=False)


@pytest.mark.parametrize(
    "host",
    ["example.com", "10.0.0.1", "localhost.example.com", "0.0.0.0", "127.0.0.1.example.com", "2130706433", "[::]",
     "[fe80::1]", "127.1"],
)  # fmt: skip
def test_another_host_only_if_it_is_ones_own(host: str) -> None:
    with pytest.raises(SettingError, match="i_own_this_host"):
        check_host(f"http://{host}:8080/ask", own=False)
    check_host(f"http://{host}:8080/ask", own=True)


@pytest.mark.parametrize(
    "url",
    ["ftp://localhost/x", "localhost:8080/ask", "http:///x", "http://[::1/ask", "http://localhost:99999/",
     "http://localhost:0/", "http://localhost@example.com/", "http://me:secret@localhost/", ""],
)  # fmt: skip
def test_no_address(url: str) -> None:
    with pytest.raises(SettingError, match="must be like"):
        check_host(url, own=True)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"requests": 0}, "requests= is 0; it must be 1 to 1,000,000"),
        ({"requests": 10**9}, "requests="),
        ({"seconds": 0}, "seconds= is 0; it must be above 0"),
        ({"seconds": math.inf}, "seconds= is inf"),
        ({"timeout": math.nan}, "timeout= is nan"),
        ({"concurrency": (5000,)}, "concurrency= is 5000"),
        ({"rate": (-1,)}, "rate= is -1"),
        ({"rate": (5, 5.0)}, "rate=5 is given twice"),
        ({"concurrency": ()}, "there is no level"),
        ({"concurrency": (1,), "rate": (1.0,)}, "give one of them"),
        ({"arrivals": "bursts"}, "poisson or fixed"),
        ({"in_flight": 0}, "in_flight="),
        ({"warmup": -1}, "warmup="),
        ({"seed": -1}, "seed="),
    ],
)
def test_every_bound_is_a_bound(more: dict[str, object], said: str) -> None:
    with pytest.raises(SettingError, match=said):
        LoadSettings(**more)  # type: ignore[arg-type]


def test_the_longest_it_can_take() -> None:
    settings = LoadSettings(concurrency=(1, 4), seconds=10, timeout=5, warmup=2)
    assert settings.longest == 2 * 5 + 2 * (10 + 5)


def test_levels() -> None:
    assert LoadSettings(concurrency=parse_concurrency("1, 4,16")).levels == (Level(1), Level(4), Level(16))
    assert LoadSettings(rate=parse_rates("2.5,5")).levels == (Level(rate=2.5), Level(rate=5))
    assert LoadSettings().levels == (Level(1),)
    assert [level.name for level in (Level(4), Level(rate=2.50))] == ["concurrency=4", "rate=2.5"]
    for text in ("x", "1.5", "1,"):
        with pytest.raises(SettingError, match="concurrency"):
            parse_concurrency(text)
    with pytest.raises(SettingError, match="rate"):
        parse_rates("nan")


def events() -> ReplyReader:
    return ReplyReader(Reply(), {"content-type": "text/event-stream"})


EVENTS = (
    b": a comment\r\n\r\ndata: "
    + json.dumps({"sources": [{"text": "é"}]}, ensure_ascii=False).encode()
    + b'\n\ndata:{"delta": ""}\n\ndata: {"delta": "12 "}\r\n\r\ndata: {"delta": "m", "cited": ["1"]}\n\n'
    + b"data: [DONE]\n\nrest"
)


@given(st.lists(st.integers(0, len(EVENTS)), max_size=20))
def test_events_are_the_same_however_they_are_cut(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(EVENTS)]
    found = events()
    for start, end in itertools.pairwise(edges):
        found.feed(EVENTS[start:end])
        # From when the line of the first piece that is not empty has ended.
        assert found.spoke == (EVENTS[:end].count(b"\n", EVENTS.index(b"12 ")) > 0)
    assert found.done
    assert found.close() == {"sources": [{"text": "é"}], "cited": ["1"], "answer": "12 m"}


def test_a_stream_without_an_end_mark_or_a_last_line_break() -> None:
    found = events()
    found.feed(b'data: {"delta": "12 m"}')
    assert not found.spoke
    check_answer(found.close())
    assert found.spoke
    broken = events()
    with pytest.raises(Unusable, match="no JSON object"):
        broken.feed(b"data: 12 m\n")


@pytest.mark.parametrize(
    "row", [{"answer": "x"}, {"response": 12}, {"abstained": True}, {"is_unknown": "yes", "answer": ""}]
)
def test_what_is_an_answer(row: dict[str, object]) -> None:
    check_answer(row)


@pytest.mark.parametrize(
    ("row", "kind"),
    [({}, "no answer"), ({"answer": " "}, "no answer"), ({"answer": None, "abstained": False}, "no answer"),
     ({"answer": "x", "error": "down"}, "reported failure")],
)  # fmt: skip
def test_what_is_none(row: dict[str, object], kind: str) -> None:
    with pytest.raises(Unusable) as raised:
        check_answer(row)
    assert raised.value.kind == kind
