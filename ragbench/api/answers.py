"""Answers: make them, and score them."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from ragbench.answers.answering import AnswerSettings
from ragbench.answers.judging import ROLE as JUDGE
from ragbench.answers.judging import judged
from ragbench.answers.metrics.base import AnswerMetric
from ragbench.answers.scoring import AnswerEvaluation, ScoreSettings
from ragbench.answers.scoring import score_answers as _score
from ragbench.api.checked import checked, saying
from ragbench.api.data import DOCUMENTS
from ragbench.api.progress import bars
from ragbench.core.answers import AnswerSet
from ragbench.core.context import Context
from ragbench.core.documents import Corpus
from ragbench.core.errors import SettingError
from ragbench.core.goldens import GoldenSet
from ragbench.io.places import cache_folder
from ragbench.models.llm.roles import CallOptions, ModelOptions
from ragbench.workflows.answer import ROLE, Options, answer_run


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


@checked(metrics='a name of an answer metric, "token_f1", or a list of them')
def score_answers(
    answers: AnswerSet,
    golden: GoldenSet,
    metrics: str | AnswerMetric | Sequence[str | Mapping[str, object] | AnswerMetric] = (
        "exact_match",
        "token_f1",
        "abstention",
    ),
    *,
    judge: str | None = None,
    out: Path | str | None = None,
    corpus: Corpus | None = None,
    max_cost: float | None = None,
    base_url: str | None = None,
    concurrency: int = 8,
    seed: int = 0,
    resamples: int = 10_000,
    cache: Path | str | None = None,
) -> AnswerEvaluation:
    """Score answers against a golden set.

    With a judge, an answer of it is paid for once: a call that was interrupted, or
    whose budget was spent, goes on where it was when it is made again; then
    ``.stopped`` says why, and what has no score yet has its reason in the ledger.

    Args:
        answers: what was said.
        golden: what was expected.
        metrics: specs (``"numeric:relative=0.01"``) or metrics.
        judge: ``"provider:model"``, for metrics that need one (``faithfulness``).
        out: folder that keeps what the judge said; needed with a judge.
        corpus: to find cited passages in their documents.
        max_cost: the most to spend on the judge, all calls for this folder together.
        base_url: of a server compatible with OpenAI's.
        concurrency: calls of the judge in flight at once.
        seed: of the bootstrap.
        resamples: of the bootstrap.
        cache: folder for embeddings; the user's cache folder if None.

    Raises:
        SettingError: a metric is unknown, set wrongly, or needs a judge; every fault is listed.
        InputError: not one answer is of a query of the golden set.

    Examples:
        >>> from ragbench.core.answers import Answered
        >>> query = "shelter for two to spend nights on snow in january"
        >>> answers = rb.AnswerSet((Answered("q001", query, "The Tarnfell 2 Winter tent."),))
        >>> golden = rb.GoldenSet(rb.load_golden("datasets/shop").items[:1])
        >>> rb.score_answers(answers, golden, "exact_match").metrics["exact_match"].mean
        1.0
    """
    documents = None if corpus is None else {document.id: document.text for document in corpus}
    context = Context(cache=cache_folder(cache), progress=bars)
    settings = ScoreSettings(seed, resamples)
    asked_for = [metrics] if isinstance(metrics, str | AnswerMetric) else metrics
    score = partial(_score, answers, golden, asked_for, documents=documents, settings=settings, context=context)
    if judge is None:
        return score()
    if out is None:
        raise SettingError("out is not given: name a folder; the judge's answers, which are paid for, are kept in it")
    asking = ModelOptions(
        {JUDGE: judge}, CallOptions(base_url=base_url, concurrency=concurrency, max_cost=max_cost), seed
    )
    return judged(asking, Path(out), lambda asked: score(judge=asked))[0]
