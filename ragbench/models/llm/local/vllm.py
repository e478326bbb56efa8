"""Models in vLLM, in this process.

Written against vLLM's documented interface for offline inference: ``LLM.chat``, ``SamplingParams`` and
``StructuredOutputsParams`` (https://docs.vllm.ai/en/stable/serving/offline_inference/).
"""

from collections.abc import Sequence
from typing import Any

from ragbench.core.errors import SettingError
from ragbench.models.llm.base import LLMError, Response, Usage
from ragbench.models.llm.local.base import Asked, Engine, LocalModel, shortened, spoken_text
from ragbench.models.llm.local.batches import BatchEngine
from ragbench.models.llm.local.weights import Weights, find_weights

ENGINE = frozenset(
    {"dtype", "max_model_len", "gpu_memory_utilization", "tensor_parallel_size", "quantization", "enforce_eager"}
)
"""Arguments of vLLM's engine that a user may set."""


class VLLM(LocalModel):
    """A chat model by its folder or its name on the Hugging Face hub: ``vllm:MODEL``.

    Weights are read from safetensors only, and code that comes with a model is never run. vLLM holds an answer to its
    JSON schema. Requests that wait at the same time are one batch.

    Args:
        params: ``revision`` of a name on the hub, ``stop``, ``chat_template_kwargs``, and arguments of the engine in
            `ENGINE`.
    """

    extra = "vllm"
    imports = ("vllm",)
    settings = ENGINE | {"revision", "stop", "chat_template_kwargs"}

    def find(self, model: str, revision: str) -> Weights:
        """A folder or a model of the hub."""
        if model.lower().endswith(".gguf"):
            raise SettingError(f"language model {self.name!r}: ask a GGUF file as llamacpp:{model}")
        return find_weights(self.name, model, revision)

    def load(self) -> Engine:
        """Start the engine, which takes the GPU of this process."""
        import vllm

        chosen = {key: value for key, value in self.params.items() if key in ENGINE}
        engine = vllm.LLM(
            model=str(self.weights.place), trust_remote_code=False, load_format="safetensors", seed=0, **chosen
        )
        if not getattr(engine.get_tokenizer(), "chat_template", "unknown"):
            raise LLMError("it has no chat template, so it is no chat model; name its instruct version",
                           retry=False, fatal=True)  # fmt: skip
        return _Engine(vllm, engine, self.params, self._concurrency)


class _Engine(BatchEngine):
    def __init__(self, vllm: Any, engine: Any, params: Any, most: int) -> None:
        super().__init__(most)
        self._vllm, self._engine = vllm, engine
        self._stop = list(params.get("stop") or ())
        self._template = params.get("chat_template_kwargs")

    def generate(self, batch: Sequence[Asked]) -> list[Response]:
        try:
            found = self._engine.chat(
                [asked.messages for asked in batch],
                [self._sampling(asked) for asked in batch],
                use_tqdm=False,
                chat_template_kwargs=self._template,
            )
        except ValueError as error:
            if len(batch) > 1:
                raise
            what = " the request with its JSON schema" if batch[0].schema is not None else " the request"
            raise LLMError(f"vLLM refuses{what}: {shortened(error)}", retry=False) from error
        return [_response(one) for one in found]

    def _sampling(self, asked: Asked) -> Any:
        form = {}
        if asked.schema is not None:
            from vllm.sampling_params import StructuredOutputsParams

            form = {"structured_outputs": StructuredOutputsParams(json=dict(asked.schema))}
        return self._vllm.SamplingParams(
            temperature=asked.temperature,
            max_tokens=asked.max_tokens,
            seed=asked.seed,
            stop=self._stop or None,
            **form,
        )


def _response(found: Any) -> Response:
    written = found.outputs[0]
    text, reason = spoken_text(written.text, str(written.finish_reason or "stop"))
    return Response(text, Usage(len(found.prompt_token_ids or ()), len(written.token_ids)), reason)
