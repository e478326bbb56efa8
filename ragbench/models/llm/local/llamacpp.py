"""GGUF models in llama.cpp, in this process."""

import asyncio
import secrets
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ragbench.core.cores import usable_cores
from ragbench.models.llm.base import LLMError, Response
from ragbench.models.llm.local.base import Asked, Engine, LocalModel, shortened, spoken_text
from ragbench.models.llm.local.weights import Weights, find_gguf
from ragbench.models.llm.openai_wire import response, response_format

MOST_SLOTS = 4
"""Requests computed at once. More bring little on processors, and each takes its part of the context."""
CONTEXT = 32_768
"""Tokens of all slots together."""


class LlamaCpp(LocalModel):
    """A GGUF file: ``llamacpp:FILE``, by xllamacpp, which has llama.cpp compiled in.

    llama.cpp turns a JSON schema into a grammar, so that an answer follows it.

    Args:
        params: ``n_ctx`` (tokens of one request, prompt and answer together; by default 32,768 divided by the requests
            at once), ``n_gpu_layers`` (by default all that fit), ``threads`` (by default all cores), and ``stop``.
    """

    extra = "llamacpp"
    imports = ("xllamacpp",)
    settings = frozenset({"n_ctx", "n_gpu_layers", "threads", "stop"})

    def find(self, model: str, revision: str) -> Weights:
        """The GGUF file."""
        return find_gguf(self.name, model)

    def load(self) -> Engine:
        """Load the file."""
        import xllamacpp

        slots = min(self._concurrency, MOST_SLOTS)
        settings = xllamacpp.CommonParams()
        settings.model.path = str(self.weights.place)
        settings.n_parallel = slots
        settings.n_ctx = int(self.params.get("n_ctx", CONTEXT // slots)) * slots
        settings.n_gpu_layers = int(self.params.get("n_gpu_layers", -1))
        settings.warmup, settings.verbosity = False, -1
        # The library listens on the loopback interface. Nobody else on the machine may use that.
        settings.api_keys, settings.ui, settings.endpoint_slots = [secrets.token_hex()], False, False
        for cpu in (settings.cpuparams, settings.cpuparams_batch):
            # Its threads would wait for each other by spinning.
            cpu.n_threads, cpu.poll = int(self.params.get("threads", usable_cores())), 0
        try:
            server = xllamacpp.Server(settings)
        except RuntimeError as error:
            raise LLMError(
                "llama.cpp cannot load it: the file is damaged, of a kind that this version does not know, or larger "
                "than the memory",
                retry=False,
                fatal=True,
            ) from error
        return _Engine(server, slots, self.params.get("stop") or [])


class _Engine(Engine):
    def __init__(self, server: Any, slots: int, stop: list[str]) -> None:
        self._server, self._stop = server, list(stop)
        self._threads = ThreadPoolExecutor(slots, "ragbench-llamacpp")

    async def answer(self, asked: Asked) -> Response:
        """Compute one answer, beside others."""
        loop = asyncio.get_running_loop()
        found: Any = await loop.run_in_executor(self._threads, self._ask, self._body(asked), asked)
        reply = response(found)
        text, reason = spoken_text(reply.text, reply.finish_reason)
        return Response(text, reply.usage, reason)

    def _body(self, asked: Asked) -> dict[str, object]:
        body: dict[str, object] = {
            "messages": asked.messages,
            "max_tokens": asked.max_tokens,
            "temperature": asked.temperature,
            "seed": asked.seed % 2**31,
            # What an earlier request left in memory changes the last digits of this one.
            "cache_prompt": False,
        }
        if self._stop:
            body["stop"] = self._stop
        if asked.schema is not None:
            body["response_format"] = response_format(asked.schema)
        return body

    def _ask(self, body: Mapping[str, object], asked: Asked) -> Any:
        if asked.left.is_set():
            raise LLMError("nobody waits for the answer", retry=False)
        try:
            found = self._server.handle_chat_completions(dict(body))
        except (ValueError, RuntimeError) as error:
            what = " the JSON schema" if asked.schema is not None else ""
            raise LLMError(f"llama.cpp refuses{what}: {shortened(error)}", retry=False) from error
        return _checked(found)


def _checked(found: Any) -> Any:
    """A reply that is no error.

    Raises:
        LLMError: it is one.
    """
    if isinstance(found, dict) and "error" in found:
        reported = found["error"]
        if reported.get("type") == "exceed_context_size_error":
            raise LLMError(
                f"the prompt has {reported.get('n_prompt_tokens', 0):,} tokens, and a request may have "
                f"{reported.get('n_ctx', 0):,} with its answer; fewer calls at once give each a larger context",
                retry=False,
            )
        raise LLMError(f"llama.cpp refuses the request: {reported.get('message', reported)}", retry=False)
    return found
