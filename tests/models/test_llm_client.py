"""The client against a real server on loopback that fails in every way."""

import asyncio
import json
import sqlite3
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from llm_server import FAULTS, LLMServer, echo, randomly, serving

from ragbench.core.errors import InputError, RagbenchError, SettingError
from ragbench.core.loop import LoopThread
from ragbench.models.llm.base import Answer, BudgetSpent, Message, Request, ServiceDown
from ragbench.models.llm.client import Client
from ragbench.models.llm.connect import connect
from ragbench.models.llm.costs import Budget
from ragbench.models.llm.limits import Limits

SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "string"}, "n": {"type": "integer"}},
    "required": ["answer", "n"],
    "additionalProperties": False,
}
KEY = "sk-test-0123456789abcdef"
DIRECT, LANGCHAIN = "openai_compatible:m", "openai:m"
both_ways = pytest.mark.parametrize("model", [DIRECT, LANGCHAIN])


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


def question(number: int, schema: Any = SCHEMA, **more: Any) -> Request:
    return Request("test/1", (Message("system", "Answer."), Message("user", f"question {number}")), schema, **more)


def expected(number: int) -> Any:
    return json.loads(echo({"messages": [{"role": "user", "content": f"question {number}"}]}))


def using(server: LLMServer, work: Callable[[Client], Coroutine[Any, Any, Any]], **settings: Any) -> Any:
    """Connect, do the work, close; in a loop of its own."""
    model = settings.pop("model", DIRECT)
    params = {"base_url": server.url, **settings.pop("params", {})}

    async def main() -> Any:
        client = connect(model, params=params, **settings)
        try:
            return await work(client)
        finally:
            await client.aclose()

    return asyncio.run(main())


async def ask_all(client: Client, numbers: range) -> list[Answer]:
    return await asyncio.gather(*(client.ask(question(number)) for number in numbers))


def prices(folder: Path) -> Path:
    path = folder / "prices.yaml"
    path.write_text('"openai_compatible:m": {input: 1000000, output: 1000000}\n', encoding="utf-8")
    return path


@pytest.mark.slow
@pytest.mark.parametrize(("model", "count"), [(DIRECT, 2000), (LANGCHAIN, 300)])
def test_many_calls_under_every_fault(model: str, count: int, tmp_path: Path) -> None:
    others = randomly(0.3, [fault for fault in FAULTS if fault != "hang"], most=4)

    def fault(body: Any, times: int) -> str:
        """Few calls hang, since each of them waits for the whole time-out."""
        few = times == 0 and body["messages"][1]["content"] in {f"question {number}" for number in range(10)}
        return "hang" if few else others(body, times)

    # A process that gets little of a busy machine takes many seconds for a call. Where such a call times out, the
    # server has billed an answer that nobody reads, so the time-out is far from what any call takes.
    with serving(LLMServer(fault=fault, hang=40)) as server:
        limits = Limits(concurrency=64, timeout=30, reasks=6)

        async def work(client: Client) -> list[Answer]:
            answers = await ask_all(client, range(count))
            assert client.totals.usage.output_tokens == sum(answer.usage.output_tokens for answer in answers)
            assert client.totals.calls == sum(server.paid.values())
            assert client.totals.given_up == 0
            return answers

        settings = {"model": model, "limits": limits, "answers": tmp_path / "answers.sqlite"}
        answers = using(server, work, **settings)
        assert [answer.value for answer in answers] == [expected(number) for number in range(count)]
        assert set(server.paid.values()) == {1}, "a body was paid twice"
        assert len(+server.faults) == 13, f"not every fault happened: {server.faults}"
        calls = sum(server.paid.values())

        again = using(server, lambda c: ask_all(c, range(count)), **settings)
        assert [answer.value for answer in again] == [answer.value for answer in answers]
        assert sum(server.paid.values()) == calls, "a resumed run paid again"
        assert all(answer.cost == 0 and answer.usage.input_tokens == 0 for answer in again)


@pytest.mark.parametrize("fault", ["429", "429-after", "500", "503", "hang", "drop", "drop-midway", "not-http-json"])
@both_ways
def test_a_call_that_fails_is_tried_again(model: str, fault: str) -> None:
    def once(body: Any, times: int) -> str:
        return fault if times == 0 else ""

    with serving(LLMServer(fault=once, hang=2)) as server:

        async def work(client: Client) -> Answer:
            answer = await client.ask(question(1))
            assert client.totals.retries == 1
            return answer

        assert using(server, work, model=model, limits=Limits(timeout=0.5)).value == expected(1)
        assert list(server.asked.values()) == [2]


@pytest.mark.parametrize("fault", ["cut-json", "wrong-schema", "no-json", "empty"])
def test_an_unusable_answer_is_asked_for_again_and_the_model_told_why(fault: str, tmp_path: Path) -> None:
    def first(body: Any, times: int) -> str:
        return fault if len(body["messages"]) == 2 else ""

    with serving(LLMServer(fault=first)) as server:
        for paid in (2, 2):
            answer = using(server, lambda c: c.ask(question(1)), answers=tmp_path / "a.sqlite")
            assert answer.value == expected(1)
            assert sum(server.paid.values()) == paid
        told = next(body["messages"][-1]["content"] for body in server.bodies.values() if len(body["messages"]) == 4)
        assert "cannot be used" in told
        if fault == "wrong-schema":
            assert "$.answer: 7 is not of type 'string'" in told


def test_nearly_valid_json_is_repaired() -> None:
    with serving(LLMServer(fault=lambda body, times: "broken-json")) as server:
        assert using(server, lambda c: c.ask(question(1))).value == expected(1)
        assert sum(server.paid.values()) == 1


def test_given_up_after_the_reasks_with_the_raw_answer_and_without_paying_again(tmp_path: Path) -> None:
    with serving(LLMServer(fault=lambda body, times: "wrong-schema")) as server:
        for _ in range(2):
            answer = using(server, lambda c: c.ask(question(1)), limits=Limits(reasks=2), answers=tmp_path / "a.sqlite")
            assert answer.value is None
            assert "does not follow the schema" in answer.failure
            assert answer.raw == '{"answer": 7, "extra": true}'
            assert not answer.unanswered
            assert sum(server.paid.values()) == 3


@pytest.mark.parametrize(("ended", "calls"), [("length", 3), ("content_filter", 1)])
def test_an_answer_that_did_not_end_by_itself_is_none(ended: str, calls: int) -> None:
    with serving(LLMServer(finish_reason=ended)) as server:
        answer = using(server, lambda c: c.ask(question(1)))
        assert answer.value is None
        assert sum(server.paid.values()) == calls


def test_an_unanswered_request_is_given_up_and_asked_again_next_time(tmp_path: Path) -> None:
    server = LLMServer(fault=lambda body, times: "500")
    with serving(server):
        limits = Limits(retries=1)
        answer = using(server, lambda c: c.ask(question(1)), limits=limits, answers=tmp_path / "a.sqlite")
        assert answer.unanswered
        assert "given up after 2 failed calls" in answer.failure
        assert KEY not in answer.failure, "the server's message repeats the key"
        server.fault = lambda body, times: ""
        answer = using(server, lambda c: c.ask(question(1)), limits=limits, answers=tmp_path / "a.sqlite")
        assert answer.value == expected(1)


@both_ways
def test_a_request_that_breaks_the_service_is_tried_four_times(model: str) -> None:
    def break_on_one(body: Any, times: int) -> str:
        return "500" if body["messages"][-1]["content"] == "question 1" else ""

    with serving(LLMServer(fault=break_on_one)) as server:
        answers = using(server, lambda c: ask_all(c, range(3)), model=model)
        assert [answer.value for answer in answers] == [expected(0), None, expected(2)]
        assert "given up after 4 failed calls" in answers[1].failure
        assert sum(server.asked.values()) == 2 + 4


@both_ways
def test_as_many_calls_are_in_flight_as_the_service_takes(model: str) -> None:
    with serving(LLMServer(latency=0.05)) as server:
        answers = using(server, lambda c: ask_all(c, range(200)), limits=Limits(concurrency="auto"), model=model)
        assert [answer.value for answer in answers] == [expected(number) for number in range(200)]
        assert 8 < server.most_at_once <= 64


@pytest.mark.parametrize("fault", ["401", "quota"])
@both_ways
def test_a_bad_key_ends_the_run_at_once_and_is_not_shown(model: str, fault: str) -> None:
    with serving(LLMServer(fault=lambda body, times: fault)) as server:
        with pytest.raises(SettingError, match="cannot be used") as caught:
            using(server, lambda c: c.ask(question(1)), model=model)
        assert KEY not in str(caught.value)
        assert sum(server.asked.values()) == 1


@both_ways
def test_a_refused_request_costs_one_item_but_ten_at_the_start_end_the_run(model: str) -> None:
    def refuse(body: Any, times: int) -> str:
        return "400" if body["messages"][-1]["content"] == "question 1" else ""

    with serving(LLMServer(fault=refuse)) as server:
        answers = using(server, lambda c: ask_all(c, range(3)), model=model)
        assert [answer.value is None for answer in answers] == [False, True, False]
        assert sum(server.asked.values()) == 3
        server.fault = lambda body, times: "400"
        with pytest.raises(SettingError, match=r"refused each of the first 1\d "):
            using(server, lambda c: ask_all(c, range(100)), model=model)


@both_ways
def test_retry_after_holds_everybody_up(model: str) -> None:
    def limit_first(body: Any, times: int) -> str:
        return "429-after" if body["messages"][-1]["content"] == "question 0" and times == 0 else ""

    with serving(LLMServer(fault=limit_first, retry_after="1")) as server:
        using(server, lambda c: ask_all(c, range(4)), limits=Limits(concurrency=1), model=model)
        assert server.times[1] - server.times[0] >= 0.99


def test_a_wait_beyond_the_patience_ends_the_run() -> None:
    server = LLMServer(fault=lambda body, times: "429-after", retry_after="86400")
    with serving(server), pytest.raises(ServiceDown, match="asks to wait 86400 s"):
        using(server, lambda c: c.ask(question(1)))


def test_an_outage_opens_the_breaker_and_loses_no_request() -> None:
    back = time.monotonic() + 2.5
    with serving(LLMServer(fault=lambda body, times: "500" if time.monotonic() < back else "")) as server:
        answers = using(server, lambda c: ask_all(c, range(200)), limits=Limits(concurrency=32, retries=3))
        assert [answer.value for answer in answers] == [expected(number) for number in range(200)]
        failed = sum(server.asked.values()) - 200
        assert failed < 60, f"{failed} calls were made while the service was down"


def test_a_service_that_stays_down_ends_the_run() -> None:
    with serving(LLMServer(fault=lambda body, times: "500")) as server:
        began = time.monotonic()
        with pytest.raises(ServiceDown, match="run the same command again later"):
            using(server, lambda c: ask_all(c, range(50)), limits=Limits(concurrency=32, patience=2))
        assert time.monotonic() - began < 20


@both_ways
def test_nobody_listens(model: str, tmp_path: Path) -> None:
    with serving(LLMServer()) as server:
        gone = LLMServer(port=server.port)
    with pytest.raises(ServiceDown):
        using(gone, lambda c: ask_all(c, range(20)), model=model, limits=Limits(concurrency=20, patience=1))


def test_equal_requests_in_flight_are_one_call() -> None:
    with serving(LLMServer(latency=0.2)) as server:

        async def work(client: Client) -> None:
            answers = await asyncio.gather(*(client.ask(question(1)) for _ in range(20)))
            assert {json.dumps(answer.value) for answer in answers} == {json.dumps(expected(1))}
            assert sum(answer.usage.output_tokens > 0 for answer in answers) == 1, "usage is told once"

        using(server, work)
        assert list(server.asked.values()) == [1]


def test_concurrency_and_rates_are_kept() -> None:
    with serving(LLMServer(latency=0.05)) as server:
        using(server, lambda c: ask_all(c, range(60)), limits=Limits(concurrency=7))
        assert server.most_at_once == 7
    with serving(LLMServer()) as server:
        using(server, lambda c: ask_all(c, range(81)), limits=Limits(concurrency=81, requests_per_minute=1200))
        # 20 a second, of which one second's worth may go at once: 3 s, less what the first call needs to start.
        assert 1.5 < server.times[-1] - server.times[0] < 9
    with serving(LLMServer()) as server:
        limits = Limits(concurrency=1, tokens_per_minute=60_000)
        using(server, lambda c: ask_all(c, range(40)), limits=limits)
        # About 65 tokens a call by the server's count, not the 1,024 that each might have written.
        assert server.times[-1] - server.times[0] < 20


def test_the_budget_is_never_overspent_and_the_run_goes_on_with_more(tmp_path: Path) -> None:
    with serving(LLMServer(latency=0.01)) as server:
        table = prices(tmp_path)

        async def until_spent(client: Client) -> tuple[int, float]:
            done = await asyncio.gather(
                *(client.ask(question(number, max_tokens=100)) for number in range(100)), return_exceptions=True
            )
            assert {type(one) for one in done} == {Answer, BudgetSpent}
            return sum(isinstance(one, Answer) for one in done), client.budget.cost

        settings = {"answers": tmp_path / "a.sqlite", "prices": table, "limits": Limits(concurrency=16)}
        first, cost = using(server, until_spent, budget=Budget(max_cost=2000.0), **settings)
        assert cost <= 2000
        assert cost > 2000 - 700, "less than the most that one call can take is left"
        assert first == sum(server.paid.values())
        answers = using(
            server,
            lambda c: asyncio.gather(*(c.ask(question(number, max_tokens=100)) for number in range(100))),
            budget=Budget(max_tokens=100_000),
            **settings,
        )
        assert [answer.value for answer in answers] == [expected(number) for number in range(100)]
        assert set(server.paid.values()) == {1}


def test_a_budget_too_small_for_one_call_is_refused_before_it() -> None:
    with serving(LLMServer()) as server:
        with pytest.raises(SettingError, match="too small for one call"):
            using(server, lambda c: c.ask(question(1)), budget=Budget(max_tokens=50))
        assert not server.asked


def test_a_call_that_may_be_billed_counts_against_the_budget() -> None:
    with serving(LLMServer(fault=lambda body, times: "hang" if times == 0 else "", hang=1)) as server:
        budget = Budget(max_tokens=5000)
        using(server, lambda c: c.ask(question(1)), budget=budget, limits=Limits(timeout=0.2))
        assert budget.in_doubt.tokens > 1024
        assert budget.tokens > budget.in_doubt.tokens


@both_ways
def test_a_provider_that_does_not_count_tokens(model: str) -> None:
    with serving(LLMServer(usage=False)) as server:
        budget = Budget(max_tokens=5000)
        answer = using(server, lambda c: c.ask(question(1)), budget=budget, model=model)
        assert answer.usage.output_tokens > 5
        assert budget.tokens > 1024, "the limit goes by the most it can have been"


def test_a_limit_on_cost_without_a_price_is_refused(tmp_path: Path) -> None:
    params = {"base_url": "http://127.0.0.1:9/v1"}
    with pytest.raises(SettingError, match=r"not known: write it to a YAML file .*prices="):
        connect("openai:m", params=params, budget=Budget(max_cost=1), answers=tmp_path / "a.sqlite")
    assert not (tmp_path / "a.sqlite").exists()


def test_cancelling_does_not_lose_a_paid_answer(tmp_path: Path) -> None:
    with serving(LLMServer(latency=0.5)) as server:

        async def work(client: Client) -> None:
            waiting = asyncio.create_task(client.ask(question(1)))
            await asyncio.sleep(0.25)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting

        using(server, work, answers=tmp_path / "a.sqlite")
        assert sum(server.paid.values()) == 1
        answer = using(server, lambda c: c.ask(question(1)), answers=tmp_path / "a.sqlite")
        assert answer.value == expected(1)
        assert sum(server.paid.values()) == 1


def test_the_cache_holds_no_key_and_no_question(tmp_path: Path) -> None:
    with serving(LLMServer()) as server:
        using(server, lambda c: ask_all(c, range(5)), answers=tmp_path / "a.sqlite")
    for path in tmp_path.iterdir():
        raw = path.read_bytes()
        assert KEY.encode() not in raw
        assert b"question" not in raw


def test_two_clients_share_one_cache(tmp_path: Path) -> None:
    with serving(LLMServer(latency=0.02)) as server:

        async def main() -> None:
            params = {"base_url": server.url}
            one, two = (connect(DIRECT, params=params, answers=tmp_path / "a.sqlite") for _ in range(2))
            await ask_all(one, range(50))
            again, new = await asyncio.gather(ask_all(two, range(50)), ask_all(one, range(50, 80)))
            assert all(answer.usage.output_tokens == 0 for answer in again)
            assert [answer.value for answer in new] == [expected(number) for number in range(50, 80)]
            await one.aclose()
            await two.aclose()

        asyncio.run(main())
        assert set(server.paid.values()) == {1}


def test_files_that_are_no_answer_cache_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("not a database at all, but long enough to be read as one" * 20, encoding="utf-8")
    sqlite3.connect(tmp_path / "other").execute("CREATE TABLE t (x)").connection.commit()
    for name, words in (("text", "cannot be used as an answer cache"), ("other", "no answer cache of ragbench")):
        with pytest.raises(InputError, match=words):
            connect("openai:m", params={"base_url": "http://127.0.0.1:9/v1"}, answers=tmp_path / name)


@both_ways
def test_inside_a_running_loop(model: str) -> None:
    """As in a notebook: the caller's loop runs, and the work has one of its own."""
    with serving(LLMServer()) as server:

        async def notebook() -> list[Answer]:
            async def work() -> list[Answer]:
                client = connect(model, params={"base_url": server.url})
                try:
                    return await ask_all(client, range(5))
                finally:
                    await client.aclose()

            loop = LoopThread("test")
            try:
                return loop.run(work())
            finally:
                loop.close()

        assert [answer.value for answer in asyncio.run(notebook())] == [expected(number) for number in range(5)]


@both_ways
def test_a_server_without_schemas_gets_the_schema_in_the_prompt(model: str) -> None:
    def fault(body: Any, times: int) -> str:
        return "400" if "response_format" in body else ""

    with serving(LLMServer(fault=fault, refusal="response_format is unknown")) as server:
        answers = using(server, lambda c: ask_all(c, range(3)), limits=Limits(concurrency=1), model=model)
        assert [answer.value for answer in answers] == [expected(number) for number in range(3)]
        assert sum(server.asked.values()) == 4
        assert "follows this JSON schema" in list(server.bodies.values())[-1]["messages"][0]["content"]
        with pytest.raises(RagbenchError):
            using(server, lambda c: ask_all(c, range(20)), structured="json_schema", model=model)


@both_ways
def test_free_text(model: str) -> None:
    with serving(LLMServer(reply=lambda body: "Yes.\n")) as server:
        assert using(server, lambda c: c.ask(question(1, None)), model=model).value == "Yes.\n"


@pytest.mark.parametrize(
    ("model", "params", "words"),
    [
        ("m", {}, "write provider:name"),
        ("openay:m", {}, "cannot be set up"),
        ("openai:m", {"api_key": "sk-1"}, "looks like a key"),
        ("openai:m", {"max_retries": 3}, "leave params.max_retries out"),
        ("openai:m", {"temprature": 1}, "no parameter 'temprature'"),
        ("bedrock_converse:m", {}, "needs a region"),
        ("openai_compatible:m", {}, "base_url="),
        ("openai_compatible:m", {"base_url": "localhost:8000/v1"}, "is not an address"),
        ("openai_compatible:m", {"base_url": "http://host:x/v1"}, "is not an address"),
        ("openai_compatible:m", {"base_url": "http://me:word@host/v1"}, "no name, password"),
        ("openai_compatible:m", {"base_url": "http://host/v1", "stream": True}, "leave params.stream out"),
        ("openai_compatible:m", {"base_url": "http://host/v1", "top_p": {1}}, "cannot be sent as JSON"),
        ("openai_compatible:m", {"base_url": "http://host/v1", "api_key": "sk-1"}, "looks like a key"),
    ],
)
def test_wrong_settings_are_named_before_the_first_call(model: str, params: Any, words: str) -> None:
    if model.startswith("bedrock"):
        pytest.importorskip("langchain_aws")
    with pytest.raises(SettingError, match=words):
        connect(model, params=params)


def test_a_missing_key_is_named_before_the_first_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(SettingError, match="OPENAI_API_KEY"):
        connect("openai:gpt-4o-mini")
