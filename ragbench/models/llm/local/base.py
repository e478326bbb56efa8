"""What all models of this process share: their names and settings, and one copy of the weights per process."""

import asyncio
import importlib.util
import re
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, ClassVar

from ragbench.core.errors import MissingExtra, RagbenchError, SettingError, did_you_mean
from ragbench.core.fingerprint import fingerprint
from ragbench.models.llm import chat_setup
from ragbench.models.llm.base import LLMError, Request, Response, Show
from ragbench.models.llm.local.weights import Weights
from ragbench.models.llm.openai_wire import INSTRUCTION, spoken
from ragbench.models.llm.structured import Structured, StructuredLLM

REASONING = re.compile(r"\A\s*<think>.*?</think>\s*", re.DOTALL)
"""What reasoning models write before their answer."""
MEMORY = re.compile(r"out of memory|can't allocate memory|not enough memory|OutOfMemory", re.IGNORECASE)


@dataclass
class Asked:
    """One request, in the form that an engine takes.

    Attributes:
        messages: role and text of each message.
        schema: the schema that the engine enforces; None if there is none, or if the prompt holds it.
        max_tokens: the most that the model may write.
        temperature: 0 for the most likely answer.
        seed: of this request alone.
        left: nobody waits for the answer any more, so the engine may stop.
    """

    messages: list[dict[str, str]]
    schema: Mapping[str, object] | None
    max_tokens: int
    temperature: float
    seed: int
    left: threading.Event = field(default_factory=threading.Event, compare=False)

    @classmethod
    def of(cls, request: Request, *, structured: bool) -> "Asked":
        """Read a request. Without `structured`, its schema goes into the prompt."""
        said = [{"role": role, "content": text} for role, text in spoken(request, in_prompt=not structured)]
        schema = request.schema if structured else None
        return cls(said, schema, request.max_tokens, request.temperature, request.seed + request.sample)


class Engine(ABC):
    """A model in memory. It may be asked from several event loops at once."""

    @abstractmethod
    async def answer(self, asked: Asked) -> Response:
        """Compute one answer.

        Raises:
            LLMError: there is none.
        """

    async def stream(self, asked: Asked, show: Show) -> Response:
        """Compute one answer and pass its text on while it is written, if the engine can.

        Raises:
            LLMError: there is none.
        """
        return await self.answer(asked)


class LocalModel(StructuredLLM):
    """A model that runs in this process. The weights are loaded before the first call, once per process.

    Args:
        name: ``transformers:MODEL``, ``vllm:MODEL`` or ``llamacpp:FILE``.
        params: settings of the engine. ``stop`` is a list of texts that end an answer.
        structured: see `StructuredLLM`.
        concurrency: the most requests that are computed together.

    Raises:
        MissingExtra: the library is not installed.
        SettingError: a setting is unknown, or the weights are not there or cannot be used.
    """

    local = True
    extra: ClassVar[str]
    """The name of the provider and of the extra."""
    imports: ClassVar[tuple[str, ...]]
    """The packages that it needs."""
    settings: ClassVar[frozenset[str]]
    """The params that it takes."""
    enforces: ClassVar[bool] = True
    """Whether the library can hold the model to a schema."""

    def __init__(
        self,
        name: str,
        params: Mapping[str, Any] | None = None,
        *,
        structured: Structured = "auto",
        concurrency: int = 8,
    ) -> None:
        super().__init__(structured)
        if not self.enforces:
            if structured == "json_schema":
                raise SettingError(
                    f"language model {name!r}: {self.extra} does not enforce a JSON schema; use structured='auto', "
                    "which writes the schema into the prompt, or a vllm: or llamacpp: model"
                )
            self._through_provider = False
        self.name = name
        # A job has one address for all of its models, and this model has none.
        self.params = {key: value for key, value in (params or {}).items() if key != "base_url"}
        self._check()
        if any(importlib.util.find_spec(package) is None for package in self.imports):
            raise MissingExtra(f"language model {name!r}", self.extra)
        self.weights = self.find(name.partition(":")[2], str(self.params.get("revision") or ""))
        self._concurrency = concurrency
        self._engine: Engine | None = None
        self._asked: dict[int, Asked] = {}

    @abstractmethod
    def find(self, model: str, revision: str) -> Weights:
        """Find the weights.

        Raises:
            SettingError: they are not there or cannot be used.
        """

    @abstractmethod
    def load(self) -> Engine:
        """Load the weights.

        Raises:
            Exception: whatever the library raises.
        """

    def fingerprint(self) -> str:
        """Fingerprint of the weights and settings, not of the place where they are or of the device."""
        decisive = {key: value for key, value in self.params.items() if key not in {"device", "revision", "threads"}}
        return fingerprint([self.extra, self.weights.identity, decisive, self.structured, INSTRUCTION])

    async def open(self) -> None:
        """Load the weights, unless this process has them.

        Raises:
            LLMError: they cannot be loaded.
        """
        if self._engine is None:
            self._engine = await asyncio.to_thread(self._loaded)

    async def aclose(self) -> None:
        """Stop what nobody waits for. The weights stay in memory for the next client of the process."""
        for asked in self._asked.values():
            asked.left.set()
        self._engine = None

    async def _call(self, request: Request, through_provider: bool) -> Response:
        return await self._computed(request, through_provider, None)

    async def _stream(self, request: Request, show: Show) -> Response:
        return await self._computed(request, False, show)

    async def _computed(self, request: Request, through_provider: bool, show: Show | None) -> Response:
        await self.open()
        assert self._engine is not None
        asked = Asked.of(request, structured=through_provider)
        self._asked[id(asked)] = asked
        try:
            return await (self._engine.answer(asked) if show is None else self._engine.stream(asked, show))
        finally:
            asked.left.set()
            del self._asked[id(asked)]

    def _loaded(self) -> Engine:
        key = fingerprint([type(self).__name__, str(self.weights.place), self.weights.identity, self.params])
        with _LOADING:
            return _engine(key, self._concurrency, _Loader(self._load))

    def _load(self) -> Engine:
        try:
            return self.load()
        except (LLMError, RagbenchError):
            raise
        # Each library has its own errors for files that it cannot read, and for memory and devices that are not there.
        except Exception as error:
            if MEMORY.search(f"{type(error).__name__}: {error}") or isinstance(error, MemoryError):
                advice = "there is not enough memory for it; use a smaller model, or one with quantised weights"
                raise LLMError(f"{advice} ({shortened(error)})", retry=False, fatal=True) from error
            raise LLMError(f"it cannot be loaded: {shortened(error)}", retry=False, fatal=True) from error

    def _check(self) -> None:
        chat_setup.check(self.name, self.params)
        for key in self.params:
            if key not in self.settings:
                near = did_you_mean(key, self.settings)
                raise SettingError(f"language model {self.name!r} has no parameter {key!r}{near}")
        stop = self.params.get("stop", [])
        if not isinstance(stop, list | tuple) or not all(isinstance(text, str) and text for text in stop):
            raise SettingError(f"language model {self.name!r}: params.stop is a list of texts, it is {stop!r}")


class _Loader:
    """A function that counts as equal to all others, so that a cache looks at the other arguments alone."""

    def __init__(self, load: Callable[[], Engine]) -> None:
        self.load = load

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Loader)

    def __hash__(self) -> int:
        return 0


_LOADING = threading.Lock()


@lru_cache(maxsize=2)
def _engine(key: str, concurrency: int, loader: _Loader) -> Engine:
    """The engine of these weights, settings and concurrency. Two stay in memory, such as a writer and a judge."""
    return loader.load()


def shortened(error: BaseException) -> str:
    """The first line of an error that says something."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__


def spoken_text(text: str, finish_reason: str, stop: tuple[str, ...] = ()) -> tuple[str, str]:
    """The answer without the reasoning before it, cut at the first of the texts that end it, and why it ended.

    Example:
        >>> spoken_text("<think>Hm.</think> It is 7. END", "length", ("END",))
        ('It is 7. ', 'stop')
    """
    text = REASONING.sub("", text, count=1)
    ends = [at for at in (text.find(end) for end in stop) if at >= 0]
    return (text[: min(ends)], "stop") if ends else (text, finish_reason)
