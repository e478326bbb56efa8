"""Drafts are measured and reviewed while calls are in flight, and the set is the same in any order of answers."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragbench.core.context import Context
from ragbench.golden.arrivals import CALLS
from ragbench.golden.drafts import Draft, Opinion
from ragbench.golden.generate import Generated, Job, build_stages, generate
from ragbench.golden.measured import Measures, Meter
from ragbench.golden.review import stages_of_arrivals
from ragbench.golden.stages.base import ReviewContext, Stage
from ragbench.models.llm.base import Answer, Request
from tests.golden.test_measured import Writer, draft, job_of, meter_of
from tests.golden.test_wordings import prose

CHUNKS = 4 * CALLS


@dataclass(frozen=True)
class Seen(Stage):
    """Accepts every second draft by its text, and remembers how many it saw."""

    alone: ClassVar[bool] = True
    texts: list[str] = field(default_factory=list)

    async def review(self, drafts: Sequence[Draft], context: ReviewContext) -> list[Opinion]:
        """Give one opinion per draft."""
        self.texts.extend(one.text for one in drafts)
        return [Opinion("seen", len(one.text) % 2 == 0, "odd") for one in drafts]


class Ordered(Writer):
    """Answers its calls in an order of its own."""

    def __init__(self, ranks: Sequence[int]) -> None:
        super().__init__(obeys=True)
        self.ranks = iter(ranks)

    async def ask(self, request: Request) -> Answer:
        for _ in range(next(self.ranks)):
            await asyncio.sleep(0)
        return await super().ask(request)


def written(writer: Writer, stages: Sequence[tuple[str, Stage]]) -> Generated:
    job: Job = job_of(prose(CHUNKS), writer)
    return asyncio.run(generate(job, stages, Context()))


def test_drafts_are_reviewed_before_the_last_answer_is_there() -> None:
    stage = Seen()
    seen: list[int] = []

    class Last(Writer):
        """Answers the last call once drafts of others were reviewed."""

        calls = 0

        async def ask(self, request: Request) -> Answer:
            self.calls += 1
            if self.calls == CHUNKS:
                until = time.monotonic() + 20
                while not stage.texts and time.monotonic() < until:
                    await asyncio.sleep(0.01)
                seen.append(len(stage.texts))
            return await super().ask(request)

    done = written(Last(obeys=True), [("seen", stage)])
    assert 0 < seen[0] < len(stage.texts) == done.drafted
    assert {one.rejected_by for one in done.rejected} == {"seen"}


@given(st.permutations(range(CHUNKS)))
@settings(max_examples=5, deadline=None)
def test_the_set_does_not_depend_on_the_order_of_the_answers(ranks: list[int]) -> None:
    names = ("schema", "length", "located", "standalone", "duplicate:embedder=null")
    found, expected = written(Ordered(ranks), build_stages(names)), written(Writer(obeys=True), build_stages(names))
    assert list(found.accepted) == list(expected.accepted)
    assert list(found.rejected) == list(expected.rejected)
    assert found.worded == expected.worded
    assert found.drafted == 5 * CHUNKS


def test_a_stage_that_fails_ends_the_run() -> None:
    @dataclass(frozen=True)
    class Broken(Seen):
        async def review(self, drafts: Sequence[Draft], context: ReviewContext) -> list[Opinion]:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        written(Writer(obeys=True), [("seen", Broken())])


def test_stages_that_compare_drafts_or_ask_a_model_wait_for_all_of_them() -> None:
    assert stages_of_arrivals(build_stages(("schema", "length", "duplicate", "located"))) == 2
    assert stages_of_arrivals(build_stages(("schema", "judge"))) == 1
    assert stages_of_arrivals(build_stages(("duplicate",))) == 0


def test_a_measure_does_not_depend_on_the_other_drafts() -> None:
    """To the last bit: a mean over a set would else depend on the order of the answers."""
    corpus = prose(40)
    meter: Meter = meter_of(corpus)
    words = [one.text.replace(".", "").split() for one in corpus]
    texts = [" ".join([*words[at][at : at + 15], *words[at - 1][: at % 9]]) for at in range(40)]
    drafts = [draft(text, corpus.documents[at].id) for at, text in enumerate(texts)]
    together = [overlap for *_, overlap in meter.measured(drafts)]
    assert together == [overlap for one in reversed(drafts) for *_, overlap in meter.measured([one])][::-1]
    assert len(set(together)) > 6
    assert Measures(meter).add(drafts) == [one for one, *_ in meter.measured(drafts)]
