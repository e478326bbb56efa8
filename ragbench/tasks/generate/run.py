"""One run of generate: check, plan, ask, review, write."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NamedTuple

from ragbench.core.context import Context
from ragbench.core.errors import InputError
from ragbench.core.goldens import GoldenSet
from ragbench.core.loop import run_anywhere
from ragbench.core.progress import Progress
from ragbench.golden.generate import Generated, Job, generate
from ragbench.golden.generate_plan import plan
from ragbench.golden.outputs import RESULTS, write_outputs
from ragbench.golden.outputs_card import card
from ragbench.io.cache import cache_folder
from ragbench.io.run_folder import ANSWERS, SPENT, claimed, identity
from ragbench.models.llm.batch.journal import Journal
from ragbench.models.llm.estimate import Estimate
from ragbench.models.llm.roles import Models, write_spent
from ragbench.tasks.generate.options import Options
from ragbench.tasks.generate.prepare import Prepared, Stages, checked, parts_of, prepare


class Made(NamedTuple):
    """What a run made.

    Attributes:
        golden: the set, as it stands in the folder.
        generated: every draft and what became of it.
        chunks: how many were asked about.
        totals: what this run did, by model.
        left_out: lines that tell what of the corpus was left out.
    """

    golden: GoldenSet
    generated: Generated
    chunks: int
    totals: Mapping[str, Mapping[str, object]]
    left_out: list[str]


def generate_run(options: Options, *, say: Callable[[str], None], progress: Progress) -> Made:
    """Write the golden set of the options into their folder, or go on where an interrupted run was.

    Args:
        options: what is asked for.
        say: takes lines that tell how it goes.
        progress: of what takes long.

    Raises:
        RagbenchError: wrong input, a run that cannot go on, or no query accepted.
    """
    settings, stages = checked(options)
    context = context_of(options, progress)
    with contextlib.closing(Models(options.asking)) as models:
        prepared = prepare(options, settings, stages, context, say)
        out = options.folder
        known = identity("generate", parts_of(options, prepared.job, models))
        with claimed(out, known, RESULTS, resume=options.resume, force=options.force) as again:
            if again and models.clients:
                say(f"{out} holds this run already: going on where it was")
            models.open(out / ANSWERS)
            _refuse_while_batches_run(options)
            job = replace(prepared.job, askers=models.clients)
            try:
                generated = run_anywhere(_generate(job, prepared.stages, context, models))
            finally:
                write_spent(out / SPENT, models)
            golden = write(options, job, generated, models, known)
        return Made(golden, generated, len(job.rows), models.totals(), prepared.left_out)


def plan_run(options: Options, *, say: Callable[[str], None], progress: Progress) -> dict[str, Estimate]:
    """Calls, tokens and cost by role, before anything is asked; what the folder's answers cover counts as cached.

    Raises:
        RagbenchError: wrong input.
    """
    settings, stages = checked(options)
    context = context_of(options, progress)
    with contextlib.closing(Models(options.asking)) as models:
        return estimates(options, prepare(options, settings, stages, context, say), models, context)


def estimates(options: Options, prepared: Prepared, models: Models, context: Context) -> dict[str, Estimate]:
    """As `plan_run`, for what is prepared."""
    if not models.clients:
        return {}
    if options.out is not None and (options.out / ANSWERS).is_file():
        models.open(options.out / ANSWERS)
    return plan(prepared.job, prepared.stages, models.clients, context)


def context_of(options: Options, progress: Progress) -> Context:
    """Where the run works."""
    return Context(cache=cache_folder(options.cache), seed=options.seed, progress=progress)


def write(options: Options, job: Job, generated: Generated, models: Models, known: Mapping[str, object]) -> GoldenSet:
    """Write what came of the run into its folder.

    Raises:
        InputError: nothing was accepted, or the disk is full.
    """
    document_of = {chunk.id: chunk.document_id for chunk in job.chunks}
    text = card(options.folder.resolve().name, job, generated, models.paid(), options.corpus.name)
    return write_outputs(options.folder, generated, document_of, known, text)


def _refuse_while_batches_run(options: Options) -> None:
    waiting = sum(batch.lines for batch in Journal.read(options.folder).under_way())
    if waiting and not options.force:
        raise InputError(
            f"{options.out}: {waiting} requests are under way in batches, and would be paid for twice. "
            f"Get their answers first (ragbench batch fetch {options.out}), or write --force to ask all the same"
        )


async def _generate(job: Job, stages: Stages, context: Context, models: Models) -> Generated:
    try:
        return await generate(job, stages, context)
    finally:
        await models.aclose()
