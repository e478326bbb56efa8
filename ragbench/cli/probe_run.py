"""The work behind ``ragbench probe``: ask, judge, count."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ragbench.answers.answering import Question
from ragbench.answers.endpoint import Endpoint, ask_service
from ragbench.answers.probe.ask import ask_model
from ragbench.answers.probe.cases import Case, golden_of
from ragbench.answers.probe.metric import PASS, ProbePass
from ragbench.answers.probe.outcome import Floor, Outcome, outcome
from ragbench.answers.scoring import AnswerEvaluation, Judge, ScoreSettings, score_answers
from ragbench.cli.progress import Progress
from ragbench.core.answers import Answered, AnswerSet
from ragbench.core.context import Context
from ragbench.core.errors import InputError, SettingError
from ragbench.core.fingerprint import text_hash
from ragbench.core.ledger import Ledger
from ragbench.core.loop import LoopThread
from ragbench.core.pairs import pairs
from ragbench.io.places import cache_folder
from ragbench.models.llm.client import Client
from ragbench.models.llm.connect import connect
from ragbench.models.llm.costs import Budget
from ragbench.models.llm.limits import Limits

STORE = "probe-answers.sqlite"


@dataclass(frozen=True)
class Target:
    """The options of the command that say what is asked and how, as given."""

    url: str | None
    llm: str | None
    system: Path | None
    judge: str | None
    name: str | None
    header_env: str | None
    base_url: str | None
    judge_base_url: str | None
    max_cost: float | None
    prices: Path | None
    concurrency: int
    timeout: float
    seed: int
    out: Path | None
    cache: Path | None

    def check(self) -> None:
        """Whether they go together.

        Raises:
            SettingError: one is missing, or two contradict each other.
        """
        if bool(self.url) == bool(self.llm):
            raise SettingError("name one system to probe: --url URL of a service, or --llm MODEL")
        if self.seed < 0:
            raise SettingError(f"--seed is {self.seed}; it must be 0 or more")
        needs = (
            ("--system", self.system, "--llm", self.llm),
            ("--base-url", self.base_url, "--llm", self.llm),
            ("--header-env", self.header_env, "--url", self.url),
            ("--judge-base-url", self.judge_base_url, "--judge", self.judge),
            ("--max-cost", self.max_cost, "--llm or --judge", self.llm or self.judge),
            ("--prices", self.prices, "--llm or --judge", self.llm or self.judge),
        )
        for option, given, other, there in needs:
            if given is not None and not there:
                raise SettingError(f"{option} goes with {other}, which is not given")

    @property
    def endpoint(self) -> Endpoint:
        """The service behind ``--url``.

        Raises:
            SettingError: the URL, a limit or a header cannot be used.
        """
        headers = pairs("--header-env", self.header_env, "HEADER=VARIABLE")
        return Endpoint(self.url or "", self.timeout, self.concurrency, headers)

    @property
    def prompt(self) -> str:
        """The system prompt, or empty.

        Raises:
            InputError: the file cannot be read, or is empty.
        """
        if self.system is None:
            return ""
        try:
            text = self.system.read_text(encoding="utf-8-sig").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"--system {self.system}: cannot be read ({error})") from error
        if not text:
            raise InputError(f"--system {self.system}: is empty")
        return text

    @property
    def called(self) -> str:
        """What to call the system in reports."""
        return self.name or self.llm or urlsplit(self.url or "").netloc.rpartition("@")[2]


def run(target: Target, cases: Sequence[Case], floors: Sequence[Floor]) -> tuple[Outcome, AnswerEvaluation]:
    """Ask, judge, count.

    Raises:
        RagbenchError: wrong settings, or a service or model that answers nothing.
    """
    context = Context(cache=cache_folder(target.cache), seed=target.seed, progress=Progress())
    with _models(target) as (clients, loop):
        answers = _answers(target, cases, clients.get("llm"), loop, context)
        judge = Judge(clients["judge"], target.judge, loop) if target.judge else None
        metric = ProbePass({case.id: case for case in cases})
        evaluation = score_answers(
            answers, golden_of(cases), [metric], judge=judge, settings=ScoreSettings(seed=target.seed), context=context
        )
    reasons = {item.query_id: item.failure for item in answers if item.failure}
    return outcome(cases, evaluation.details.get(PASS, {}), reasons, floors), evaluation


def _answers(
    target: Target, cases: Sequence[Case], client: Client | None, loop: LoopThread, context: Context
) -> AnswerSet:
    made: dict[str, object]
    items: tuple[Answered, ...]
    ledger: Ledger
    if client is not None:
        prompt = target.prompt
        items, ledger = loop.run(ask_model(cases, client, prompt, context))
        made = {"model": {"name": client.llm.name, "fingerprint": client.llm.fingerprint()},
                "system": text_hash(prompt)}  # fmt: skip
    else:
        endpoint = target.endpoint
        questions = [Question(case.id, case.question) for case in cases]
        asked = ask_service(endpoint, questions, known={}, keep=lambda item: None, progress=context.progress)
        items, ledger = loop.run(asked)
        made = {"endpoint": endpoint.url}
    return AnswerSet(items, target.called, ledger, made)


@contextmanager
def _models(target: Target) -> Iterator[tuple[dict[str, Client], LoopThread]]:
    """The clients by role, and the loop they live in; what they took is told at the end."""
    budget = Budget(target.max_cost)
    # Answers are kept with the scores, or with the cache where no folder is asked for.
    kept = (target.out or cache_folder(target.cache)) / STORE
    named = {"llm": (target.llm, target.base_url), "judge": (target.judge, target.judge_base_url)}
    clients: dict[str, Client] = {}
    for role, (model, address) in named.items():
        if model:
            kept.parent.mkdir(parents=True, exist_ok=True)
            clients[role] = connect(
                model,
                params={"base_url": address} if address else {},
                limits=Limits(target.concurrency, timeout=target.timeout),
                answers=kept,
                budget=budget,
                prices=target.prices,
                seed=target.seed,
            )
    loop = LoopThread("probe")
    try:
        yield clients, loop
    finally:
        for client in clients.values():
            loop.run(client.aclose())
        loop.close()
        for role, client in clients.items():
            totals = client.totals
            cost = f", cost {totals.cost:.4f}" if totals.cost else ""
            told = f"{totals.calls} calls, {totals.cached} from the cache{cost}"
            print(f"{role} {client.llm.name}: {told}", file=sys.stderr)
