"""``kill -9`` at random moments, a full disk: what was answered is kept, and nothing kept is paid again."""

import random
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from llm_server import LLMServer, echo, randomly, serving

CONCURRENCY = 16
WORK = """
import asyncio, sys
from pathlib import Path
from ragbench.core.errors import RagbenchError
from ragbench.models.llm.base import Message, Request
from ragbench.models.llm.connect import connect
from ragbench.models.llm.limits import Limits

SCHEMA = {"type": "object", "properties": {"answer": {"type": "string"}, "n": {"type": "integer"}},
          "required": ["answer", "n"], "additionalProperties": False}

async def main(url, folder, count):
    client = connect("openai_compatible:m", params={"base_url": url}, answers=folder / "answers.sqlite",
                     limits=Limits(concurrency=16, timeout=5, reasks=6))
    requests = [Request("test/1", (Message("user", f"question {i}"),), SCHEMA) for i in range(count)]
    try:
        answers = await asyncio.gather(*(client.ask(request) for request in requests))
    finally:
        await client.aclose()
    (folder / "result.txt").write_text("".join(f"{answer.value}\\n" for answer in answers))

try:
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))
except RagbenchError as error:
    sys.exit(f"told: {error}")
"""


def start(url: str, folder: Path, count: int) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", WORK, url, str(folder), str(count)]
    return subprocess.Popen(words, stderr=subprocess.PIPE, text=True)


def kept(folder: Path) -> int:
    with sqlite3.connect(folder / "answers.sqlite") as file:
        return int(file.execute("SELECT count(*) FROM answers").fetchone()[0])


@pytest.mark.slow
def test_killed_at_ten_moments_and_resumed(tmp_path: Path) -> None:
    count, draw = 600, random.Random(3)
    with serving(LLMServer(fault=randomly(0.2, most=3), hang=6, latency=0.02)) as server:
        undisturbed = tmp_path / "undisturbed"
        undisturbed.mkdir()
        assert start(server.url, undisturbed, count).wait(120) == 0
        server.asked.clear(), server.paid.clear()

        folder = tmp_path / "killed"
        folder.mkdir()
        kills = lost = 0
        while True:
            process = start(server.url, folder, count)
            answered, limit = sum(server.paid.values()), draw.randint(5, 120)
            while kills < 10 and process.poll() is None and sum(server.paid.values()) < answered + limit:
                time.sleep(0.001)
            if kills == 10:
                break
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
            server.wait_for_the_dead()
            # Sent by the server, but killed before it was on disk: in flight, or being written.
            assert sum(server.paid.values()) - kept(folder) - lost <= CONCURRENCY
            lost = sum(server.paid.values()) - kept(folder)
        assert process.wait(120) == 0
        assert (folder / "result.txt").read_bytes() == (undisturbed / "result.txt").read_bytes()
        # What was kept before a kill was never asked again; all beyond it was in flight at a kill.
        assert sum(server.paid.values()) == kept(folder) + lost
        assert sum(times - 1 for times in server.paid.values()) == lost


def test_a_full_disk_is_told_and_loses_nothing(tmp_path: Path) -> None:
    def long(body: object) -> str:
        return echo(body).replace("}", " " * 2000 + "}")  # type: ignore[arg-type]

    with serving(LLMServer(reply=long)) as server:
        most = 300_000
        words = [sys.executable, "-c", WORK, server.url, str(tmp_path), "300"]
        full = subprocess.run(
            words, stderr=subprocess.PIPE, text=True, check=False, timeout=60,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)),
        )  # fmt: skip
        assert full.returncode == 1
        assert "told: " in full.stderr
        assert "an answer cannot be kept" in full.stderr
        assert "Traceback" not in full.stderr
        safe = kept(tmp_path)
        assert safe > 20
        paid = sum(server.paid.values())
        assert start(server.url, tmp_path, 300).wait(60) == 0
        assert sum(server.paid.values()) - paid == 300 - safe
