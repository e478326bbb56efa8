"""A model as the judge of answers: its client, what it would take, what it took."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from ragbench.answers.judge.rehearse import stand_in
from ragbench.answers.scoring import Judge
from ragbench.core.errors import SettingError
from ragbench.core.loop import LoopThread
from ragbench.io.run_folder import SPENT
from ragbench.models.llm.base import Answer, Request
from ragbench.models.llm.client import Client
from ragbench.models.llm.estimate import Estimate
from ragbench.models.llm.roles import ModelOptions, Models, write_spent

ROLE = "judge"
JUDGED = "judge-answers.sqlite"
Result = TypeVar("Result")


def judged(
    options: ModelOptions, folder: Path, score: Callable[[Judge], Result]
) -> tuple[Result, dict[str, dict[str, object]]]:
    """What `score` gives with the judge, whose answers are kept in the folder, and what the judge took.

    Raises:
        SettingError: the judge cannot be used.
    """
    models, loop = Models(options), LoopThread("judge")
    try:
        models.open(folder / JUDGED)
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
    """What the judge would be asked, without asking it. What the folder holds is not asked again.

    Scoring is rehearsed with answers that the folder holds and, where it holds none,
    with invented ones, so that the calls that follow from an answer are counted too.
    """
    kept = folder / JUDGED if folder is not None and (folder / JUDGED).is_file() else None
    models, loop = Models(options), LoopThread("judge")
    # No call fits into this budget: the client gives what is kept and nothing else.
    silent = Models(ModelOptions(options.models, options.base_url, max_tokens=1, seed=options.seed))
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
    """An asker that spends nothing: kept answers, and invented ones of the right form.

    Attributes:
        asked: every request, in order.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self.asked: list[Request] = []

    async def ask(self, request: Request) -> Answer:
        """The kept answer, or an invented one."""
        self.asked.append(request)
        try:
            return await self._client.ask(request)
        except SettingError:
            return Answer(stand_in(request))
