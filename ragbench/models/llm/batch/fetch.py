"""A batch that has ended -> answers in the run's cache, and a list of what got none."""

import asyncio
import json
from collections.abc import Mapping

from ragbench.io.atomic import write_text
from ragbench.models.llm.answers import AnswerStore
from ragbench.models.llm.base import Response, Usage
from ragbench.models.llm.batch.base import BatchService, Seen
from ragbench.models.llm.batch.journal import FILES, Batch, Journal
from ragbench.models.llm.batch.patience import patiently
from ragbench.models.llm.tokens import CHARACTERS_PER_TOKEN

AT_ONCE = 2000
"""Answers that are handed to the cache together."""


def fetch(journal: Journal, batch: Batch, service: BatchService, answers: AnswerStore) -> Batch:
    """Look at a begun batch, and if it has ended, keep what came of it.

    It may be repeated after a kill at any point: an answer is kept once.

    Raises:
        InputError: an answer cannot be kept.
        SettingError, ServiceDown, BatchRefused: the provider cannot be asked.
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
    write_text(journal.file(batch.name, "failed"), "".join(json.dumps(row) + "\n" for row in failed))
    reason = f"{unread} lines of the results could not be read or were not asked for" if unread else ""
    return journal.note("fetched", batch.name, answered=len(found), failed=len(failed), reason=reason)


def _matched(journal: Journal, batch: Batch, service: BatchService) -> tuple[dict[str, Response], dict[str, str], int]:
    """Responses by key of the cache, failures by fingerprint, and the number of results that fit no request."""
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
    """With the provider's count of tokens, or an estimate where it gave none."""
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
