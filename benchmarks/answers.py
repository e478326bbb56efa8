"""Answer runs: throughput against a server with 1 s latency, answer cache and timings on."""

import asyncio
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.child import run_module
from benchmarks.command import main
from benchmarks.figures import Figure, Options, Section
from benchmarks.llm_client import CALLS, LATENCY, SHARE, latency_server
from ragbench.answers.answering import AnswerSettings, Question, answer
from ragbench.answers.retrieve import Retrieved
from ragbench.core.answers import Source
from ragbench.core.context import Context
from ragbench.io.journals import TimingJournal
from ragbench.models.llm.base import Answer
from ragbench.models.llm.connect import connect
from ragbench.models.llm.limits import Limits

PASSAGE = "The quick brown fox jumps over the lazy dog, and the dog takes note of it. " * 6
SHOWN = 5
HOW = (
    f"A server in another process on the same machine answers after {LATENCY:g} s, without limits. It is asked "
    f"{CALLS:,} questions with {SHOWN} passages of {len(PASSAGE)} characters each, in plain text as `ragbench answer` "
    "does, after one round of warm-up. Answer cache and timings are on disk. The figure is the share of the ideal "
    "throughput, which is concurrency / latency. The measured time includes building the prompts, but not the search."
)


def run(options: Options) -> Section:
    """Throughput at two concurrencies."""
    figures = []
    for concurrency in (4,) if options.small else (64, 256):
        options.say(f"answers at concurrency {concurrency}")
        calls = 3 * concurrency if options.small else CALLS
        found = run_module("benchmarks.answers", str(concurrency), str(calls))
        figures.append(
            Figure(
                f"concurrency {concurrency}", "share of the ideal throughput", found["share"],
                target=f"at least {SHARE}", met=found["share"] >= SHARE, reason=found["reason"],
            )
        )  # fmt: skip
    return Section("answers", "Answer runs", HOW, tuple(figures))


async def _measure(url: str, folder: Path, concurrency: int, count: int) -> dict[str, Any]:
    limits = Limits(concurrency=concurrency)
    client = connect("openai_compatible:m", params={"base_url": url}, limits=limits, answers=folder / "answers.sqlite")
    with TimingJournal(folder / "timings.jsonl") as journal:

        def note(query_id: str, came: Answer) -> None:
            journal.note(query_id, came.seconds or 0.0)

        async def ask(numbers: range) -> None:
            questions = [Question(f"q{n}", f"question {n}") for n in numbers]
            sources = tuple(Source(f"d{n}", f"d{n}", PASSAGE, 1.0) for n in range(SHOWN))
            found = Retrieved({question.id: sources for question in questions})
            items, _ = await answer(questions, found, client, AnswerSettings(plain=True), Context(), note=note)
            failed = [item.failure for item in items if item.failure]
            if failed:
                raise RuntimeError(failed[0])

        await ask(range(concurrency))
        cpu, began = time.process_time(), time.perf_counter()
        await ask(range(concurrency, concurrency + count))
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    await client.aclose()
    load = f"{count / seconds:.0f} answers/s, {1000 * cpu / count:.2f} ms CPU an answer"
    return {"share": count * LATENCY / concurrency / seconds, "reason": load}


def measure(concurrency: int, count: int) -> dict[str, Any]:
    """One measurement, in this process."""
    os.environ.pop("OPENAI_API_KEY", None)
    with tempfile.TemporaryDirectory() as name, latency_server(LATENCY) as url:
        return asyncio.run(_measure(url, Path(name), concurrency, count))


if __name__ == "__main__":
    if len(sys.argv) > 2 and all(word.isdigit() for word in sys.argv[1:3]):
        print(json.dumps(measure(int(sys.argv[1]), int(sys.argv[2]))))
    else:
        sys.exit(main(only="answers"))
