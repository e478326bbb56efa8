"""Answers that are read while they are written, from a real server that streams, pauses and breaks off."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any, TypeVar

import pytest
from stream_server import DONE, DROP, Streaming, streaming

from ragbench.models.llm.base import Answer, Message, Request, Usage
from ragbench.models.llm.client import Client
from ragbench.models.llm.connect import connect
from ragbench.models.llm.costs import Budget
from ragbench.models.llm.limits import Limits
from ragbench.models.llm.streaming import as_it_comes

T = TypeVar("T")
MODELS = ["openai_compatible:m", "openai:m"]
SLOWLY = ["Der ", "Wärme", "strom ", 0.4, "fließt ", "☀", 0.4, "[1]."]
TEXT = "Der Wärmestrom fließt ☀[1]."
QUESTION = Request("t/1", (Message("user", "Was?"),), max_tokens=50)


def within(url: str, work: Callable[[Client], Awaitable[T]], model: str = MODELS[0], **options: Any) -> T:
    async def main() -> T:
        client = connect(model, params={"base_url": url}, **options)
        try:
            return await work(client)
        finally:
            await client.aclose()

    return asyncio.run(main())


async def watch(client: Client, request: Request = QUESTION) -> tuple[list[tuple[str, float]], Answer]:
    """The pieces with the second each came at, and the answer."""
    began, pieces, answer = time.monotonic(), [], None
    async with aclosing(as_it_comes(lambda show: client.ask(request, show))) as coming:
        async for item in coming:
            if isinstance(item, str):
                pieces.append((item, time.monotonic() - began))
            else:
                answer = item
    assert answer is not None
    return pieces, answer


@pytest.mark.parametrize("model", MODELS)
def test_pieces_come_before_the_end_and_the_answer_is_that_of_a_whole_call(model: str, tmp_path: Path) -> None:
    async def both(client: Client) -> tuple[Any, Answer, Answer, Any]:
        watched = await watch(client)
        return watched, await client.ask(QUESTION), (await watch(client))[1], client.totals

    with streaming(Streaming(lambda body, times: SLOWLY)) as server:
        (pieces, answer), cached, replayed, totals = within(server.url, both, model, answers=tmp_path / "a.sqlite")
        whole = within(server.url, lambda client: client.ask(QUESTION), model)
    assert "".join(text for text, _ in pieces) == answer.value == TEXT
    assert pieces[0][0].startswith("Der ")
    assert pieces[-1] == ("[1].", pytest.approx(pieces[0][1] + 0.8, abs=0.35))
    assert answer.usage == Usage(30, len(TEXT))
    assert (answer.value, answer.usage, answer.took, answer.failure) == (
        whole.value, whole.usage, whole.took, whole.failure
    )  # fmt: skip
    assert answer.seconds is not None
    assert answer.seconds > 0.8
    assert cached == replayed
    assert (cached.value, cached.usage, cached.took) == (TEXT, Usage(), answer.took)
    assert (totals.calls, totals.cached, totals.usage) == (1, 2, answer.usage)
    assert len(server.asked) == 2
    streamed = {key: value for key, value in server.asked[0].items() if key not in ("stream", "stream_options")}
    assert streamed == {key: value for key, value in server.asked[1].items() if key != "stream"}


def test_cached_answer_of_a_whole_call_is_shown_at_once(tmp_path: Path) -> None:
    async def work(client: Client) -> Any:
        await client.ask(QUESTION)
        return await watch(client)

    with streaming(Streaming(lambda body, times: SLOWLY)) as server:
        pieces, answer = within(server.url, work, answers=tmp_path / "a.sqlite")
    assert [text for text, _ in pieces] == [TEXT]
    assert answer.seconds is None
    assert len(server.asked) == 1


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("end", [[DROP], [{"error": {"message": "out of memory", "code": 500}}]])
def test_what_breaks_off_after_its_first_piece_is_not_asked_again(model: str, end: Any) -> None:
    async def work(client: Client) -> Any:
        return *await watch(client), client.totals, client.budget

    with streaming(Streaming(lambda body, times: ["Half ", "an ", 0.1, *end])) as server:
        pieces, answer, totals, budget = within(server.url, work, model, budget=Budget(max_tokens=5_000))
    assert "".join(text for text, _ in pieces) == "Half an "
    assert answer.value is None
    assert answer.unanswered
    assert answer.raw == "Half an "
    assert "broke off after 8 characters" in answer.failure
    assert len(server.asked) == 1
    assert (totals.calls, totals.in_doubt, totals.given_up) == (0, 1, 1)
    assert budget.tokens == budget.in_doubt.tokens > 50


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("first", [503, 429, [DROP], [{"choices": []}, DROP]])
def test_what_fails_before_its_first_piece_is_tried_again(model: str, first: Any) -> None:
    async def work(client: Client) -> Any:
        return *await watch(client), client.totals

    with streaming(Streaming(lambda body, times: ["All ", "of it."] if times else first)) as server:
        pieces, answer, totals = within(server.url, work, model)
    assert "".join(text for text, _ in pieces) == answer.value == "All of it."
    assert (len(server.asked), totals.retries) == (2, 1)


@pytest.mark.parametrize("model", MODELS)
def test_who_stops_ends_the_call_at_the_server_and_pays_the_most_it_can_have_cost(model: str) -> None:
    async def work(client: Client) -> Any:
        async with aclosing(as_it_comes(lambda show: client.ask(QUESTION, show))) as coming:
            first = await anext(coming)
        await asyncio.sleep(0.5)
        return first, client.budget, client.totals, (await watch(client))[1]

    slow = [step for _ in range(100) for step in ("again ", 0.05)]
    with streaming(Streaming(lambda body, times: ["Done."] if times else slow)) as server:
        first, budget, totals, answer = within(server.url, work, model, budget=Budget(max_tokens=5_000))
    assert first.startswith("again ")
    assert len(server.gone) == 1
    assert server.gone[0] < 2
    assert budget.in_doubt.tokens > 50
    assert totals.in_doubt == 1
    assert answer.value == "Done."


@pytest.mark.parametrize("turns", range(12))
def test_who_leaves_at_whatever_step_gives_the_slot_and_the_budget_back(turns: int) -> None:
    async def work(client: Client) -> Any:
        left = asyncio.create_task(watch(client))
        for _ in range(turns):
            await asyncio.sleep(0)
        left.cancel()
        await asyncio.wait([left])
        return (await asyncio.wait_for(watch(client), 20))[1]

    with streaming(Streaming(lambda body, times: ["Done."])) as server:
        limits, budget = Limits(concurrency=1), Budget(max_tokens=1_000_000)
        answer = within(server.url, work, limits=limits, budget=budget)
    assert answer.value == "Done."


def test_two_at_once_find_out_alike_what_a_server_refuses() -> None:
    async def work(client: Client) -> Any:
        other = Request("t/1", (Message("user", "Und?"),), max_tokens=50)
        found = await asyncio.gather(watch(client), watch(client, other))
        return [len(pieces) for pieces, _ in found], client.llm.streams

    with streaming(Streaming(lambda body, times: SLOWLY, refuses="stream_options")) as server:
        pieces, streams = within(server.url, work)
    assert min(pieces) > 1
    assert streams


@pytest.mark.parametrize(
    "said",
    ["when calling the ConverseStream operation: Input is too long", "Upstream refuses so long a text"],
)
def test_a_refusal_that_only_sounds_like_streams_turns_none_off(said: str) -> None:
    async def work(client: Client) -> Any:
        return (await watch(client))[1], client.llm.streams

    with streaming(Streaming(lambda body, times: 400, says=said)) as server:
        answer, streams = within(server.url, work)
    assert said in answer.failure
    assert len(server.asked) == 1
    assert streams


def test_two_who_watch_the_same_share_one_call_until_both_have_left() -> None:
    async def work(client: Client) -> Any:
        async def leave() -> None:
            async with aclosing(as_it_comes(lambda show: client.ask(QUESTION, show))) as coming:
                await anext(coming)

        first = asyncio.create_task(leave())
        await asyncio.sleep(0.2)
        (pieces, answer), _ = await asyncio.gather(watch(client), first)
        return pieces, answer

    with streaming(Streaming(lambda body, times: [0.4, *SLOWLY])) as server:
        pieces, answer = within(server.url, work)
    assert "".join(text for text, _ in pieces) == answer.value == TEXT
    assert len(pieces) > 1
    assert len(server.asked) == 1
    assert server.gone == []


def test_time_limit_holds_for_a_stream_that_trickles() -> None:
    with streaming(Streaming(lambda body, times: [step for _ in range(50) for step in ("a", 0.1)])) as server:
        _, answer = within(server.url, watch, limits=Limits(timeout=0.6))
    assert "broke off" in answer.failure
    assert "0.6 s" in answer.failure
    assert 2 <= len(answer.raw) <= 7


@pytest.mark.parametrize("model", MODELS)
def test_server_that_will_not_count_is_asked_without_and_the_budget_takes_the_most(model: str) -> None:
    with streaming(Streaming(lambda body, times: SLOWLY, refuses="stream_options")) as server:

        async def work(client: Client) -> Any:
            return *await watch(client), client.budget, client.llm.streams

        pieces, answer, budget, streams = within(server.url, work, model, budget=Budget(max_tokens=5_000))
    assert len(pieces) > 1
    assert answer.value == TEXT
    assert ["stream_options" in body for body in server.asked] == [True, False]
    assert answer.usage.tokens < budget.tokens
    assert streams


@pytest.mark.parametrize(
    ("model", "how"),
    [(MODELS[0], {"refuses": "stream"}), (MODELS[1], {"refuses": "stream"}), (MODELS[0], {"whole": True})],
)
def test_server_that_cannot_stream_answers_whole_and_is_known_for_it(model: str, how: Any) -> None:
    with streaming(Streaming(lambda body, times: SLOWLY, **how)) as server:

        async def work(client: Client) -> Any:
            return *await watch(client), client.llm.streams

        pieces, answer, streams = within(server.url, work, model)
    assert [text for text, _ in pieces] == [TEXT]
    assert answer.usage == Usage(30, len(TEXT))
    assert not streams


def test_server_that_ignores_streams_is_found_out_through_langchain_too() -> None:
    with streaming(Streaming(lambda body, times: SLOWLY, whole=True)) as server:

        async def work(client: Client) -> Any:
            return *await watch(client), client.llm.streams, client.totals

        pieces, answer, streams, totals = within(server.url, work, "openai:m")
    assert [text for text, _ in pieces] == [answer.value] == [TEXT]
    assert not streams
    assert ([bool(body.get("stream")) for body in server.asked], totals.in_doubt) == ([True, False], 1)


def test_object_is_never_shown_in_parts() -> None:
    schema = {"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]}
    asked = Request("t/1", QUESTION.messages, schema)
    with streaming(Streaming(lambda body, times: ['{"answer":', ' "x"}'])) as server:
        pieces, answer = within(server.url, lambda client: watch(client, asked))
    assert pieces == []
    assert answer.value == {"answer": "x"}
    assert "stream" not in server.asked[0]


def test_text_that_was_cut_off_stays_shown_and_is_no_answer() -> None:
    cut = {"choices": [{"index": 0, "delta": {}, "finish_reason": "length"}]}
    with streaming(Streaming(lambda body, times: ["Cut ", cut, DONE])) as server:
        pieces, answer = within(server.url, watch)
    assert "".join(text for text, _ in pieces) == answer.raw == "Cut "
    assert "cut off at 50 tokens" in answer.failure
    assert len(server.asked) == 1
