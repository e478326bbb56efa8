"""The native judge against a judge by rule, whose figures are worked out by hand here."""

import asyncio
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ragbench.answers.judge.statements import place
from ragbench.answers.judge.verdicts import most_statements
from ragbench.answers.judging import stand_in
from ragbench.answers.metrics.base import Column, ScoringContext
from ragbench.answers.metrics.context_precision import average_precision
from ragbench.core.answers import Answered, AnswerSet, Source
from ragbench.core.errors import SettingError
from ragbench.core.goldens import GoldenItem
from ragbench.engine import NotAsked, UntilEnded
from ragbench.models.llm.base import Answer, BudgetSpent, Message, Request, ServiceDown
from ragbench.models.llm.connect import connect, shared_family
from ragbench.models.llm.limits import Limits
from ragbench.plugins import ANSWER_METRICS, build

sys.path.append(str(Path(__file__).resolve().parent.parent / "models"))
from judge_replies import judged, prompt_of, reply
from llm_server import LLMServer, serving

Reply = Callable[[dict[str, Any]], str]


def answered(name: str, answer: str, *texts: str, **more: Any) -> Answered:
    sources = tuple(Source(f"s{at}", "d", text) for at, text in enumerate(texts, 1))
    return Answered(name, f"What is {name}?", answer, sources, **more)


def score(
    metric: str, items: list[Answered], expected: str | None = None, said: Reply = reply, **server: Any
) -> list[Column]:
    golden = tuple(GoldenItem(item.query_id, item.query, answer=expected) for item in items)

    async def run(url: str) -> list[Column]:
        client = connect("openai_compatible:m", params={"base_url": url}, limits=Limits(reasks=1, retries=0))
        try:
            return await build(ANSWER_METRICS, metric).score(AnswerSet(tuple(items)), ScoringContext(golden, client))
        finally:
            await client.aclose()

    with serving(LLMServer(reply=said, **server)) as running:
        return asyncio.run(run(running.url))


def only(metric: str, items: list[Answered], expected: str | None = None, said: Reply = reply) -> Column:
    (column,) = score(metric, items, expected, said)
    return column


def statements(column: Column, name: str = "a") -> list[dict[str, Any]]:
    detail = column.details[name]
    assert isinstance(detail, dict)
    return list(detail["statements"])


def test_faithfulness_names_the_sources_of_each_statement() -> None:
    item = answered(
        "a",
        "Orla is steel [1].  Fenno is red and Orla is big. Zed is old. Kip is new.",
        "Orla is steel. Zed is not old.",
        "Orla is steel and warm. Orla is big.",
        "Fenno is red.",
    )
    column = only("faithfulness", [item])
    # Supported by two sources; by two only together; contradicted; not found: 2 of 4.
    assert column.values.tolist() == [0.5]
    found = statements(column)
    assert [one["verdict"] for one in found] == ["supported", "supported", "contradicted", "not found"]
    assert [one["supported_by"] for one in found] == [["s1", "s2"], [], [], []]
    assert [one["contradicted_by"] for one in found] == [[], [], ["s1"], []]
    assert [item.answer[one["start"] : one["end"]] for one in found] == [
        "Orla is steel [1].", "Fenno is red and Orla is big.", "Zed is old.", "Kip is new.",
    ]  # fmt: skip
    assert column.details["a"]["repeats"] == 1  # type: ignore[index]
    json.dumps(column.details, allow_nan=False)


def test_rows_that_are_not_asked_say_why() -> None:
    items = [
        answered("failed", "", failure="timed out"),
        answered("silent", "I don't know.", "Orla is big."),
        answered("bare", "Orla is big."),
        answered("blank", "Orla is big.", " \n"),
        answered("greets", "Good morning!", "Orla is big."),
        answered("a", "Orla is big.", "Orla is big."),
    ]
    column = only("faithfulness", items)
    codes = {entry.item: entry.code for entry in column.ledger.entries}
    assert codes == {"failed": "answer-failed", "silent": "not-applicable", "bare": "no-sources",
                     "blank": "no-sources", "greets": "no-statement"}  # fmt: skip
    assert np.isnan(column.values).tolist() == [True] * 5 + [False]


def test_recall_precision_relevancy_and_correctness_by_hand() -> None:
    item = answered("Orla", "Orla is big. Orla is red.", "Rain falls.", "Orla is big.", "Snow falls.", "Orla is old.")
    expected = "Orla is big. Orla is old. Orla is loud. Orla is rare."
    assert only("context_recall", [item], expected).values.tolist() == [2 / 4]
    # Useful at ranks 2 and 4: (1/2 + 2/4) / 2.
    assert only("context_precision", [item], expected).values.tolist() == [0.5]
    # For the answer itself only source 2 is useful.
    assert only("context_precision:against=answer", [item]).values.tolist() == [0.5]
    f1, precision, recall = score("factual_correctness", [item], expected)
    # TP 1 (big), FP 1 (red), FN 3 (old, loud, rare).
    assert (f1.values[0], precision.values[0], recall.values[0]) == (2 / 6, 1 / 2, 1 / 4)
    assert [one["verdict"] for one in statements(recall, "Orla")] == ["supported"] + ["not found"] * 3
    # The judge writes the very question.
    assert only("answer_relevancy", [item]).values.tolist() == [pytest.approx(1.0)]
    assert only("answer_relevancy", [answered("x", "It is hard to tell.")]).values.tolist() == [0.0]
    assert only("answer_relevancy", [answered("x", "I don't know.")]).values.tolist() == [0.0]
    assert average_precision([True, False, True]) == pytest.approx((1 + 2 / 3) / 2)
    assert average_precision([False]) == 0.0


def test_many_statements_go_out_in_several_calls() -> None:
    count = 2 * most_statements(2) + 1
    text = " ".join(f"Stone {n} is grey." for n in range(count))
    held = " ".join(f"Stone {n} is grey." for n in range(0, count, 2))
    column = only("faithfulness", [answered("a", text, held, "Rain falls.")])
    assert column.values.tolist() == [(count // 2 + 1) / count]
    assert [one["text"] for one in statements(column)] == [f"Stone {n} is grey." for n in range(count)]


def test_repeats_show_what_flips() -> None:
    def wavering(body: dict[str, Any]) -> str:
        found = judged(body)
        # The second of the three judgements (seed 0 + sample 1) cannot find red.
        if prompt_of(body) == "verdicts" and body["seed"] == 1:
            number = re.search(r"(\d+)\. Orla is red", body["messages"][1]["content"])
            assert number is not None
            (row,) = (row for row in found["verdicts"] if row["statement"] == int(number[1]))
            row |= {"sources": dict.fromkeys(row["sources"], "not found"), "together": "not found"}
        return json.dumps(found)

    item = answered("a", "Orla is big. Orla is red. Orla is loud.", "Orla is red.", "Orla is big.")
    value, flips = score("faithfulness:repeats=3", [item], said=wavering)
    assert (value.name, flips.name) == ("faithfulness", "faithfulness_flips")
    # Two, one and two of three supported; one of three statements flips.
    assert value.values[0] == pytest.approx((2 + 1 + 2) / 9)
    assert flips.values[0] == pytest.approx(1 / 3)
    big, red, _ = statements(value)
    assert red["verdicts"] == ["supported", "not found", "supported"]
    assert (red["verdict"], red["supported_by"], big["supported_by"]) == ("supported", ["s1"], ["s2"])


def test_a_lost_judgement_is_told_and_the_others_count() -> None:
    def once_silent(body: dict[str, Any]) -> str:
        return "no" if prompt_of(body) == "verdicts" and body["seed"] in (1, 2) else reply(body)

    item = answered("a", "Orla is big.", "Orla is big.")
    # The second judgement and its repeat are no JSON.
    value, flips = score("faithfulness:repeats=2", [item], said=once_silent)
    assert value.values.tolist() == [1.0]
    ((reason, code),) = [(entry.reason, entry.code) for entry in value.ledger.entries]
    assert code == "judge-unreadable"
    assert reason.startswith("faithfulness: judgement 2 of 2: ")
    assert np.isnan(flips.values[0])
    assert [entry.code for entry in flips.ledger.entries] == ["judge-repeats"]


def drop_row(rows: list[dict[str, Any]]) -> None:
    rows.pop()


def same_number(rows: list[dict[str, Any]]) -> None:
    rows[0]["statement"] = rows[1]["statement"]


def drop_source(rows: list[dict[str, Any]]) -> None:
    del rows[0]["sources"]["1"]


def other_verdict(rows: list[dict[str, Any]]) -> None:
    rows[0]["together"] = "maybe"


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        (drop_row, "judge-count", "1 verdicts came for 2 statements"),
        (same_number, "judge-count", "2 verdicts came for 2 statements: numbers [2, 2]"),
        (drop_source, "judge-count", "0 verdicts came for 1 sources"),
        (other_verdict, "judge-verdict", "'maybe' is no verdict"),
    ],
)
def test_verdicts_that_do_not_fit_are_named(change: Callable[[Any], None], code: str, said: str) -> None:
    def wrong(body: dict[str, Any]) -> str:
        found = judged(body)
        if prompt_of(body) == "verdicts":
            change(found["verdicts"])
        return json.dumps(found)

    column = only("faithfulness", [answered("a", "Orla is big. Orla is red.", "Orla is big.")], said=wrong)
    assert np.isnan(column.values).all()
    (entry,) = column.ledger.entries
    assert (entry.item, entry.code) == ("a", code)
    assert said in entry.reason


def test_a_number_told_twice_is_asked_again() -> None:
    def better(body: dict[str, Any]) -> str:
        found = judged(body)
        if prompt_of(body) == "verdicts" and len(body["messages"]) == 2:
            same_number(found["verdicts"])
        return json.dumps(found)

    column = only("faithfulness", [answered("a", "Orla is big. Orla is red.", "Orla is big.")], said=better)
    assert column.values.tolist() == [0.5]


@pytest.mark.parametrize(
    ("server", "code"),
    [
        ({"said": lambda body: "I would rather not."}, "judge-unreadable"),
        ({"said": lambda body: "[1, 2]"}, "judge-unreadable"),
        ({"finish_reason": "content_filter"}, "judge-refused"),
        ({"fault": lambda body, times: "500"}, "judge-unanswered"),
        ({"fault": lambda body, times: "400"}, "judge-unanswered"),
    ],
)
@pytest.mark.parametrize("metric", ["faithfulness", "context_recall", "context_precision", "answer_relevancy"])
def test_a_judge_without_answer_is_named(server: dict[str, Any], code: str, metric: str) -> None:
    item = answered("a", "Orla is big.", "Orla is big.")
    (column,) = score(metric, [item], "Orla is big.", **server)
    assert np.isnan(column.values).all()
    assert [entry.code for entry in column.ledger.entries] == [code]


def test_statements_are_found_in_the_text() -> None:
    text = "It is big.\nIt is  red. It is big."
    assert place("It is big.", text) == (0, 10)
    assert place("It is big.", text, 5) == (23, 33)
    assert place("“it IS red.”", text) == (11, 22)
    assert place("It is big.", text, 30) == (0, 10)
    assert place("It is blue.", text) is None
    assert place(" ", text) is None
    assert place("a.c", "abc a.c") == (4, 7)


class Ends:
    """An asker that ends the run at its second question."""

    def __init__(self, error: Exception) -> None:
        self.error, self.asked = error, 0

    async def ask(self, request: Request) -> Answer:
        self.asked += 1
        if self.asked == 2:
            raise self.error
        return Answer("fine")


@pytest.mark.parametrize(("error", "asked"), [(BudgetSpent("spent"), 3), (ServiceDown("down"), 2)])
def test_an_ended_run_goes_on_without_answers(error: Exception, asked: int) -> None:
    inner = Ends(error)
    outer = UntilEnded(inner)
    request = Request("x/1", (Message("user", "?"),))

    async def run() -> list[Answer]:
        return [await outer.ask(request) for _ in range(3)]

    first, second, _ = asyncio.run(run())
    assert first.value == "fine"
    assert isinstance(second, NotAsked)
    assert (second.failure, outer.ended, inner.asked) == (str(error), error, asked)


def test_stand_ins_follow_the_schema() -> None:
    from jsonschema import Draft202012Validator

    from ragbench.answers.judge import questions, verdicts
    from ragbench.answers.judge import statements as split
    from ragbench.answers.judge import usefulness as useful

    made: Iterator[Request] = iter((
        split.SPLIT.request(split.filled("?", "x" * 600), seed=0, max_tokens=split.most_tokens("x" * 600)),
        verdicts.HOLD.request(verdicts.filled("?", ["a", "b"], ["c"]), seed=0, schema=verdicts.schema(2, 1)),
        useful.USEFUL.request(useful.filled("?", "a", ["b", "c"]), seed=0, schema=useful.schema(2)),
        questions.QUESTIONS.request(questions.filled("a", 3), seed=0, schema=questions.schema(3)),
    ))  # fmt: skip
    for request in made:
        value: Any = stand_in(request)
        Draft202012Validator(request.schema or {}).validate(value)
        if request.prompt.startswith("judge-verdicts"):
            assert [row["statement"] for row in value["verdicts"]] == [1, 2]


def test_settings_and_families() -> None:
    with pytest.raises(SettingError, match="repeats is 0"):
        build(ANSWER_METRICS, "faithfulness:repeats=0")
    with pytest.raises(SettingError, match="questions is 11"):
        build(ANSWER_METRICS, "answer_relevancy:questions=11")
    with pytest.raises(SettingError, match="against"):
        build(ANSWER_METRICS, "context_precision:against=nothing")
    assert shared_family("openai:gpt-4o", "azure_openai:gpt-4.1-mini") == "openai gpt"
    assert shared_family("openai:gpt-4o", "openai_compatible:qwen3-8b") is None
    assert shared_family("mine:alpha", "mine:alpha") == "mine:alpha"
    assert shared_family("mine:alpha", "mine:beta") is None
    assert shared_family("openai:gpt-4o", "mine:beta") is None
