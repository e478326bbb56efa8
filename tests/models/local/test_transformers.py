"""``transformers:`` on small random models that the tests build and save, with a chat template."""

import asyncio
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ragbench.core.errors import SettingError
from ragbench.models.llm.base import Message, Request
from ragbench.models.llm.connect import connect
from ragbench.models.llm.limits import Limits
from tests.models.local.test_llamacpp import all_of, ask, smollm

transformers = pytest.importorskip("transformers", reason="needs the extra transformers, as make test-all has it")
torch = pytest.importorskip("torch", reason="needs the extra transformers, as make test-all has it")
pytestmark = pytest.mark.slow
TEMPLATE = (
    "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}"
    "<{{ m.role }}>{{ m.content }}{% endfor %}<assistant>"
)
CONTEXT = 128


def make(folder: Path, template: str | None = TEMPLATE) -> Path:
    """A Llama of two small layers with random weights, and a tokenizer with a token for each byte."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    pieces = ["<end>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    tokenizer = Tokenizer(models.BPE({piece: at for at, piece in enumerate(pieces)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<end>")
    fast.chat_template = template
    fast.save_pretrained(folder)
    torch.manual_seed(7)
    config = transformers.LlamaConfig(
        vocab_size=len(pieces), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        max_position_embeddings=CONTEXT, initializer_range=0.6, eos_token_id=0, bos_token_id=None, pad_token_id=None,
    )  # fmt: skip
    transformers.LlamaForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("llama"))


def answers(model: Path, *requests: Request, concurrency: int = 8, **params: Any) -> list:
    client = connect(f"transformers:{model}", params=params, limits=Limits(concurrency=concurrency, reasks=0))
    return asyncio.run(all_of(client, *requests))


def written(text: str, model: Path, tokens: int) -> str:
    """What the library itself answers, to one prompt by itself."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(model)
    llama = transformers.AutoModelForCausalLM.from_pretrained(model).eval()
    coded = tokenizer(f"<user>{text}<assistant>", return_tensors="pt")
    found = llama.generate(**coded, max_new_tokens=tokens, do_sample=False, pad_token_id=0)
    return tokenizer.decode(found[0, coded["input_ids"].shape[1] :], skip_special_tokens=True)


def test_a_batch_gives_what_the_library_gives_for_each_prompt(model: Path) -> None:
    texts = ["a", "a longer one", "and one that is longer still"]
    found = answers(model, *(ask(text, max_tokens=4 + at) for at, text in enumerate(texts)))
    for at, (text, answer) in enumerate(zip(texts, found, strict=True)):
        assert answer.raw == written(text, model, 4 + at)
        assert answer.usage.input_tokens == len(f"<user>{text}<assistant>")
        assert answer.usage.output_tokens <= 4 + at


def test_waiting_requests_are_one_batch(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ragbench.models.llm.local.transformers import _Engine

    sizes: list[int] = []
    real = _Engine.generate
    monkeypatch.setattr(_Engine, "generate", lambda self, batch: (sizes.append(len(batch)), real(self, batch))[1])
    answers(model, *(ask(f"number {at}", max_tokens=3) for at in range(6)), concurrency=4)
    assert sum(sizes) == 6
    assert max(sizes) in (3, 4)


def test_a_seed_repeats_its_answer_in_any_company(model: Path) -> None:
    def warm(seed: int) -> Request:
        return ask("hello", max_tokens=12, temperature=1.0, seed=seed)

    (alone,) = answers(model, warm(1))
    first, other = answers(model, warm(1), warm(2))
    assert alone.raw == first.raw
    assert first.raw != other.raw


def test_samples_follow_the_softmax(model: Path) -> None:
    from ragbench.models.llm.local.base import Asked
    from ragbench.models.llm.local.transformers import _noise

    drawn = [Asked([], None, 1, 2.0, seed) for seed in range(4000)]
    scores = torch.tensor([[0.0, 2.0, 4.0]]).repeat(len(drawn), 1)
    shares = torch.bincount(_noise(drawn)(None, scores).argmax(-1), minlength=3) / len(drawn)
    torch.testing.assert_close(shares, torch.softmax(torch.tensor([0.0, 1.0, 2.0]), 0), atol=0.03, rtol=0)


def test_too_long_a_prompt_costs_that_request_alone(model: Path) -> None:
    good, long = answers(model, ask("a", max_tokens=3), ask("b" * CONTEXT, max_tokens=3))
    assert good.raw == written("a", model, 3)
    assert f"takes at most {CONTEXT}" in long.failure


def test_a_system_message_that_the_template_refuses_is_before_the_question(model: Path) -> None:
    said = Request("t/1", (Message("system", "be brief"), Message("user", "a")), max_tokens=3)
    (answer,) = answers(model, said)
    assert answer.raw == written("be brief\n\na", model, 3)


def test_weights_that_are_not_there_or_a_pickle(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pickle = shutil.copytree(model, tmp_path / "pickle")
    (pickle / "model.safetensors").unlink()
    (pickle / "pytorch_model.bin").write_bytes(b"\x80\x04")
    with pytest.raises(SettingError, match=r"pytorch_model\.bin, a pickle"):
        connect(f"transformers:{pickle}")
    with pytest.raises(SettingError, match="no file or folder"):
        connect(f"transformers:{tmp_path}/none")
    with pytest.raises(SettingError, match="does not enforce a JSON schema"):
        connect(f"transformers:{model}", structured="json_schema")
    bare = make(tmp_path / "bare", template=None)
    with pytest.raises(SettingError, match="no chat template"):
        answers(bare, ask("a"))
    code = "from ragbench.models.llm.connect import connect\nconnect('transformers:someone/none')"
    done = subprocess.run(
        [sys.executable, "-c", code], env={"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}, capture_output=True,
        text=True, check=False, cwd=Path(__file__).parents[3],
    )  # fmt: skip
    assert "is not on this machine and cannot be fetched" in done.stderr


def test_the_fingerprint_follows_the_bytes(model: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(model, tmp_path / "copy")
    one = connect(f"transformers:{model}").llm.fingerprint()
    assert connect(f"transformers:{copy}", params={"device": "cpu"}).llm.fingerprint() == one
    (copy / "generation_config.json").write_text("{}")
    assert connect(f"transformers:{copy}").llm.fingerprint() != one


def test_smollm_out_of_a_gguf_file() -> None:
    pytest.importorskip("gguf")
    pytest.importorskip("accelerate")
    (answer,) = answers(smollm(), ask("What is the capital of France? Answer in one word.", max_tokens=40))
    assert "Paris" in answer.raw
