"""Work that runs on kept answers, and notes what it misses."""

from collections.abc import Mapping

from ragbench.models.llm.answers import AnswerStore
from ragbench.models.llm.base import Answer, Request
from ragbench.models.llm.client import Client
from ragbench.models.llm.errors import AnswerLater
from ragbench.models.llm.parse import Invalid, Refused, read_answer
from ragbench.models.llm.reask import again


class Collector:
    """An asker that calls nobody: a kept answer is given, a missing one is noted.

    It walks the same way through the same answers as a `Client` does, re-asks included, so that what a batch
    brings serves a client and the other way round.

    Args:
        client: whose model, settings and totals are used; it is never asked.
        answers: the kept answers.
        given_up: why no further try is made, by fingerprint of the request.

    Attributes:
        missing: what must be asked, by fingerprint, in the order it was noted.
    """

    def __init__(self, client: Client, answers: AnswerStore, given_up: Mapping[str, str]) -> None:
        self.client, self._answers, self._given_up = client, answers, given_up
        self._identity = client.llm.fingerprint()
        self.missing: dict[str, Request] = {}

    async def ask(self, request: Request) -> Answer:
        """The answer, as far as what is kept goes.

        Raises:
            AnswerLater: it must be asked for; it is noted.
        """
        totals, reasks = self.client.totals, self.client.limits.reasks
        asked, raw, failure = request, "", ""
        for attempt in range(reasks + 1):
            kept = self._answers.get(f"{self._identity}:{asked.fingerprint}")
            if kept is None:
                reason = self._given_up.get(asked.fingerprint)
                if reason is None:
                    self.missing[asked.fingerprint] = asked
                    raise AnswerLater(f"{self.client.llm.name}: a question is noted for a batch")
                totals.given_up += 1
                return Answer(None, reason, raw, unanswered=True)
            totals.cached += 1
            raw = kept.text
            try:
                return Answer(read_answer(request, kept), raw=raw)
            except Invalid as fault:
                failure = str(fault)
                if isinstance(fault, Refused):
                    break
                asked = again(request, raw, failure, attempt + 1)
                totals.reasks += attempt < reasks
        totals.given_up += 1
        return Answer(None, failure, raw)
