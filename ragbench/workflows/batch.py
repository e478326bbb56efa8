"""Make a golden set through a provider's batch API: cheaper, and done within a day.

`run_submit` sends the requests that can be sent by now, `run_fetch` gets the answers, and the next `run_submit` sends
the next round, or writes the set when no answer is missing.
"""

import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ragbench.core.brief import brief
from ragbench.core.context import Context
from ragbench.core.errors import InputError, RagbenchError, SettingError
from ragbench.core.loop import run_anywhere
from ragbench.core.options import named, option, options
from ragbench.golden.generate import Generated, Job
from ragbench.golden.outputs import RESULTS
from ragbench.io.run_folder import ANSWERS, SPENT, claimed, held, identity
from ragbench.models.llm.answers import AnswerStore
from ragbench.models.llm.base import AnswerLater, BudgetSpent, Request
from ragbench.models.llm.batch.base import Seen, service_for
from ragbench.models.llm.batch.journal import JOURNAL, Batch, Journal
from ragbench.models.llm.batch.plan import Model, Room, fitting, plan_batches, tried
from ragbench.models.llm.batch.send import BatchRefused, Collector, adopt, fetch, patiently, send, still_wanted
from ragbench.models.llm.client import Client
from ragbench.models.llm.roles import ModelOptions, Models, write_spent
from ragbench.models.llm.structured import REFUSED_FORM
from ragbench.workflows.generate import (
    GenerateResult,
    Plan,
    Prepared,
    SetOptions,
    choose,
    context_of,
    estimated,
    parts_of,
    prepare,
    write,
    written_by,
)


@options
class SubmitOptions(SetOptions):
    """The options of ``ragbench batch submit`` and `ragbench.batch.submit`: those of generate, and more.

    The limits on concurrency, rates and time have no effect on batches.
    """

    s3_uri: str | None = option(
        "Bedrock: s3://bucket/folder for input and output.",
        default=None,
        section="Batches",
        metavar="URI",
        opens=False,
    )
    role_arn: str | None = option(
        "Bedrock: role that reads and writes there.", default=None, section="Batches", metavar="ARN"
    )
    most_lines: int = option("The most requests in one batch.", default=50_000, section="Batches")
    least_lines: int | None = option(
        "The fewest requests in one batch.", default=None, section="Batches",
        unset="the provider's least: 100 for Bedrock, else 1",
    )  # fmt: skip
    tries: int = option("How often a request is sent before it is given up.", default=3, section="Batches")

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("most_lines", "least_lines", "tries"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise SettingError(f"{named(name)} is {value}; it must be 1 or more")
        if not self.asks:
            raise SettingError(f"batches need a language model: name one by {named('llm')}, or use ragbench generate")


@brief
@dataclass(frozen=True)
class Submitted:
    """The state of a run whose answers are still missing.

    Attributes:
        sent: how many batches were sent.
        batches: how many are under way.
        requests: how many requests are under way.
        held_back: requests that could not be sent, one line per reason.
    """

    sent: int
    batches: int
    requests: int
    held_back: Sequence[str]


def run_submit(options: SubmitOptions, context: Context) -> Submitted | GenerateResult | Plan:
    """Send the requests that are missing for a golden set as batches, or write the set if none is missing.

    If a run is interrupted at any moment, repeat the call: it continues, and starts no batch twice.

    Returns:
        The state of the batches; the golden set once it is written; the estimate of a dry run.

    Raises:
        SettingError: an option that cannot be used.
        InputError: wrong input, a provider that refuses, or no query was accepted.
        BudgetSpent: no missing request fits into the budget.

    Examples:
        >>> rb.batch.submit("docs", out="golden/docs")
        Traceback (most recent call last):
        ragbench.core.errors.SettingError: batches need a language model: name one by llm=, or use ragbench generate
    """
    choices = choose(options)
    context = context_of(options, context)
    with contextlib.closing(Models(choices.models)) as models:
        asked = _asked(options, choices.models, models)
        prepared = prepare(options, choices, context)
        if options.dry_run:
            return estimated(options, prepared, models, context)
        identified = identity("generate", parts_of(prepared, models))
        with claimed(options.folder, identified, RESULTS, resume=options.resume, force=options.force):
            models.open(options.folder / ANSWERS, context.say)
            round_ = _Round(options, models, asked, Journal.read(options.folder), context)
            round_.go_on()
            job, generated = round_.collect(prepared)
            write_spent(options.folder / SPENT, models)
            if generated is None:
                round_.send_missing()
                return round_.result()
            written = write(options, job, generated, models, identified)
        return GenerateResult(written, generated, len(job.rows), models.totals(), prepared.skipped)


def _asked(options: SubmitOptions, chosen: ModelOptions, models: Models) -> dict[str, Model]:
    found: dict[str, Model] = {}
    for role, name in chosen.models.items():
        client = models.clients[role]
        place = {"base_url": str(getattr(client.llm, "base_url", "")), "s3_uri": options.s3_uri or ""}
        service = service_for(name, place, role_arn=options.role_arn or "")
        found[name] = Model(name, client.llm.fingerprint(), client.price, service)
    return found


class _Round:
    """One round: what half-made batches become, what is missing, and what of it is sent."""

    def __init__(
        self, options: SubmitOptions, models: Models, asked: dict[str, Model], journal: Journal, context: Context
    ) -> None:
        assert models.store is not None
        self.options, self.asked, self.journal, self.context = options, asked, journal, context
        self.models, self.store = models, models.store
        self.collectors: dict[str, Collector] = {}
        self.sent = 0
        self.held_back: list[str] = []

    def go_on(self) -> None:
        """Bring batches that a kill left half made on their way."""
        for batch in self.journal.under_way():
            model = self.asked.get(batch.model)
            if batch.step == "created" or model is None:
                continue
            batch = adopt(self.journal, batch, model.service)
            if batch.step != "created" and still_wanted(self.journal, batch, self.store):
                send(self.journal, batch, model.service, self.context.say)
                self.context.say(
                    f"{batch.name}: {batch.lines} requests to {batch.model}, left half sent, are on their way now"
                )

    def collect(self, prepared: Prepared) -> tuple[Job, Generated | None]:
        """The finished run, or None where answers are missing."""
        given_up = self._given_up()
        clients = {client.llm.name: client for client in self.models.clients.values()}
        self.collectors = {name: self._collector(client, given_up) for name, client in clients.items()}
        askers = {role: self.collectors[name] for role, name in self.models.options.models.items()}
        job = replace(prepared.job, askers=askers)
        try:
            return run_anywhere(written_by(job, prepared, self.options.folder, self.context, self.models))
        except AnswerLater:
            return job, None

    def _collector(self, client: Client, given_up: dict[str, str]) -> Collector:
        head = f"{client.llm.fingerprint()}:"
        own = {key.removeprefix(head): reason for key, reason in given_up.items() if key.startswith(head)}
        return Collector(client, self.store, own)

    def _given_up(self) -> dict[str, str]:
        times, reasons = tried(self.journal)
        return {key: f"given up after {times[key]} batches: {reasons[key]}"
                for key in times if times[key] >= self.options.tries}  # fmt: skip

    def send_missing(self) -> None:
        """Plan and begin batches for what is missing and not under way."""
        under_way = {f"{batch.fingerprint}:{key}" for batch in self.journal.under_way()
                     for key, _ in self.journal.keys(batch.name)}  # fmt: skip
        _, reasons = tried(self.journal)
        room = self._room()
        for name, collector in self.collectors.items():
            model = self.asked[name]
            self._check_failures(name)
            missing = [request for key, request in collector.missing.items()
                       if f"{model.fingerprint}:{key}" not in under_way]  # fmt: skip
            if missing:
                self._send(model, missing, room, reasons)

    def _send(self, model: Model, missing: Sequence[Request], room: Room, reasons: Mapping[str, str]) -> None:
        fits = fitting(missing, model.price, room)
        if len(fits) < len(missing):
            self.held_back.append(f"{len(missing) - len(fits)} requests to {model.name} do not fit into the budget")
        if not fits:
            if not self.journal.under_way():
                raise BudgetSpent(
                    f"the budget is spent: of {len(missing)} missing requests to {model.name} not one fits into what "
                    "is left. Every answer is kept: run the same command with a higher limit to go on"
                )
            return
        least = self.options.least_lines or model.service.least_lines
        if len(fits) < least:
            self.held_back.append(
                f"{len(fits)} requests to {model.name} are fewer than a batch must have ({least}, "
                f"{named('least_lines')}); "
                "ragbench generate with the same options asks them one by one"
            )
            return

        def structured(key: str) -> bool:
            reason = reasons.get(f"{model.fingerprint}:{key}", "")
            return not (reason.startswith("status 400") and REFUSED_FORM.search(reason))

        planned = plan_batches(
            self.journal, model, fits, most_lines=self.options.most_lines, structured=structured
        )  # fmt: skip
        for batch in planned:
            send(self.journal, batch, model.service, self.context.say)
            self.sent += 1
            self.context.say(f"{batch.name}: {batch.lines} requests to {batch.model}")

    def _room(self) -> Room:
        paid = self.models.paid().values()
        open_ = self.journal.under_way()
        return Room(
            self.options.max_cost,
            self.options.max_tokens,
            sum(price.cost(usage) for _, usage, price in paid if price) + sum(batch.most_cost for batch in open_),
            sum(u.input_tokens + u.output_tokens for _, u, _ in paid) + sum(batch.most_tokens for batch in open_),
        )

    def _check_failures(self, model: str) -> None:
        """Refuse to go on where the last batches all failed as a whole: the fault is not in single lines."""
        ended = [batch for batch in self.journal.batches.values() if batch.model == model and batch.step == "fetched"]
        last = ended[-self.options.tries :]
        if len(last) == self.options.tries and all(batch.whole for batch in last):
            raise InputError(
                f"the last {len(last)} batches to {model} failed as a whole: {last[-1].reason}. "
                f"Fix the cause, and raise {named('tries')} to send again"
            )

    def result(self) -> "Submitted":
        """The batches that are under way, and what was held back."""
        open_ = self.journal.under_way()
        return Submitted(self.sent, len(open_), sum(batch.lines for batch in open_), tuple(self.held_back))


@options
class StatusOptions:
    """The options of ``ragbench batch status`` and `ragbench.batch.status`."""

    folder: Path = option("Folder of the run.", positional=True, changes=True)
    offline: bool = option("Show what is stored; ask no provider.", default=False)


@brief
@dataclass(frozen=True)
class BatchState:
    """The state of a batch.

    Attributes:
        batch: its name.
        id: its id at the provider.
        model: the model that is asked.
        requests: how many it has.
        step: ``planned``, ``creating``, ``created`` or ``fetched``.
        state: what the provider says.
        done: requests that are done at the provider; None if unknown.
        answered, failed: requests with and without an answer, once it is fetched.
        reason: why it failed, or why its state is unknown.
    """

    batch: str
    id: str
    model: str
    requests: int
    step: str
    state: str
    done: int | None
    answered: int
    failed: int
    reason: str


def run_status(options: StatusOptions, context: Context) -> list[BatchState]:
    """List the batches of a run and their states.

    Raises:
        InputError: no batch was sent from this folder.

    Examples:
        >>> rb.batch.status("golden/docs")
        Traceback (most recent call last):
        ragbench.core.errors.InputError: golden/docs: no batch was sent from here (there is no batches.jsonl); ...
    """
    journal = _journal_of(options.folder)
    return [_state(batch, None if options.offline else _seen(batch)) for batch in journal.batches.values()]


def _journal_of(folder: Path) -> Journal:
    if not (folder / JOURNAL).is_file():
        raise InputError(f"{folder}: no batch was sent from here (there is no {JOURNAL}); run batch submit first")
    return Journal.read(folder)


def _seen(batch: Batch) -> Seen | str | None:
    """Ask the provider for the state of a batch. If it cannot be asked, return the reason."""
    if batch.step != "created":
        return None
    try:
        service = service_for(batch.model, batch.place)
        return patiently(f"looking at {batch.name}", lambda: service.look(batch.id))
    except RagbenchError as error:
        return str(error)


def _state(batch: Batch, seen: Seen | str | None) -> BatchState:
    state = BatchState(
        batch.name, batch.id, batch.model, batch.lines, batch.step, batch.state, None, batch.answered, batch.failed,
        batch.reason,
    )  # fmt: skip
    if isinstance(seen, Seen):
        return replace(state, state=seen.state, done=seen.done, reason=seen.reason)
    return replace(state, reason=seen) if seen else state


@options
class FetchOptions:
    """The options of ``ragbench batch fetch`` and `ragbench.batch.fetch`."""

    folder: Path = option("Folder of the run.", positional=True, changes=True)
    wait: bool = option("Wait until every batch has ended.", default=False)
    every: float = option("Seconds between two checks, with --wait.", default=60.0)

    def __post_init__(self) -> None:
        if not self.every > 0:
            raise SettingError(f"{named('every')} is {self.every}; it must be above 0")


@brief
@dataclass(frozen=True)
class Fetched:
    """The batches of a run after a look at the provider.

    Attributes:
        fetched: batches whose answers were stored just now.
        under_way: batches that have not ended.
        unsent: names of batches that an interruption left half sent.
    """

    fetched: Sequence[Batch]
    under_way: Sequence[Batch]
    unsent: Sequence[str]


def run_fetch(options: FetchOptions, context: Context) -> Fetched:
    """Get the answers of the batches that have ended. Afterwards, submit again.

    Raises:
        InputError: no batch was sent from this folder, or a provider cannot be asked.

    Examples:
        >>> rb.batch.fetch("golden/docs", wait=True)
        Traceback (most recent call last):
        ragbench.core.errors.InputError: golden/docs: no batch was sent from here (there is no batches.jsonl); ...
    """
    _journal_of(options.folder)
    with held(options.folder):
        journal = _journal_of(options.folder)
        fetched: list[Batch] = []
        with contextlib.closing(AnswerStore(options.folder / ANSWERS)) as answers:
            while True:
                for batch in _look(journal, answers):
                    fetched.append(batch)
                    context.say(_line(batch))
                open_ = [batch for batch in journal.under_way() if batch.step == "created"]
                if not (options.wait and open_):
                    break
                time.sleep(options.every)
    return Fetched(fetched, open_, [batch.name for batch in journal.under_way() if batch.step != "created"])


def _look(journal: Journal, answers: AnswerStore) -> list[Batch]:
    fetched: list[Batch] = []
    for batch in journal.under_way():
        if batch.step not in ("creating", "created"):
            continue
        service = service_for(batch.model, batch.place)
        try:
            now = adopt(journal, batch, service)
            if now.step == "created":
                now = fetch(journal, now, service, answers)
        except BatchRefused as error:
            raise InputError(f"{batch.name}: the provider does not report it: {error}") from error
        if now.step == "fetched":
            fetched.append(now)
    return fetched


def _line(batch: Batch) -> str:
    if batch.whole:
        return f"{batch.name}: {batch.state}: no request was processed ({batch.reason}); batch submit sends them again"
    failed = f", {batch.failed} requests without one (batch submit sends them again)" if batch.failed else ""
    note = f"; {batch.reason}" if batch.reason else ""
    return f"{batch.name}: {batch.state}, {batch.answered} answers{failed}{note}"
