"""The parts of batch mode: splitting, journal, budget, lookups before a second try, Bedrock's formats."""

import json
from pathlib import Path

import httpx
import pytest
from batch_server import BatchServer, Body, serving_batches
from hypothesis import given
from hypothesis import strategies as st

from ragbench.core.errors import InputError, SettingError
from ragbench.models.llm.base import Message, Request, Usage
from ragbench.models.llm.batch.bedrock import BedrockJobs, family
from ragbench.models.llm.batch.journal import JOURNAL, Journal
from ragbench.models.llm.batch.openai import OpenAIFiles
from ragbench.models.llm.batch.plan import Room, split
from ragbench.models.llm.batch.send import patiently
from ragbench.models.llm.costs import Price

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
ASKED = Request("test/1", (Message("system", "Be brief."), Message("user", "Why?")), SCHEMA, max_tokens=50)


@given(st.lists(st.integers(1, 40), max_size=60), st.integers(1, 20), st.integers(40, 200))
def test_split_keeps_every_line_once_in_order_and_within_limits(sizes: list[int], lines: int, most: int) -> None:
    parts = split(sizes, lines, most)
    assert [at for part in parts for at in part] == list(range(len(sizes)))
    assert all(0 < len(part) <= lines and sum(sizes[at] for at in part) <= most for part in parts)


def test_split_by_lines_is_even() -> None:
    assert [len(part) for part in split([1] * 50_001, 50_000, 10**9)] == [25_001, 25_000]


def planned(journal: Journal) -> str:
    name = journal.next_name()
    journal.note("planned", name, model="openai:m", fingerprint="f", place={}, lines=1, most_tokens=9, most_cost=0.0)
    return name


def test_a_line_that_was_being_written_at_a_kill_is_no_line(tmp_path: Path) -> None:
    journal = Journal.read(tmp_path)
    name = planned(journal)
    journal.note("uploading", name)
    whole = (tmp_path / JOURNAL).read_bytes()
    (tmp_path / JOURNAL).write_bytes(whole + b'{"event": "uploaded", "ba')
    again = Journal.read(tmp_path)
    assert again.batches[name].step == "uploading"
    again.note("uploaded", name, upload="file-1")
    assert Journal.read(tmp_path).batches[name].upload == "file-1"
    assert (tmp_path / JOURNAL).read_bytes().startswith(whole + b'{"event": "uploaded"')
    (tmp_path / JOURNAL).write_bytes(whole + b"{}\n")
    with pytest.raises(InputError, match="line 4"):
        Journal.read(tmp_path)


def test_journals_of_earlier_versions_have_no_checksums(tmp_path: Path) -> None:
    begun = b'{"event": "begun", "format": "ragbench-batches", "version": 1, "id": "c76ebb66"}\n'
    planned_ = (
        b'{"event": "planned", "batch": "b", "model": "openai:m", "fingerprint": "f", "place": {}, '
        b'"lines": 1, "most_tokens": 9, "most_cost": 0.0}\n'
    )
    (tmp_path / JOURNAL).write_bytes(begun + planned_)
    Journal.read(tmp_path).note("created", "b", id="1")
    path = Journal.read(tmp_path).file("b", "keys")
    path.parent.mkdir()
    path.write_text('{"key": "k", "input_tokens": 5}\n')
    again = Journal.read(tmp_path)
    assert again.batches["b"].id == "1"
    assert list(again.keys("b")) == [("k", 5)]


def test_no_changed_byte_of_journal_and_keys_goes_unnoticed(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    name = planned(journal)
    journal.write(name, "keys", [{"key": "k" * 32, "input_tokens": 5}])
    journal.note("created", name, id="batch-1")

    def read() -> object:
        found = Journal.read(tmp_path)
        return found.id, found.batches, [list(found.keys(name)) for name in found.batches]

    wanted = read()
    for path in (tmp_path / JOURNAL, journal.file(name, "keys")):
        whole = path.read_bytes()
        # Without the last line end, the last line of the journal was never written.
        for at in range(len(whole) - (path.name == JOURNAL)):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
            with pytest.raises(InputError, match="damaged"):
                read()
        path.write_bytes(whole)
    assert read() == wanted


def test_room_counts_what_is_under_way() -> None:
    room = Room(max_cost=1.0, max_tokens=None, cost=0.5)
    price = Price(input=1.0, output=2.0)
    assert room.take(Usage(100_000, 100_000), price)  # 0.1 + 0.2
    assert not room.take(Usage(100_000, 100_000), price)
    assert room.take(Usage(0, 100_000), price)  # exactly the rest
    assert not Room(None, 10, tokens=5).take(Usage(3, 3), None)


def test_an_exchange_whose_reply_was_lost_is_looked_up_and_not_repeated() -> None:
    done: list[str] = []

    def create() -> str:
        done.append("created")
        raise httpx.ReadError("the connection broke off")

    assert patiently("creating", create, lambda: "batch_1" if done else None) == "batch_1"
    assert done == ["created"]
    assert patiently("creating", create, lambda: "batch_1", look_first=True) == "batch_1"
    assert done == ["created"]


def test_anthropic_in_its_own_format() -> None:
    kind = family("us.anthropic.claude-3-haiku-20240307-v1:0")
    assert kind.body(ASKED, structured=True) == {
        "anthropic_version": "bedrock-2023-05-31", "max_tokens": 50, "temperature": 0.0, "system": "Be brief.",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Why?"}]}],
        "tools": [{"name": "answer", "description": "Gives the answer.", "input_schema": SCHEMA}],
        "tool_choice": {"type": "tool", "name": "answer"},
    }  # fmt: skip
    content = [{"type": "tool_use", "id": "t", "name": "answer", "input": {"a": "so"}}]
    told = kind.response(
        {"content": content, "stop_reason": "tool_use", "usage": {"input_tokens": 3, "output_tokens": 4}}
    )
    assert (json.loads(told.text), told.usage, told.finish_reason) == ({"a": "so"}, Usage(3, 4), "tool_use")
    plain = kind.body(ASKED, structured=False)
    assert "tools" not in plain
    assert json.dumps(SCHEMA) in str(plain["system"])


def test_nova_in_its_own_format() -> None:
    kind = family("us.amazon.nova-lite-v1:0")
    tool = {"name": "answer", "description": "Gives the answer.", "inputSchema": {"json": SCHEMA}}
    assert kind.body(ASKED, structured=True) == {
        "schemaVersion": "messages-v1", "system": [{"text": "Be brief."}],
        "messages": [{"role": "user", "content": [{"text": "Why?"}]}],
        "inferenceConfig": {"maxTokens": 50, "temperature": 0.0},
        "toolConfig": {"tools": [{"toolSpec": tool}], "toolChoice": {"tool": {"name": "answer"}}},
    }  # fmt: skip
    message = {"role": "assistant", "content": [{"text": "so"}]}
    told = kind.response({"output": {"message": message}, "stopReason": "end_turn",
                          "usage": {"inputTokens": 3, "outputTokens": 4}})  # fmt: skip
    assert (told.text, told.usage, told.finish_reason) == ("so", Usage(3, 4), "end_turn")


def test_an_unknown_family_and_a_wrong_folder_are_told() -> None:
    with pytest.raises(SettingError, match=r"known for amazon\.nova and anthropic\. models only"):
        family("meta.llama3-8b-instruct-v1:0")
    with pytest.raises(SettingError, match="--s3-uri"):
        BedrockJobs("amazon.nova-lite-v1:0", "bucket/folder", region="us-east-1")


class Unpaged(BatchServer):
    """A server that ignores which page is asked for, and never says that one is the last."""

    @staticmethod
    def listed(rows: list[Body]) -> Body:
        return {"object": "list", "data": rows[::-1]}


def test_a_server_that_ignores_paging_is_searched_once(tmp_path: Path) -> None:
    pytest.importorskip("openai", reason="needs the extra openai")
    path = tmp_path / "input.jsonl"
    path.write_text("{}\n" * 3)
    with serving_batches(Unpaged(reply=lambda body: "")) as server:
        service = OpenAIFiles("small", server.url)
        assert service.find_upload(path, "first") is None
        uploads = [service.upload(path, name) for name in ("first", "second")]
        batch = service.create("first", uploads[0])
        assert service.find_upload(path, "first") == uploads[0]
        assert (service.find("first", "none"), service.find("third", "none")) == (batch, None)
        assert server.exchanges["GET files"] <= 4
        assert server.exchanges["GET batches"] <= 4
