"""Every long command: how to start it on a small input, and what it leaves.

This is the one declaration that the matrix of faults, the kills and the table of ``docs/concepts/reliability.md`` come
from.
"""

import io
import json
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.faults.services import Services, generate_writer
from tests.faults.warm import ROOT, Warm

Words = list[object]
STONES = range(100, 112)
QUICK = ("--file-timeout", 0, "--file-memory", 0)
"""Files are read in the process of the command: a process for them takes longer than the rest."""
STAGES = ("--stage", "schema", "--stage", "length", "--stage", "located", "--stage", "judge")
MODEL = "openai_compatible:m"
PASSING = ("*.lock", ".lock", "*.sqlite", "*.sqlite-wal", "*.sqlite-shm", "*.damaged", "*.damaged-wal")
"""Files that are no result: locks and stored answers."""
MEASURED = re.compile(
    r"seconds|finished|.*_seconds|latency_ms\w*|p50|\w*qps|peak_memory_mib|from_store|(.*\.)?embedded\w*|files|checksum"
)
"""Keys of ``results.json`` whose values differ from run to run: what is measured, what was stored already, and
the checksums of files, which are compared themselves."""


@dataclass(frozen=True)
class Inputs:
    """The inputs of all commands, in one folder."""

    folder: Path
    services: Services

    def __truediv__(self, name: str) -> Path:
        return self.folder / name


@dataclass(frozen=True)
class Command:
    """A command, and what is known of it.

    Attributes:
        name: what the table calls it.
        words: the words of its command line; it writes to ``out`` in the folder that it starts in.
        measured: files in ``out`` that hold measured times, and so differ from run to run.
        pays: whether it pays a model, whose answers are counted.
        in_flight: the most answers that are under way at once.
        in_cache: whether the answers are in the cache, and not in ``out``.
        talk: what is done with a command that serves, at its address; it returns the result.
        before: commands that are run first, whole, in the same folder.
        after: commands that are run at the end; what they leave counts.
        senseless: faults that make no sense for it, with the reason.
    """

    name: str
    words: Callable[[Inputs], Words]
    measured: Sequence[str] = ()
    pays: bool = False
    in_flight: int = 4
    in_cache: bool = False
    talk: Callable[[str], bytes] | None = None
    before: Callable[[Inputs], Sequence[Words]] = lambda inputs: ()
    after: Callable[[Inputs], Sequence[Words]] = lambda inputs: ()
    senseless: Mapping[str, str] = field(default_factory=dict)

    def results(self, place: Path) -> dict[str, bytes]:
        """What is the same after every run: the files of ``out``, without what is measured."""
        found = {}
        for path in sorted([*place.glob("out"), *place.glob("out.*"), *place.glob("out/**/*")]):
            if path.is_file() and not any(path.match(pattern) for pattern in (*PASSING, *self.measured)):
                raw = path.read_bytes()
                found[str(path.relative_to(place))] = _timeless(raw) if path.name == "results.json" else raw
        return found


def _timeless(raw: bytes) -> bytes:
    def without(value: object) -> object:
        if isinstance(value, dict):
            return {key: without(one) for key, one in value.items() if not MEASURED.fullmatch(key)}
        return [without(one) for one in value] if isinstance(value, list) else value

    return json.dumps(without(json.loads(raw))).encode()


def _model(inputs: Inputs, *, judge: bool = False) -> Words:
    return ["--judge" if judge else "--llm", MODEL, "--base-url", inputs.services.model.url, "--concurrency", 4]


def _writer(inputs: Inputs) -> Words:
    return ["--corpus", inputs / "products.jsonl", "--per-chunk", 2, "--concurrency", 4, *STAGES, *QUICK]


def _eval(retriever: str) -> Callable[[Inputs], Words]:
    def words(inputs: Inputs) -> Words:
        named = retriever.format(url=inputs.services.url)
        return ["eval", "--corpus", inputs / "stones.jsonl", "--golden", inputs / "golden.jsonl", "--retriever", named,
                "--retriever", "bm25:b=0.2", "--resamples", 200, "--out", "out", *QUICK]  # fmt: skip

    return words


def _batch(inputs: Inputs) -> Words:
    return ["batch", "submit", *_writer(inputs), "--llm", "openai:writer", "--judge", "openai:judge", "--base-url",
            inputs.services.batches.url, "--most-lines", 5, "--out", "out"]  # fmt: skip


BATCH_FILES = ("batches.jsonl", "out/batches/*", "run.json", "spent.json")
"""Names of batches are drawn, and their files are no result."""
FETCH: Words = ["batch", "fetch", "out", "--wait", "--every", 0.02]


def _to_the_end(inputs: Inputs) -> Sequence[Words]:
    """The rounds that a golden set takes through batches: drafts, then verdicts."""
    return [FETCH, _batch(inputs), FETCH, _batch(inputs)]


def _ended_job(inputs: Inputs) -> Sequence[Words]:
    inputs.services.make_job()
    return ()


def _view(address: str) -> bytes:
    """Look at the reports, upload a file and ask about it."""
    base = address.partition("/?")[0]
    with httpx.Client(base_url=base, headers={"Origin": base}, timeout=60) as client:
        client.get(address).raise_for_status()
        client.get("/").raise_for_status()
        client.post("/upload", params={"name": "a.txt"}, content=b"The zebra Zuri eats hay.").raise_for_status()
        asked = {"corpus": -1, "retriever": 0, "question": "zebra", "k": 1}
        with client.stream("POST", "/ask", json=asked) as reply:
            return b"\n".join(line.encode() for line in reply.iter_lines() if '"seconds"' not in line)


NOTHING_WRITTEN = "it writes no file"
KEEPS_NOTHING = "it stores nothing that a later run uses"
MEASURES = "what it measures is another time at each run; a later run begins anew"
LOCKED = "the folder is the store; nothing else is shared"

COMMANDS = (
    Command(
        "generate (model)",
        lambda i: ["generate", *_writer(i), *_model(i), "--out", "out"],
        measured=("spent.json",),
        pays=True,
    ),
    Command(
        "generate (no model)",
        lambda i: ["generate", "--corpus", i / "products.jsonl", "--out", "out", *QUICK],
    ),
    Command(
        "golden audit",
        lambda i: ["golden", "audit", "--golden", i / "few.jsonl", "--corpus", i / "stones.jsonl", "--retriever",
                   "bm25", "--depth", 4, "--out", "out", *_model(i), *QUICK],
        pays=True,
        in_cache=True,
    ),
    *(
        Command(f"eval ({name})", _eval(retriever), measured=("latency.parquet", "summary.md", "evaluation.json"))
        for name, retriever in (
            ("bm25", "bm25"), ("dense", "dense"), ("hybrid", "hybrid"), ("rerank", "rerank"),
            ("service", "http:url={url}/search,returns=document"),
        )
    ),
    Command(
        "answer (model)",
        lambda i: ["answer", "--corpus", i / "stones.jsonl", "--golden", i / "golden.jsonl", "--retriever", "bm25",
                   "--k", 2, *_model(i), "--out", "out", *QUICK],
        measured=("spent.json", "timings.jsonl"),
        pays=True,
    ),
    Command(
        "answer (service)",
        lambda i: ["answer", "--endpoint", f"{i.services.url}/ask", "--golden", i / "golden.jsonl", "--concurrency",
                   4, "--out", "out"],
        measured=("timings.jsonl", "replies.jsonl"),
    ),
    Command(
        "score",
        lambda i: ["score", i / "answers.jsonl", "--golden", i / "golden.jsonl", *_model(i, judge=True), "--metric",
                   "faithfulness", "--resamples", 200, "--out", "out", *QUICK],
        measured=("spent.json",),
        pays=True,
    ),
    Command(
        "prefer",
        lambda i: ["prefer", i / "answers.jsonl", i / "others.jsonl", "--golden", i / "golden.jsonl",
                   *_model(i, judge=True), "--resamples", 200, "--out", "out"],
        measured=("spent.json",),
        pays=True,
    ),
    Command(
        "judge check",
        lambda i: ["judge", "check", "--labels", i / "labels.jsonl", "--metric", "faithfulness", *_model(i, judge=True),
                   "--resamples", 200, "--out", "out"],
        measured=("spent.json",),
        pays=True,
    ),
    Command(
        "probe (model)",
        lambda i: ["probe", *_model(i), "--category", "out_of_scope", "--out", "out"],
        measured=("latency.parquet",),
        pays=True,
    ),
    Command(
        "probe (service)",
        lambda i: ["probe", "--url", f"{i.services.url}/ask", "--category", "out_of_scope", "--concurrency", 4,
                   "--out", "out"],
        measured=("latency.parquet",),
        senseless={"corrupted store": KEEPS_NOTHING, "one cache": KEEPS_NOTHING},
    ),
    Command(
        "load",
        lambda i: ["load", "--url", f"{i.services.url}/ask", "--golden", i / "few.jsonl", "--concurrency", "1,2",
                   "--requests", 20, "--warmup", 2, "--out", "out"],
        measured=("latency.parquet", "requests.parquet", "results.json", "scores.parquet", "summary.md"),
        senseless={"corrupted store": KEEPS_NOTHING, "one cache": KEEPS_NOTHING},
    ),
    Command("batch submit", _batch, measured=BATCH_FILES, pays=True, in_flight=0, after=_to_the_end),
    Command(
        "batch fetch", lambda i: FETCH, measured=BATCH_FILES, pays=True, in_flight=0, before=lambda i: [_batch(i)],
        after=_to_the_end,
    ),
    Command(
        "batch status", lambda i: ["batch", "status", "out"], measured=BATCH_FILES, pays=True, in_flight=0,
        before=lambda i: [_batch(i)], after=_to_the_end,
    ),
    Command(
        "wattbot run",
        lambda i: ["wattbot", "run", "--metadata", i / "metadata.csv", "--documents", i / "texts", "--questions",
                   i / "questions.csv", *_model(i), "--out", "out"],
        measured=("spent.json",),
        pays=True,
    ),
    Command(
        "chunk", lambda i: ["chunk", "--corpus", i / "texts", "--out", "out.jsonl"],
        senseless={"corrupted store": KEEPS_NOTHING, "one cache": KEEPS_NOTHING},
    ),
    Command(
        "embed", lambda i: ["embed", i / "texts", "--out", "out", "--npy"],
        senseless={"one cache": "it uses no cache"},
    ),
    Command(
        "export", lambda i: ["export", "--golden", i / "golden.jsonl", "--to", "hf", "--out", "out"],
        senseless={"corrupted store": KEEPS_NOTHING, "one cache": KEEPS_NOTHING},
    ),
    Command(
        "jobs fetch", lambda i: ["jobs", "fetch", "one", "--out", "out"], before=_ended_job,
        senseless={
            "corrupted store": KEEPS_NOTHING, "one cache": KEEPS_NOTHING,
            "object store": "its input is already in an object store",
        },
    ),
    Command("data get", lambda i: ["data", "get", "tiny", "--url-list", i / "urls.yaml", "--out", "out"]),
    Command(
        "view", lambda i: ["view", i / "run", "--no-open"], talk=_view,
        senseless={
            "one folder": "it only reads the folder", "corrupted store": "what it stores goes when it ends",
            "object store": NOTHING_WRITTEN,
        },
    ),
    Command(
        "report", lambda i: ["report", i / "run", "--resamples", 200, "--out", "out.html"],
        senseless={"object store": "the page shows the URLs of its inputs"},
    ),
    Command(
        "compare", lambda i: ["compare", i / "run", "--resamples", 200, "--out", "out.md"],
        senseless={"corrupted store": KEEPS_NOTHING, "one cache": KEEPS_NOTHING},
    ),
    Command(
        "shadow",
        lambda i: ["shadow", "bm25", f"http:url={i.services.url}/search,returns=document", "--queries",
                   i / "golden.jsonl", "--corpus", i / "stones.jsonl", "--out", "out", *QUICK],
        measured=("shadow.json",),
        senseless={"corrupted store": KEEPS_NOTHING},
    ),
    Command(
        "drift",
        lambda i: ["drift", "--reference", i / "golden.jsonl", "--current", i / "questions.csv", "--permutations", 99,
                   "--out", "out"],
    ),
    Command(
        "gate",
        lambda i: ["gate", "--baseline", f"{i / 'run'}::bm25", "--candidate", f"{i / 'run'}::bm25:b=0.2", "--out",
                   "out"],
        senseless={"corrupted store": "tests/workflows/test_doctor.py shows that a damaged baseline is refused",
                   "one cache": KEEPS_NOTHING},
    ),
    Command(
        "baseline set", lambda i: ["baseline", "set", "main", f"{i / 'run'}::bm25", "--store", "out"],
        measured=("latency.parquet",),
        senseless={"one cache": KEEPS_NOTHING},
    ),
    Command(
        "metrics",
        lambda i: ["metrics", i / "run" / "qrels.trec", i / "run" / "runs" / "bm25.trec"],
        senseless=dict.fromkeys(
            ("full disk", "read-only folder", "one folder", "one cache", "corrupted store", "object store"),
            NOTHING_WRITTEN,
        ),
    ),
)  # fmt: skip


def write_inputs(folder: Path, services: Services, warm: Warm) -> Inputs:
    """Make the inputs: two corpora, a golden set, answers, labels, reports to read, and an evaluation."""
    generate_writer.write_corpus(folder / "products.jsonl", 6)
    _lines(folder / "stones.jsonl", [{"id": f"d{n}", "text": f"Stone {n} is grey. It weighs {n} kg."} for n in STONES])
    _lines(folder / "golden.jsonl", [
        {"id": f"q{n}", "text": f"What colour is stone {n}?", "answer": f"Stone {n} is grey.",
         "evidence": [{"document_id": f"d{n}", "grade": 1}]}
        for n in STONES
    ])  # fmt: skip
    (folder / "few.jsonl").write_text("".join((folder / "golden.jsonl").read_text().splitlines(keepends=True)[:6]))
    _lines(folder / "answers.jsonl", [
        {"query_id": f"q{n}", "query": f"What colour is stone {n}?", "answer": f"Stone {n} is grey. Stone {n} is red.",
         "sources": [{"id": f"s{n}", "document_id": f"d{n}", "text": f"Stone {n} is grey."}]}
        for n in STONES
    ])  # fmt: skip
    _lines(
        folder / "others.jsonl",
        [{"query_id": f"q{n}", "query": f"What colour is stone {n}?", "answer": f"Stone {n} is grey."} for n in STONES],
    )
    _lines(folder / "labels.jsonl", [
        {"id": f"q{n}", "query": f"What is stone {n}?", "answer": f"Stone {n} is {'red' if n % 2 else 'grey'}.",
         "contexts": [f"Stone {n} is grey. Rain falls."], "document": f"d{n // 2}", "label": "no" if n % 2 else "yes"}
        for n in STONES
    ])  # fmt: skip
    (folder / "texts").mkdir()
    energy = ROOT / "datasets" / "energy_ai"
    rows = (energy / "metadata.csv").read_text("utf-8").splitlines(keepends=True)[:3]
    (folder / "metadata.csv").write_text("".join(rows), "utf-8")
    lines = (energy / "test_Q.csv").read_text("utf-8").splitlines(keepends=True)
    (folder / "questions.csv").write_text("".join(lines[:6]), "utf-8")
    for id_ in [row.partition(",")[0] for row in rows[1:]]:
        (folder / "texts" / f"{id_}.pdf").write_bytes((energy / "pdf" / f"{id_}.pdf").read_bytes())
    services.archive = _collection()
    (folder / "urls.yaml").write_text(f"collections:\n- {{name: tiny, url: '{services.url}/tiny.zip', licence: CC0}}\n")
    inputs = Inputs(folder, services)
    made = warm.run(_eval("bm25")(inputs), folder)
    assert made.code == 0, made.err
    (folder / "out").rename(folder / "run")
    return inputs


def _lines(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def _collection() -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        archive.writestr("tiny/queries.jsonl", '{"_id": "1", "text": "red tent"}\n')
        rows = [json.dumps({"_id": f"d{n}", "title": "", "text": f"a red tent {n * 7919}"}) for n in range(20_000)]
        archive.writestr("tiny/corpus.jsonl", "\n".join(rows))
        archive.writestr("tiny/qrels/test.tsv", "query-id\tcorpus-id\tscore\n1\td1\t1\n")
    return raw.getvalue()
