"""``vllm:`` against a module that records what is called. vLLM itself needs a GPU."""

import asyncio
import importlib.machinery
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from ragbench.core.errors import SettingError
from ragbench.models.llm.base import Message, Request
from ragbench.models.llm.connect import connect
from tests.models.local.test_llamacpp import SCHEMA, all_of, ask


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    seen: dict[str, Any] = {"chat": []}

    class LLM:
        def __init__(self, **settings: object) -> None:
            seen["engine"] = settings

        def get_tokenizer(self) -> SimpleNamespace:
            return SimpleNamespace(chat_template="{{ messages }}")

        def chat(self, messages: list, sampling: list, *, use_tqdm: bool, chat_template_kwargs: object) -> list:
            seen["chat"].append((messages, sampling))
            if any("too long" in said[-1]["content"] for said in messages):
                raise ValueError("The decoder prompt is longer than the maximum model length")
            if any(one.structured_outputs and "never" in one.structured_outputs["json"] for one in sampling):
                raise ValueError("unsupported JSON schema")
            return [
                SimpleNamespace(
                    prompt_token_ids=[1, 2, 3],
                    outputs=[SimpleNamespace(text='{"colour": "red"}', token_ids=[4, 5], finish_reason="stop")],
                )
                for _ in messages
            ]

    def sampling(**given: object) -> SimpleNamespace:
        return SimpleNamespace(**{"structured_outputs": None, **given})

    fake, params = ModuleType("vllm"), ModuleType("vllm.sampling_params")
    fake.__spec__ = importlib.machinery.ModuleSpec("vllm", None)
    fake.LLM, fake.SamplingParams = LLM, sampling  # type: ignore[attr-defined]
    params.StructuredOutputsParams = dict  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "vllm", fake)
    monkeypatch.setitem(sys.modules, "vllm.sampling_params", params)
    return seen


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(tmp_path.name.encode())
    return tmp_path


def test_requests_are_one_batch_with_their_own_settings(recorded: dict[str, Any], model: Path) -> None:
    client = connect(f"vllm:{model}", params={"max_model_len": 4096, "stop": ["END"], "base_url": "http://x"})
    said = Request("t/1", (Message("system", "s"), Message("user", "u")), max_tokens=7, temperature=0.5, seed=3)
    text, form = asyncio.run(all_of(client, said, ask("Which?", schema=SCHEMA)))
    assert recorded["engine"] == {
        "model": str(model), "trust_remote_code": False, "load_format": "safetensors", "seed": 0, "max_model_len": 4096,
    }  # fmt: skip
    ((messages, sampling),) = recorded["chat"]
    assert messages[0] == [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]
    assert vars(sampling[0]) == {
        "temperature": 0.5, "max_tokens": 7, "seed": 3, "stop": ["END"], "structured_outputs": None,
    }  # fmt: skip
    assert sampling[1].structured_outputs == {"json": SCHEMA}
    assert json.dumps(SCHEMA) not in messages[1][0]["content"]
    assert form.value == {"colour": "red"}
    assert (text.usage.input_tokens, text.usage.output_tokens, client.totals.cost) == (3, 2, 0.0)


def test_what_is_refused_costs_one_request_and_a_refused_schema_goes_into_the_prompt(
    recorded: dict[str, Any], model: Path
) -> None:
    never = {**SCHEMA, "never": True}
    good, long, form = asyncio.run(
        all_of(connect(f"vllm:{model}"), ask("a"), ask("too long"), ask("Which?", schema=never))
    )
    assert good.value
    assert "longer than the maximum" in long.failure
    assert form.value == {"colour": "red"}
    assert json.dumps(never, ensure_ascii=False) in recorded["chat"][-1][0][0][0]["content"]


def test_a_gguf_file_is_for_llama_cpp(recorded: dict[str, Any]) -> None:
    with pytest.raises(SettingError, match=r"llamacpp:some/model\.gguf"):
        connect("vllm:some/model.gguf")
