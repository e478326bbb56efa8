"""A run of some 2,000 calls against a server that goes wrong in every way it can, killed at ten random moments."""

import random
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest
from generate_writer import LLMServer, answer, options, randomly, serving, write_corpus

DOCUMENTS, KILLS, RATE, CONCURRENCY = 300, 10, 0.1, 48
# Without embeddings: the run is started eleven times, and this is about its calls.
STAGES = ("schema", "language", "length", "located", "overlap", "standalone", "duplicate:embedder=null",
          "round_trip:retrievers=[bm25]", "judge", "reconsider")  # fmt: skip
SETTINGS = ["--per-chunk", 5, "--concurrency", CONCURRENCY, "--timeout", 8, "--seed", 3]
SETTINGS += [word for stage in STAGES for word in ("--stage", stage)]
RESULTS = ("golden.jsonl", "rejected.jsonl", "manifest.json")


def faulty(body: dict[str, Any], times: int) -> str:
    """Every kind of fault on first questions; re-asks go well, so that no item is given up by chance."""
    return randomly(RATE, seed=5, most=2)(body, times) if len(body["messages"]) == 2 else ""


def rows(folder: Path) -> int:
    path = folder / "answers.sqlite"
    if not path.exists():
        return 0
    with sqlite3.connect(path) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'answers'").fetchone():
            return 0
        return int(connection.execute("SELECT count(*) FROM answers").fetchone()[0])


@pytest.mark.slow
def test_faults_and_kills_change_nothing_and_nothing_is_paid_twice(ragbench: Any, tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus.jsonl", DOCUMENTS)
    quiet, wild = tmp_path / "quiet" / "set", tmp_path / "wild" / "set"
    server = LLMServer(reply=answer, latency=0.01, hang=20, keep_bodies=False)
    with serving(server):
        done = ragbench(*options(corpus, server, quiet, *SETTINGS))
        assert done.code == 0, done.err
        calls = sum(server.paid.values())
        assert calls >= 1600
        assert calls == rows(quiet) == len(server.paid)

        server.paid.clear()
        server.asked.clear()
        server.fault = faulty
        draw = random.Random(17)
        lost = 0
        for target in sorted(draw.randrange(1, calls) for _ in range(KILLS)):
            process = ragbench.start(*options(corpus, server, wild, *SETTINGS))
            until = time.monotonic() + 120
            while sum(server.paid.values()) < target and process.poll() is None and time.monotonic() < until:
                time.sleep(0.002)
            time.sleep(draw.random() * 0.05)
            assert process.poll() is None, process.communicate()
            process.kill()
            process.communicate()
            server.wait_for_the_dead()
            # Answers sent that were not on disk when the process died. One model is asked at a time; its calls hold
            # a slot until they are answered, and as many answers may wait for the disk.
            gone = sum(server.paid.values()) - rows(wild) - lost
            assert 0 <= gone <= 2 * CONCURRENCY
            lost += gone
        done = ragbench(*options(corpus, server, wild, *SETTINGS, "--json"))
        assert done.code == 0, done.err

    assert set(server.faults) >= {"429", "500", "hang", "drop", "drop-midway", "cut-json", "wrong-schema", "no-json"}
    for name in RESULTS:
        assert (wild / name).read_bytes() == (quiet / name).read_bytes(), name
    assert done.json["accepted"] + sum(stage["count"] for stage in done.json["rejected"].values()) == DOCUMENTS * 5
    # Every answer on disk was paid for once; what was paid beyond that was in flight at a kill.
    assert sum(server.paid.values()) == rows(wild) + lost
    print(f"{sum(server.paid.values())} answers sent, {rows(wild)} kept, {lost} in flight at {KILLS} kills")
