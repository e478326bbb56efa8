"""Ask a language model with its system prompt the questions of probes."""

from collections.abc import Sequence

from ragbench.answers.answering import STAGE
from ragbench.answers.probe.cases import Case
from ragbench.core.answers import Answered, Source
from ragbench.core.context import Context
from ragbench.core.errors import ArmError
from ragbench.core.ledger import Ledger, LedgerEntry
from ragbench.engine import ask
from ragbench.models.llm.base import Answer, Asker, Message, Request
from ragbench.models.llm.prompt import substitute

LABEL = "probe-target/1"
PLACE = "{context}"
NOTHING = "(no document was found)"


async def ask_model(
    cases: Sequence[Case], asker: Asker, system: str, context: Context, *, max_tokens: int = 512
) -> tuple[tuple[Answered, ...], Ledger]:
    """Ask the model. Returns its answers in the order of the cases.

    Args:
        cases: the cases to ask.
        asker: the model.
        system: its system prompt, may be empty. Documents replace ``{context}`` in it, or precede the question if
            it has no such placeholder.
        context: seed and progress.
        max_tokens: the most output tokens of one answer.

    Raises:
        ArmError: no case was answered.
    """
    requests = [request_of(case, system, seed=context.seed, max_tokens=max_tokens) for case in cases]
    came = await ask(asker, requests, what="asking the model", progress=context.progress)
    items = tuple(_answered(case, answer) for case, answer in zip(cases, came, strict=True))
    failures = [item for item in items if item.failure]
    if len(failures) == len(items):
        raise ArmError(f"the model gave no answer to any of {len(items)} cases; the first: {failures[0].failure}")
    return items, Ledger(tuple(LedgerEntry(STAGE, item.query_id, item.failure, "no-answer") for item in failures))


def request_of(case: Case, system: str, *, seed: int, max_tokens: int) -> Request:
    """Build the request for one case."""
    documents = "\n\n".join(f"[{n}] {d.title}\n{d.text}" for n, d in enumerate(case.documents, 1))
    question = case.question
    if PLACE in system:
        system = substitute(system, {"context": documents or NOTHING})
    elif documents:
        question = f"Documents:\n\n{documents}\n\nQuestion: {question}"
    first = (Message("system", system),) if system.strip() else ()
    return Request(LABEL, (*first, Message("user", question)), max_tokens=max_tokens, seed=seed)


def _answered(case: Case, answer: Answer) -> Answered:
    sources = tuple(Source(d.id, d.id, d.text) for d in case.documents)
    said = "" if answer.value is None else str(answer.value)
    failure = (answer.failure or "there is no answer") if answer.value is None else ""
    return Answered(case.id, case.question, said, sources, failure=failure, seconds=answer.seconds)
