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
from ragbench.models.llm.answers import AnswerStore
from ragbench.models.llm.base import LLM, Answer, Message, Request, Response, Usage
from ragbench.models.llm.client import Client
from ragbench.models.llm.connect import connect
from ragbench.models.llm.limits import Limits

LATENCY = 1.0
ROUNDS = 8
SHARE, OWN_MS, GROWTH = 0.95, 1.0, 1.1
SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "string"}, "n": {"type": "integer"}},
    "required": ["answer", "n"],
    "additionalProperties": False,
}
PASSAGE = "The quick brown fox jumps over the lazy dog, and the dog takes note of it. " * 12
HOW = (
    f"A server on the same machine answers OpenAI's chat completions after {LATENCY:g} s, without limits. Throughput: "
    f"{ROUNDS} requests per slot after one round to warm up, with JSON schema, answer cache and budget on, as a share "
    "of concurrency / latency. CPU a call is of the client's process, all threads: 'own' around a model that answers "
    "at once, so that only ragbench is measured; 'LangChain' is ChatOpenAI.ainvoke alone with the same requests. "
    "Memory: resident at the peak, each in a process of its own."
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
        found = run_module("benchmarks.llm_client", "throughput", str(concurrency))
        share = found["share"]
        figures.append(
            Figure(
                f"concurrency {concurrency}", "share of the ideal throughput", share,
                target=f"at least {SHARE}", met=share >= SHARE, reason=found["reason"],
            )
        )  # fmt: skip
    options.say("CPU a call")
    own = run_module("benchmarks.llm_client", "own", "100" if options.small else "5000")["ms"]
    langchain = run_module("benchmarks.llm_client", "langchain", "20" if options.small else "1000")["ms"]
    figures.append(
        Figure("one call", "own CPU", own, "ms", target=f"less than {OWN_MS:g} ms", met=own < OWN_MS,
               peer=f"LangChain {langchain:.2f} ms")
    )  # fmt: skip
    figures.append(Figure("one call", "CPU of LangChain and openai", langchain, "ms"))
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
def _server(latency: float) -> Iterator[str]:
    script = ROOT / "tests" / "models" / "llm_server.py"
    words = [sys.executable, str(script), "--latency", str(latency)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.kill()


async def _throughput(url: str, folder: Path, concurrency: int) -> dict[str, Any]:
    client = connect(
        "openai:m", params={"base_url": url}, limits=Limits(concurrency=concurrency), answers=folder / "answers.sqlite"
    )
    await _ask(client, range(concurrency), 2 * concurrency)
    count = ROUNDS * concurrency
    cpu, began = time.process_time(), time.perf_counter()
    await _ask(client, range(concurrency, concurrency + count), 2 * concurrency)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    await client.aclose()
    share = count * LATENCY / concurrency / seconds
    load = (
        f"{count / seconds:.0f} calls/s, {1000 * cpu / count:.2f} ms CPU a call, {100 * cpu / seconds:.0f}% of a core"
    )
    return {"share": share, "reason": load}


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


async def _langchain(url: str, count: int) -> dict[str, Any]:
    from langchain.chat_models import init_chat_model

    model = init_chat_model("openai:m", base_url=url, api_key="none", max_retries=0)
    form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA, "strict": True}}

    async def ask(numbers: range) -> None:
        waiting = iter(numbers)

        async def work() -> None:
            for number in waiting:
                said = [(message.role, message.text) for message in _request(number).messages]
                await model.ainvoke(said, max_tokens=256, extra_body={"response_format": form})

        await asyncio.gather(*(work() for _ in range(16)))

    await ask(range(50))
    cpu = time.process_time()
    await ask(range(50, 50 + count))
    return {"ms": 1000 * (time.process_time() - cpu) / count}


async def _http_memory(url: str, folder: Path, count: int) -> dict[str, Any]:
    limits = Limits(concurrency=64)
    client = connect("openai:m", params={"base_url": url}, limits=limits, answers=folder / "answers.sqlite")
    await _ask(client, range(count), 64)
    await client.aclose()
    return {"mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def measure(mode: str, number: int) -> Mapping[str, Any]:
    """One measurement, in this process."""
    os.environ.pop("OPENAI_API_KEY", None)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if mode.startswith("own"):
            return asyncio.run(_own(folder, number))
        with _server(LATENCY if mode == "throughput" else 0.0) as url:
            if mode == "throughput":
                return asyncio.run(_throughput(url, folder, number))
            if mode == "langchain":
                return asyncio.run(_langchain(url, number))
            return asyncio.run(_http_memory(url, folder, number))


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[2].isdigit():
        print(json.dumps(measure(sys.argv[1], int(sys.argv[2]))))
    else:
        sys.exit(main(only="llm_client"))
