"""The client for language models: throughput against a server with 1 s latency, CPU a call, memory."""

import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.child import ROOT, run_module
from benchmarks.command import main
from benchmarks.figures import Figure, Options, Section
from ragbench.core.context import Context
from ragbench.core.documents import Corpus, Document
from ragbench.corpus.chunk import choose_chunker, chunk
from ragbench.golden.generate import WRITER, Generated, Job, Settings, build_stages, generate
from ragbench.golden.writer import Writer, read_prompt
from ragbench.models.llm.answers import AnswerStore
from ragbench.models.llm.base import LLM, Answer, Message, Request, Response, Usage
from ragbench.models.llm.client import Client
from ragbench.models.llm.connect import connect
from ragbench.models.llm.limits import Limits

LATENCY = 1.0
CALLS = 4_096
"""Of one measurement. The last answers come one after another while slots stand empty, and the first calls all start
at once; both cost some tenths of a second whatever the length, so a share over few rounds measures mostly them."""
PROVIDERS = {"throughput": "openai_compatible", "langchain-throughput": "openai"}
SHARE, OWN_MS, GROWTH = 0.95, 1.0, 1.1
SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "string"}, "n": {"type": "integer"}},
    "required": ["answer", "n"],
    "additionalProperties": False,
}
PASSAGE = "The quick brown fox jumps over the lazy dog, and the dog takes note of it. " * 12
HOW = (
    f"A server in another process on the same machine answers OpenAI's chat completions after {LATENCY:g} s, without "
    f"limits. Throughput is measured over {CALLS:,} requests after one round of warm-up, with JSON schema, answer "
    "cache and budget on. It is the share of concurrency / latency. There are 64 rounds at concurrency 64 and 16 at "
    "256; the first calls start together and the last slots are empty for a few tenths of a second in any case. The "
    "peer is the same client through LangChain (`openai:`). CPU per call is that of the client's process, all "
    "threads. 'own' has a model that answers at once, so it measures only ragbench. 'asked directly' and 'LangChain' "
    "are the models alone with the same requests, 16 at once. 'generate' writes a golden set from as many documents as "
    "there are calls, with a prompt of one's own, after a small set that warms up. Its time includes measuring the "
    "wordings and the stages schema and located. Memory is the peak of resident memory, each in its own process."
)


class Instant(LLM):
    """Answers at once, so that only the client is measured."""

    name = "instant:model"

    def fingerprint(self) -> str:
        return "instant"

    async def complete(self, request: Request) -> Response:
        return Response('{"answer": "yes", "n": 1}', Usage(300, 12))


def run(options: Options) -> Section:
    """Throughput, CPU and memory."""
    figures = []
    for concurrency in (4,) if options.small else (64, 256):
        options.say(f"throughput at concurrency {concurrency}")
        calls = 3 * concurrency if options.small else CALLS
        direct, langchain = (
            run_module("benchmarks.llm_client", mode, str(concurrency), str(calls)) for mode in PROVIDERS
        )
        share = direct["share"]
        figures.append(
            Figure(
                f"concurrency {concurrency}", "share of the ideal throughput", share,
                target=f"at least {SHARE}", met=share >= SHARE, reason=direct["reason"],
                peer=f"LangChain {langchain['share']:.3f} ({langchain['reason']})",
            )
        )  # fmt: skip
    options.say("throughput of generate")
    concurrency, calls = (4, 12) if options.small else (64, CALLS)
    drafted = run_module("benchmarks.llm_client", "generate", str(concurrency), str(calls))
    figures.append(
        Figure(
            f"generate with a prompt of one's own, concurrency {concurrency}", "share of the ideal throughput",
            drafted["share"], target=f"at least {SHARE}", met=drafted["share"] >= SHARE, reason=drafted["reason"],
        )
    )  # fmt: skip
    options.say("CPU a call")
    own = run_module("benchmarks.llm_client", "own", "100" if options.small else "5000")["ms"]
    asked, through = (
        run_module("benchmarks.llm_client", mode, "20" if options.small else "1000")["ms"]
        for mode in ("direct", "langchain")
    )
    figures.append(Figure("one call", "own CPU", own, "ms", target=f"less than {OWN_MS:g} ms", met=own < OWN_MS))
    peer = f"LangChain {through:.2f} ms"
    figures.append(Figure("one call", "CPU of the model, asked directly", asked, "ms", peer=peer))
    return Section("llm_client", "Client for language models", HOW, (*figures, *_memory(options)))


def _memory(options: Options) -> Iterator[Figure]:
    for what, mode, counts in (
        ("through HTTP", "http-memory", (10, 20) if options.small else (1_000, 20_000)),
        ("own", "own-memory", (10, 20) if options.small else (1_000, 100_000)),
    ):
        options.say(f"memory, {what}")
        few, many = (run_module("benchmarks.llm_client", mode, str(count))["mib"] for count in counts)
        yield Figure(
            f"{what}, {counts[1]:,} requests", "peak memory", many, "MiB", target=f"at most {GROWTH} of {counts[0]:,}",
            met=many <= GROWTH * few, peer=f"{few:.0f} MiB with {counts[0]:,}",
        )  # fmt: skip


def _request(number: int) -> Request:
    said = (Message("system", "Answer in JSON."), Message("user", f"{PASSAGE}\nquestion {number}"))
    return Request("bench/1", said, SCHEMA, max_tokens=256)


async def _ask(client: Client, numbers: range, workers: int) -> None:
    """All of them by so many workers, so that memory is the client's and not that of waiting tasks."""
    waiting = iter(numbers)

    async def work() -> None:
        for number in waiting:
            answer: Answer = await client.ask(_request(number))
            if answer.failure:
                raise RuntimeError(answer.failure)

    await asyncio.gather(*(work() for _ in range(workers)))


@contextmanager
def latency_server(latency: float, *content: str) -> Iterator[str]:
    """Address of a server that answers after so many seconds."""
    words = [sys.executable, "-m", "benchmarks.latency_server", str(latency), *content]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.kill()


async def _throughput(url: str, folder: Path, provider: str, concurrency: int, count: int) -> dict[str, Any]:
    client = connect(
        f"{provider}:m", params={"base_url": url}, limits=Limits(concurrency=concurrency), answers=folder / "a.sqlite"
    )
    await _ask(client, range(concurrency), 2 * concurrency)
    cpu, began = time.process_time(), time.perf_counter()
    await _ask(client, range(concurrency, concurrency + count), 2 * concurrency)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    await client.aclose()
    return _share(count, concurrency, seconds, cpu)


def _share(count: int, concurrency: int, seconds: float, cpu: float) -> dict[str, Any]:
    """Share of the ideal throughput, and what it took."""
    load = (
        f"{count / seconds:.0f} calls/s, {1000 * cpu / count:.2f} ms CPU a call, {100 * cpu / seconds:.0f}% of a core"
    )
    return {"share": count * LATENCY / concurrency / seconds, "reason": load}


QUERIES = json.dumps({"queries": ["a kettle for two", "which kettle is quiet?", "kettle steel", "cheap kettle"]})
PROMPT = """You write queries for a shop.

{context}

Write {n} queries as JSON: {"queries": ["first", "second"]}
"""


async def _generate(url: str, folder: Path, concurrency: int, count: int) -> dict[str, Any]:
    """Share of the ideal throughput of a whole golden set, after a small one that warms up."""
    (folder / "prompt.txt").write_text(PROMPT)
    client = connect(
        "openai_compatible:m", params={"base_url": url}, limits=Limits(concurrency=concurrency),
        answers=folder / "a.sqlite",
    )  # fmt: skip
    writer = Writer(read_prompt(folder / "prompt.txt"))
    settings = Settings(4, {"question": 1.0}, stages=("schema", "located"))

    async def written(numbers: range) -> Generated:
        texts = {f"Kettle {at}": f"Kettle {at} of steel. {PASSAGE}" for at in numbers}
        corpus = Corpus(tuple(Document(title, text, title) for title, text in texts.items()))
        chunks = chunk(corpus, choose_chunker("whole", passages=False).chunker)[0]
        job = Job(corpus, chunks, range(len(chunks)), (), settings, {WRITER: client}, {WRITER: "m"}, writer)
        return await generate(job, build_stages(settings.stages), Context())

    await written(range(concurrency))
    cpu, began = time.process_time(), time.perf_counter()
    done = await written(range(concurrency, concurrency + count))
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    await client.aclose()
    if len(done.accepted) != 4 * count:
        raise RuntimeError(f"{len(done.accepted)} queries of {4 * count}: {done.rejections()}")
    return _share(count, concurrency, seconds, cpu)


async def _own(folder: Path, count: int) -> dict[str, Any]:
    client = Client(
        Instant(), limits=Limits(concurrency=64), answers=AnswerStore(folder / "a"), jitter=np.random.default_rng(0)
    )
    await _ask(client, range(200), 64)
    cpu = time.process_time()
    await _ask(client, range(200, 200 + count), 64)
    cpu = time.process_time() - cpu
    await client.aclose()
    return {"ms": 1000 * cpu / count, "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


async def _alone(url: str, provider: str, count: int) -> dict[str, Any]:
    """CPU of the model's own call, without the client around it."""
    limits = Limits(concurrency=16)
    client = connect(f"{provider}:m", params={"base_url": url}, limits=limits)

    async def ask(numbers: range) -> None:
        waiting = iter(numbers)

        async def work() -> None:
            for number in waiting:
                await client.llm.complete(_request(number))

        await asyncio.gather(*(work() for _ in range(limits.concurrency)))

    await ask(range(50))
    cpu = time.process_time()
    await ask(range(50, 50 + count))
    cpu = time.process_time() - cpu
    await client.aclose()
    return {"ms": 1000 * cpu / count}


async def _http_memory(url: str, folder: Path, count: int) -> dict[str, Any]:
    limits = Limits(concurrency=64)
    client = connect("openai_compatible:m", params={"base_url": url}, limits=limits, answers=folder / "answers.sqlite")
    await _ask(client, range(count), 64)
    await client.aclose()
    return {"mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def measure(mode: str, number: int, calls: int = CALLS) -> Mapping[str, Any]:
    """One measurement, in this process.

    Args:
        mode: what is measured.
        number: the concurrency of a throughput, else how many calls.
        calls: of a throughput.
    """
    os.environ.pop("OPENAI_API_KEY", None)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if mode.startswith("own"):
            return asyncio.run(_own(folder, number))
        if mode == "generate":
            with latency_server(LATENCY, QUERIES) as url:
                return asyncio.run(_generate(url, folder, number, calls))
        with latency_server(LATENCY if mode in PROVIDERS else 0.0) as url:
            if mode in PROVIDERS:
                return asyncio.run(_throughput(url, folder, PROVIDERS[mode], number, calls))
            if mode == "http-memory":
                return asyncio.run(_http_memory(url, folder, number))
            return asyncio.run(_alone(url, {"direct": "openai_compatible", "langchain": "openai"}[mode], number))


if __name__ == "__main__":
    if len(sys.argv) > 2 and all(word.isdigit() for word in sys.argv[2:]):
        print(json.dumps(measure(sys.argv[1], *map(int, sys.argv[2:]))))
    else:
        sys.exit(main(only="llm_client"))
