"""Generation of golden sets: from chunks to drafts, and through review to accepted and rejected queries.

The result depends only on the inputs, the seed and the models' answers. The client stores each answer on disk before it
returns it. A repeated run therefore pays for no answer twice and ends with the same set.
"""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any, NamedTuple

from ragbench import plugins
from ragbench.core.context import Context
from ragbench.core.documents import Chunks, Corpus
from ragbench.core.errors import SettingError
from ragbench.core.spelling import named
from ragbench.engine import ask
from ragbench.golden.arrivals import Arrivals, CallsOfRound
from ragbench.golden.drafting import Call, Calls, Failed, make_calls, read_answer, with_whole_chunk
from ragbench.golden.drafts import Draft
from ragbench.golden.locate import with_evidence
from ragbench.golden.masked import Masked, write
from ragbench.golden.masked_pool import masked_language
from ragbench.golden.measured import Measures, Meter, Worded
from ragbench.golden.personas import PROPOSED, Persona, personas_request, proposed_personas
from ragbench.golden.review import Stages, review
from ragbench.golden.spool import chosen
from ragbench.golden.stages.base import ReviewContext, Stage
from ragbench.golden.wanted import Wanted, allot, deal_again
from ragbench.golden.wordings import WORDINGS, shares_of
from ragbench.golden.writer import USUAL, Writer, about_fields
from ragbench.models.llm.base import Answer, Asker, Request
from ragbench.models.llm.client import Client
from ragbench.models.llm.costs import Estimate

WRITER = "draft"
STAGES_WITH_LLM = (
    "schema", "language", "length", "located", "overlap", "standalone", "duplicate", "round_trip",
    "judge", "reconsider",
)  # fmt: skip
STAGES_WITHOUT = ("schema", "language", "length", "located", "standalone", "duplicate")
"""The stages for masked queries. ``round_trip`` would drop the queries whose words differ from their document's."""


@dataclass(frozen=True)
class Settings:
    """The settings that decide a golden set, beside its inputs and models.

    Attributes:
        per_chunk: queries to ask for per chunk; masked queries per document, or None for as many as a set needs.
        mix: share by query type, summing to 1.
        languages: ISO 639-1 codes; each gets an equal share.
        examples: seed queries per prompt.
        stages: review stages as specs, in order.
        wordings: share by wording; equal shares of all if empty.
        seed: seed of all random draws.
    """

    per_chunk: int | None = 5
    mix: Mapping[str, float] = field(default_factory=dict)
    languages: tuple[str, ...] = ("en",)
    examples: int = 0
    stages: tuple[str, ...] = STAGES_WITH_LLM
    wordings: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0

    def __post_init__(self) -> None:
        if self.per_chunk is not None and self.per_chunk < 1:
            raise SettingError(f"{named('per_chunk')} is {self.per_chunk}; it must be 1 or more")
        if self.examples < 0:
            raise SettingError(f"{named('examples')} is {self.examples}; it must be 0 or more")
        if not self.stages:
            raise SettingError("no review stage: name at least one (schema)")

    @property
    def shares(self) -> dict[str, float]:
        """Share by wording, summing to 1."""
        return shares_of(self.wordings or dict.fromkeys(WORDINGS, 1.0))


@dataclass(frozen=True)
class Job:
    """The inputs of a run.

    Attributes:
        corpus: the documents.
        chunks: all chunks of the documents, which retrievers search.
        rows: rows of the chunks to ask about.
        seeds: queries of real users.
        settings: the settings of the set.
        askers: language models by role (``draft``, ``judge``, ``reconsider``). Without ``draft``, sentences are masked
            instead.
        models: names of the models by role.
        writer: how the writer is asked.
    """

    corpus: Corpus
    chunks: Chunks
    rows: Sequence[int]
    seeds: tuple[str, ...]
    settings: Settings
    askers: Mapping[str, Asker]
    models: Mapping[str, str]
    writer: Writer = USUAL


@dataclass(frozen=True)
class Generated:
    """The result of a run, in the order of the chunks.

    Attributes:
        accepted: drafts that passed every stage.
        rejected: drafts that did not pass, with the opinions on them.
        failed: queries that were requested and not returned.
        skipped: queries whose type does not suit the chunk, as the writer says. Each was asked of another chunk, if one
            was left.
        again: how many queries were asked of another chunk.
        stages: names of the stages that ran, in order.
        worded: what was measured of the wordings.
        masked: the masked queries, with counts of their documents; None if a model wrote the queries.
    """

    accepted: Sequence[Draft]
    rejected: Sequence[Draft]
    failed: tuple[Failed, ...]
    stages: tuple[str, ...]
    worded: Worded
    masked: Masked | None = None
    skipped: tuple[Failed, ...] = ()
    again: int = 0

    @property
    def drafted(self) -> int:
        """Number of drafts, accepted or not."""
        return len(self.accepted) + len(self.rejected)

    def rejections(self) -> dict[str, list[str]]:
        """Reasons of rejection by stage, in the order of the stages. Queries that were not returned are under
        ``draft``.
        """
        found: dict[str, list[str]] = {WRITER: [item.reason for item in self.failed]}
        for stage in self.stages:
            found[stage] = []
        for draft in self.rejected:
            stage, reason = standing(draft)
            found.setdefault(stage, []).append(reason)
        return {stage: reasons for stage, reasons in found.items() if reasons}


def standing(draft: Draft) -> tuple[str, str]:
    """The stage whose rejection stands, and its reason."""
    stage = draft.rejected_by or ""
    reasons = [opinion.reason for opinion in draft.opinions if opinion.stage == stage and not opinion.accepted]
    return stage, reasons[-1] if reasons else ""


def build_stages(specs: Sequence[str]) -> list[tuple[str, Stage]]:
    """Build the stages of the specs, and name them.

    Raises:
        SettingError: a stage or setting is unknown, or a stage is named twice.
    """
    built: list[tuple[str, Stage]] = []
    for spec in specs:
        stage: Stage = plugins.build(plugins.STAGES, spec)
        name = plugins.Spec.parse(spec).name
        if any(name == other for other, _ in built):
            raise SettingError(f"the stage {name!r} is named twice")
        built.append((name, stage))
    return built


async def generate(job: Job, stages: Sequence[tuple[str, Stage]], context: Context) -> Generated:
    """Write queries and review them.

    Raises:
        BudgetSpent, ServiceDown, SettingError: a model cannot go on; the answers so far are kept.
    """
    masked = None if WRITER in job.askers else _mask(job)
    seen = ReviewContext(job.corpus, job.chunks, job.askers, job.settings.seed, context, job.writer)
    drafted = await _write(job, stages, seen) if masked is None else _Drafted.of(masked)
    standing = drafted.standing
    reviewed = await review(drafted.drafts, stages, seen, standing=standing, begin=drafted.reviewed)
    rows = array("Q"), array("Q")
    for row, by in enumerate(standing):
        rows[by is not None].append(row)
    accepted, rejected = (chosen(reviewed, own) for own in rows)
    return Generated(
        accepted=accepted,
        rejected=rejected,
        failed=drafted.failed,
        stages=tuple(name for name, _ in stages),
        worded=drafted.worded,
        masked=masked,
        skipped=drafted.skipped,
        again=drafted.again,
    )


class _Drafted(NamedTuple):
    """Drafts, the stage whose rejection of each stands, and how many stages have reviewed them; for the others see
    `Generated`.
    """

    drafts: Sequence[Draft]
    standing: list[str | None]
    reviewed: int
    worded: Worded
    failed: tuple[Failed, ...] = ()
    skipped: tuple[Failed, ...] = ()
    again: int = 0

    @classmethod
    def of(cls, masked: Masked) -> "_Drafted":
        standing = [draft.rejected_by for draft in masked.drafts]
        return cls(masked.drafts, standing, 0, Worded(masked.wordings, masked.seeds))


async def propose_personas(job: Job, context: Context) -> tuple[Persona, ...]:
    """Ask the writer who searches the collection.

    Raises:
        InputError: it proposes nothing that can be used.
        BudgetSpent, ServiceDown, SettingError: the model cannot be asked; the answers so far are kept.
    """
    (answer,) = await ask(
        job.askers[WRITER], [_personas_request(job)], what="personas", progress=context.progress
    )  # fmt: skip
    return proposed_personas(answer, job.models[WRITER])


def _personas_request(job: Job) -> Request:
    return personas_request(job.chunks, job.rows, about_fields(job.writer.about), job.settings.seed)


def calls_of(job: Job, context: Context) -> Sequence[Call]:
    """List the requests of the first round to the writer, in order."""
    return _calls(job, _allotted(job, _shares(job, Meter.of(job.corpus, job.chunks, job.settings.languages))), context)


def _shares(job: Job, meter: Meter) -> dict[str, float]:
    """Share by wording to ask for."""
    asked = Chunks.of(job.chunks[row] for row in job.rows)
    return meter.shares(job.settings.shares, asked, job.seeds, job.settings.seed)


def _allotted(job: Job, shares: Mapping[str, float]) -> list[list[Wanted]]:
    """What to ask each chunk for."""
    settings = job.settings
    return allot(
        len(job.rows), settings.per_chunk or 0, settings.mix, settings.languages, shares, settings.seed,
        job.writer.shares,
    )  # fmt: skip


def _calls(job: Job, wanted: Sequence[Sequence[Wanted]], context: Context) -> Calls:
    return make_calls(
        job.chunks,
        job.rows,
        wanted,
        seeds=job.seeds,
        examples=job.settings.examples,
        seed=job.settings.seed,
        context=context,
        writer=job.writer,
        corpus=job.corpus,
    )


async def _write(job: Job, stages: Stages, seen: ReviewContext) -> _Drafted:
    """Ask for the queries. What the writer skips is asked of other chunks in a second round.

    The queries are measured, and reviewed by the first stages, while calls are in flight.
    """
    context = seen.context
    meter = Meter.of(job.corpus, job.chunks, job.settings.languages)
    shares = _shares(job, meter)
    wanted = _allotted(job, shares)
    calls = _calls(job, wanted, context)
    measures = Measures(meter)
    arrivals = Arrivals(measures, stages, seen)
    rounds = [await _ask(job, calls, context, "drafting", arrivals)]
    place = {job.chunks.ids[row]: at for at, row in enumerate(job.rows)}
    left_out = [(place[one.chunk_ids[0]], query) for query, one in rounds[0].skipped]
    further = deal_again(left_out, wanted, job.settings.seed) if left_out and job.writer.lists else []
    again = sum(map(len, further))
    if again:
        context.say(f"the writer skipped {len(left_out)} queries; {again} of them are asked of other chunks")
        rounds.append(await _ask(job, _calls(job, further, context), context, "drafting, second round", arrivals))
    numbers = array("Q", chain.from_iterable(one.numbers for one in rounds))
    drafts, standing = arrivals.of(numbers)
    worded = measures.report(drafts, numbers, shares, job.seeds, job.settings.seed)
    failed = tuple(chain.from_iterable(one.failed for one in rounds))
    skipped = tuple(failure for one in rounds for _, failure in one.skipped)
    return _Drafted(drafts, standing, arrivals.reviewed, worded, failed, skipped, again)


class _Round(NamedTuple):
    """What came of a round of calls: the numbers of the drafts, in the order of the calls, what was not returned, and
    what the writer skipped.
    """

    numbers: Sequence[int]
    failed: Sequence[Failed]
    skipped: Sequence[tuple[Wanted, Failed]]


async def _ask(job: Job, calls: Calls, context: Context, what: str, arrivals: Arrivals) -> _Round:
    """Ask the writer, and read its answers."""
    open_: dict[int, Call] = {}
    failed, skipped = dict[int, list[Failed]](), dict[int, list[tuple[Wanted, Failed]]]()
    found = CallsOfRound(len(calls), arrivals)

    def requests() -> Iterator[Request]:
        for position, call in enumerate(calls):
            open_[position] = call
            yield call.request

    def take(position: int, answer: Answer) -> None:
        read = read_answer(
            open_.pop(position), answer, model=job.models[WRITER], seed=job.settings.seed, writer=job.writer
        )
        drafts = [with_evidence(draft, job.corpus, job.chunks) for draft in read.drafts]
        if job.writer.own:
            drafts = [with_whole_chunk(draft, job.chunks) for draft in drafts]
        found.put(position, drafts)
        if read.failed:
            failed[position] = read.failed
        if read.skipped:
            skipped[position] = read.skipped

    try:
        await ask(
            job.askers[WRITER], requests(), what=what, progress=context.progress, total=len(calls), on_answer=take,
            keep=False,
        )  # fmt: skip
        return _Round(await found.numbers(), [*_flat(failed)], [*_flat(skipped)])
    finally:
        found.stop()


def _flat(lists: Mapping[int, list[Any]]) -> Iterator[Any]:
    """The members of lists by position, in order."""
    return chain.from_iterable(lists[position] for position in sorted(lists))


def _mask(job: Job) -> Masked:
    asked = Chunks.of(job.chunks[row] for row in job.rows)
    code, language = masked_language(job.settings.languages)
    written = write(
        job.corpus,
        asked,
        wordings=job.settings.shares,
        per_document=job.settings.per_chunk,
        seed=job.settings.seed,
        language=language,
        seeds=job.seeds,
    )
    return replace(written, drafts=tuple(replace(draft, language=code) for draft in written.drafts))


QUERY, ANSWER, QUOTE = 70, 120, 160
"""Assumed characters of a query, its answer and its quotes."""


def plan(
    job: Job, stages: Sequence[tuple[str, Stage]], clients: Mapping[str, Client], context: Context
) -> dict[str, Estimate]:
    """Estimate calls, tokens and cost by role.

    The writer's requests are the real ones. The queries are not written yet, so the estimate assumes that each one has
    the usual length and reaches every reviewer: the numbers of reviewers are upper bounds. What the writer skips is
    asked of other chunks, which takes further calls.
    """
    calls = calls_of(job, context)
    found = {WRITER: clients[WRITER].plan(call.request for call in calls)}
    drafts = [
        (_usual_draft(call.chunk_ids, wanted.type, f"{at}.{number}", len(job.writer.about)), call.chunk_ids)
        for at, call in enumerate(calls)
        for number, wanted in enumerate(call.wanted)
    ]
    for role in sorted({stage.role for _, stage in stages if stage.role in clients}, key=str):
        requests = [
            stage.usual_request(draft, [job.chunks[job.chunks.row[id_]].content for id_ in ids], job.settings.seed)
            for _, stage in stages
            if stage.role == role
            for draft, ids in drafts
        ]
        found[str(role)] = clients[str(role)].plan(request for request in requests if request is not None)
    return found


def _usual_draft(chunk_ids: tuple[str, ...], type_: str, name: str, further: int) -> Draft:
    """A draft of the usual length. Its answer also stands for further characters of the requests of reviewers."""
    return Draft(name, name.ljust(QUERY, "x"), type_, "x" * (ANSWER + further), ("x" * QUOTE,), chunk_ids)


USUAL_PERSONAS = tuple(Persona(f"{'x' * 15}{at}", "x" * 120, 1 / PROPOSED) for at in range(PROPOSED))


def plan_personas(job: Job, client: Client) -> Estimate:
    """Estimate the call that proposes personas."""
    return client.plan([_personas_request(job)])
