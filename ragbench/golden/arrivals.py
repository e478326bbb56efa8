"""Drafts are measured and reviewed as they come, while further calls to the writer are in flight.

After the last answer, this work would take about a fifteenth of the time of all calls, and none would be in flight.
"""

import asyncio
import threading
from array import array
from collections import deque
from collections.abc import Sequence

from ragbench.golden.drafts import Draft
from ragbench.golden.measured import Measures
from ragbench.golden.review import Stages, review, stages_of_arrivals
from ragbench.golden.spool import Drafts, Spool, draft_of, row_of_draft
from ragbench.golden.stages.base import ReviewContext
from ragbench.models.llm.streaming import looked_at

CALLS = 8
"""Calls whose drafts are worked on together. No answer is read meanwhile, so they are few."""
PAUSE = 0.05
"""Seconds between looks whether the words of the corpus are counted."""


class Arrivals:
    """The drafts of a set, as they come.

    Args:
        measures: measures the drafts.
        stages: all review stages. The first of them review each draft as it comes.
        context: the inputs of the stages.

    Attributes:
        reviewed: how many stages have reviewed the drafts.
    """

    def __init__(self, measures: Measures, stages: Stages, context: ReviewContext) -> None:
        self.reviewed = stages_of_arrivals(stages)
        self._measures, self._stages, self._context = measures, stages, context
        self._spool = Spool()
        self._standing: list[str | None] = []
        # The words are counted while the first calls are in flight.
        self._counting = threading.Thread(target=measures.prepare, daemon=True)
        self._counting.start()

    async def take(self, drafts: Sequence[Draft]) -> int:
        """Measure, review and keep drafts. Returns the number of the first of them; the others follow it."""
        while self._counting.is_alive():
            await asyncio.sleep(PAUSE)
        first = len(self._spool)
        found = await review(self._measures.add(drafts), self._stages, self._context, end=self.reviewed)
        for draft in found:
            self._spool.append(row_of_draft(draft))
            self._standing.append(draft.rejected_by)
        return first

    def of(self, numbers: Sequence[int]) -> tuple[Drafts, list[str | None]]:
        """Drafts by number, and the stage whose rejection of each stands."""
        return Drafts(self._spool, numbers), [self._standing[number] for number in numbers]


class CallsOfRound:
    """The drafts of a round of calls, which are handed to the arrivals a few calls at a time.

    Args:
        count: number of calls.
        arrivals: where the drafts go.
    """

    def __init__(self, count: int, arrivals: Arrivals) -> None:
        self._arrivals = arrivals
        self._unread = Spool(count)
        self._first, self._size = array("Q", bytes(8 * count)), array("L", bytes(array("L").itemsize * count))
        self._waiting: deque[int] = deque()
        self._task: asyncio.Task[None] | None = None

    def put(self, position: int, drafts: Sequence[Draft]) -> None:
        """Take the drafts of a call.

        Raises:
            Exception: what the work on earlier drafts raised.
        """
        self._unread.put(position, [row_of_draft(draft) for draft in drafts])
        self._waiting.append(position)
        if self._task is not None and self._task.done():
            self._task.result()
            self._task = None
        if self._task is None and len(self._waiting) >= CALLS:
            self._task = asyncio.create_task(self._work(CALLS))
            self._task.add_done_callback(looked_at)

    async def _work(self, least: int) -> None:
        """Work on waiting calls until fewer than ``least`` are left."""
        while len(self._waiting) >= least:
            positions = [self._waiting.popleft() for _ in range(min(CALLS, len(self._waiting)))]
            drafts = [[draft_of(row) for row in self._unread.get(position)] for position in positions]
            first = await self._arrivals.take([draft for own in drafts for draft in own])
            for position, own in zip(positions, drafts, strict=True):
                self._first[position], self._size[position] = first, len(own)
                first += len(own)
            await asyncio.sleep(0)  # answers that came meanwhile are read first

    async def numbers(self) -> "array[int]":
        """Finish the work, and return the numbers of all drafts in the order of the calls."""
        if self._task is not None:
            await self._task
        await self._work(1)
        sizes = zip(self._first, self._size, strict=True)
        return array("Q", (number for first, size in sizes for number in range(first, first + size)))

    def stop(self) -> None:
        """End the work, if it is under way: the set will not be finished."""
        if self._task is not None:
            self._task.cancel()
