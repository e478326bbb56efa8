"""Estimate what both phases would take, before anything is asked."""

from collections.abc import Mapping, Sequence

from ragbench.answers.wattbot.inputs import Question
from ragbench.answers.wattbot.run import MOST_ANSWER, explain_request
from ragbench.answers.wattbot.search import Found
from ragbench.answers.wattbot.solutions import answered
from ragbench.models.llm.answers import AnswerStore
from ragbench.models.llm.base import Answer, AnswerLater, Request
from ragbench.models.llm.batch.send import Collector
from ragbench.models.llm.client import Client
from ragbench.models.llm.costs import Estimate


async def estimate_phases(
    questions: Sequence[Question],
    found: Sequence[Found],
    requests: Mapping[int, Request],
    client: Client,
    kept: AnswerStore | None,
    *,
    max_tokens: int = 512,
) -> dict[str, Estimate]:
    """Estimate the phases ``answer`` and ``explain``.

    The first phase's requests are the real ones. So are those of the second phase if the first phase's answer is
    stored from an earlier run. Every other question is assumed to be answered at the greatest length, so its
    numbers are upper bounds.

    Args:
        questions: all of them.
        found: the chunks of each question.
        requests: requests of the first phase, by row of the question.
        client: client of the model; it is not called.
        kept: stored answers of an earlier run, or None.
        max_tokens: the most output tokens of one reply.
    """
    second = []
    for row, request in requests.items():
        text = await _answer_text(questions[row], request, found[row], client, kept)
        if text is not None:
            second.append(
                explain_request(questions[row], text, found[row].chunks, seed=request.seed, max_tokens=max_tokens)
            )
    return {"answer": client.plan(requests.values()), "explain": client.plan(second)}


async def _answer_text(
    question: Question, request: Request, found: Found, client: Client, kept: AnswerStore | None
) -> str | None:
    """The input of the second phase: the stored answer (None if blank), otherwise one of the greatest length."""
    answer = await _kept_answer(request, client, kept)
    if answer is None:
        return "x" * MOST_ANSWER
    solution, _ = answered(question, answer, found.chunks)
    return None if solution.is_blank else solution.answer


async def _kept_answer(request: Request, client: Client, kept: AnswerStore | None) -> Answer | None:
    if kept is None:
        return None
    try:
        return await Collector(client, kept, {}).ask(request)
    except AnswerLater:
        return None
