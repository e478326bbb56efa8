"""The Ragas adapter against hand arithmetic, against Ragas itself, and against a judge that goes wrong."""

import asyncio
import importlib.util
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

if importlib.util.find_spec("ragas") is None:
    pytest.skip("ragas is not installed: pip install 'ragbench[ragas]'", allow_module_level=True)

sys.path.append(str(Path(__file__).resolve().parent))
from ragas_truth import (
    CONCURRENCY,
    FATES,
    Body,
    LLMServer,
    check,
    either,
    expected,
    given,
    row,
    sentences,
    serving,
    through_faults,
    truth,
    unreliable,
)  # fmt: skip

from ragbench.answers.scoring import AnswerEvaluation, Judge, ScoreSettings, score_answers
from ragbench.core.answers import Answered, AnswerSet, Source
from ragbench.core.errors import SettingError
from ragbench.core.goldens import GoldenItem, GoldenSet
from ragbench.core.loop import LoopThread
from ragbench.models.llm.base import Answer, BudgetSpent, Request
from ragbench.models.llm.connect import connect
from ragbench.models.llm.costs import Budget
from ragbench.models.llm.limits import Limits

METRICS = ("faithfulness", "answer_relevancy", "context_precision", "context_recall", "factual_correctness")


def answered(number: int, **more: Any) -> Answered:
    said, sources, _ = row(number)
    shown = tuple(Source(f"s{at}", f"d{at}", text) for at, text in enumerate(sources))
    return Answered(f"q{number}", f"What is stone {number}?", **{"answer": said, "sources": shown, **more})


def golden(numbers: Sequence[int]) -> GoldenSet:
    return GoldenSet(tuple(GoldenItem(f"q{n}", f"What is stone {n}?", answer=row(n)[2]) for n in numbers))


def judged(
    server: LLMServer,
    answers: Sequence[Answered],
    wanted: GoldenSet,
    metrics: Sequence[str],
    *,
    budget: Budget | None = None,
    limits: Limits | None = None,
) -> AnswerEvaluation:
    with serving(server):
        client = connect("openai_compatible:m", params={"base_url": server.url}, budget=budget, limits=limits)
        loop = LoopThread("judge")
        try:
            return score_answers(
                AnswerSet(tuple(answers)), wanted, list(metrics), judge=Judge(client, "m", loop),
                settings=ScoreSettings(resamples=50),
            )  # fmt: skip
        finally:
            loop.run(client.aclose())
            loop.close()


def values(found: AnswerEvaluation) -> dict[str, list[float]]:
    scores = found.scored.scores
    return {name: scores.values[:, at].tolist() for at, name in enumerate(scores.metrics)}


def test_hand_arithmetic() -> None:
    """Of an answer's three sentences n % 4 are in the sources and in the reference, which has one more of its own."""
    numbers = range(8)
    found = judged(
        LLMServer(reply=truth), [answered(n) for n in numbers], golden(numbers),
        [f"ragas:metric={name}" for name in METRICS if name != "answer_relevancy"],
    )  # fmt: skip
    told = values(found)
    assert told["ragas_faithfulness"] == pytest.approx([expected(n) for n in numbers])
    # each source holds one sentence of the reference, so all are useful; without any, the one that is shown is not
    assert told["ragas_context_precision"] == pytest.approx([float(n % 4 > 0) for n in numbers])
    assert told["ragas_context_recall"] == pytest.approx([(n % 4) / (n % 4 + 1) for n in numbers])
    # precision k/3, recall k/(k + 1), F1 2k/(k + 4), which Ragas rounds to two places
    assert told["ragas_factual_correctness"] == pytest.approx([round(2 * k / (k + 4), 2) for k in (0, 1, 2, 3)] * 2)
    assert not found.ledger.entries


def test_the_same_prompts_and_values_as_ragas_alone() -> None:
    from ragas.llms.base import InstructorBaseRagasLLM
    from ragas.metrics.collections import ContextPrecision, ContextRecall, FactualCorrectness, Faithfulness

    class Alone(InstructorBaseRagasLLM):
        def __init__(self) -> None:
            self.prompts: set[str] = set()

        def generate(self, prompt: str, response_model: Any) -> Any:
            raise NotImplementedError

        async def agenerate(self, prompt: str, response_model: Any) -> Any:
            self.prompts.add(prompt)
            form = {"json_schema": {"schema": {"title": response_model.__name__}}}
            said = truth({"messages": [{"content": prompt}], "response_format": form})
            return response_model.model_validate_json(said)

    numbers, llm = range(5), Alone()
    alone = {
        "faithfulness": Faithfulness(llm=llm), "context_precision": ContextPrecision(llm=llm),
        "context_recall": ContextRecall(llm=llm),
        "factual_correctness": FactualCorrectness(llm=llm, mode="recall", atomicity="high"),
    }  # fmt: skip
    wanted: dict[str, list[float]] = {}
    for name, metric in alone.items():
        from ragbench.answers.ragas.score import arguments

        given = [arguments(name, answered(n), golden([n]).items[0]) for n in numbers]  # type: ignore[arg-type]
        wanted[f"ragas_{name}"] = [asyncio.run(metric.ascore(**one)).value for one in given]

    server = LLMServer(reply=truth)
    specs = [f"ragas:metric={name}" for name in alone if name != "factual_correctness"]
    specs.append("ragas:metric=factual_correctness,mode=recall,atomicity=high")
    assert values(judged(server, [answered(n) for n in numbers], golden(numbers), specs)) == wanted
    assert {body["messages"][0]["content"] for body in server.bodies.values()} == llm.prompts


def test_relevancy_is_the_mean_cosine_of_several_questions_and_0_for_an_evasive_answer() -> None:
    from ragbench.plugins import EMBEDDERS, build

    answers = [answered(1), answered(2, answer="It is hard to tell.")]
    server = LLMServer(reply=truth)
    found = judged(server, answers, golden([1, 2]), ["ragas:metric=answer_relevancy,strictness=2"])
    one, two = build(EMBEDDERS, "minilm").encode(["What is stone 1?", "What is Stone 1?"], "query")
    assert values(found)["ragas_answer_relevancy"] == pytest.approx([float(one @ two), 0.0], abs=1e-6)
    detail = found.details["ragas_answer_relevancy"]["q2"]
    assert detail == {"questions": ["What is It?"] * 2, "noncommittal": True}
    # asked twice each, told apart by the seed
    assert sorted(body["seed"] for body in server.bodies.values()) == [0, 0, 1, 1]


def test_precision_goes_by_rank() -> None:
    def by_word(body: Body) -> str:
        return json.dumps({"reason": "", "verdict": int("useful" in given(body)[1]["context"])})

    texts = ["The river.", "A useful one.", "The sea.", "Another useful one."]
    answer = answered(1, sources=tuple(Source(f"s{at}", "d", text) for at, text in enumerate(texts)))
    found = judged(LLMServer(reply=by_word), [answer], golden([1]), ["ragas:metric=context_precision"])
    assert values(found)["ragas_context_precision"] == pytest.approx([(1 / 2 + 2 / 4) / 2])
    detail: Any = found.details["ragas_context_precision"]["q1"]
    assert [(one["source"], one["useful"]) for one in detail["sources"]] == [
        ("s0", False), ("s1", True), ("s2", False), ("s3", True)
    ]  # fmt: skip


def test_details_name_every_statement_and_its_place() -> None:
    found = judged(LLMServer(reply=truth), [answered(1)], golden([1]), ["ragas:metric=faithfulness"])
    detail: Any = found.details["ragas_faithfulness"]["q1"]
    answer = row(1)[0]
    assert [answer[one["start"] : one["end"]] for one in detail["statements"]] == sentences(answer)
    assert [one["verdict"] for one in detail["statements"]] == ["supported", "not found", "not found"]
    # with one source it is known which one supports
    assert [one["supported_by"] for one in detail["statements"]] == [["s0"], [], []]
    assert (detail["of"], detail["against"], detail["repeats"]) == ("answer", "sources", 1)


def test_what_is_not_asked_is_as_with_the_native_judge() -> None:
    """Failed, abstained, without sources, without a reference, rightly silent, and failed with sources."""
    answers = [
        answered(1, answer="", sources=(), failure="no connection"),
        answered(2, answer="I do not know.", abstained=True),
        answered(3, sources=(Source("s0", "d0", "  "),)),
        answered(5),
        answered(6, answer="", abstained=True),
        answered(7, answer="", failure="no connection"),
        answered(9),
    ]
    types = {6: "unanswerable"}
    wanted = GoldenSet(tuple(
        GoldenItem(f"q{n}", f"What is stone {n}?", types.get(n, ""), None if n in (5, 6) else row(n)[2])
        for n in (1, 2, 3, 5, 6, 7, 9)
    ))  # fmt: skip
    server = LLMServer(reply=either)
    found = judged(server, answers, wanted, [*METRICS, *(f"ragas:metric={name}" for name in METRICS)])
    told = values(found)
    codes = {(e.reason.partition(":")[0], e.item): e.code for e in found.ledger.entries if e.code != "query-failed"}
    for name in METRICS:
        theirs = {item: code for (column, item), code in codes.items() if column == f"ragas_{name}"}
        assert theirs == {item: code for (column, item), code in codes.items() if column == name}, name
        assert told[f"ragas_{name}"] == pytest.approx(told[name], abs=0.005, nan_ok=True), name
    precision = judged(
        server, answers, wanted, ["factual_correctness", "ragas:metric=factual_correctness,mode=precision"]
    )
    told = values(precision)
    assert told["ragas_factual_correctness"] == pytest.approx(
        told["factual_correctness_precision"], abs=0.005, nan_ok=True
    )
    assert codes["ragas_faithfulness", "q1"] == "answer-failed"
    assert codes["ragas_faithfulness", "q2"] == codes["ragas_answer_relevancy", "q6"] == "not-applicable"
    assert codes["ragas_context_recall", "q3"] == "no-sources"
    assert codes["ragas_factual_correctness", "q5"] == "no-reference"


def test_a_judge_that_goes_wrong_loses_no_row() -> None:
    numbers = range(50)
    found = judged(
        LLMServer(reply=unreliable), [answered(n) for n in numbers], golden(numbers), ["ragas:metric=faithfulness"],
        limits=Limits(CONCURRENCY),
    )  # fmt: skip
    codes = {entry.item: entry.code for entry in found.ledger.entries}
    assert codes == {f"q{n}": code for n, code in FATES.items()}
    told = values(found)["ragas_faithfulness"]
    assert [value for n, value in enumerate(told) if n not in FATES] == pytest.approx(
        [expected(n) for n in numbers if n not in FATES]
    )
    reasons = {entry.item: entry.reason for entry in found.ledger.entries}
    assert "verdicts came for 3 statements" in reasons["q7"]
    assert "2: no verdict, which is 0 or 1" in reasons["q11"]
    assert "-1: no verdict, which is 0 or 1" in reasons["q13"]
    assert "is judged 2 times, and another one not at all" in reasons["q19"]
    # the statements are there even where their verdicts are lost, and the bounds are as wide as what is lost
    bounds = found.bounds["ragas_faithfulness"]
    assert (bounds.unscored, bounds.low, bounds.high) == (
        6, pytest.approx(sum(expected(n) for n in numbers if n not in FATES) / 50),
        pytest.approx((sum(expected(n) for n in numbers if n not in FATES) + 6) / 50),
    )  # fmt: skip


def test_what_ragas_itself_fails_at_is_told() -> None:
    """Half a character, which no JSON can hold."""
    answers = [answered(1, answer="Stone \ud800 is red."), answered(2)]
    found = judged(LLMServer(reply=truth), answers, golden([1, 2]), ["ragas:metric=faithfulness"])
    assert [(entry.item, entry.code) for entry in found.ledger.entries] == [("q1", "ragas-failed")]
    assert "\n" not in found.ledger.entries[0].reason
    assert np.isnan(values(found)["ragas_faithfulness"]).tolist() == [True, False]


def test_the_judge_gets_room_for_what_it_is_asked() -> None:
    server = LLMServer(reply=truth)
    judged(
        server,
        [answered(2)],
        golden([2]),
        ["ragas:metric=faithfulness", "ragas:metric=answer_relevancy,max_tokens=300"],
    )
    rooms = {given(body)[0]: body["max_tokens"] for body in server.bodies.values()}
    said = row(2)[0]
    assert rooms == {
        "StatementGeneratorOutput": 512 + 2 * len(said),
        "NLIStatementOutput": 512 + sum(256 + len(one) for one in sentences(said)),
        "AnswerRelevanceOutput": 300,
    }


def test_a_text_without_claims_is_no_zero() -> None:
    """Ragas gives 0 for an answer in which no claim is found."""

    def none_in_answer(body: Body) -> str:
        title, data = given(body)
        if title == "ClaimDecompositionOutput" and data["response"] == "Hm.":
            return json.dumps({"claims": []})
        return truth(body)

    answers = [answered(1, answer="Hm."), answered(2)]
    wanted = GoldenSet((GoldenItem("q1", "What?", answer="Stone 1 is red."), GoldenItem("q2", "What?", answer="Hm.")))
    found = judged(LLMServer(reply=none_in_answer), answers, wanted, ["ragas:metric=factual_correctness"])
    assert np.isnan(values(found)["ragas_factual_correctness"]).all()
    codes = {entry.item: entry.code for entry in found.ledger.entries}
    assert (codes["q1"], codes["q2"]) == ("no-statement", "no-reference")
    detail: Any = found.details["ragas_factual_correctness"]["q1"]
    assert detail["precision"]["statements"] == []
    assert [one["text"] for one in detail["recall"]["statements"]] == ["Stone 1 is red."]


def test_a_spent_budget_leaves_reasons() -> None:
    numbers = range(20)
    found = judged(LLMServer(reply=truth), [answered(n) for n in numbers], golden(numbers),
                   ["ragas:metric=faithfulness"], budget=Budget(max_tokens=20_000))  # fmt: skip
    told = np.array(values(found)["ragas_faithfulness"])
    stopped = {entry.item for entry in found.ledger.entries}
    assert {entry.code for entry in found.ledger.entries} == {"judge-stopped"}
    assert 0 < len(stopped) < 20
    assert {f"q{n}" for n in numbers if np.isnan(told[n])} == stopped
    assert [value for value in told if not np.isnan(value)] == pytest.approx(
        [expected(n) for n in numbers if f"q{n}" not in stopped]
    )


def test_what_ends_the_run_is_raised_once_nothing_is_under_way() -> None:
    class Spent:
        def __init__(self) -> None:
            self.asked = self.answered = 0

        async def ask(self, request: Request) -> Answer:
            self.asked += 1
            if self.asked > 600:
                raise BudgetSpent("no more")
            await asyncio.sleep(0.01)
            self.answered += 1
            return Answer({"statements": []})

    from ragbench.answers.metrics.base import ScoringContext
    from ragbench.plugins import ANSWER_METRICS, build

    judge, answers = Spent(), AnswerSet(tuple(answered(n) for n in range(2000)))
    metric = build(ANSWER_METRICS, "ragas:metric=faithfulness")
    with pytest.raises(BudgetSpent):
        asyncio.run(metric.score(answers, ScoringContext(golden=[None] * 2000, judge=judge)))
    assert judge.answered == 600
    assert judge.asked < 600 + 600


def test_ragas_and_the_native_judge_agree_in_one_table() -> None:
    """The same statements and verdicts: only Ragas' rounding and its 1e-10 in average precision may differ."""
    numbers = range(12)
    server = LLMServer(reply=either)
    answers = [answered(n) for n in numbers] + [answered(12, answer="Stone 12 is hard to tell apart.")]
    found = judged(server, answers, golden(range(13)), [*METRICS, *(f"ragas:metric={name}" for name in METRICS)])
    told = values(found)
    within = {"context_precision": 1e-9, "factual_correctness": 0.005}
    for name in METRICS:
        assert told[f"ragas_{name}"] == pytest.approx(told[name], abs=within.get(name, 1e-6), nan_ok=True), name
    assert told["faithfulness"][:12] == pytest.approx([expected(n) for n in numbers])
    native: Any = found.details["faithfulness"]
    theirs: Any = found.details["ragas_faithfulness"]
    for id_, detail in theirs.items():
        for ours, ragas in zip(native[id_]["statements"], detail["statements"], strict=True):
            for key in ("text", "start", "end", "verdict", "contradicted_by", "verdicts"):
                assert ragas[key] == ours[key]
            # Of several sources Ragas names none.
            assert ragas["supported_by"] in ([], ours["supported_by"])


def test_telemetry_is_off_before_ragas_is_imported() -> None:
    """Also where the environment says otherwise; and a metric can be named without importing Ragas."""
    work = (
        "import sys\n"
        "from ragbench.plugins import ANSWER_METRICS, build\n"
        "build(ANSWER_METRICS, 'ragas:metric=faithfulness')\n"
        "assert 'ragas' not in sys.modules\n"
        "import ragbench.answers.ragas.score\n"
        "from ragas._analytics import do_not_track\n"
        "assert do_not_track()\n"
    )
    done = subprocess.run([sys.executable, "-c", work], env={"RAGAS_DO_NOT_TRACK": "false"}, capture_output=True,
                          text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_generate_from_another_thread() -> None:
    from ragas.metrics.collections.faithfulness.util import StatementGeneratorOutput

    from ragbench.answers.ragas.judge import Asking, JudgeLLM

    class Fixed:
        async def ask(self, request: Request) -> Answer:
            return Answer({"statements": [request.messages[0].text]})

    async def both() -> Any:
        llm = JudgeLLM(Asking(Fixed(), "0", 10, 0.0, 0))
        with pytest.raises(RuntimeError, match="await agenerate"):
            llm.generate("x", StatementGeneratorOutput)
        return await asyncio.to_thread(llm.generate, "x", StatementGeneratorOutput)

    assert asyncio.run(both()).statements == ["x"]


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("ragas:metric=faithfulness,mode=recall", "mode is a setting of factual_correctness, not of faithfulness"),
        ("ragas:metric=answer_relevancy,strictness=0", "strictness must be above 0"),
        ("ragas:metric=relevance", "metric is 'relevance'; it must be 'faithfulness'"),
        ("ragas", "metric is missing"),
    ],
)
def test_settings_that_cannot_be(spec: str, told: str) -> None:
    from ragbench.plugins import ANSWER_METRICS, build

    with pytest.raises(SettingError, match=told):
        build(ANSWER_METRICS, spec)


@pytest.mark.slow
def test_faults_and_kills_lose_no_row(tmp_path: Path) -> None:
    count = 400
    told = through_faults(tmp_path, count, kills=2)
    assert set(told["faults"]) >= {"429", "429-after", "500", "503", "drop", "drop-midway", "broken-json", "cut-json"}
    check(told, count)
    assert told["lost"] <= 2 * 2 * CONCURRENCY
