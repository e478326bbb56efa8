"""Many answers through a scorer at once."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from ragbench.answers.metrics._cells import Cell
from ragbench.core.progress import Progress
from ragbench.models.llm.ask import IN_FLIGHT
from ragbench.models.llm.errors import AnswerLater


async def all_cells(work: Callable[[int], Awaitable[Cell]], count: int, *, what: str, progress: Progress) -> list[Cell]:
    """The cells of rows 0 to ``count - 1``, in order.

    Where a row ends the run (budget, bad key), no further one is begun, those under way
    are waited for, since their answers are paid for, and then its error is raised.

    Raises:
        AnswerLater: at least one answer of the judge is still to come.
    """
    cells: dict[int, Cell] = {}
    waiting: Iterable[int] = iter(range(count))
    ended: list[Exception] = []
    later: list[AnswerLater] = []

    with progress(what, count) as advance:

        async def worker() -> None:
            for row in waiting:
                if ended:
                    return
                try:
                    cells[row] = await work(row)
                except AnswerLater as error:
                    later.append(error)
                except Exception as error:
                    ended.append(error)
                    return
                advance(1)

        async with asyncio.TaskGroup() as group:
            for _ in range(min(IN_FLIGHT, count)):
                group.create_task(worker())
    if ended or later:
        raise (ended or later)[0]
    return [cells[row] for row in range(count)]
