"""Bedrock's ConverseStream through langchain-aws, from a server that speaks its event stream."""

import asyncio
import time
from contextlib import aclosing
from typing import Any

import pytest
from bedrock_server import Bedrock, serving

from ragbench.models.llm.base import Answer, Message, Request, Usage
from ragbench.models.llm.connect import connect
from ragbench.models.llm.streaming import as_it_comes

pytest.importorskip("langchain_aws", reason="the extra aws is not installed")
MODEL = "bedrock_converse:anthropic.claude-3-haiku-20240307-v1:0"
QUESTION = Request("t/1", (Message("system", "Answer."), Message("user", "What?")), max_tokens=77)


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATESTTESTTESTTEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secretsecretsecret")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")


def watch(bedrock: Bedrock, *, most: int = 1_000) -> tuple[list[tuple[str, float]], Answer | None, Any]:
    """At most so many pieces with the second each came at, the answer, and the client's totals."""

    async def main() -> Any:
        client = connect(MODEL, params={"endpoint_url": bedrock.url})
        assert client.llm.streams
        began, pieces, answer = time.monotonic(), [], None
        try:
            async with aclosing(as_it_comes(lambda show: client.ask(QUESTION, show))) as coming:
                async for item in coming:
                    if isinstance(item, Answer):
                        answer = item
                    else:
                        pieces.append((item, time.monotonic() - began))
                    if len(pieces) == most:
                        break
            await asyncio.sleep(0.5 if answer is None else 0)
            return pieces, answer, client.totals
        finally:
            await client.aclose()

    found: tuple[list[tuple[str, float]], Answer | None, Any] = asyncio.run(main())
    return found


def test_pieces_come_while_it_is_written_and_usage_is_counted() -> None:
    with serving(Bedrock(lambda body: ["The ", "tent ", 0.5, "[1]."])) as bedrock:
        pieces, answer, totals = watch(bedrock)
    assert answer is not None
    assert "".join(text for text, _ in pieces) == answer.value == "The tent [1]."
    assert pieces[-1][0] == "[1]."
    assert pieces[-1][1] - pieces[0][1] > 0.3
    assert answer.usage == totals.usage == Usage(40, 10)
    (asked,) = bedrock.asked
    assert asked["operation"] == "converse-stream"
    assert asked["inferenceConfig"] == {"maxTokens": 77, "temperature": 0.0}


def test_stream_without_its_end_is_no_answer() -> None:
    with serving(Bedrock(lambda body: ["The ", 0.1, None])) as bedrock:
        _, answer, totals = watch(bedrock)
    assert answer is not None
    assert answer.value is None
    assert (answer.raw, len(bedrock.asked), totals.in_doubt) == ("The ", 1, 1)
    assert "broke off after 4 characters" in answer.failure


def test_who_stops_ends_the_call() -> None:
    slow: list[str | float | None] = [step for _ in range(100) for step in ("word ", 0.05)]
    with serving(Bedrock(lambda body: slow)) as bedrock:
        pieces, answer, totals = watch(bedrock, most=1)
    assert pieces[0][0].startswith("word ")
    assert answer is None
    assert totals.in_doubt == 1
    assert len(bedrock.gone) == 1
    assert bedrock.gone[0] < 3
