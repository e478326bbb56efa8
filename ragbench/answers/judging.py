"""Run a model as the judge of answers: its client, an estimate of its calls, and what it spent."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from ragbench.answers.judge.statements import MOST_STATEMENTS, SPLIT
from ragbench.answers.scoring import Judge
from ragbench.core.brief import brief
from ragbench.core.errors import SettingError
from ragbench.core.loop import LoopThread
from ragbench.core.options import option, option_group, part
from ragbench.io.run_folder import SPENT
from ragbench.models.llm.base import Answer, Request
from ragbench.models.llm.client import Client
from ragbench.models.llm.connect import Through
from ragbench.models.llm.costs import Estimate
from ragbench.models.llm.roles import CallOptions, ModelOptions, Models, write_spent

CHARACTERS_PER_STATEMENT = 60
"""A lower bound, so that an answer has too many statements rather than too few."""


def stand_in(request: Request) -> object:
    """Make a value that the request's schema accepts; "" for a request without one.

    Lists are as short as possible, but a text is split into about as many statements as
    it may make. Booleans are true.
    """
    if request.prompt == SPLIT.label:
        # The output was bounded by the text's length; the text, twice, fills it most.
        length = request.max_tokens * 2 // 3
        count = min(MOST_STATEMENTS, max(1, length // CHARACTERS_PER_STATEMENT))
        # Statements of two texts must differ, or requests about them would count as one.
        statement = request.fingerprint.ljust(CHARACTERS_PER_STATEMENT, "x")[:CHARACTERS_PER_STATEMENT]
        return {"statements": [{"quote": "", "statement": statement}] * count}
    return "" if request.schema is None else _of(request.schema)


def _of(schema: Mapping[str, Any]) -> object:
    if "enum" in schema:
        return schema["enum"][0]
    if "$ref" in schema or "anyOf" in schema:
        return None
    kind = schema.get("type")
    if kind == "object":
        return {key: _of(value) for key, value in schema.get("properties", {}).items()}
    if kind == "array":
        return [_numbered(schema["items"], at) for at in range(schema.get("minItems", 1))]
    plain: Mapping[str, object] = {"string": "x", "integer": schema.get("minimum", 0), "number": 0.0, "boolean": True}
    return plain.get(str(kind))


def _numbered(schema: Mapping[str, Any], at: int) -> object:
    """A row, whose numbers count up from the minimum."""
    made = _of(schema)
    if isinstance(made, dict):
        return {key: one + at if isinstance(one, int) and not isinstance(one, bool) else one
                for key, one in made.items()}  # fmt: skip
    return made


ROLE = "judge"
JUDGED = "judge-answers.sqlite"


@option_group
class JudgeModel(CallOptions):
    """The model that judges, and how it is called."""

    judge: str | None = option("Model that judges, provider:model.", default=None, section="Model", unset="none")

    def models(self, seed: int) -> ModelOptions:
        """The judge, if one is named. The seed is for the waits between tries."""
        return ModelOptions({ROLE: self.judge} if self.judge else {}, part(self, CallOptions), seed)


@option_group
class RubricChoice:
    """The rubrics by which a judge scores answers."""

    rubrics: Sequence[str] = option(
        "Rubric that the judge scores answers by: conciseness, helpfulness, safety, or your YAML file.", default=(),
        section="Evaluation", flag="--rubric", metavar="NAME|FILE",
    )  # fmt: skip


@brief
@dataclass(frozen=True)
class JudgePlan:
    """What the judge would be asked: the result of a dry run.

    Attributes:
        estimate: calls, tokens and cost, at most.
        metrics: the metrics that ask the judge.
        guessed: whether the number of statements of a text is guessed from its length, until the judge splits it.
    """

    estimate: Estimate
    metrics: tuple[str, ...] = ()
    guessed: bool = False


Result = TypeVar("Result")


def judged(
    options: ModelOptions | None,
    folder: Path | None,
    score: Callable[[Judge | None], Result],
    say: Callable[[str], None],
    through: Through | None = None,
) -> tuple[Result, dict[str, dict[str, object]]]:
    """Score with the judge, whose answers are stored in the folder. Returns the result and what the judge took.

    Args:
        options: the model of the judge; None to score without one.
        folder: where its answers are stored; None to score without a judge.
        score: scores with the judge, or without one.
        say: takes a line about stored answers that are damaged.
        through: has other processes call the judge; by default, this process calls it.

    Raises:
        SettingError: the judge cannot be used.
    """
    if options is None or folder is None:
        return score(None), {}
    models, loop = Models(options), LoopThread("judge")
    try:
        models.open(folder / JUDGED, say, through)
        try:
            result = score(Judge(models.clients[ROLE], options.models[ROLE], loop))
        finally:
            loop.run(models.aclose())
            write_spent(folder / SPENT, models)
    finally:
        loop.close()
        models.close()
    return result, models.totals()


def planned(options: ModelOptions, folder: Path | None, score: Callable[[Judge], object]) -> Estimate:
    """Estimate what the judge would be asked, without asking it. Answers in the folder are not asked again.

    Scoring is rehearsed with the answers in the folder and, where there are none, with
    invented ones, so that calls that follow from an answer are counted too.
    """
    kept = folder / JUDGED if folder is not None and (folder / JUDGED).is_file() else None
    models, loop = Models(options), LoopThread("judge")
    # No call fits into this budget: the client returns stored answers only.
    silent = Models(replace(options, calls=CallOptions(base_url=options.calls.base_url, max_tokens=1)))
    try:
        if kept is not None:
            models.open(kept)
            silent.open(kept)
        rehearsal = Rehearsal(silent.clients[ROLE])
        score(Judge(rehearsal, options.models[ROLE], loop))
        estimate = models.clients[ROLE].plan(rehearsal.asked)
        loop.run(_close(models, silent))
    finally:
        loop.close()
        models.close()
        silent.close()
    return estimate


async def _close(*all_models: Models) -> None:
    await asyncio.gather(*(models.aclose() for models in all_models))


class Rehearsal:
    """An asker that spends nothing: it returns stored answers, or invented ones of the right form.

    Attributes:
        asked: every request, in order.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self.asked: list[Request] = []

    async def ask(self, request: Request) -> Answer:
        """Return the stored answer, or an invented one."""
        self.asked.append(request)
        try:
            return await self._client.ask(request)
        except SettingError:
            return Answer(stand_in(request))
