import asyncio
from collections.abc import Iterator

import pytest

from ragbench.core.context import silent
from ragbench.core.errors import InputError
from ragbench.engine import ask
from ragbench.models.llm.base import Answer, AnswerLater, Message, Request


class Counting:
    """Answers each request with its own text after a turn of the loop, and fails where it is told to."""

    def __init__(self, fails: dict[str, Exception] | None = None) -> None:
        self.fails, self.asked, self.under_way, self.most = fails or {}, [], 0, 0

    async def ask(self, request: Request) -> Answer:
        text = request.messages[0].text
        self.asked.append(text)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await asyncio.sleep(0.001)
        self.under_way -= 1
        if text in self.fails:
            raise self.fails[text]
        return Answer(text.upper())


def asked(text: str) -> Request:
    return Request("test/1", (Message("user", text),))


def run(asker, texts, **options):
    return asyncio.run(ask(asker, map(asked, texts), what="asking", progress=silent, **options))


def test_equal_requests_are_asked_once_wherever_they_stand():
    asker, came = Counting(), []
    texts = ["a", "b", "a", "c", *"dddd", "b"]
    answers = run(asker, texts, in_flight=2, on_answer=lambda place, answer: came.append((place, answer.value)))
    assert [answer.value for answer in answers] == [text.upper() for text in texts]
    assert sorted(asker.asked) == ["a", "b", "c", "d"]
    assert sorted(came) == [(place, text.upper()) for place, text in enumerate(texts)]
    assert asker.most == 2


def test_requests_are_built_as_room_comes_free():
    asker, built = Counting(), []

    def requests() -> Iterator[Request]:
        for number in range(50):
            built.append(number)
            assert len(built) <= len(asker.asked) + 1
            yield asked(str(number))

    found = asyncio.run(ask(asker, requests(), what="asking", progress=silent, total=50, in_flight=3))
    assert len(found) == 50
    assert asker.most == 3


def test_an_end_for_good_asks_no_further_and_waits_for_what_is_under_way():
    asker, came = Counting({"2": RuntimeError("the budget is spent")}), []
    with pytest.raises(RuntimeError, match="budget is spent"):
        run(asker, map(str, range(100)), in_flight=4, on_answer=lambda place, answer: came.append(place))
    assert asker.under_way == 0
    # Three of the first four were answered and told; one or two of the next round were under way already.
    assert {0, 1, 3} <= set(came)
    assert len(asker.asked) < 9


def test_an_answer_for_later_stops_nothing():
    asker, came = Counting({"1": AnswerLater("tomorrow")}), []
    with pytest.raises(AnswerLater, match="tomorrow"):
        run(asker, "0123", in_flight=1, on_answer=lambda place, answer: came.append(place))
    assert came == [0, 2, 3]


def test_progress_counts_every_request():
    seen = []

    class Bar:
        def __init__(self, what, total):
            seen.append((what, total))

        def __enter__(self):
            return seen.append

        def __exit__(self, *raised):
            return None

    asyncio.run(ask(Counting(), map(asked, "aabc"), what="asking", progress=Bar, total=4))
    assert seen[0] == ("asking", 4)
    assert sum(seen[1:]) == 4


def test_what_ends_the_run_waits_for_those_under_way_wherever_it_is_raised():
    class Slow(Counting):
        async def ask(self, request: Request) -> Answer:
            answer = await super().ask(request)
            if request.messages[0].text == "slow":
                await asyncio.sleep(0.05)
                self.ended = True
            return answer

    def refuse(place: int, answer: Answer) -> None:
        if place == 3:
            raise InputError("the disk is full")

    def broken() -> Iterator[Request]:
        yield asked("slow")
        raise InputError("no such question")

    asker = Slow()
    with pytest.raises(InputError, match="disk is full"):
        run(asker, ["a", "slow", "b", "a", "c"], in_flight=2, on_answer=refuse)
    assert asker.ended
    asker = Slow()
    with pytest.raises(InputError, match="no such question"):
        asyncio.run(ask(asker, broken(), what="asking", progress=silent, total=2, in_flight=2))
    assert asker.ended
