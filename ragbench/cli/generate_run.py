"""The work behind ``ragbench generate``: check, plan, run, write, tell."""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import replace

from ragbench.cli.generate_options import Options
from ragbench.cli.generate_prepare import Stages, checked, parts_of, prepare
from ragbench.cli.generate_tell import say_to, tell, tell_plan
from ragbench.cli.language_models import Models, write_spent
from ragbench.cli.progress import Progress
from ragbench.core.context import Context
from ragbench.core.errors import InputError
from ragbench.golden.generate import Generated, Job, generate
from ragbench.golden.outputs import RESULTS, write_outputs
from ragbench.golden.outputs_card import card
from ragbench.io.cache import cache_folder
from ragbench.io.run_folder import ANSWERS, SPENT, claimed, identity
from ragbench.models.llm.batch.journal import Journal


def run(options: Options) -> None:
    """Do what the command says.

    Raises:
        RagbenchError: wrong input, a run that cannot go on, or no query accepted.
    """
    say = say_to(options.as_json)
    settings, stages = checked(options)
    context = Context(cache=cache_folder(options.cache), seed=options.seed, progress=Progress())
    with contextlib.closing(Models(options.asking)) as models:
        prepared = prepare(options, settings, stages, context, say)
        if options.dry_run:
            tell_plan(options, prepared, models, context)
            return
        assert options.out is not None
        known = identity("generate", parts_of(options, prepared.job, models))
        with claimed(options.out, known, RESULTS, resume=options.resume, force=options.force) as again:
            if again and models.clients:
                say(f"{options.out} holds this run already: going on where it was")
            models.open(options.out / ANSWERS)
            _refuse_while_batches_run(options)
            job = replace(prepared.job, askers=models.clients)
            try:
                generated = asyncio.run(_generate(job, prepared.stages, context, models))
            finally:
                write_spent(options.out / SPENT, models)
            fingerprint = write(options, job, generated, models, known)
    tell(options, job, generated, models, prepared.left_out, fingerprint)


def write(options: Options, job: Job, generated: Generated, models: Models, known: Mapping[str, object]) -> str:
    """Write what came of the run into its folder; returns the fingerprint of the golden set.

    Raises:
        InputError: nothing was accepted, or the disk is full.
    """
    assert options.out is not None
    document_of = {chunk.id: chunk.document_id for chunk in job.chunks}
    text = card(options.out.resolve().name, job, generated, models.paid(), options.corpus.name)
    return write_outputs(options.out, generated, document_of, known, text).fingerprint


def _refuse_while_batches_run(options: Options) -> None:
    assert options.out is not None
    waiting = sum(batch.lines for batch in Journal.read(options.out).under_way())
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
