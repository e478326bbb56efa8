"""Users of a load test: think times, a load that rises, mixes of questions, and variants of the service."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from scipy.stats import chisquare, kstest

from ragbench.answers.answering import Question
from ragbench.answers.endpoint.settings import Endpoint
from ragbench.answers.load.mix import endless
from ragbench.answers.load.result import LevelResult
from ragbench.answers.load.run import rising_arrivals, run_load
from ragbench.answers.load.settings import LoadSettings
from ragbench.core.context import generator
from ragbench.core.errors import InputError, SettingError
from tests.answers.load_server import serving
from tests.services import shop_answers

SLACK = 0.15


def only(endpoint: Endpoint, questions: Sequence[Question], **more: Any) -> LevelResult:
    settings = LoadSettings(**{"warmup": 0, "timeout": 10.0, **more})
    (level,) = asyncio.run(run_load(endpoint, questions, settings)).levels
    return level


def test_a_user_thinks_between_an_answer_and_the_next_question() -> None:
    with serving() as server:
        endpoint, questions = Endpoint(server.url), [Question("q", "wait .05")]
        level = only(endpoint, questions, concurrency=(2,), requests=8, think=0.1, think_times="fixed")
        drawn = only(endpoint, questions, concurrency=(3,), requests=60, think=0.02)
    assert len(level.exchanges) == 8
    for user in ("user-1", "user-2"):
        own = [e for e in level.exchanges if e.user == user]
        gaps = [later.due - earlier.ended for earlier, later in itertools.pairwise(own)]
        assert len(own) == 4
        assert all(0.099 <= gap <= 0.1 + SLACK for gap in gaps)
    # Think time is no latency, and nobody thinks after the last question.
    assert level.latency_ms["p50"].value < 150
    assert level.seconds < 4 * 0.05 + 3 * 0.1 + SLACK
    gaps = []
    for user in ("user-1", "user-2", "user-3"):
        own = [e for e in drawn.exchanges if e.user == user]
        gaps += [later.due - earlier.ended for earlier, later in itertools.pairwise(own)]
    # What was drawn for each user, whatever the service did: exponential with this mean.
    expected = [
        generator(0, "load", "think", "concurrency=3", str(sender)).exponential(0.02, 40) for sender in range(3)
    ]
    assert min(gaps) >= min(map(min, expected)) - 0.001
    assert np.mean(gaps) == pytest.approx(0.02, abs=0.02)


def test_a_load_that_rises_is_measured_when_it_has_risen() -> None:
    with serving() as server:
        endpoint, questions = Endpoint(server.url), [Question("q", "wait .02")]
        level = only(endpoint, questions, concurrency=(4,), requests=40, ramp_up=0.4)
        assert server.received == 40 + level.rising
        received = np.sort([one.received for one in server.served])
    assert len(level.exchanges) == 40
    assert all(e.due >= 0 for e in level.exchanges)
    # Sender 1 begins at once, the others .1 s after each other: 20 + 15 + 10 + 5 requests of .02 s.
    assert 15 <= level.rising <= 50
    within = np.histogram(received - received[0], bins=[0, 0.1, 0.2, 0.3, 0.4])[0]
    assert all(count <= 5 * (at + 1) + 2 for at, count in enumerate(within))
    assert server.peak == 4
    assert LoadSettings(concurrency=(4,), ramp_up=0.4, seconds=1, timeout=1, warmup=0).longest == 2.4


def test_arrivals_rise_evenly() -> None:
    counts = [len(rising_arrivals(50, 4, "poisson", generator(seed, "x"))) for seed in range(200)]
    # The mean rate is half of the final one: 100 are expected, with a standard error of .71 over 200 draws.
    assert np.mean(counts) == pytest.approx(100, abs=3)
    assert np.var(counts) == pytest.approx(100, rel=0.35)
    times = rising_arrivals(5000, 4, "poisson", generator(1, "x"))
    assert kstest(times, lambda t: (t / 4) ** 2).pvalue > 0.001
    assert rising_arrivals(2, 4, "fixed", generator(0)).tolist() == pytest.approx([2, 2 * 2**0.5, 2 * 3**0.5])
    assert len(rising_arrivals(50, 0, "poisson", generator(0))) == 0
    with serving() as server:
        level = only(Endpoint(server.url), [Question("q", "wait 0")], rate=(50,), arrivals="fixed", seconds=0.4,
                     ramp_up=0.4)  # fmt: skip
    assert (len(level.exchanges), level.rising) == (20, 9)
    assert [e.due for e in level.exchanges] == pytest.approx(np.arange(20) / 50, abs=1e-6)


QUESTIONS = [
    Question(f"q{at}", f"question {at}", {"type": "keyword" if at < 6 else "question", "count": at + 1})
    for at in range(8)
]


def drawn(n: int, mix: dict[str, float] | None, weights: str | None) -> np.ndarray:
    found = endless(QUESTIONS, mix, weights, generator(0, "test"))
    counts = Counter(next(found).id for _ in range(n))
    return np.array([counts[question.id] for question in QUESTIONS])


def test_questions_are_drawn_by_weight_and_by_type() -> None:
    assert drawn(17, None, None).tolist() == [3, 2, 2, 2, 2, 2, 2, 2]
    n = 20_000
    by_weight = np.arange(1, 9) / 36
    assert chisquare(drawn(n, None, "count"), n * by_weight).pvalue > 0.001
    by_type = np.array([0.25 / 6] * 6 + [0.75 / 2] * 2)
    assert chisquare(drawn(n, {"keyword": 1, "question": 3}, None), n * by_type).pvalue > 0.001
    both = np.concatenate([0.25 * np.arange(1, 7) / 21, 0.75 * np.array([7, 8]) / 15])
    assert chisquare(drawn(n, {"keyword": 0.25, "question": 0.75}, "count"), n * both).pvalue > 0.001
    assert drawn(100, {"question": 1}, None)[:6].sum() == 0


@pytest.mark.parametrize(
    ("mix", "weights", "said"),
    [
        ({"comparative": 1}, None, "the types are keyword, question"),
        ({"keyword": -1}, None, "a share must be"),
        ({"keyword": 0}, None, "every type the share 0"),
        (None, "visits", "'q0' has no value in the column 'visits'"),
        (None, "type", "'q0' has 'keyword' in the column 'type'"),
    ],
)
def test_a_mix_that_cannot_be_drawn(mix: dict[str, float] | None, weights: str | None, said: str) -> None:
    with pytest.raises((SettingError, InputError), match=said):
        endless(QUESTIONS, mix, weights, generator(0))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"think": -1}, "think="),
        ({"think": 1, "rate": (5.0,)}, "is for closed loops"),
        ({"think_times": "gamma"}, "exponential or fixed"),
        ({"ramp_up": -0.1}, "ramp_up="),
    ],
)
def test_bounds(more: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingError, match=said):
        LoadSettings(**more)


def test_users_and_variants_reach_the_tables(ragbench: Any, tmp_path: Path) -> None:
    (tmp_path / "q.csv").write_text("question,type,count,user\na tent,keyword,9,\nWhich lamp?,question,1,u-own\n")
    with shop_answers.serving() as shop:
        body = {"query": "{question}", "user_id": "{user}"}
        service = {"url": f"{shop.url}/ask", "body": body, "reply": {"variant": "header:X-Variant"}}
        (tmp_path / "service.yaml").write_text(yaml.safe_dump(service))
        words = ["load", "--endpoint", tmp_path / "service.yaml", "--questions", tmp_path / "q.csv", "--concurrency", 6,
                 "--requests", 120, "--warmup", 1, "--weights", "count", "--out", tmp_path / "out"]  # fmt: skip
        done = ragbench(*words, "--json")
        assert done.code == 0, done.err
        asked = shop.bodies
    assert len(asked) == 121
    users = Counter(body["user_id"] for body in asked[1:])
    assert set(users) == {*(f"user-{n}" for n in range(1, 7)), "u-own"}
    assert {body["query"] for body in asked if body["user_id"] == "u-own"} == {"Which lamp?"}
    rows = pq.read_table(tmp_path / "out" / "requests.parquet").to_pylist()
    assert Counter(row["user_id"] for row in rows) == users
    assert all(row["variant"] == shop_answers.variant_of(row["user_id"]) for row in rows)
    assert {row["type"] for row in rows} == {"keyword", "question"}
    (level,) = done.json["arms"]
    counts = Counter(row["variant"] for row in rows)
    assert {name: one["requests"] for name, one in level["variants"].items()} == counts
    assert done.json["manifest"]["levels"]["concurrency=6"]["weights"] == "count"
