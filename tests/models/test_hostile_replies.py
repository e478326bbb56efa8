"""Replies that are wrong on purpose cost one query: nothing hangs, nothing paid is lost, no rerun crashes."""

import asyncio
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from llm_server import LLMServer, serving

from ragbench.core.errors import InputError
from ragbench.models.llm.answers import AnswerStore
from ragbench.models.llm.base import LLM, Answer, Message, Request, Response, Usage
from ragbench.models.llm.connect import connect
from ragbench.models.llm.costs import Budget
from ragbench.models.llm.limits import Limits
from ragbench.models.llm.openai_compatible import OpenAICompatible

SCHEMA = {"type": "object", "properties": {"answer": {}}, "required": ["answer"]}
BAD = "question 3"
"""The one query with a wrong reply."""


def reply(content: str = '{"answer": "good"}', **usage: object) -> bytes:
    counts = {"prompt_tokens": 3, "completion_tokens": 2} | usage
    message = {"message": {"content": content}, "finish_reason": "stop"}
    return json.dumps({"choices": [message], "usage": counts}).encode()


class Scripted(LLMServer):
    """Sends these bytes as the body of the reply to the one query, and a good reply to the others."""

    raw: bytes = b""

    async def _send(self, writer: Any, body: Any, key: str, fault: str) -> bool:
        raw = self.raw if any(message["content"].startswith(BAD) for message in body["messages"]) else reply()
        self.paid[key] += 1
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(raw) + raw
        )
        await writer.drain()
        return True


def ask_eight(url: str, folder: Path, budget: Budget | None = None) -> list[Answer]:
    async def main() -> list[Answer]:
        client = connect("openai_compatible:m", params={"base_url": url}, answers=folder / "answers.sqlite",
                         limits=Limits(retries=1, timeout=20), budget=budget)  # fmt: skip
        try:
            requests = [Request("t/1", (Message("user", f"question {n}"),), SCHEMA) for n in range(8)]
            async with asyncio.timeout(60):
                return await asyncio.gather(*(client.ask(request) for request in requests))
        finally:
            await client.aclose()

    return asyncio.run(main())


HOSTILE = {
    "a surrogate": reply('{"answer": "a"}').replace(b'\\"a\\"}', b'\\"a\\ud800\\"}'),
    "a surrogate in the answer's JSON": reply('{"answer": "a\\ud800"}'),
    "10^25 tokens": reply(prompt_tokens=10**25),
    "negative tokens": reply(prompt_tokens=-(10**25), completion_tokens=-1),
    "infinite tokens": reply(prompt_tokens=7).replace(b"7", b"1e999"),
    "tokens that are no number": reply(prompt_tokens=[1]),
    "an infinite number": reply('{"answer": 1e999}'),
    "a huge number": reply('{"answer": 1' + "0" * 400 + "}"),
    "a nested answer": reply('{"answer": ' + "[" * 100_000 + "]" * 100_000 + "}"),
    "a nested answer that Python reads": reply('{"answer": ' + "[" * 500 + "]" * 500 + "}"),
    "a nested body": b"[" * 100_000 + b"]" * 100_000,
    "60 MB": reply("x" * 60_000_000),
}


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_reply_costs_its_own_query(raw: bytes, tmp_path: Path) -> None:
    server = Scripted()
    server.raw = raw
    with serving(server):
        answers = ask_eight(server.url, tmp_path)
        assert [a.value for n, a in enumerate(answers) if n != 3] == [{"answer": "good"}] * 7
        hostile = answers[3]
        assert (hostile.value is None) == bool(hostile.failure)
        json.dumps(hostile.value, ensure_ascii=False).encode()
        paid, again = sum(server.paid.values()), ask_eight(server.url, tmp_path)
        assert [a.value for a in again] == [a.value for a in answers]
        # What was answered is stored, however useless. Only a reply that could not be read is asked for again.
        assert sum(server.paid.values()) - paid <= (2 if hostile.unanswered else 0)


def test_counts_of_tokens_stay_in_their_range() -> None:
    assert Usage(10**25, -5) == Usage(2**63 - 1, 0)
    assert (Usage(2**63 - 1) + Usage(2**63 - 1)).input_tokens == 2**63 - 1


def test_negative_counts_do_not_bypass_the_budget(tmp_path: Path) -> None:
    server = Scripted()
    server.raw = reply(prompt_tokens=-(10**6))
    with serving(server):
        budget = Budget(max_tokens=10**6)
        ask_eight(server.url, tmp_path, budget)
        assert budget.tokens == 7 * 5 + 2


def test_a_reply_is_not_read_beyond_its_limit() -> None:
    server = Scripted()
    server.raw = reply("x" * 60_000_000)
    with serving(server):

        async def main() -> str:
            model = OpenAICompatible("openai_compatible:m", {"base_url": server.url}, timeout=20)
            try:
                await model.complete(Request("t/1", (Message("user", BAD),)))
            except Exception as error:
                return str(error)
            finally:
                await model.aclose()
            return ""

        assert "larger than 4 MB" in asyncio.run(main())


class Failing(LLM):
    """Raises what Python raises for hostile replies."""

    name = "failing:m"

    def __init__(self, error: Exception) -> None:
        self.error = error

    def fingerprint(self) -> str:
        return "0" * 32

    async def complete(self, request: Request) -> Response:
        raise self.error


@pytest.mark.parametrize("error", [RecursionError("deep"), OverflowError("inf"), MemoryError(), UnicodeError("x")])
def test_what_a_reply_makes_python_raise_is_one_failed_query(error: Exception) -> None:
    import numpy as np

    from ragbench.models.llm.client import Client

    async def main() -> Answer:
        client = Client(Failing(error), jitter=np.random.default_rng(0))
        return await client.ask(Request("t/1", (Message("user", "?"),)))

    answer = asyncio.run(main())
    assert type(error).__name__ in answer.failure
    assert answer.unanswered


@pytest.mark.parametrize("error", [ValueError("x"), TypeError("x"), sqlite3.DatabaseError("malformed"), MemoryError()])
def test_no_error_ends_the_writer_silently(error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = AnswerStore(tmp_path / "a")
    write: Callable[..., Any] = store._write

    async def main() -> None:
        async with asyncio.timeout(10):
            await store.put("k1", Response("first"))

            def broken(*args: object) -> None:
                raise error

            monkeypatch.setattr(store, "_write", broken)
            with pytest.raises(InputError, match="cannot be kept"):
                await store.put("k2", Response("lost"))
            monkeypatch.setattr(store, "_write", write)
            await store.put("k3", Response("third"))

    asyncio.run(main())
    assert [store.get(key) for key in ("k1", "k2", "k3")] == [Response("first"), None, Response("third")]
    store.close()


def test_a_stored_answer_that_cannot_be_read_is_asked_for_again_once(tmp_path: Path) -> None:
    """An earlier version stored a nested answer with a sound checksum, and crashed whenever it read it."""
    server = Scripted()
    server.raw = reply()
    with serving(server):
        ask_eight(server.url, tmp_path / "first")
        with sqlite3.connect(tmp_path / "first" / "answers.sqlite") as connection:
            (key,) = connection.execute("SELECT key FROM answers ORDER BY key LIMIT 1").fetchone()
        store = AnswerStore(tmp_path / "answers.sqlite")
        asyncio.run(store.put(key, Response("[" * 100_000, Usage(1, 1))))
        store.close()
        before = sum(server.paid.values())
        for _ in range(2):
            answers = ask_eight(server.url, tmp_path)
            assert [answer.value for answer in answers] == [{"answer": "good"}] * 8
            # Seven that are not stored, and the one that cannot be read; then none.
            assert sum(server.paid.values()) - before == 8
