import asyncio
from collections.abc import Iterator

import numpy as np
import pytest

from ragbench.core.context import Context, silent
from ragbench.core.errors import InputError
from ragbench.engine import NotAsked, UntilEnded, ask, embed, embed_tokens
from ragbench.models.embed.base import Embedder, TokenVectors
from ragbench.models.llm.base import Answer, AnswerLater, BudgetSpent, Message, Request, ServiceDown


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


class Letters(Embedder):
    """One vector per text, from its first letter; each text that it embeds is recorded."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def fingerprint(self) -> str:
        return "letters"

    def encode(self, texts, kind, advance=None):
        self.seen += texts
        turns = np.array([ord(text[0]) for text in texts], dtype=np.float32)
        return np.stack([np.cos(turns), np.sin(turns)], axis=1)

    def encode_tokens(self, texts, kind, advance=None):
        vectors = self.encode(texts, kind)
        return TokenVectors(vectors, vectors, np.arange(len(texts) + 1))


def test_embed_stores_passages_and_queries_apart_and_each_text_once(tmp_path):
    embedder, context = Letters(), Context(tmp_path)
    first = embed(embedder, ["a", "b", "a"], "passage", context)
    assert (first.encoded, first.with_tokens, embedder.seen) == (2, False, ["a", "b"])
    assert np.array_equal(first.vectors, Letters().encode(["a", "b", "a"], "passage"))
    again = embed(embedder, ["b", "c"], "passage", context)
    assert (again.encoded, embedder.seen) == (1, ["a", "b", "c"])
    assert embed(embedder, ["a"], "query", context).encoded == 1
    assert sorted(path.name for path in (tmp_path / "vectors").iterdir()) == ["letters", "letters-queries"]


def test_embed_without_a_cache_stores_nothing():
    embedder = Letters()
    assert embed(embedder, ["a", "a"], "passage", Context()).encoded == 2
    assert embed(embedder, ["a"], "passage", Context()).encoded == 1


def test_embed_gives_token_vectors_in_the_same_pass_where_they_are_wanted(tmp_path):
    embedder, context = Letters(), Context(tmp_path, token_embedders=frozenset({"letters"}))
    assert embed(embedder, ["a", "b"], "passage", context).with_tokens
    assert len(embed_tokens(embedder, ["b", "a"], context)) == 2
    assert embedder.seen == ["a", "b"]
    assert not embed(embedder, ["a", "b"], "query", context).with_tokens


def test_until_ended_answers_with_the_reason_and_raises_what_does_not_end_the_run():
    down = UntilEnded(Counting({"b": ServiceDown("no answer for 120 s")}))
    answers = run(down, "abc", in_flight=1)
    assert [type(answer) for answer in answers] == [Answer, NotAsked, NotAsked]
    spent = UntilEnded(Counting({"b": BudgetSpent("spent")}))
    assert [answer.failure for answer in run(spent, "abc", in_flight=1)] == ["", "spent", ""]
    with pytest.raises(ServiceDown):
        run(UntilEnded(Counting({"b": ServiceDown("gone")}), ends=(BudgetSpent,)), "abc")
