"""Answers: ask for them, score them, and check the judge that scores them."""

from pathlib import Path

from ragbench.answers.answering import AnswerSettings
from ragbench.answers.judge_check.check import JudgeCheck
from ragbench.answers.judging import JudgePlan
from ragbench.answers.scoring import AnswerEvaluation
from ragbench.api.audits import GOLDEN
from ragbench.api.bind import call_then
from ragbench.api.checked import checked, saying
from ragbench.api.data import CORPUS, DOCUMENTS
from ragbench.api.progress import bars
from ragbench.core.answers import AnswerSet
from ragbench.models.llm.roles import CallOptions, ModelOptions
from ragbench.workflows import check_judge as check_workflow
from ragbench.workflows import score as score_workflow
from ragbench.workflows.answer import ROLE, Options, answer_run
from ragbench.workflows.check_judge import CheckedJudge
from ragbench.workflows.score import ScoredAnswers

ANSWERS = "a path of answers, or answers, as rb.load_answers(path) reads them"


@checked(corpus=DOCUMENTS, golden="a path: the file or folder of the golden set")
def answer(
    corpus: Path | str,
    golden: Path | str,
    out: Path | str,
    *,
    llm: str,
    retriever: str = "hybrid",
    k: int = 5,
    min_score: float | None = None,
    chunker: str = "auto",
    max_cost: float | None = None,
    base_url: str | None = None,
    concurrency: int = 8,
    seed: int = 0,
    cache: Path | str | None = None,
) -> AnswerSet:
    """Answer the queries of a golden set from documents, as ``ragbench answer`` does; what it tells is printed.

    An interrupted call goes on where it was when it is made again. Works inside a
    running event loop.

    Args:
        corpus: file or folder of documents.
        golden: golden set.
        out: folder for the answers.
        llm: ``"provider:model"`` that answers.
        retriever: what finds the passages.
        k: passages shown to the model.
        min_score: abstain where the best score is below it.
        chunker: as of `ragbench.api.data.generate`.
        max_cost: the most to spend, all calls for this folder together.
        base_url: of a server compatible with OpenAI's.
        concurrency: calls in flight at once.
        seed: passed on to the model.
        cache: folder for embeddings; the user's cache folder if None.

    Raises:
        SettingError: an option that cannot be used.
        InputError: wrong input, or the folder holds something else.
    """
    asking = ModelOptions({ROLE: llm}, CallOptions(base_url=base_url, concurrency=concurrency, max_cost=max_cost), seed)
    options = Options(
        out=Path(out), corpus=Path(corpus), golden=Path(golden), questions=None, answers=None, endpoint=None,
        header_env=None, columns=None, retriever=retriever, loader=None, chunker=chunker, name=None, dry_run=False,
        resume=False, force=False, cache=None if cache is None else Path(cache), asking=asking,
        settings=AnswerSettings(k, min_score, seed=seed),
    )  # fmt: skip
    return answer_run(options, say=saying(answer), progress=bars).answers


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
