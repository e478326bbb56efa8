"""Every ``ragbench`` line of README and docs is run: by the test of its page, or here in a folder laid out for it."""

import csv
import json
import re
import shlex
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.answers import judge_replies
from tests.cli import test_judge_command, test_probe_command
from tests.docs.shown_commands import ROOT, Shown, holds, pages, shown_in
from tests.golden import generate_writer
from tests.models.llm_server import Body, LLMServer, serving
from tests.services import shop_answers

from command_tree import children, commands, leaves, paragraphs  # isort: skip

SHOP = ROOT / "datasets" / "shop"
MODEL, SERVICE = "http://localhost:8000/v1", "http://localhost:8080/ask"
SHOP_SERVICE = "http://localhost:8321"
"""Where pages start tests/services/shop_answers.py."""

RUN_ELSEWHERE = {
    ("README.md", "console"): "tests/test_readme.py",
    ("guides/ab.md", "console"): "tests/cli/test_ab_command.py",
    ("guides/agents.md", "console"): "tests/mcp_server/test_server.py",
    ("guides/answers.md", "console"): "tests/cli/test_answer_docs.py",
    ("guides/ci.md", ""): "tests/cli/test_gate_command.py",
    ("guides/compare.md", "console"): "tests/cli/test_compare_command.py",
    ("guides/metrics-of-run-files.md", "console"): "tests/cli/test_metrics_command.py",
    ("guides/object-stores.md", "console"): "tests/docs/test_object_stores_page.py",
    ("guides/plan.md", "console"): "tests/cli/test_plan_command.py",
    ("guides/ray.md", "console"): "tests/docs/test_ray_page.py",
    ("guides/sagemaker.md", "console"): "tests/jobs/test_sagemaker_docs.py",
    ("guides/wattbot.md", "console"): "tests/cli/test_wattbot_docs.py",
}
"""Page and language of the block -> the test that runs all such blocks of the page."""

NOT_RUN = {
    (
        "concepts/reliability.md",
        "ragbench doctor",
    ): "a damaged folder; tests/workflows/test_doctor.py damages such folders",
    ("concepts/security.md", "ragbench generate"): "the reader's own folder; tests/cli/test_golden.py writes such sets",
    ("README.md", "ragbench data get"): "downloads a collection; tests/io/test_download.py fetches from a server here",
    (
        "guides/batch.md",
        "ragbench batch",
    ): "a provider's batch API; tests/cli/test_batch_command.py has a server that speaks it",
    (
        "guides/ab.md",
        "ragbench ab events.csv --outcome converted --planned",
    ): "events that do not exist yet; tests/comparison/test_ab_looks.py has such experiments",
    (
        "guides/compare.md",
        "ragbench compare old.run new.run --qrels model.qrels",
    ): "labels of a model and of annotators; tests/comparison/test_human.py has both",
    (
        "guides/compare.md",
        "ragbench compare old.run new.run --qrels annotators.qrels --model-labels",
    ): "labels of a model for unjudged items; tests/comparison/test_holes.py has some",
    (
        "guides/vector-databases.md",
        "ragbench eval --corpus docs/",
    ): "a collection that another program filled; tests/retrievers/test_langchain.py and test_opensearch.py have some",
    (
        "guides/vector-databases.md",
        "ragbench index --corpus docs/",
    ): "a server of OpenSearch; tests/retrievers/test_opensearch.py has one",
    (
        "guides/metrics-of-run-files.md",
        "ragbench eval",
    ): "run files of several systems; tests/workflows/test_replay.py has some",
    (
        "guides/audit.md",
        "ragbench golden corpus",
    ): "queries of the page mask nothing; tests/golden/test_corpus_masked_evaluation.py has some that do",
    (
        "guides/evaluate.md",
        "ragbench eval --corpus docs/",
    ): "a service that answers differently each time; tests/workflows/test_repeats.py has one",
    ("guides/ragas.md", "ragbench score"): "needs the extra ragas; tests/answers/test_ragas.py runs the metrics",
    ("guides/compare.md", "ragbench generate"): "a masked set; tests/golden/test_masked_writer.py writes some",
    ("guides/compare.md", "ragbench eval --corpus docs/"): "after the former",
    (
        "guides/compare.md",
        "ragbench compare reports/users",
    ): "then; tests/comparison/test_with_masked.py has runs",
    ("guides/load.md", "ragbench load"): "four minutes of load; tests/cli/test_load_command.py has shorter ones",
    ("guides/load.md", "ragbench load --endpoint"): "five minutes of load; tests/answers/test_load_users.py has users",
    ("guides/load.md", "ragbench baseline"): "after the former; run in tests/cli/test_load_command.py",
    ("guides/load.md", "ragbench gate"): "after the former; run in tests/cli/test_load_command.py",
    ("guides/view.md", "ragbench view"): "serves until it is stopped; tests/view/conftest.py starts it",
    (
        "guides/view.md",
        "ragbench golden review",
    ): "after decisions in the viewer; tests/view/test_view_review.py runs it",
    ("guides/wattbot.md", "ragbench wattbot run"): "the competition's data; tests/cli/test_wattbot_shared.py has them",
}
"""Page and beginning of the line -> why it is not run. Its options are checked all the same."""


def nothing(folder: Path) -> None:
    """The folder has the sample data only."""


def shop(folder: Path) -> None:
    """``docs/`` with twenty products, and ``golden/docs`` with the queries about them."""
    (folder / "docs").mkdir()
    with (SHOP / "product_catalog.csv").open(encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file)
    with (folder / "docs" / "products.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head, *rows[:20]])
    known = {row[0] for row in rows[:20]}
    (folder / "golden" / "docs").mkdir(parents=True)
    lines = (SHOP / "golden.jsonl").read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if {one["document_id"] for one in json.loads(line).get("evidence", [])} <= known]
    (folder / "golden" / "docs" / "golden.jsonl").write_text("\n".join(kept) + "\n", encoding="utf-8")


def answers(folder: Path) -> None:
    """Two runs over the shop, as taken in from files, and rules for the gate."""
    shop(folder)
    queries = [json.loads(line) for line in (folder / "golden/docs/golden.jsonl").read_text("utf-8").splitlines()]
    for run, said in (("run1", "A tent."), ("run2", "The Tarnfell 2 tent.")):
        (folder / "answers" / run).mkdir(parents=True)
        rows = [{"query_id": one["id"], "query": one["text"], "answer": said, "cited": ["P001"],
                 "sources": [{"id": "P001", "document_id": "P001", "text": "A tent."}]} for one in queries]  # fmt: skip
        test_judge_command.write_lines(folder / "answers" / run / "answers.jsonl", rows)
    (folder / "rules.yaml").write_text("rules:\n  - {metric: token_f1, margin: 0.5}\n")
    block = (ROOT / "docs" / "guides" / "judges.md").read_text("utf-8").split("```yaml\n")[1].split("```")[0]
    (folder / "tone.yaml").write_text(block)


def made_elsewhere(folder: Path) -> None:
    """The shop, and answers of another system."""
    shop(folder)
    queries = [json.loads(line) for line in (folder / "golden/docs/golden.jsonl").read_text("utf-8").splitlines()]
    (folder / "prompts").mkdir()
    block = (ROOT / "docs" / "guides" / "answers.md").read_text("utf-8").split("```text\nYou answer")[1].split("```")[0]
    for name in ("terse", "full"):
        (folder / "prompts" / f"{name}.txt").write_text(f"{name}: You answer{block}")
    (folder / "ours.csv").write_text("query,answer\n" + "".join(f'"{one["text"]}",A tent.\n' for one in queries))


def described_service(folder: Path) -> None:
    """The shop, and a description of a service."""
    made_elsewhere(folder)
    (folder / "service.yaml").write_text(f'url: {SERVICE}\nbody: {{query: "{{question}}", query_id: "{{query_id}}"}}\n')


def shop_service(folder: Path) -> None:
    """``service.yaml``: the answers of tests/services/shop_answers.py, streamed as text."""
    (folder / "service.yaml").write_text(
        f"url: {SHOP_SERVICE}/ask\n"
        'body: {query: "{question}", user_id: "{user}"}\n'
        "reply: {variant: header:X-Variant, document_ids: header:X-Products}\n"
    )


def traced(folder: Path) -> None:
    """Traces as the SDK of OpenTelemetry writes them."""
    shutil.copy(ROOT / "tests" / "io" / "traces" / "openinference.jsonl", folder / "traces.jsonl")


def prompts(folder: Path) -> None:
    """A Parquet file with a column of prompts."""
    pq.write_table(pa.table({"prompt": ["Which tent is light?", "How do I boil water?"]}), folder / "prompts.parquet")


def review(folder: Path) -> None:
    """A set to review under the names of the page."""
    shutil.copytree(SHOP, folder / "golden" / "shop", ignore=shutil.ignore_patterns("authoring", "*.csv"))
    shutil.copy(SHOP / "product_catalog.csv", folder / "shop.csv")


def accept_all(folder: Path) -> None:
    """What people do between export and import."""
    path = folder / "review.csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, rows[0])
        table.writeheader()
        table.writerows({**row, "decision": "accept"} for row in rows)


def labels(folder: Path) -> None:
    """Labelled answers, and later ones to correct."""
    rows = [json.loads(line) for line in test_judge_command.labelled(folder).read_text().splitlines()]
    with (folder / "labels.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["answer", "label", "score_of_another_tool"])
        table.writerows([row["answer"], max(row["votes"], key=row["votes"].count), row["own_score"]] for row in rows)
    later = [{"query_id": row["id"], **{key: row[key] for key in ("query", "answer", "contexts")}} for row in rows]
    test_judge_command.write_lines(folder / "answers.jsonl", later)
    for run in ("run1", "run2"):
        (folder / "answers" / run).mkdir(parents=True)
        own = [{**row, "answer": f"{run}: {row['answer']}"} for row in later]
        test_judge_command.write_lines(folder / "answers" / run / "answers.jsonl", own)
    (folder / "golden").mkdir()
    queries = [{"id": row["id"], "text": row["query"]} for row in rows]
    test_judge_command.write_lines(folder / "golden" / "golden.jsonl", queries)


def filled(name: str, given: Sequence[str]) -> Callable[[Path], None]:
    """What annotators do with a sheet."""

    def fill(folder: Path) -> None:
        with (folder / name).open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        with (folder / name).open("w", encoding="utf-8-sig", newline="") as file:
            table = csv.DictWriter(file, rows[0])
            table.writeheader()
            table.writerows({**row, "label": given[at % len(given)]} for at, row in enumerate(rows))

    return fill


def generate(folder: Path) -> None:
    """Documents that the scripted writer knows how to ask about."""
    (folder / "docs").mkdir()
    generate_writer.write_corpus(folder / "docs" / "corpus.jsonl", 3)
    shutil.copy(SHOP / "seed_queries.txt", folder / "seeds.txt")
    page = (ROOT / "docs" / "guides" / "generate.md").read_text("utf-8")
    for name in ("prompt.txt", "personas.yaml"):
        (folder / name).write_text(page.split(f'title="{name}"\n')[1].split("```")[0])


def three_keys(folder: Path) -> None:
    """The files of a team that labels chunks."""
    generate_writer.write_corpus(folder / "catalog.jsonl", 3)
    row = {"query": "aluminium lamp", "relevant_product_id": "d0001", "source_chunk_id": 0}
    test_judge_command.write_lines(folder / "golden.jsonl", [row])


def few_queries(folder: Path) -> None:
    """The files of the page on query transformation."""
    generate_writer.write_corpus(folder / "my_corpus.jsonl", 6)
    rows = [{"query": f"a thing of kind {n}", "relevant_product_id": f"d000{n}"} for n in range(6)]
    test_judge_command.write_lines(folder / "my_golden.jsonl", rows)


def own_titles(folder: Path) -> None:
    """Documents, and their titles as queries."""
    path = generate_writer.write_corpus(folder / "my_corpus.jsonl", 12)
    documents = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    rows = [{"query": one["title"], "relevant_product_id": one["id"]} for one in documents]
    test_judge_command.write_lines(folder / "my_golden.jsonl", rows)


def submissions(folder: Path) -> None:
    """WattBot files under the names of the page."""
    for name in ("solutions", "train_QA", "before", "after"):
        shutil.copy(ROOT / "datasets/energy_ai/train_QA.csv", folder / f"{name}.csv")


def label_all(folder: Path) -> None:
    """Label every other item of a shadow test."""
    with (folder / "shadow" / "labels.csv").open(encoding="utf-8-sig", newline="") as file:
        head, *rows = csv.reader(file)
    with (folder / "shadow" / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head, *([*row[:4], str(at % 2), ""] for at, row in enumerate(rows))])


def prompt(folder: Path) -> None:
    """What the page on probes takes for granted."""
    (folder / "prompt.txt").write_text("Answer from these documents:\n{context}\n")
    block = (ROOT / "docs" / "guides" / "probe.md").read_text("utf-8").split("```yaml\n")[1].split("```")[0]
    (folder / "probe-gate.yaml").write_text(block)


def experiments(folder: Path) -> None:
    """The file of systems that the page shows."""
    block = (ROOT / "docs" / "guides" / "evaluate.md").read_text("utf-8").split("```yaml\n")[1].split("```")[0]
    (folder / "experiments.yaml").write_text(block)


def copied(name: str, *names: str) -> Callable[[Path], None]:
    """More reports, from one that the page has made by then."""

    def copy(folder: Path) -> None:
        for other in names:
            shutil.copytree(folder / "reports" / name, folder / "reports" / other)

    return copy


def says_an_answer(body: Body) -> str:
    return json.dumps({"answer": "The Tarnfell 2 tent [1].", "citations": [1], "is_unknown": False})


def judges(body: Body) -> str:
    """What a judge of any kind says; everybody else gets an answer."""
    system = body["messages"][0]["content"]
    if "grade one answer" in system:
        return json.dumps({"reasons": "It names a tent.", "score": 3})
    if "compare two answers" in system:
        return json.dumps({"reasons": "It names the tent.", "better": "second"})
    judging = ("take an answer", "compare statements", "was useful", "write the questions")
    return judge_replies.reply(body) if any(words in system for words in judging) else says_an_answer(body)


def team(folder: Path) -> None:
    """The files that the page on product search shows, each under the name in its first line."""
    page = (ROOT / "docs" / "guides" / "product-search.md").read_text("utf-8")
    for name, text in re.findall(r"^```yaml\n# (\S+)\n(.*?)^```$", page, flags=re.DOTALL | re.MULTILINE):
        (folder / name).write_text(text)


def writes_for_products(body: Body) -> str:
    """A writer who asks with words of the middle sentence of a description, and a judge who accepts."""
    system, user = (body["messages"][at]["content"] for at in (0, 1))
    if not system.startswith("You write search queries"):
        return json.dumps({"reason": "It answers.", "valid": True, "certainty": "certain"})
    sentences = re.split(r"(?<=[.!?]) ", max(generate_writer.fenced(user), key=len))
    quote = sentences[len(sentences) // 2]
    query = " ".join(word.strip(".,;:").lower() for word in quote.split() if len(word) > 3)
    wanted = re.findall(r"^(\d+)\. type ([\w-]+):", user, re.MULTILINE)
    return json.dumps({"queries": [
        {"number": int(number), "type": type_, "quotes": [quote], "query": query, "answer": quote}
        for number, type_ in wanted
    ]})  # fmt: skip


def says_texts(body: Body) -> str:
    return json.dumps({"texts": ["a thing made of steel"]})


@dataclass(frozen=True)
class Place:
    """Where the commands of a page are run: what is there, what a model says, and what is expected of them.

    Attributes:
        prepare: makes the files that the page takes for granted.
        reply: what a language model says.
        between: beginning of a line -> what happens before it.
        codes: beginning of a line -> its exit code, where it is not 0.
    """

    prepare: Callable[[Path], None] = nothing
    reply: Callable[[Body], str] = says_an_answer
    between: tuple[tuple[str, Callable[[Path], None]], ...] = ()
    codes: tuple[tuple[str, int], ...] = ()


RUN_HERE = {
    "guides/answer-metrics.md": Place(
        answers,
        between=(("ragbench compare", copied("run1-answers", "run2-answers")),),
        codes=(("ragbench ab", 3),),  # the same run twice
    ),
    "reference/answers-http.md": Place(described_service),
    "reports/README.md": Place(),
    "guides/answers.md": Place(described_service, judges),
    "guides/audit.md": Place(review, between=(("ragbench golden review import", accept_all),)),
    "guides/data-check.md": Place(),
    "guides/evaluate.md": Place(experiments),
    "concepts/golden-format.md": Place(three_keys),
    "guides/generate.md": Place(generate, generate_writer.answer),
    "guides/seeds.md": Place(generate, generate_writer.answer),
    "guides/training-data.md": Place(),
    "guides/traces.md": Place(traced),
    "guides/train-fusion.md": Place(
        codes=(
            ("ragbench train fusion --corpus datasets/shop/product_catalog.csv --golden datasets/shop", 3),
            ("ragbench train fusion", 1),
        )
    ),
    "guides/drift.md": Place(codes=(("ragbench drift --reference datasets/shop/log.csv", 1),)),
    "guides/shadow.md": Place(reply=judges, between=(("ragbench eval", label_all),)),
    "index.md": Place(),
    "guides/judge-check.md": Place(
        labels,
        judges,
        between=(
            ("ragbench judge check --labels scores.csv", filled("scores.csv", ("1", "3", "5"))),
            ("ragbench judge check --labels pairs.csv", filled("pairs.csv", ("first", "second", "tie"))),
        ),
    ),
    "guides/judges.md": Place(answers, judges),
    "guides/preferences.md": Place(answers, judges),
    "guides/probe.md": Place(
        prompt,
        test_probe_command.target,
        between=(("ragbench compare", copied("probe", "probe-before", "probe-after")),),
    ),
    "guides/product-search.md": Place(team, writes_for_products),
    "guides/report.md": Place(),
    "guides/scale.md": Place(prompts),
    "guides/retrievers.md": Place(few_queries, says_texts),
    "getting-started.md": Place(codes=(("ragbench gate", 1),)),
    "guides/vector-databases.md": Place(),
    "guides/view.md": Place(),
    "guides/languages.md": Place(own_titles),
    "guides/wattbot.md": Place(submissions),
}

LONG_PAGES = {"guides/product-search.md", "guides/train-fusion.md"}
"""Pages whose commands take most of a minute."""

SHOWN = [shown for page in pages() for shown in shown_in(page)]


def begins(shown: Shown, table: Any) -> Any:
    """What a table of beginnings of lines has for a command."""
    return next((value for start, value in table if f"{shown.line} ".startswith(f"{start} ")), None)


def not_run(shown: Shown) -> str | None:
    return begins(shown, [(start, why) for (page, start), why in NOT_RUN.items() if page == shown.page])


def run_here(page: str) -> list[Shown]:
    return [
        one for one in SHOWN
        if one.page == page and (one.page, one.language) not in RUN_ELSEWHERE and not not_run(one)
    ]  # fmt: skip


def test_every_line_is_run_somewhere_or_has_a_reason() -> None:
    left = [f"{one.page}: {one.line}" for one in SHOWN if one.page not in RUN_HERE and run_here(one.page).count(one)]
    assert not left, "lines that nothing runs:\n" + "\n".join(left)


@pytest.mark.parametrize(("page", "language"), RUN_ELSEWHERE)
def test_the_test_of_a_page_is_there_and_names_it(page: str, language: str) -> None:
    assert any((one.page, one.language) == (page, language) for one in SHOWN), "nothing left to run"
    assert page.rpartition("/")[2] in (ROOT / RUN_ELSEWHERE[page, language]).read_text(encoding="utf-8")


@pytest.mark.parametrize(("page", "start"), NOT_RUN)
def test_what_is_not_run_is_still_shown_and_tested_where_it_says(page: str, start: str) -> None:
    assert any(one.page == page and begins(one, [(start, True)]) for one in SHOWN)
    named = [word.rstrip(",;") for word in NOT_RUN[page, start].split() if word.startswith("tests/")]
    assert all((ROOT / path).exists() for path in named)


def leaf(words: list[str]) -> tuple[Any, list[str]]:
    """The command that the words name, and the words after it."""
    found, rest, command = commands(), words[1:], None
    while rest and rest[0] in found:
        command, rest = found[rest[0]], rest[1:]
        found = children(command)
    return command, rest


def examples() -> list[str]:
    """The examples of the help of every command."""
    return [text for _, command in leaves() for text, example in paragraphs(command) if example]


@pytest.mark.parametrize("line", [*dict.fromkeys(one.line for one in SHOWN), *examples()])
def test_every_line_of_docs_and_help_is_understood(line: str) -> None:
    words = [word for word in shlex.split(line, comments=True) if word != "..."]
    command, rest = leaf(words)
    assert command is not None, f"{words[:2]} is no command"
    assert command.params or not children(command), f"{words[:2]} is no command"
    # An unknown option, a missing argument or a value of the wrong kind raises.
    command.make_context(command.name, rest, resilient_parsing="..." in line)


def test_commands_within_a_sentence_have_the_options_they_name() -> None:
    for page in pages():
        for line in re.findall(r"`(ragbench [a-z][^`]*--[^`]*)`", page.read_text(encoding="utf-8")):
            words = line.split()
            command, rest = leaf(words)
            known = {"--help", *(name for one in command.params for name in one.opts)}
            unknown = {word.split("=")[0] for word in rest if word.startswith("--")} - known
            assert not unknown, f"{page.name}: {line}"


@contextmanager
def stand_ins(ragbench: Any, place: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """A model and a service on this machine; the addresses of the pages -> theirs."""
    with ExitStack() as stack:
        model = stack.enter_context(serving(LLMServer(reply=place.reply)))
        monkeypatch.setitem(ragbench.environment, "OPENAI_BASE_URL", model.url)
        monkeypatch.setitem(ragbench.environment, "OPENAI_API_KEY", "none")
        shop_service = stack.enter_context(shop_answers.serving())
        yield {MODEL: model.url, SERVICE: stack.enter_context(service()), SHOP_SERVICE: shop_service.url}


def renamed(folder: Path, addresses: dict[str, str]) -> None:
    """Write the addresses of the stand-ins into the descriptions of services that a page shows."""
    for path in folder.glob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        for ours, theirs in addresses.items():
            text = text.replace(ours, theirs)
        path.write_text(text, encoding="utf-8")


class Service(BaseHTTPRequestHandler):
    """Answers probes with care, and every other question in the same way."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        case = test_probe_command.CASES.get(asked["query_id"])
        raw = json.dumps(test_probe_command.careful(case) if case else {"answer": "A tent."}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@contextmanager
def service() -> Iterator[str]:
    """The address of a service in a thread of its own."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/ask"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", [pytest.param(page, marks=pytest.mark.slow) if page in LONG_PAGES else page for page in RUN_HERE]
)
def test_the_commands_of_a_page_run(ragbench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: str) -> None:
    (tmp_path / "datasets").symlink_to(ROOT / "datasets")
    shutil.copytree(ROOT / "reports" / "example", tmp_path / "reports" / "example")
    place = RUN_HERE[page]
    place.prepare(tmp_path)
    monkeypatch.chdir(tmp_path)
    commands = run_here(page)
    assert commands
    if any("--engine ray" in shown.line for shown in commands):
        pytest.importorskip("ray", reason="the extra ray is not installed")
    prices = tmp_path / "prices.yaml"
    prices.write_text("'openai:gpt-4o-mini': {input: 0.15, output: 0.60}\n")
    with stand_ins(ragbench, place, monkeypatch) as addresses:
        renamed(tmp_path, addresses)
        for shown in commands:
            if between := begins(shown, place.between):
                between(tmp_path)
            words = shown.words
            for ours, theirs in addresses.items():
                words = [word.replace(ours, theirs) for word in words]
            if "--max-cost" in words:
                # The price table knows the provider's server, and not the one in its place.
                words += ["--prices", str(prices)]
            done = ragbench(*words[1:])
            assert done.code == (begins(shown, place.codes) or 0), f"{shown.line}\n{done.out}{done.err}"
            if shown.language == "console" and shown.printed:
                assert not (line := holds(done.out, shown.printed)), f"{shown.line} prints no {line!r}:\n{done.out}"
