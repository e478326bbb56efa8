"""The client's parts by themselves: JSON, budget, prices, rates, the breaker, the store, the plan."""

import asyncio
import json
import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragbench.core.errors import InputError, SettingError
from ragbench.models.llm.answers import AnswerStore
from ragbench.models.llm.base import Message, Request, Response, Usage
from ragbench.models.llm.chat_errors import read_error
from ragbench.models.llm.costs import (
    TABLE,
    Budget,
    Price,
    estimate,
    estimated_usage,
    find_price,
    usage_bound,
)
from ragbench.models.llm.limits import Limits, Rate
from ragbench.models.llm.structured import Invalid, Refused, read_answer

ITEMS = {
    "type": "object",
    "properties": {"items": {"type": "array", "items": {"type": "string"}}},
    "required": ["items"],
}


def ask(text: str = "hello", **more: object) -> Request:
    return Request("t/1", (Message("user", text),), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        '{"items": ["a", "b"]}',
        'Here you are:\n```json\n{"items": ["a", "b"]}\n```\nAnything else?',
        '{"items": ["a", "b",],}',
        "{'items': ['a', 'b']}",
        '{items: ["a", "b"]}',
        '{"items": ["a", "b"]} // two of them',
    ],
)
def test_what_is_wrong_in_form_only_is_repaired(text: str) -> None:
    assert read_answer(ask(schema=ITEMS), Response(text)) == {"items": ["a", "b"]}


@given(st.lists(st.text(max_size=8), min_size=1, max_size=4), st.floats(0, 0.999))
def test_a_cut_off_answer_is_never_taken_for_a_whole_one(items: list[str], where: float) -> None:
    text = json.dumps({"items": items})
    with pytest.raises(Invalid):
        read_answer(ask(schema=ITEMS), Response(text[: int(where * len(text))]))


def test_what_ends_badly_is_no_answer() -> None:
    with pytest.raises(Invalid, match="cut off at 1024 tokens"):
        read_answer(ask(), Response("some", finish_reason="length"))
    with pytest.raises(Refused):
        read_answer(ask(), Response("", finish_reason="content_filter"))
    with pytest.raises(SettingError, match="no JSON schema"):
        read_answer(ask(schema={"type": "objekt"}), Response("{}"))


@given(st.text(max_size=300), st.integers(0, 3))
def test_the_bound_is_never_below_a_byte_level_tokenizer(text: str, messages: int) -> None:
    tiktoken = pytest.importorskip("tiktoken")
    # Every byte a token of its own: the worst that byte-level BPE can do, without a download.
    worst = tiktoken.Encoding("bytes", pat_str=r"(?s).", mergeable_ranks={bytes([n]): n for n in range(256)},
                              special_tokens={})  # fmt: skip
    request = Request("t/1", tuple(Message("user", text) for _ in range(messages + 1)))
    spoken = sum(len(worst.encode(message.text, disallowed_special=())) for message in request.messages)
    assert usage_bound(request).input_tokens >= spoken
    assert usage_bound(request).input_tokens >= estimated_usage(request).input_tokens


def test_a_budget_waits_for_calls_in_flight_before_it_gives_up() -> None:
    async def main() -> None:
        budget, price = Budget(max_cost=10.0), Price(1e6, 1e6)
        one = await budget.reserve(Usage(4, 4), price)
        waiting = asyncio.create_task(budget.reserve(Usage(4, 4), price))
        await asyncio.sleep(0)
        assert not waiting.done()
        budget.settle(one, Usage(1, 1), 2.0)
        two = await waiting
        budget.settle(two, Usage(1, 1), 2.0)
        assert budget.cost == 4.0
        with pytest.raises(Exception, match="is spent: 4 tokens"):
            await budget.reserve(Usage(4, 3), price)

    asyncio.run(main())


def test_prices() -> None:
    mini = find_price("openai:gpt-4o-mini")
    assert mini is not None
    # A million tokens in, a tenth of that out.
    assert mini.cost(Usage(1_000_000, 100_000)) == pytest.approx(0.15 + 0.06)
    assert re.search(r"\b20\d\d-\d\d-\d\d$", mini.source), "the table has a date"
    assert find_price("openai:no-such-model") is None
    nova = find_price("bedrock:amazon.nova-lite-v1:0")
    assert (
        nova == find_price("bedrock_converse:amazon.nova-lite-v1:0") == find_price("bedrock:us.amazon.nova-lite-v1:0")
    )
    assert find_price("bedrock_converse:eu.amazon.nova-lite-v1:0") is None, "other regions have other prices"
    assert TABLE.is_file()


@pytest.mark.parametrize(
    ("model", "same"),
    [
        ("openai:gpt-4o-mini-2024-07-18", "openai:gpt-4o-mini"),
        ("azure_openai:gpt-4.1", "openai:gpt-4.1"),
        ("anthropic:claude-3-5-haiku-latest", "anthropic:claude-3-5-haiku-20241022"),
        ("bedrock:anthropic.claude-3-haiku-20240307-v1:0", "anthropic:claude-3-haiku"),
    ],
)
def test_versions_and_hosts_of_a_model_have_its_price(model: str, same: str) -> None:
    assert find_price(model) == find_price(same) is not None


def test_a_version_with_a_row_of_its_own_keeps_it() -> None:
    first, later = find_price("openai:gpt-4o-2024-05-13"), find_price("openai:gpt-4o")
    assert first is not None
    assert later is not None
    assert (first.input, later.input) == (5.0, 2.5)


@pytest.mark.parametrize(
    ("model", "base_url", "known"),
    [
        ("openai:gpt-4o-mini", "https://gateway.example.com/v1", True),
        ("openai_compatible:gpt-4o-mini", "https://api.openai.com/v1", True),
        ("openai_compatible:deepseek-chat", "https://api.deepseek.com", True),
        ("openai_compatible:gpt-4o-mini", "http://localhost:8000/v1", False),
        ("openai:my-own-model", "http://localhost:8000/v1", False),
        ("openai_compatible:gpt-4o-mini", "http://[::1", False),
    ],
)
def test_a_price_behind_an_address(model: str, base_url: str, known: bool) -> None:
    assert (find_price(model, base_url=base_url) is not None) is known


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- a", "is a mapping"),
        ("'openai:m': 3", "exactly the keys"),
        ("'openai:m': {input: -1, output: 2}", "from 0 up"),
        ("'openai:m': {input: .nan, output: 2}", "from 0 up"),
        ("a: [", "not YAML"),
    ],
)
def test_a_wrong_price_table_is_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=words):
        find_price("openai:m", path)


def test_a_users_price_goes_first(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text("'openai:gpt-4o-mini': {input: 1, output: 2}\n", encoding="utf-8")
    assert find_price("openai:gpt-4o-mini", path) == Price(1, 2, "p.yaml")
    path.write_text("date: 2026-05-01\n'openai_compatible:m': {input: 1, output: 2}\n", encoding="utf-8")
    own = find_price("openai_compatible:m", path, base_url="http://localhost/v1")
    assert own == Price(1, 2, "p.yaml, 2026-05-01")
    assert find_price("openai:gpt-4o-mini", path) == find_price("openai:gpt-4o-mini"), "rows that it lacks stay"


def test_a_rate_lets_one_second_go_at_once_and_then_keeps_its_pace() -> None:
    async def main() -> list[float]:
        rate, began = Rate(6000), time.monotonic()
        passed = []
        for _ in range(150):
            await rate.take()
            passed.append(time.monotonic() - began)
        return passed

    passed = asyncio.run(main())
    assert passed[99] < 0.3
    assert 0.4 < passed[-1] < 1.5


def test_the_plan_counts_equal_requests_once_and_known_ones_apart() -> None:
    requests = [ask("a" * 400, max_tokens=50), ask("a" * 400, max_tokens=50), ask("b" * 400, max_tokens=50), ask("c")]
    found = estimate(requests, Price(1.0, 2.0, "a list"), lambda request: request.messages[0].text == "c")
    assert (found.calls, found.cached, found.input_tokens, found.output_tokens) == (2, 1, 200, 100)
    assert found.least == pytest.approx(200e-6)
    assert found.most == pytest.approx(400e-6)
    both = found + estimate(requests, None, lambda request: False)
    assert (both.calls, both.most) == (5, None)
    assert any("unknown" in line for line in both.lines())
    assert found.lines()[0] == "calls          2 (1 more are answered already)"


def test_two_stores_on_one_file_agree_on_the_first_answer(tmp_path: Path) -> None:
    async def main() -> None:
        one, two = AnswerStore(tmp_path / "a"), AnswerStore(tmp_path / "a")
        answers = await asyncio.gather(
            *(store.put(f"{n}", Response(f"{n} by {who}")) for n in range(100) for who, store in enumerate((one, two)))
        )
        for n in range(100):
            assert answers[2 * n] == answers[2 * n + 1] == one.get(f"{n}") == two.get(f"{n}")
        assert one.count() == 100
        one.close()
        one.close()
        two.close()

    asyncio.run(main())


@pytest.mark.parametrize(("value", "seconds"), [("1.5", 1.5), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0), ("soon", None)])
def test_retry_after_in_seconds_or_as_a_date(value: str, seconds: float | None) -> None:
    import httpx

    response = httpx.Response(429, headers={"Retry-After": value}, request=httpx.Request("POST", "http://x"))

    class Told(Exception):
        status_code = 429

        def __init__(self) -> None:
            super().__init__("slow down")
            self.response = response

    assert read_error(Told()).retry_after == seconds


def test_wrong_limits_are_told_together() -> None:
    with pytest.raises(SettingError, match=r"concurrency must be at least 1.*timeout must be above 0"):
        Limits(concurrency=0, timeout=0)
