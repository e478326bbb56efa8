"""Answers whose judgements are known, a judge that knows them, and one that goes wrong.

python tests/answers/ragas_truth.py 10000   # as many answers through faults and two kills; needs ragas
"""

import argparse
import json
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parent.parent / "models"))
from judge_replies import reply as native_reply
from llm_server import Body, LLMServer, digest, randomly, serving

CONCURRENCY = 32
FATES = {7: "judge-count", 11: "judge-verdict", 13: "judge-verdict", 17: "no-statement", 19: "judge-count",
         23: "judge-unreadable"}  # fmt: skip
"""What becomes of answers number 7, 11, ... of every fifty, since the judge goes wrong whenever it is asked."""
TRANSPORT = ("429", "429-after", "500", "503", "drop", "drop-midway", "hang", "cut-json", "broken-json", "no-json",
             "wrong-schema", "empty", "not-http-json")  # fmt: skip


def sentences(text: str) -> list[str]:
    return [part.strip() + "." for part in text.split(".") if part.strip()]


def row(number: int) -> tuple[str, list[str], str]:
    """Answer, sources and reference; of the answer's three sentences, number % 4 are in the sources."""
    said = [f"Stone {number} is red", f"Stone {number} is round", f"Stone {number} is {number} kg heavy"]
    held = said[: number % 4]
    sources = [f"{sentence}. It lies by the river." for sentence in held] or ["The river is long."]
    return ". ".join(said) + ".", sources, ". ".join([*held, f"Stone {number} is old"]) + "."


def expected(number: int) -> float:
    """Faithfulness of an answer that is judged."""
    return (number % 4) / 3


def given(body: Body) -> tuple[str, dict[str, Any]]:
    """The response model that Ragas wants, and the input of its prompt."""
    prompt = body["messages"][0]["content"]
    title = body["response_format"]["json_schema"]["schema"]["title"]
    return title, json.loads(prompt.rpartition("\ninput: ")[2].rpartition("\nOutput:")[0])


def truth(body: Body) -> str:
    """A sentence is supported where the context has it word by word; every other thing follows from that."""
    title, data = given(body)
    context = data.get("context", "")

    def verdicts(texts: list[str], key: str) -> list[dict[str, object]]:
        return [{"statement": text, "reason": "as it stands", key: int(text in context)} for text in texts]

    answers: dict[str, Callable[[], object]] = {
        "StatementGeneratorOutput": lambda: {"statements": sentences(data["answer"])},
        "ClaimDecompositionOutput": lambda: {"claims": sentences(data["response"])},
        "NLIStatementOutput": lambda: {"statements": verdicts(data["statements"], "verdict")},
        "ContextRecallOutput": lambda: {"classifications": verdicts(sentences(data["answer"]), "attributed")},
        "ContextPrecisionOutput": lambda: {
            "reason": "as it stands", "verdict": int(any(one in context for one in sentences(data["answer"])))
        },
        "AnswerRelevanceOutput": lambda: {
            "question": f"What is {data['response'].split(' is ')[0]}?",
            "noncommittal": int("hard to tell" in data["response"]),
        },
    }  # fmt: skip
    return json.dumps(answers[title]())


def number_in(data: dict[str, Any]) -> int:
    text = data["answer"] if "answer" in data else data["statements"][0]
    return int(text.split()[1])


def unreliable(body: Body) -> str:
    """The truth, but for the answers of FATES; and one verdict list in ten is wrong when first asked for."""
    title, data = given(body)
    said = json.loads(truth(body))
    fate, kind = FATES.get(number_in(data) % 50, ""), number_in(data) % 50
    if fate == "no-statement":
        return json.dumps({"statements": []})
    if title != "NLIStatementOutput":
        return json.dumps(said)
    rows = said["statements"]
    draw = random.Random(f"count {digest(body)}")
    if fate == "judge-unreadable":
        return "I would rather not say."
    if fate == "judge-verdict":
        rows[-1]["verdict"] = 2 if kind == 11 else -1
    elif kind == 19:
        rows[-1] = {**rows[0], "verdict": 1 - rows[0]["verdict"]}
    elif fate == "judge-count" or (len(body["messages"]) == 1 and draw.random() < 0.1):
        rows += [dict(rows[0], statement="Stones are heavy.")] if draw.random() < 0.5 else []
        rows = rows if len(rows) > 3 else rows[:-1]
    return json.dumps({"statements": rows})


def either(body: Body) -> str:
    """The truth, for Ragas' prompts and for those of the native judge."""
    return native_reply(body) if body["messages"][0]["role"] == "system" else truth(body)


def faulty(body: Body, times: int) -> str:
    """Faults of the line and of the form, on first questions, at most twice each."""
    kinds = TRANSPORT if digest(body)[0] == "0" else tuple(kind for kind in TRANSPORT if kind != "hang")
    return randomly(0.1, kinds, seed=5, most=2)(body, times) if len(body["messages"]) == 1 else ""


WORK = """
import json, resource, sys, time
from pathlib import Path
sys.path.append(str(Path(sys.argv[4])))
from ragas_truth import CONCURRENCY, row
from ragbench.core.answers import Answered, AnswerSet, Source
from ragbench.core.goldens import GoldenItem, GoldenSet
from ragbench.core.loop import LoopThread
from ragbench.answers.scoring import Judge, ScoreSettings, score_answers
from ragbench.models.llm.connect import connect
from ragbench.models.llm.limits import Limits

url, folder, count, metric = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.argv[5]
if metric.startswith("ragas"):
    import ragbench.answers.ragas.score  # some seconds, however few calls are made
answers, golden = [], []
for n in range(count):
    said, sources, reference = row(n)
    shown = tuple(Source(f"s{at}", f"d{at}", text) for at, text in enumerate(sources))
    answers.append(Answered(f"q{n}", f"What is stone {n}?", said, shown))
    golden.append(GoldenItem(f"q{n}", f"What is stone {n}?", answer=reference))
client = connect("openai_compatible:m", params={"base_url": url}, answers=folder / "judge.sqlite",
                 limits=Limits(CONCURRENCY, timeout=5))
loop, began, before = LoopThread("judge"), time.perf_counter(), time.process_time()
try:
    found = score_answers(AnswerSet(tuple(answers)), GoldenSet(tuple(golden)), [metric],
                          judge=Judge(client, "m", loop), settings=ScoreSettings(resamples=100))
finally:
    loop.run(client.aclose())
    loop.close()
values = dict(zip(found.scored.scores.query_ids, found.scored.scores.values[:, 0].tolist()))
told = {
    "values": {id_: None if value != value else value for id_, value in values.items()},
    "codes": {entry.item: entry.code for entry in found.ledger.entries},
    "bounds": [[b.unscored, b.low, b.high] for b in found.bounds.values()],
    "details": {id_: detail for column in found.details.values() for id_, detail in column.items()},
    "seconds": time.perf_counter() - began, "cpu": time.process_time() - before,
    "calls": client.totals.calls, "cached": client.totals.cached, "reasks": client.totals.reasks,
    "retries": client.totals.retries, "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
}
(folder / "told.json").write_text(json.dumps(told))
"""


def start(server: LLMServer, folder: Path, count: int, metric: str) -> "subprocess.Popen[str]":
    words = [sys.executable, "-c", WORK, server.url, str(folder), str(count), str(Path(__file__).parent), metric]
    return subprocess.Popen(words, stderr=subprocess.PIPE, text=True)


def kept(folder: Path) -> int:
    with sqlite3.connect(folder / "judge.sqlite") as file:
        return int(file.execute("SELECT count(*) FROM answers").fetchone()[0])


def through_faults(folder: Path, count: int, kills: int) -> dict[str, Any]:
    """Judge so many answers, killed so often and resumed; what the last run told, with what the server saw."""
    server = LLMServer(reply=unreliable, fault=faulty, hang=8, keep_bodies=False)
    metric, lost = "ragas:metric=faithfulness", 0
    with serving(server):
        for kill in range(kills):
            process = start(server, folder, count, metric)
            target = 2 * count * (kill + 1) // (kills + 1)
            while sum(server.paid.values()) < target and process.poll() is None:
                time.sleep(0.005)
            assert process.poll() is None, process.communicate()
            process.send_signal(signal.SIGKILL)
            process.communicate()
            time.sleep(0.1)
            lost = sum(server.paid.values()) - kept(folder)
        told = finished(start(server, folder, count, metric), folder)
    return told | {"paid": sum(server.paid.values()), "kept": kept(folder), "lost": lost, "faults": server.faults}


def undisturbed(folder: Path, count: int, metric: str) -> dict[str, Any]:
    """The same without faults, for the time it takes."""
    with serving(LLMServer(reply=either, keep_bodies=False)) as server:
        return finished(start(server, folder, count, metric), folder)


def finished(process: "subprocess.Popen[str]", folder: Path) -> dict[str, Any]:
    _, err = process.communicate()
    assert process.returncode == 0, err
    told: dict[str, Any] = json.loads((folder / "told.json").read_text())
    return told


def check(told: dict[str, Any], count: int) -> None:
    """Every answer has the value that it should have, or is in the ledger with the reason it should have."""
    fates = {f"q{n}": FATES[n % 50] for n in range(count) if n % 50 in FATES}
    assert told["codes"] == fates
    assert {id_ for id_, value in told["values"].items() if value is None} == set(fates)
    assert len(told["values"]) == count
    wrong = [n for n in range(count) if f"q{n}" not in fates and abs(told["values"][f"q{n}"] - expected(n)) > 1e-12]
    assert not wrong
    # Each answer of the judge is paid for once, but for those in flight at a kill.
    assert told["paid"] == told["kept"] + told["lost"]


def _main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("count", type=int)
    parser.add_argument("--kills", type=int, default=2)
    parser.add_argument("--undisturbed", metavar="METRIC", help="without faults, for the time this metric takes")
    given = parser.parse_args()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if given.undisturbed:
            told = undisturbed(folder, given.count, given.undisturbed)
        else:
            told = through_faults(folder, given.count, given.kills)
            check(told, given.count)
    scored = sum(value is not None for value in told.pop("values").values())
    del told["details"], told["codes"]
    print({**told, "scored": scored, "unscored": given.count - scored, "all_seconds": time.perf_counter() - began})


if __name__ == "__main__":
    _main()
