"""The work behind ``ragbench batch submit``: one round of the run, as far as the answers reach."""

import asyncio
import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from ragbench.cli.generate_tell import say_to, tell, tell_plan
from ragbench.cli.progress import Progress
from ragbench.core.context import Context
from ragbench.core.errors import InputError, SettingError
from ragbench.golden.generate import Generated, Job, generate
from ragbench.golden.outputs import RESULTS
from ragbench.io.run_folder import ANSWERS, SPENT, claimed, identity
from ragbench.models.llm.base import AnswerLater, BudgetSpent, Request
from ragbench.models.llm.batch.base import service_for
from ragbench.models.llm.batch.journal import Journal
from ragbench.models.llm.batch.plan import Model, Room, fitting, plan_batches, tried
from ragbench.models.llm.batch.send import Collector, adopt, send, still_wanted
from ragbench.models.llm.client import Client
from ragbench.models.llm.roles import Models, write_spent
from ragbench.models.llm.structured import REFUSED_FORM
from ragbench.workflows.generate import (
    Made,
    Options,
    Prepared,
    checked,
    context_of,
    estimates,
    parts_of,
    prepare,
    write,
)


@dataclass(frozen=True)
class Batching:
    """The options that batches have beside those of the run."""

    s3_uri: str | None
    role_arn: str | None
    most_lines: int
    least_lines: int | None
    tries: int
    as_json: bool

    def __post_init__(self) -> None:
        for name, value in (("most-lines", self.most_lines), ("least-lines", self.least_lines), ("tries", self.tries)):
            if value is not None and value < 1:
                raise SettingError(f"--{name} is {value}; it must be 1 or more")


def run(options: Options, batching: Batching) -> None:
    """Send what is missing, or write the set if nothing is.

    Raises:
        RagbenchError: wrong input, a spent budget, a provider that refuses, or no query accepted.
    """
    say = say_to(batching.as_json)
    settings, stages = checked(options)
    if not options.models:
        raise SettingError("batches need a language model: name one by --llm, or use ragbench generate")
    context = context_of(options, Progress())
    with contextlib.closing(Models(options.asking)) as models:
        asked = _asked(options, batching, models)
        prepared = prepare(options, settings, stages, context, say)
        if options.dry_run:
            tell_plan(options, estimates(options, prepared, models, context), batching.as_json)
            return
        known = identity("generate", parts_of(options, prepared.job, models))
        with claimed(options.folder, known, RESULTS, resume=options.resume, force=options.force):
            models.open(options.folder / ANSWERS)
            round_ = _Round(options, batching, models, asked, Journal.read(options.folder), say)
            round_.go_on()
            job, generated = round_.collect(prepared, context)
            write_spent(options.folder / SPENT, models)
            if generated is None:
                round_.send_missing()
                round_.tell()
                return
            golden = write(options, job, generated, models, known)
        made = Made(golden, generated, len(job.rows), models.totals(), prepared.left_out)
    tell(options, made, batching.as_json)


def _asked(options: Options, batching: Batching, models: Models) -> dict[str, Model]:
    found: dict[str, Model] = {}
    for role, name in options.models.items():
        client = models.clients[role]
        place = {"base_url": str(getattr(client.llm, "base_url", "")), "s3_uri": batching.s3_uri or ""}
        service = service_for(name, place, role_arn=batching.role_arn or "")
        found[name] = Model(name, client.llm.fingerprint(), client.price, service)
    return found


class _Round:
    """One round: what half-made batches become, what is missing, and what of it is sent."""

    def __init__(
        self, options: Options, batching: Batching, models: Models, asked: dict[str, Model], journal: Journal,
        say: Callable[[str], None],
    ) -> None:  # fmt: skip
        assert models.store is not None
        self.options, self.batching, self.asked, self.journal, self.say = options, batching, asked, journal, say
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
                send(self.journal, batch, model.service)
                self.say(f"{batch.name}: {batch.lines} requests to {batch.model}, left half sent, are on their way now")

    def collect(self, prepared: Prepared, context: Context) -> tuple[Job, Generated | None]:
        """The finished run, or None where answers are missing."""
        given_up = self._given_up()
        clients = {client.llm.name: client for client in self.models.clients.values()}
        self.collectors = {name: self._collector(client, given_up) for name, client in clients.items()}
        askers = {role: self.collectors[name] for role, name in self.options.models.items()}
        job = replace(prepared.job, askers=askers)
        try:
            return job, asyncio.run(self._generate(job, prepared, context))
        except AnswerLater:
            return job, None

    async def _generate(self, job: Job, prepared: Prepared, context: Context) -> Generated:
        try:
            return await generate(job, prepared.stages, context)
        finally:
            await self.models.aclose()

    def _collector(self, client: Client, given_up: dict[str, str]) -> Collector:
        head = f"{client.llm.fingerprint()}:"
        own = {key.removeprefix(head): reason for key, reason in given_up.items() if key.startswith(head)}
        return Collector(client, self.store, own)

    def _given_up(self) -> dict[str, str]:
        times, reasons = tried(self.journal)
        return {key: f"given up after {times[key]} batches: {reasons[key]}"
                for key in times if times[key] >= self.batching.tries}  # fmt: skip

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
        least = self.batching.least_lines or model.service.least_lines
        if len(fits) < least:
            self.held_back.append(
                f"{len(fits)} requests to {model.name} are fewer than a batch must have ({least}, --least-lines); "
                "ragbench generate with the same options asks them one by one"
            )
            return

        def structured(key: str) -> bool:
            reason = reasons.get(f"{model.fingerprint}:{key}", "")
            return not (reason.startswith("status 400") and REFUSED_FORM.search(reason))

        planned = plan_batches(
            self.journal, model, fits, most_lines=self.batching.most_lines, structured=structured
        )  # fmt: skip
        for batch in planned:
            send(self.journal, batch, model.service)
            self.sent += 1
            self.say(f"{batch.name}: {batch.lines} requests to {batch.model}")

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
        last = ended[-self.batching.tries :]
        if len(last) == self.batching.tries and all(batch.whole for batch in last):
            raise InputError(
                f"the last {len(last)} batches to {model} failed as a whole: {last[-1].reason}. "
                "Mend that, and raise --tries to send again"
            )

    def tell(self) -> None:
        """What is under way, and what to do next."""
        open_ = self.journal.under_way()
        if self.batching.as_json:
            told = {"version": 1, "finished": False, "out": str(self.options.out), "sent": self.sent,
                    "under_way": {"batches": len(open_), "requests": sum(batch.lines for batch in open_)},
                    "held_back": self.held_back}  # fmt: skip
            print(json.dumps(told, ensure_ascii=False))
            return
        for line in self.held_back:
            self.say(f"held back: {line}")
        if open_:
            count = sum(batch.lines for batch in open_)
            self.say(f"under way: {count:,} requests in {len(open_)} batches")
            self.say(f"next: ragbench batch fetch {self.options.out}, then this command again")
