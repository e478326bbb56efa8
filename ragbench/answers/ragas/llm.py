"""Ragas' idea of a language model, answered by ragbench's client."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel
from ragas.llms.base import InstructorBaseRagasLLM  # type: ignore[import-not-found, unused-ignore]

from ragbench.answers.ragas.faults import Unjudged, judged_twice, unjudged
from ragbench.answers.ragas.prompts import Written
from ragbench.answers.ragas.schema import strict_schema
from ragbench.models.llm.base import Asker, Message, Request
from ragbench.models.llm.reask import again

M = TypeVar("M", bound=BaseModel)
REASKS = 2
"""How often verdicts are asked for again that follow the schema and judge one statement twice."""


@dataclass(frozen=True)
class Asking:
    """How the judge is asked.

    Attributes:
        asker: limits, retries, cache and budget are behind it.
        version: of Ragas, part of every cache key through the prompt's name.
        max_tokens: the most an answer may have.
        temperature: of the judge.
        seed: passed on to it.
    """

    asker: Asker
    version: str
    max_tokens: int
    temperature: float
    seed: int


@dataclass(frozen=True)
class Judgement:
    """One question to the judge and what it said.

    Attributes:
        statements: those asked about, or None.
        said: the answer, as Ragas' response model has it.
    """

    statements: tuple[str, ...] | None
    said: dict[str, Any]


class JudgeLLM(InstructorBaseRagasLLM):  # type: ignore[misc, unused-ignore]
    """Asks for one answer under judgement, and keeps what was said in `judgements`.

    A question that Ragas asks several times (answer relevancy) is several samples,
    which the cache keeps apart.
    """

    def __init__(self, asking: Asking) -> None:
        self.judgements: list[Judgement] = []
        self._asking = asking
        self._times: Counter[str] = Counter()
        self._loop = asyncio.get_running_loop()

    def generate(self, prompt: str, response_model: type[M]) -> M:
        """As `agenerate`, for a caller in another thread than the event loop's.

        Raises:
            RuntimeError: it is called in the event loop, which would wait for itself.
        """
        try:
            here = asyncio.get_running_loop()
        except RuntimeError:
            here = None
        if here is self._loop:
            raise RuntimeError("generate waits for the event loop it is called in: await agenerate instead")
        return asyncio.run_coroutine_threadsafe(self.agenerate(prompt, response_model), self._loop).result()

    async def agenerate(self, prompt: str, response_model: type[M]) -> M:
        """The judge's answer.

        Raises:
            Unjudged: there is none that can be counted.
            RagbenchError: what ends the whole run (see `Asker`).
        """
        written = prompt if isinstance(prompt, Written) else Written(prompt)
        said = await self._usable(self._request(written, response_model), written.statements)
        self.judgements.append(Judgement(written.statements, said))
        return response_model.model_validate(said)

    async def _usable(self, request: Request, statements: tuple[str, ...] | None) -> dict[str, Any]:
        """An answer that follows the schema and judges each statement once."""
        asked, fault = request, ""
        for attempt in range(REASKS + 1):
            answer = await self._asking.asker.ask(asked)
            if not isinstance(answer.value, dict):
                raise unjudged(answer, asked, None if statements is None else len(statements))
            if statements is None:
                return answer.value
            fault = judged_twice(statements, [one["statement"] for one in answer.value["statements"]])
            if not fault:
                return answer.value
            asked = again(request, answer.raw, fault, attempt + 1)
        raise Unjudged("judge-count", fault)

    def _request(self, prompt: Written, model: type[BaseModel]) -> Request:
        sample = self._times[prompt]
        self._times[prompt] += 1
        asking = self._asking
        return Request(
            prompt=f"ragas-{asking.version}/{model.__name__}",
            messages=(Message("user", str(prompt)),),
            schema=strict_schema(model, None if prompt.statements is None else len(prompt.statements)),
            max_tokens=asking.max_tokens if prompt.room is None else min(asking.max_tokens, prompt.room),
            temperature=asking.temperature,
            seed=asking.seed,
            sample=sample,
        )
