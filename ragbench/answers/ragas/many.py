"""Many answers through a scorer at once."""

from collections.abc import Awaitable, Callable

from ragbench.answers.metrics._cells import Cell
from ragbench.core.progress import Progress
from ragbench.engine import each


async def all_cells(work: Callable[[int], Awaitable[Cell]], count: int, *, what: str, progress: Progress) -> list[Cell]:
    """The cells of rows 0 to ``count - 1``, in order.

    See `ragbench.engine.each` for what happens when a row ends the run (budget, bad key).

    Raises:
        AnswerLater: at least one answer of the judge is still to come.
    """
    cells: dict[int, Cell] = {}

    with progress(what, count) as advance:

        async def one(row: int) -> None:
            cells[row] = await work(row)
            advance(1)

        await each(one, range(count))
    return [cells[row] for row in range(count)]
