"""Answers: ask for them, score them, and check the judge that scores them."""

from ragbench.answers.judge_check.check import JudgeCheck
from ragbench.answers.judging import JudgePlan
from ragbench.answers.scoring import AnswerEvaluation
from ragbench.api.audits import GOLDEN
from ragbench.api.bind import call_then
from ragbench.api.documents import CORPUS
from ragbench.core.answers import AnswerSet
from ragbench.workflows import answer as answer_workflow
from ragbench.workflows import check_judge as check_workflow
from ragbench.workflows import score as score_workflow
from ragbench.workflows.answer import AnswerPlan, AnswerResult
from ragbench.workflows.check_judge import CheckedJudge
from ragbench.workflows.score import ScoredAnswers

ANSWERS = "a path of answers, or answers, as rb.load_answers(path) reads them"


def _answers(result: AnswerResult | AnswerPlan) -> AnswerSet | AnswerPlan:
    return result.answers if isinstance(result, AnswerResult) else result


answer = call_then(
    "answer", answer_workflow.Options, answer_workflow.run, _answers, called={"corpus": CORPUS, "golden": GOLDEN}
)


def _evaluation(result: ScoredAnswers | JudgePlan) -> AnswerEvaluation | JudgePlan:
    return result.evaluation if isinstance(result, ScoredAnswers) else result


score_answers = call_then(
    "score_answers", score_workflow.Options, score_workflow.run, _evaluation,
    called={
        "answers": ANSWERS,
        "golden": GOLDEN,
        "corpus": CORPUS,
        "metrics": 'a name of an answer metric, "token_f1", or a list of them',
    },
)  # fmt: skip


def _judge_check(result: CheckedJudge | JudgePlan) -> JudgeCheck | JudgePlan:
    return result.check if isinstance(result, CheckedJudge) else result


check_judge = call_then(
    "check_judge", check_workflow.Options, check_workflow.run, _judge_check,
    called={"labels": "a path of labelled answers, a list of paths, or labels"},
)  # fmt: skip
