"""What a run would take, before anything is spent."""

from collections.abc import Mapping, Sequence

from ragbench.core.context import Context
from ragbench.golden.drafts import Draft, Opinion
from ragbench.golden.generate import WRITER, Job, calls_of
from ragbench.golden.prompts import judge, reconsider
from ragbench.golden.stages.base import Stage
from ragbench.models.llm.base import Request
from ragbench.models.llm.client import Client
from ragbench.models.llm.estimate import Estimate

QUERY, ANSWER, QUOTE, REASON = 70, 120, 160, 160
"""Characters that a query, its answer, its quotes and a judge's reason are taken to have."""


def plan(
    job: Job, stages: Sequence[tuple[str, Stage]], clients: Mapping[str, Client], context: Context
) -> dict[str, Estimate]:
    """An estimate by role.

    The writer's requests are the real ones. What examiners will see is not
    written yet: every query is taken to reach them, of usual length, so their
    numbers are upper bounds.
    """
    calls = calls_of(job, context)
    found = {WRITER: clients[WRITER].plan(call.request for call in calls)}
    examined = {stage.role for _, stage in stages if stage.role is not None}
    drafts = [
        (_pretended(call.chunk_ids, wanted.type, f"{at}.{number}"), call.chunk_ids)
        for at, call in enumerate(calls)
        for number, wanted in enumerate(call.wanted)
    ]
    for role in sorted(examined & clients.keys()):
        requests = [_request(role, draft, [job.chunks[job.chunks.row[id_]].content for id_ in ids], job.settings.seed)
                    for draft, ids in drafts]  # fmt: skip
        found[role] = clients[role].plan(requests)
    return found


def _pretended(chunk_ids: tuple[str, ...], type_: str, name: str) -> Draft:
    return Draft(name, name.ljust(QUERY, "x"), type_, "x" * ANSWER, ("x" * QUOTE,), chunk_ids)


def _request(role: str, draft: Draft, passages: Sequence[str], seed: int) -> Request:
    if role == "judge":
        return judge.JUDGE.request(judge.filled(draft, passages), seed=seed)
    opinion = Opinion("judge", False, "x" * REASON)
    return reconsider.RECONSIDER.request(reconsider.filled(draft, passages, opinion), seed=seed)
