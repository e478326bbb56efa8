"""Models of the Hugging Face transformers library, in this process."""

import math
from collections.abc import Sequence
from typing import Any

from ragbench.models.llm.base import LLMError, Response, Usage
from ragbench.models.llm.local.base import Asked, Engine, LocalModel, shortened, spoken_text
from ragbench.models.llm.local.batches import BatchEngine
from ragbench.models.llm.local.weights import Weights, find_weights


class Transformers(LocalModel):
    """A chat model by its folder, its GGUF file or its name on the Hugging Face hub: ``transformers:MODEL``.

    Weights are read from safetensors or GGUF only, and code that comes with a model is never run. The library does not
    hold a model to a JSON schema, so the schema is in the prompt. Requests that wait at the same time are one batch.

    Args:
        params: ``device`` (by default a GPU if there is one), ``dtype`` (by default that of the weights),
            ``revision`` of a name on the hub, ``stop``, and ``chat_template_kwargs``, which the chat template takes.
    """

    extra = "transformers"
    imports = ("transformers", "torch")
    settings = frozenset({"device", "dtype", "revision", "stop", "chat_template_kwargs"})
    enforces = False

    def find(self, model: str, revision: str) -> Weights:
        """A folder, a GGUF file, or a model of the hub."""
        return find_weights(self.name, model, revision)

    def load(self) -> Engine:
        """Load tokenizer and model, on the GPU if there is one."""
        import torch
        import transformers

        place = self.weights.place
        more: dict[str, Any] = {"trust_remote_code": False, "local_files_only": True}
        if place.is_file():
            place, more = place.parent, more | {"gguf_file": place.name}
        tokenizer = transformers.AutoTokenizer.from_pretrained(place, **more)
        if not tokenizer.chat_template:
            raise LLMError("it has no chat template, so it is no chat model; name its instruct version",
                           retry=False, fatal=True)  # fmt: skip
        dtype = self.params.get("dtype", "auto")
        device = str(self.params.get("device") or _device(torch))
        spread = {"device_map": "auto"} if device == "cuda" and torch.cuda.device_count() > 1 else {}
        model = transformers.AutoModelForCausalLM.from_pretrained(
            place, dtype=dtype, use_safetensors=True, **spread, **more
        )
        model = model.eval() if spread else model.to(device).eval()
        return _Engine(tokenizer, model, self.params, self._concurrency)


def _device(torch: Any) -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


class _Engine(BatchEngine):
    def __init__(self, tokenizer: Any, model: Any, params: Any, most: int) -> None:
        super().__init__(most)
        self._tokenizer, self._model = tokenizer, model
        self._stop = tuple(params.get("stop") or ())
        self._template = dict(params.get("chat_template_kwargs") or {})
        self._context = int(getattr(model.config.get_text_config(), "max_position_embeddings", 0) or 2**31)
        ends = model.generation_config.eos_token_id
        self._ends = {ends} if isinstance(ends, int) else set(ends or ())
        self._ends |= {tokenizer.eos_token_id} - {None}
        tokenizer.padding_side = "left"
        if tokenizer.pad_token_id is None:
            tokenizer.pad_token = tokenizer.eos_token

    def generate(self, batch: Sequence[Asked]) -> list[Response]:
        import torch
        from transformers import LogitsProcessorList, StoppingCriteriaList

        texts = [chat_text(self._tokenizer, asked.messages, self._template) for asked in batch]
        rows = self._tokenizer(texts, add_special_tokens=False)["input_ids"]
        longest = max(map(len, rows))
        if longest >= self._context:
            raise LLMError(
                f"the prompt has {longest:,} tokens, and the model takes at most {self._context:,}", retry=False
            )
        limits = [min(asked.max_tokens, self._context - len(row)) for asked, row in zip(batch, rows, strict=True)]
        padded = self._tokenizer.pad({"input_ids": rows}, padding=True, return_tensors="pt").to(self._model.device)
        stops = {"stop_strings": list(self._stop), "tokenizer": self._tokenizer} if self._stop else {}
        with torch.inference_mode():
            found = self._model.generate(
                **padded,
                max_new_tokens=max(limits),
                do_sample=False,
                temperature=None,
                top_p=None,
                top_k=None,
                eos_token_id=sorted(self._ends),
                pad_token_id=self._tokenizer.pad_token_id,
                logits_processor=LogitsProcessorList([_noise(batch)]),
                stopping_criteria=StoppingCriteriaList([_left(batch)]),
                **stops,
            )
        written = found[:, padded["input_ids"].shape[1] :].tolist()
        return [
            self._response(len(row), tokens, limit) for row, tokens, limit in zip(rows, written, limits, strict=True)
        ]

    def _response(self, asked: int, tokens: list[int], limit: int) -> Response:
        end = next((at for at, token in enumerate(tokens) if token in self._ends), None)
        kept = tokens[: limit if end is None else min(end, limit)]
        ended = end is not None and end <= limit
        text = self._tokenizer.decode(kept, skip_special_tokens=True)
        text, reason = spoken_text(text, "stop" if ended else "length", self._stop)
        return Response(text, Usage(asked, len(kept) + ended), reason)


def chat_text(tokenizer: Any, messages: list[dict[str, str]], settings: dict[str, Any]) -> str:
    """The prompt by the chat template. If that takes no system message, the first user message has it.

    Raises:
        LLMError: the template refuses the conversation.
    """
    import jinja2

    def apply(said: list[dict[str, str]]) -> str:
        return str(tokenizer.apply_chat_template(said, tokenize=False, add_generation_prompt=True, **settings))

    try:
        return apply(messages)
    except jinja2.TemplateError as error:
        system, *rest = messages
        if system["role"] != "system" or not rest or rest[0]["role"] != "user":
            raise LLMError(f"the chat template refuses the request: {shortened(error)}", retry=False) from error
        try:
            return apply([{"role": "user", "content": f"{system['content']}\n\n{rest[0]['content']}"}, *rest[1:]])
        except jinja2.TemplateError as failure:
            raise LLMError(f"the chat template refuses the request: {shortened(failure)}", retry=False) from failure


def _noise(batch: Sequence[Asked]) -> Any:
    """Sampling by the Gumbel-max trick, so that each request of a batch has its own temperature and its own seed.

    The largest of logits / temperature + Gumbel noise is a sample of the softmax (Gumbel 1954; Maddison et al. 2014).
    """
    import torch

    generators = [
        torch.Generator().manual_seed(asked.seed % 2**63) if asked.temperature > 0 else None for asked in batch
    ]

    class Noise:
        def __call__(self, input_ids: Any, scores: Any) -> Any:
            for row, (asked, generator) in enumerate(zip(batch, generators, strict=True)):
                if generator is not None:
                    drawn = torch.empty(scores.shape[-1], dtype=torch.float64).exponential_(generator=generator)
                    noise = -torch.log(drawn).to(scores.device, scores.dtype)
                    scores[row] = scores[row] / max(asked.temperature, math.ulp(1.0)) + noise
            return scores

    return Noise()


def _left(batch: Sequence[Asked]) -> Any:
    """Ends the rows that nobody waits for any more."""
    import torch

    class Left:
        def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:
            return torch.tensor([asked.left.is_set() for asked in batch], device=input_ids.device)

    return Left()
