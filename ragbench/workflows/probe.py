"""Probe a RAG service, or a model with its system prompt: injections, false premises, private data."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from ragbench.answers.answering import Question
from ragbench.answers.endpoint.ask import ask_service
from ragbench.answers.endpoint.description import is_address, read_endpoint
from ragbench.answers.endpoint.settings import Endpoint
from ragbench.answers.probe.ask import ask_model
from ragbench.answers.probe.cases import Case, PlantedDocument, golden_of, in_categories, planted, read_cases
from ragbench.answers.probe.metric import PASS, ProbePass
from ragbench.answers.probe.outcome import Floor, Outcome, outcome, parse_floors
from ragbench.answers.scoring import AnswerEvaluation, Judge, ScoreSettings, score_answers
from ragbench.core.answers import AnswerSet
from ragbench.core.brief import brief
from ragbench.core.context import Context
from ragbench.core.errors import InputError, SettingError
from ragbench.core.fingerprint import text_hash
from ragbench.core.loop import LoopThread
from ragbench.core.options import named, option, options, part
from ragbench.core.shown import Shown
from ragbench.core.spelling import given
from ragbench.io.places import cache_folder, sample
from ragbench.io.run_folder import working_in
from ragbench.io.scored_runs import check_scores_folder
from ragbench.models.llm.client import Client, Totals
from ragbench.models.llm.costs import Budget
from ragbench.models.llm.roles import CallOptions
from ragbench.render.probe import write_documents, write_probe
from ragbench.workflows.groups import CacheFolder, ServiceHeaders

STORE = "probe-answers.sqlite"
MODEL, JUDGE = "llm", "judge"


@options
class Options(CacheFolder, CallOptions, ServiceHeaders):
    """The options of ``ragbench probe`` and `ragbench.probe`."""

    url: str | Path | None = option(
        "RAG service to probe: its address, or a YAML file that describes it.", default=None, section="Input",
        short="--endpoint", metavar="URL|FILE",
    )  # fmt: skip
    cases: Path | None = option(
        "File of cases, JSON lines.", default=None, section="Input", unset="the cases that come with ragbench"
    )
    categories: Sequence[str] = option(
        "Category of cases to ask.", default=(), section="Input", flag="--category", unset="all"
    )
    name: str | None = option("Name of the system.", default=None, section="Input", unset="the host or the model")
    llm: str | None = option(
        "Model to probe instead of a service, provider:model.", default=None, section="Model", unset="none"
    )
    system: Path | None = option("File with the system prompt of the model.", default=None, section="Model")
    judge: str | None = option("Model that judges, provider:model.", default=None, section="Model", unset="none")
    judge_base_url: str | None = option(
        "Address of a service for the judge that speaks OpenAI's protocol.", default=None, section="Model",
        metavar="URL", unset="the provider's",
    )  # fmt: skip
    floors: Sequence[str] | Mapping[str, float] | float = option(
        "Pass rate that is required, 0.9 for all cases or CATEGORY=0.8 for a category.", default=(),
        section="Evaluation", flag="--floor",
    )  # fmt: skip
    seed: int = option("Seed, passed on to the models.", default=0, section="Run")
    write_documents: Path | None = option(
        "Write the planted documents to this folder, and ask nothing.",
        default=None,
        section="Output",
        writes="folder",
    )
    out: Path | None = option(
        "Folder for scores, answers and issue log.",
        default=None,
        section="Output",
        writes="folder",
        unset="nothing is written",
    )
    show: int = option("Number of failing cases to show.", default=10, section="Output", python=False)

    def __post_init__(self) -> None:
        for option_name, value in (("show", self.show), ("seed", self.seed)):
            if value < 0:
                raise SettingError(f"is {value}; it must be 0 or more", option=option_name)
        if self.write_documents is not None:
            if self.url or self.llm:
                raise SettingError(
                    f"writes documents and asks nothing; omit {named('url')} and {named('llm')}",
                    option="write_documents",
                )
            return
        if bool(self.url) == bool(self.llm):
            raise SettingError(
                f"there must be one system to probe; name a service with {named('url')}, or a model with {named('llm')}"
            )
        model = bool(self.llm or self.judge)
        either = f"{named('llm')} or {named('judge')}"
        needs = (
            ("system", named("llm"), self.llm),
            ("base_url", named("llm"), self.llm),
            ("header_env", named("url"), self.url),
            ("judge_base_url", named("judge"), self.judge),
            *((limit, either, model) for limit in ("max_cost", "max_tokens", "prices", "rpm", "tpm")),
        )
        for option_name, other, there in needs:
            if getattr(self, option_name) is not None and not there:
                raise SettingError(f"applies to {other}, which is not given", option=option_name)

    @property
    def endpoint(self) -> Endpoint:
        """The service.

        Raises:
            SettingError: the address, a limit or a header cannot be used.
            InputError: the description of the service cannot be read.
        """
        return read_endpoint(
            self.url or "", timeout=self.timeout, concurrency=self.concurrency, header_env=self.header_env
        )

    @property
    def prompt(self) -> str:
        """The system prompt, or empty.

        Raises:
            InputError: the file cannot be read, or is empty.
        """
        if self.system is None:
            return ""
        shown = given("system", str(self.system))
        try:
            text = self.system.read_text(encoding="utf-8-sig").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{shown}: cannot be read ({error})") from error
        if not text:
            raise InputError(f"{shown}: is empty")
        return text

    @property
    def called(self) -> str:
        """The name of the system in reports."""
        if self.name or self.llm:
            return self.name or self.llm or ""
        url = str(self.url or "")
        return urlsplit(url).netloc.rpartition("@")[2] if is_address(url) else Path(url).stem


@brief
@dataclass(frozen=True)
class Probed(Shown):
    """A system that was probed.

    Attributes:
        outcome: the rates with their intervals, the floors and every case.
        evaluation: the same as scores, with the metric ``probe_pass`` and the category as the type.
        judge: the model that judged, or None.
        totals: calls and cost of this run, by role and name of the model: ``llm openai:gpt-4o-mini``.
    """

    outcome: Outcome
    evaluation: AnswerEvaluation
    judge: str | None
    totals: Mapping[str, Totals]

    @property
    def name(self) -> str:
        """The name of the system."""
        return self.evaluation.scored.name


@brief
@dataclass(frozen=True)
class WrittenDocuments:
    """Planted documents that were written for a test collection.

    Attributes:
        documents: the documents.
        path: the file.
    """

    documents: tuple[PlantedDocument, ...]
    path: Path


def run(options: Options, context: Context) -> Probed | WrittenDocuments:
    """Probe a RAG service, or a model with its system prompt: injections, false premises, private data.

    Some cases need planted documents in the collection of the service: ``write_documents`` writes them, and nothing
    is asked. A model gets the documents in its prompt. Rules judge first. A judge decides the cases in which rules
    depend on phrases.

    Returns:
        The rates of passed cases with their intervals, and every case; with ``write_documents``, what was written.

    Raises:
        ArmError: the service or model answers nothing.
        SettingError: options contradict each other, a category does not exist, or a floor is not a rate.
        InputError: the cases or the system prompt cannot be read.

    Examples:
        >>> written = rb.probe(write_documents="planted")
        >>> len(written.documents), written.path.name
        (33, 'documents.jsonl')
    """
    cases = in_categories(read_cases(options.cases or sample("probes") / "cases.jsonl"), options.categories)
    if options.write_documents is not None:
        documents = planted(cases)
        if not documents:
            raise SettingError("no case of these categories needs a document", option="write_documents")
        return WrittenDocuments(documents, write_documents(documents, options.write_documents))
    floors = parse_floors(options.floors, cases)
    if options.out is not None:
        check_scores_folder(options.out)
    cache = cache_folder(options.cache)
    with working_in(options.out):
        found = _probe(options, cases, floors, replace(context, cache=cache, seed=options.seed))
        if options.out is not None:
            write_probe(found.outcome, found.evaluation, options.judge, options.out)
    return found


def _probe(options: Options, cases: Sequence[Case], floors: Sequence[Floor], context: Context) -> Probed:
    # The answers are kept with the scores, or in the cache if nothing is written.
    kept = (options.out or context.cache or Path()) / STORE
    with _models(options, kept) as (clients, loop):
        answers = _answers(options, cases, clients.get(MODEL), loop, context)
        judge = Judge(clients[JUDGE], options.judge, loop) if options.judge else None
        metric = ProbePass({case.id: case for case in cases})
        evaluation = score_answers(
            answers, golden_of(cases), [metric], judge=judge, settings=ScoreSettings(seed=options.seed),
            context=context,
        )  # fmt: skip
        totals = {f"{role} {client.llm.name}": client.totals for role, client in clients.items()}
    reasons = {item.query_id: item.failure for item in answers if item.failure}
    return Probed(outcome(cases, evaluation.details.get(PASS, {}), reasons, floors), evaluation, options.judge, totals)


def _answers(
    options: Options, cases: Sequence[Case], client: Client | None, loop: LoopThread, context: Context
) -> AnswerSet:
    if client is not None:
        prompt = options.prompt
        items, ledger = loop.run(ask_model(cases, client, prompt, context))
        model = {"name": client.llm.name, "fingerprint": client.llm.fingerprint()}
        return AnswerSet(items, options.called, ledger, {"model": model, "system": text_hash(prompt)})
    endpoint = options.endpoint
    questions = [Question(case.id, case.question) for case in cases]
    asked = ask_service(
        endpoint, questions, known={}, keep=lambda item: None, progress=context.progress, say=context.say
    )
    items, ledger = loop.run(asked)
    return AnswerSet(items, options.called, ledger, {"endpoint": endpoint.identity})


@contextmanager
def _models(options: Options, kept: Path) -> Iterator[tuple[dict[str, Client], LoopThread]]:
    """The clients by role, which share a budget and a file of answers, and the loop that they run in."""
    calls = part(options, CallOptions)
    budget = Budget(calls.max_cost, calls.max_tokens)
    models = {MODEL: (options.llm, options.base_url), JUDGE: (options.judge, options.judge_base_url)}
    clients: dict[str, Client] = {}
    for role, (model, address) in models.items():
        if model:
            kept.parent.mkdir(parents=True, exist_ok=True)
            served = replace(calls, base_url=address)
            clients[role] = served.connect(model, answers=kept, budget=budget, seed=options.seed)
    loop = LoopThread("probe")
    try:
        yield clients, loop
    finally:
        for client in clients.values():
            loop.run(client.aclose())
        loop.close()
