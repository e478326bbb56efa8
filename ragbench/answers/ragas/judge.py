"""Ragas' language model, prompts and embedder, answered by ragbench's client and embedder."""

import asyncio
import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

from pydantic import BaseModel
from ragas.embeddings.base import BaseRagasEmbedding  # type: ignore[import-not-found, unused-ignore]
from ragas.llms.base import InstructorBaseRagasLLM  # type: ignore[import-not-found, unused-ignore]
from ragas.prompt.metrics.base_prompt import BasePrompt  # type: ignore[import-not-found, unused-ignore]

from ragbench.engine import NotAsked
from ragbench.models.embed.base import Embedder
from ragbench.models.llm.base import Answer, Asker, Message, Request, Response
from ragbench.models.llm.structured import Invalid, again, read_answer

ROOM, ROOM_PER_STATEMENT = 512, 256
"""Output tokens of an answer, and extra ones for the verdict and the reason of each statement."""


class Written(str):
    """A prompt as Ragas writes it, with the statements that it asks about."""

    statements: tuple[str, ...] | None = None
    """The statements to be judged, one verdict each; None if the prompt lists none."""
    room: int | None = None
    """Output tokens that an answer may need: it repeats the statements, or a text in pieces. None if unknown."""


class KeptPrompt:
    """A prompt of Ragas whose fixed parts are cached.

    Ragas derives the schema and writes the examples for every question, which takes
    most of a millisecond although both are always the same. Everything but the input
    is kept from the first question.
    """

    def __init__(self, prompt: "BasePrompt[Any, Any]") -> None:
        self._prompt = prompt
        self._around: tuple[str, str] | None = None

    def to_string(self, data: BaseModel) -> Written:
        """Write the prompt for this input."""
        # The same text as BasePrompt.to_string.
        given = data.model_dump_json(indent=4, exclude_none=True)
        if self._around is None:
            whole = self._prompt.to_string(data)
            before, found, after = whole.rpartition(given)
            if not found:
                raise RuntimeError(f"ragas' {type(self._prompt).__name__} does not hold its input as JSON")
            self._around = (before, after)
        written = Written(self._around[0] + given + self._around[1])
        statements = getattr(data, "statements", None)
        if statements is not None:
            written.statements = tuple(statements)
            written.room = ROOM + sum(ROOM_PER_STATEMENT + len(one) for one in statements)
        elif isinstance(text := getattr(data, "answer", None) or getattr(data, "response", None), str):
            # In some scripts a character takes more than one token.
            written.room = ROOM + 2 * len(text)
        return written


def keep_prompts(metric: Any) -> None:
    """Replace each prompt of a metric by a `KeptPrompt`. The metric's settings must not change afterwards."""
    for name, value in list(vars(metric).items()):
        if isinstance(value, BasePrompt):
            setattr(metric, name, KeptPrompt(value))


BINARY = frozenset({"verdict", "attributed", "noncommittal"})
"""Ragas declares these as integers and counts all values but 0 as yes."""
NOT_EMPTY = frozenset({"question", "statement", "statements", "claims"})
"""Texts, and lists of them."""
PER_STATEMENT = "NLIStatementOutput"
"""The answers with one verdict per statement. Ragas accepts any number of verdicts."""


@lru_cache(maxsize=512)
def strict_schema(model: type[BaseModel], asked: int | None = None) -> Mapping[str, object]:
    """The response model's JSON schema without references or other keys, and with verdicts 0 or 1.

    Args:
        model: Ragas' response model.
        asked: the number of statements, and so of verdicts; None without statements.
    """
    plain = model.model_json_schema()
    schema: dict[str, Any] = {"title": model.__name__, **_narrowed(plain, plain.get("$defs", {}))}
    if asked is not None and model.__name__ == PER_STATEMENT:
        schema["properties"]["statements"] |= {"minItems": asked, "maxItems": asked}
    return schema


def _narrowed(node: Mapping[str, Any], shared: Mapping[str, Any]) -> dict[str, Any]:
    if "$ref" in node:
        return _narrowed(shared[str(node["$ref"]).rsplit("/", 1)[-1]], shared)
    kept = {key: value for key, value in node.items() if key not in {"$defs", "title", "default"}}
    if "items" in kept:
        kept["items"] = _narrowed(kept["items"], shared)
    if "properties" in kept:
        kept["properties"] = {name: _field(name, value, shared) for name, value in kept["properties"].items()}
        kept |= {"required": list(kept["properties"]), "additionalProperties": False}
    return kept


def _field(name: str, node: Mapping[str, Any], shared: Mapping[str, Any]) -> dict[str, Any]:
    field = _narrowed(node, shared)
    if name in BINARY and field.get("type") == "integer":
        field["enum"] = [0, 1]
    text = field.get("items", field)
    if name in NOT_EMPTY and text.get("type") == "string":
        text["minLength"] = 1
    return field


MOST_CHARACTERS = 300
WITHHELD = "the provider withheld"


class Unjudged(Exception):
    """One answer cannot be scored. Ragas lets this exception through to the caller.

    Attributes:
        code: the kind of reason, for the issue log, as for the native judge (`ragbench.answers.judge.replies.Lost`).
    """

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


def unjudged(answer: Answer, request: Request, asked: int | None) -> Unjudged:
    """Describe an answer without a usable value.

    Args:
        answer: the answer that the client returned.
        request: the request.
        asked: the number of statements; None without statements.
    """
    if isinstance(answer, NotAsked):
        return Unjudged("judge-stopped", answer.failure)
    if answer.unanswered:
        return Unjudged("judge-unanswered", answer.failure)
    if answer.failure.startswith(WITHHELD):
        return Unjudged("judge-refused", answer.failure)
    said = f"it said {answer.raw[:MOST_CHARACTERS]!r}"
    try:
        value = read_answer(dataclasses.replace(request, schema={}), Response(answer.raw))
    except Invalid:
        return Unjudged("judge-unreadable", f"{answer.failure}; {said}")
    came = len(value["statements"]) if isinstance(value, dict) and isinstance(value.get("statements"), list) else None
    if asked is not None and came is not None and came != asked:
        return Unjudged("judge-count", f"{came} verdicts came for {asked} statements; {said}")
    strange = sorted({repr(one) for one in _verdicts(value) if not (type(one) is int and one in (0, 1))})
    if strange:
        return Unjudged("judge-verdict", f"{', '.join(strange[:5])}: no verdict, which is 0 or 1; {said}")
    return Unjudged("judge-unreadable", f"{answer.failure}; {said}")


def _verdicts(value: Any) -> list[Any]:
    if isinstance(value, dict):
        here = [one for key, one in value.items() if key in BINARY]
        return here + [found for one in value.values() for found in _verdicts(one)]
    return [found for one in value for found in _verdicts(one)] if isinstance(value, list) else []


def judged_twice(asked: Sequence[str], said: Sequence[str]) -> str:
    """Say what is wrong if one statement was judged in place of another, or return an empty text.

    A statement in other words counts as the one in its position. A statement that repeats another one exactly
    leaves one unjudged.
    """
    wanted, came = Counter(map(_bare, asked)), Counter(map(_bare, said))
    twice = sorted(text for text, count in came.items() if 0 < wanted[text] < count)
    return (
        f"the statement {twice[0]!r:.200} is judged {came[twice[0]]} times, and another one not at all" if twice else ""
    )


def in_order(asked: Sequence[str], verdicts: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Sort verdicts in the order of the statements. Those with other words take the remaining positions, in order."""
    by_text: dict[str, list[Mapping[str, Any]]] = {}
    for verdict in verdicts:
        by_text.setdefault(_bare(verdict["statement"]), []).append(verdict)
    named = [found.pop(0) if (found := by_text.get(_bare(text))) else None for text in asked]
    rest = iter([one for one in verdicts if any(one is left for found in by_text.values() for left in found)])
    return [verdict if verdict is not None else next(rest) for verdict in named]


def _bare(statement: str) -> str:
    return " ".join(statement.split()).rstrip(".").casefold()


M = TypeVar("M", bound=BaseModel)
REASKS = 2
"""Number of times that the judge is asked again after it judged one statement twice."""


@dataclass(frozen=True)
class Asking:
    """How to ask the judge.

    Attributes:
        asker: the model, with limits, retries, cache and budget.
        version: version of Ragas, part of every cache key through the prompt's name.
        max_tokens: the most output tokens of an answer.
        temperature: temperature of the judge.
        seed: passed on to the judge.
    """

    asker: Asker
    version: str
    max_tokens: int
    temperature: float
    seed: int


@dataclass(frozen=True)
class Judgement:
    """One question to the judge, and its answer.

    Attributes:
        statements: the statements in the question, or None.
        said: the answer, as Ragas' response model.
    """

    statements: tuple[str, ...] | None
    said: dict[str, Any]


class JudgeLLM(InstructorBaseRagasLLM):  # type: ignore[misc, unused-ignore]
    """The judge for one answer, which records its replies in `judgements`.

    A question that Ragas asks several times (answer relevancy) becomes several samples,
    which have their own cache keys.
    """

    def __init__(self, asking: Asking) -> None:
        self.judgements: list[Judgement] = []
        self._asking = asking
        self._times: Counter[str] = Counter()
        self._loop = asyncio.get_running_loop()

    def generate(self, prompt: str, response_model: type[M]) -> M:
        """Like `agenerate`, for a caller outside the event loop's thread.

        Raises:
            RuntimeError: the caller is in the event loop, which would wait for itself.
        """
        try:
            here = asyncio.get_running_loop()
        except RuntimeError:
            here = None
        if here is self._loop:
            raise RuntimeError("generate waits for the event loop it is called in: await agenerate instead")
        return asyncio.run_coroutine_threadsafe(self.agenerate(prompt, response_model), self._loop).result()

    async def agenerate(self, prompt: str, response_model: type[M]) -> M:
        """Ask the judge.

        Raises:
            Unjudged: there is no usable answer.
            RagbenchError: the whole run ends (see `Asker`).
        """
        written = prompt if isinstance(prompt, Written) else Written(prompt)
        said = await self._usable(self._request(written, response_model), written.statements)
        self.judgements.append(Judgement(written.statements, said))
        return response_model.model_validate(said)

    async def _usable(self, request: Request, statements: tuple[str, ...] | None) -> dict[str, Any]:
        """Ask until an answer follows the schema and judges each statement once."""
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


class EmbedderForRagas(BaseRagasEmbedding):  # type: ignore[misc, unused-ignore]
    """Embeds questions in a thread beside the event loop, one batch at a time."""

    def __init__(self, embedder: Embedder) -> None:
        super().__init__()
        self._embedder = embedder
        self._one = asyncio.Lock()

    def embed_text(self, text: str, **kwargs: Any) -> list[float]:
        """The vector of one text."""
        return self.embed_texts([text])[0]

    def embed_texts(self, texts: list[str], **kwargs: Any) -> list[list[float]]:
        """The vectors, in order. Equal texts are embedded once."""
        different = list(dict.fromkeys(texts))
        vectors = self._embedder.encode(different, "query")
        found: dict[str, list[float]] = dict(zip(different, vectors.tolist(), strict=True))
        return [found[text] for text in texts]

    async def aembed_text(self, text: str, **kwargs: Any) -> list[float]:
        """The vector of one text."""
        return (await self.aembed_texts([text]))[0]

    async def aembed_texts(self, texts: list[str], **kwargs: Any) -> list[list[float]]:
        """The vectors, in order."""
        async with self._one:
            return await asyncio.to_thread(self.embed_texts, texts)
