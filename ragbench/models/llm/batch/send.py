"""Send planned batches and fetch their answers, whatever fails in between."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

from ragbench.core.context import unheard
from ragbench.core.errors import InputError, RagbenchError, SettingError
from ragbench.models.llm.answers import AnswerStore
from ragbench.models.llm.base import Answer, AnswerLater, LLMError, Request, Response, ServiceDown, Usage
from ragbench.models.llm.batch.base import BatchService, Seen
from ragbench.models.llm.batch.journal import FILES, Batch, Journal
from ragbench.models.llm.chat_errors import read_error
from ragbench.models.llm.client import Client
from ragbench.models.llm.costs import CHARACTERS_PER_TOKEN
from ragbench.models.llm.structured import Invalid, Refused, again, read_answer

TRIES = 6
FIRST_WAIT, LONGEST_WAIT = 0.5, 20.0
"""Seconds. The wait doubles from try to try unless the provider asks for another one."""
T = TypeVar("T")


class BatchRefused(RagbenchError):
    """The provider does not accept the batch, however often it is sent."""


def patiently(
    what: str, call: Callable[[], T], found: Callable[[], T | None] | None = None, *, look_first: bool = False
) -> T:
    """Make an exchange, with retries, and return its result.

    Args:
        what: for messages, "creating a batch".
        call: the exchange.
        found: looks for the result of an earlier try that succeeded although its reply was lost. It is called before
            every further try. Without it, the exchange must be safe to repeat.
        look_first: call `found` before the first try too.

    Raises:
        BatchRefused: the provider refuses.
        SettingError: wrong key or address.
        ServiceDown: no reply after several tries.
    """
    failure: LLMError | None = None
    for at in range(TRIES):
        if failure is not None:
            time.sleep(failure.retry_after or min(LONGEST_WAIT, FIRST_WAIT * 2 ** (at - 1)))
        try:
            if found is not None and (look_first or failure is not None):
                earlier = found()
                if earlier is not None:
                    return earlier
            return call()
        except RagbenchError:
            raise
        # Every library has its own errors. `read_error` sorts them, and none is swallowed.
        except Exception as error:
            failure = read_error(error)
            if failure.fatal:
                raise SettingError(f"{what}: {failure}") from error
            if not failure.retry:
                raise BatchRefused(f"{what}: {failure}") from error
    raise ServiceDown(
        f"{what}: no success in {TRIES} tries, the last: {failure}. Nothing is lost: run the same command again later"
    )


def send(journal: Journal, batch: Batch, service: BatchService, say: Callable[[str], None] = unheard) -> Batch:
    """Upload the input file and create the batch, from the step where the journal ends.

    Args:
        journal: of the run.
        batch: what to send.
        service: where to.
        say: takes a line about each step, before it begins.

    Raises:
        InputError: the provider refuses the batch. The journal records it, and its requests are free again.
        SettingError, ServiceDown: the same command continues later.
    """
    name, path = batch.name, journal.file(batch.name, "input")
    try:
        if batch.step in ("planned", "uploading"):
            resumed = batch.step == "uploading"
            journal.note("uploading", name)
            say(f"{name}: {'looking for its file, or ' * resumed}uploading {batch.lines} requests")
            upload = patiently(
                f"uploading {name}",
                lambda: service.upload(path, name),
                lambda: service.find_upload(path, name),
                look_first=resumed,
            )
            batch = journal.note("uploaded", name, upload=upload)
        if batch.step in ("uploaded", "creating"):
            upload, resumed = batch.upload, batch.step == "creating"
            journal.note("creating", name)
            say(f"{name}: {'looking for it, or ' * resumed}creating it")
            id_ = patiently(
                f"creating {name}",
                lambda: service.create(name, upload),
                lambda: service.find(name, upload),
                look_first=resumed,
            )
            batch = journal.note("created", name, id=id_)
    except BatchRefused as error:
        journal.note("refused", name, reason=str(error))
        raise InputError(f"{batch.model} takes no batch of these {batch.lines} requests: {error}") from error
    return batch


def adopt(journal: Journal, batch: Batch, service: BatchService) -> Batch:
    """Look for a batch that may have been created when the process died. Creates nothing."""
    if batch.step != "creating":
        return batch
    id_ = patiently(f"looking for {batch.name}", lambda: service.find(batch.name, batch.upload))
    return journal.note("created", batch.name, id=id_) if id_ else batch


def still_wanted(journal: Journal, batch: Batch, answers: AnswerStore) -> bool:
    """Whether no request of an uncreated batch was answered in another way. Otherwise the batch is dropped.

    Open requests of a dropped batch go into a new one.
    """
    if batch.step == "created":
        return True
    if any(answers.get(f"{batch.fingerprint}:{key}") for key, _ in journal.keys(batch.name)):
        journal.note("dropped", batch.name, reason="some of its requests were answered in another way")
        return False
    return True


class Collector:
    """An asker that makes no calls: it returns stored answers and records missing ones.

    It takes the same path through the same answers as a `Client`, re-asks included, so the answers of a batch
    serve a client, and the other way round.

    Args:
        client: its model, settings and totals are used; it is never called.
        answers: the stored answers.
        given_up: why no further try is made, by request fingerprint.

    Attributes:
        missing: the requests to ask, by fingerprint, in the order of recording.
    """

    def __init__(self, client: Client, answers: AnswerStore, given_up: Mapping[str, str]) -> None:
        self.client, self._answers, self._given_up = client, answers, given_up
        self._identity = client.llm.fingerprint()
        self.missing: dict[str, Request] = {}

    async def ask(self, request: Request) -> Answer:
        """Return the answer if it is stored.

        Raises:
            AnswerLater: it is not stored; the request is recorded.
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


AT_ONCE = 2000
"""Answers that are stored together."""


def fetch(journal: Journal, batch: Batch, service: BatchService, answers: AnswerStore) -> Batch:
    """Check a created batch, and store its answers if it has ended.

    It can be repeated after a kill at any point: an answer is stored once.

    Raises:
        InputError: an answer cannot be stored.
        SettingError, ServiceDown, BatchRefused: the provider cannot be reached.
    """
    seen = patiently(f"looking at {batch.name}", lambda: service.look(batch.id))
    if seen.state != batch.state:
        batch = journal.note("state", batch.name, state=seen.state)
    if not seen.ended:
        return batch
    path = journal.file(batch.name, "output")
    (journal.folder / FILES).mkdir(parents=True, exist_ok=True)
    patiently(f"downloading {batch.name}", lambda: service.download(batch.id, batch.name, path))
    found, failures, unread = _matched(journal, batch, service)
    asyncio.run(_keep(answers, found))
    if seen.failed and not found and not failures:
        reason = seen.reason or "the provider gives no reason"
        return journal.note("fetched", batch.name, failed=0, reason=reason, whole=True)
    failed = _failed(journal, batch, found, failures, seen)
    journal.write(batch.name, "failed", failed)
    reason = f"{unread} lines of the results could not be read or were not asked for" if unread else ""
    return journal.note("fetched", batch.name, answered=len(found), failed=len(failed), reason=reason)


def _matched(journal: Journal, batch: Batch, service: BatchService) -> tuple[dict[str, Response], dict[str, str], int]:
    """Responses by cache key, failures by fingerprint, and the number of results that match no request."""
    expected = {
        service.record_id(number, key): (key, estimated)
        for number, (key, estimated) in enumerate(journal.keys(batch.name), 1)
    }
    found: dict[str, Response] = {}
    failures: dict[str, str] = {}
    unread = 0
    for result in service.results(journal.file(batch.name, "output")):
        if result.id not in expected:
            unread += 1
            continue
        key, estimated = expected[result.id]
        if result.response is None:
            failures.setdefault(key, result.failure)
        else:
            found.setdefault(f"{batch.fingerprint}:{key}", _counted(result.response, estimated))
    return found, failures, unread


def _counted(response: Response, estimated: int) -> Response:
    """The response with the provider's token count, or an estimate if it gave none."""
    if response.usage != Usage():
        return response
    written = max(1, round(len(response.text) / CHARACTERS_PER_TOKEN))
    return Response(response.text, Usage(estimated, written), response.finish_reason)


def _failed(
    journal: Journal, batch: Batch, found: Mapping[str, Response], failures: Mapping[str, str], seen: Seen
) -> list[dict[str, str]]:
    return [
        {"key": key, "reason": failures.get(key) or f"no result for it: the batch ended as {seen.state}"}
        for key, _ in journal.keys(batch.name)
        if f"{batch.fingerprint}:{key}" not in found
    ]


async def _keep(answers: AnswerStore, found: Mapping[str, Response]) -> None:
    rows = list(found.items())
    for start in range(0, len(rows), AT_ONCE):
        await asyncio.gather(*(answers.put(key, response) for key, response in rows[start : start + AT_ONCE]))
