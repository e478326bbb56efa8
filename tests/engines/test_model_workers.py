"""Calls of a model by workers of Ray: the answers, limits and payments of a client that calls itself."""

import asyncio
import os
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import psutil
import pytest

pytest.importorskip("ray", reason="pip install 'ragbench[ray]'")
sys.path.append(str(Path(__file__).resolve().parents[1] / "models"))

from llm_server import LLMServer, randomly, serving

from ragbench.core.errors import SettingError
from ragbench.engines.base import EngineSettings
from ragbench.engines.model_workers import ModelWorkers, calls_through
from ragbench.models.llm.base import Answer, BudgetSpent, Message, Request
from ragbench.models.llm.client import Client
from ragbench.models.llm.connect import Through, connect
from ragbench.models.llm.costs import Budget
from ragbench.models.llm.limits import Limits

pytestmark = pytest.mark.slow
SCHEMA = {
    "type": "object", "properties": {"answer": {"type": "string"}, "n": {"type": "integer"}},
    "required": ["answer", "n"], "additionalProperties": False,
}  # fmt: skip


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    with calls_through(EngineSettings("ray", workers=2)) as through:
        assert through is not None
        yield


def by_workers(workers: int = 2) -> Through:
    return partial(ModelWorkers, workers=workers)


def ask_all(
    server: LLMServer, folder: Path, count: int, *, through: Through | None, concurrency: int = 16,
    budget: Budget | None = None, timeout: float = 5.0, beside: Callable[[], None] = lambda: None,
) -> tuple[Sequence[Answer | BaseException], Client]:  # fmt: skip
    """Ask so many questions, while ``beside`` runs in a thread."""

    async def main() -> tuple[Sequence[Answer | BaseException], Client]:
        client = connect(
            "openai_compatible:m", params={"base_url": server.url}, answers=folder / "answers.sqlite", budget=budget,
            limits=Limits(concurrency=concurrency, timeout=timeout, reasks=6), through=through,
        )  # fmt: skip
        requests = [Request("test/1", (Message("user", f"question {i}"),), SCHEMA, max_tokens=64) for i in range(count)]
        try:
            return await asyncio.gather(*map(client.ask, requests), return_exceptions=True), client
        finally:
            await client.aclose()

    thread = threading.Thread(target=beside)
    thread.start()
    try:
        return asyncio.run(main())
    finally:
        thread.join()


def rows(folder: Path) -> list[tuple[object, ...]]:
    """What is stored, without the time and the checksum that covers it."""
    with sqlite3.connect(folder / "answers.sqlite") as file:
        return file.execute("SELECT key, text, input_tokens, output_tokens FROM answers ORDER BY key").fetchall()


def workers() -> list[psutil.Process]:
    """The processes of the workers. Ray names each after what it does."""
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            if process.cmdline()[:1] and process.cmdline()[0].startswith("ray::Worker"):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
    return found


def test_workers_under_faults_answer_as_the_client_itself(cluster: None, tmp_path: Path) -> None:
    def asked(name: str, through: Through | None) -> tuple[list[object], list[tuple[object, ...]]]:
        with serving(LLMServer(fault=randomly(0.2, most=3), hang=6, latency=0.02)) as server:
            server.port, kept = server.port, tmp_path / name
            answers, _ = ask_all(server, kept, 100, through=through)
            assert server.most_at_once <= 16
            # What no fault cut off was paid for once.
            assert sum(server.paid.values()) == len(rows(kept))
        assert all(isinstance(answer, Answer) for answer in answers)
        return [answer.value for answer in answers if isinstance(answer, Answer)], [row[1:] for row in rows(kept)]

    own = asked("own", None)
    for count in (1, 3):
        values, stored = asked(f"by {count}", by_workers(count))
        assert values == own[0]
        assert sorted(stored, key=str) == sorted(own[1], key=str)


def test_killed_workers_lose_only_the_calls_in_flight(cluster: None, tmp_path: Path) -> None:
    count, concurrency, kills = 400, 16, 5
    lost: list[int] = []

    with serving(LLMServer(latency=0.05)) as server:

        def kill() -> None:
            for number in range(kills):
                while sum(server.paid.values()) < 20 + number * 60:
                    time.sleep(0.005)
                victim = workers()[0]
                before = sum(server.paid.values())
                victim.send_signal(signal.SIGKILL)
                lost.append(before)

        answers, client = ask_all(
            server, tmp_path, count, through=by_workers(), concurrency=concurrency, beside=kill, timeout=30
        )
        assert len(lost) == kills
        assert [answer.failure for answer in answers if isinstance(answer, Answer)] == [""] * count
        assert len(rows(tmp_path)) == count
        # Each kill costs the calls of one worker in flight, at most, and they count against the budget.
        again = sum(server.paid.values()) - count
        assert 0 <= again <= client.totals.in_doubt <= kills * concurrency
        assert client.budget.in_doubt.tokens > 0
        # The answers are those of a run that nobody disturbs, and none of them is asked again.
        paid = sum(server.paid.values())
        undisturbed, _ = ask_all(server, tmp_path, count, through=None)
        assert sum(server.paid.values()) == paid
        assert [a.value for a in undisturbed] == [a.value for a in answers]  # type: ignore[union-attr]


def test_one_budget_for_all_workers(cluster: None, tmp_path: Path) -> None:
    with serving(LLMServer(latency=0.02)) as server:
        budget = Budget(max_tokens=5_000)
        answers, client = ask_all(server, tmp_path, 400, through=by_workers(3), budget=budget)
        ended = [answer for answer in answers if not isinstance(answer, Answer)]
        assert {type(error) for error in ended} == {BudgetSpent}
        assert client.budget.tokens <= 5_000
        assert client.totals.usage.tokens == client.budget.tokens
        assert sum(server.paid.values()) == len(rows(tmp_path)) == len(answers) - len(ended)


def test_one_rate_for_all_workers(cluster: None, tmp_path: Path) -> None:
    async def main(server: LLMServer) -> None:
        client = connect(
            "openai_compatible:m", params={"base_url": server.url}, through=by_workers(),
            limits=Limits(concurrency=16, requests_per_minute=600),
        )  # fmt: skip
        await asyncio.gather(*(client.ask(Request("t/1", (Message("user", str(i)),))) for i in range(50)))
        await client.aclose()

    with serving(LLMServer(reply=lambda body: "yes")) as server:
        asyncio.run(main(server))
        times = sorted(server.times)
        assert len(times) == 50
        # Ten a second: a worker that is slow at first delays early calls, but lets none of the last ones go earlier.
        assert times[-1] - times[-21] >= 1.8


def test_a_refused_key_ends_the_run(cluster: None, tmp_path: Path) -> None:
    with serving(LLMServer(fault=lambda body, times: "401")) as server:
        answers, _ = ask_all(server, tmp_path, 40, through=by_workers())
        assert all(isinstance(answer, SettingError) for answer in answers)
        assert "cannot be used: HTTP 401" in str(answers[0])
        assert sum(server.asked.values()) <= 16


def test_workers_that_always_end_are_an_error(cluster: None, tmp_path: Path) -> None:
    over = threading.Event()

    def kill() -> None:
        while not over.is_set():
            for process in workers():
                try:
                    os.kill(process.pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            time.sleep(0.02)

    with serving(LLMServer(latency=60.0)) as server:
        thread = threading.Thread(target=kill)
        thread.start()
        try:
            answers, _ = ask_all(server, tmp_path, 4, through=by_workers(1), timeout=100)
        finally:
            over.set()
            thread.join()
        assert all(isinstance(answer, SettingError) for answer in answers)
        assert "3 workers of Ray ended one after another" in str(answers[0])
        assert not rows(tmp_path)
