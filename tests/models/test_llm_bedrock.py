"""Bedrock's Converse through langchain-aws, against a server that speaks its wire format."""

import asyncio
import time
from typing import Any

import pytest
from bedrock_server import Bedrock, serving

from ragbench.core.errors import SettingError
from ragbench.models.llm.base import Answer, Message, Request
from ragbench.models.llm.connect import connect
from ragbench.models.llm.limits import Limits

pytest.importorskip("langchain_aws", reason="the extra aws is not installed")
MODEL = "bedrock_converse:anthropic.claude-3-haiku-20240307-v1:0"
SCHEMA = {"type": "object", "properties": {"grade": {"type": "integer"}}, "required": ["grade"]}


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATESTTESTTESTTEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secretsecretsecret")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")


def ask(bedrock: Bedrock, count: int, model: str = MODEL, schema: Any = SCHEMA, **limits: Any) -> list[Answer]:
    async def main() -> list[Answer]:
        client = connect(model, params={"endpoint_url": bedrock.url}, limits=Limits(**limits))
        requests = [
            Request("t/1", (Message("system", "Grade."), Message("user", f"text {n}")), schema, max_tokens=77)
            for n in range(count)
        ]
        try:
            return await asyncio.gather(*(client.ask(request) for request in requests))
        finally:
            await client.aclose()

    return asyncio.run(main())


def test_structured_answers_come_through_a_tool() -> None:
    with serving(Bedrock(lambda body: {"grade": 2})) as bedrock:
        answer = ask(bedrock, 1)[0]
    assert answer.value == {"grade": 2}
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (40, 10)
    asked = bedrock.asked[0]
    assert asked["model"] == MODEL.partition(":")[2]
    assert asked["operation"] == "converse"
    assert asked["signed"]
    assert asked["system"] == [{"text": "Grade."}]
    assert asked["inferenceConfig"] == {"maxTokens": 77, "temperature": 0.0}
    assert asked["toolConfig"]["toolChoice"] == {"tool": {"name": "answer"}}
    assert asked["toolConfig"]["tools"][0]["toolSpec"]["inputSchema"]["json"]["properties"] == SCHEMA["properties"]


def test_a_wrong_tool_input_is_asked_for_again() -> None:
    with serving(Bedrock(lambda body: {"grade": 3} if len(body["messages"]) > 1 else {"grade": "good"})) as bedrock:
        assert ask(bedrock, 1)[0].value == {"grade": 3}
    assert [len(asked["messages"]) for asked in bedrock.asked] == [1, 3]


def test_a_model_that_cannot_be_forced_to_use_a_tool_gets_the_schema_in_the_prompt() -> None:
    with serving(Bedrock(lambda body: 'Sure: {"grade": 1}')) as bedrock:
        assert ask(bedrock, 1, "bedrock_converse:meta.llama3-8b-instruct-v1:0")[0].value == {"grade": 1}
    assert "toolConfig" not in bedrock.asked[0]
    assert "JSON schema" in bedrock.asked[0]["system"][0]["text"]


@pytest.mark.parametrize(("status", "code"), [(429, "ThrottlingException"), (503, "ServiceUnavailableException")])
def test_throttling_is_waited_out_by_our_retries_only(status: int, code: str) -> None:
    failures = [(status, code)] * 2
    with serving(Bedrock(lambda body: failures.pop() if failures else {"grade": 1})) as bedrock:
        assert ask(bedrock, 1)[0].value == {"grade": 1}
    assert len(bedrock.asked) == 3


def test_no_access_ends_the_run() -> None:
    with (
        serving(Bedrock(lambda body: (403, "AccessDeniedException"))) as bedrock,
        pytest.raises(SettingError, match="AccessDenied"),
    ):
        ask(bedrock, 1)
    assert len(bedrock.asked) == 1


def test_as_many_calls_at_once_as_asked_for() -> None:
    def slowly(body: dict[str, Any]) -> dict[str, Any]:
        time.sleep(1)
        return {"grade": 0}

    with serving(Bedrock(slowly)) as bedrock:
        ask(bedrock, 40, concurrency=40)
    # LangChain's own threads would do 6 at once on two cores.
    assert 20 < bedrock.most_at_once <= 40


def test_missing_credentials_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(SettingError, match="needs AWS credentials"):
        connect(MODEL)
