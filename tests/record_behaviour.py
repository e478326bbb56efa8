"""Record what the commands of ragbench print and write, and compare two recordings; for changes that change nothing.

    python tests/record_behaviour.py record FOLDER    one JSON file for each command, in under four minutes
    python tests/record_behaviour.py compare OLD NEW  what differs; exit code 1 if anything does
    python tests/record_behaviour.py compare OLD NEW --no-words   only exit codes, keys, values, numbers and files

Commands run as processes in a temporary folder with a copy of the sample sets, so that no path of the checkout gets
into what they print. Times, memory, versions and the like are replaced by what they are. Nothing of the package is
imported: the script holds while modules move. Commands on ../shared/data are left out where it is absent.
"""

import argparse
import base64
import csv
import difflib
import hashlib
import html
import html.parser
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared" / "data"
MAIN = [sys.executable, "-c", "from ragbench.cli import main; main()"]
KEPT_TEXT = 200_000
"""Longer texts are kept as their checksums alone."""
SHOWN = 12
"""Differences shown of one part of one command."""

CATALOG = "datasets/shop/product_catalog.csv"
SHOP = ["--corpus", CATALOG, "--golden", "datasets/shop"]
EVENTS = "datasets/experiment/events.csv"
ENERGY = "datasets/energy_ai"
NO_MODEL = ["--llm", "openai_compatible:m", "--base-url", "http://127.0.0.1:9/v1"]

GOOD_RULES = """rules:
  - metric: ndcg@10
    margin: 0.2
  - metric: mrr@10
    min: 0.40
  - latency: p95
    max_ms: 60000
  - failures: rate
    max: 0.01
  - coverage: answered
    min: 0.9
"""
STRICT_RULES = """rules:
  - metric: ndcg@10
    margin: 0.02
  - metric: ndcg@10
    margin: 0.05
    by: type
    min_queries: 10
  - metric: hit@5
    min: 0.95
    slice: type=question
  - metric: mrr@10
    min: 0.60
    decide: mean
"""
OPEN_RULES = "rules:\n  - metric: ndcg@10\n    margin: 0.001\n"
WRONG_RULES = "rules:\n  - metric: ndgc@10\n    margin: 0.02\n  - cost: query\n    max: 0.002\n  - metrik: mrr@10\n"
EVAL_CONFIG = """corpus: datasets/shop/product_catalog.csv
golden: datasets/shop
retrievers:
  - bm25
  - bm25:k1=1.5,b=0.75
k: [5, 10]
metrics: [ndcg@10, map]
resamples: 500
out: out/config
"""


@dataclass(frozen=True)
class Command:
    """One command line; ``before`` prepares its input, ``here`` runs it at the root of the checkout."""

    name: str
    words: list[str]
    before: Callable[[Path], None] | None = None
    here: bool = False
    shared: bool = False
    timed: bool = True


# What the commands read


def write_lines(path: Path, rows: Iterable[Any]) -> None:
    """A file of JSON lines, with its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def read_lines(path: Path) -> list[Any]:
    """The objects of a file of JSON lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def prepare(work: Path) -> None:
    """The sample sets and small inputs made from them."""
    shutil.copytree(ROOT / "datasets", work / "datasets")
    given = work / "in"
    given.mkdir()
    for name, text in (("good", GOOD_RULES), ("strict", STRICT_RULES), ("open", OPEN_RULES), ("wrong", WRONG_RULES)):
        (given / f"{name}.yaml").write_text(text, encoding="utf-8")
    (given / "eval.yaml").write_text(EVAL_CONFIG, encoding="utf-8")
    (given / "text").mkdir()
    for path in sorted(work.glob("datasets/*/CARD.md")):
        shutil.copy(path, given / "text" / f"{path.parent.name}.md")
    answers(work, given)
    write_lines(given / "people.jsonl", read_lines(work / "datasets" / "shop" / "golden.jsonl")[:40])
    labels(given)
    predictions(work, given)
    if SHARED.is_dir():
        squad(work)
        for name, files in (
            ("med", ("MED.ALL", "MED.QRY", "MED.REL")),
            ("cran", ("cran.all.1400", "cran.qry", "cranqrel")),
        ):
            smart(work / "in" / name, *(SHARED / "classic" / name / file for file in files))
        cacm(work)


def answers(work: Path, given: Path) -> None:
    """Two systems' answers to the queries of the shop: some right, some wrong, some abstentions."""
    golden = read_lines(work / "datasets" / "shop" / "golden.jsonl")
    with (work / CATALOG).open(encoding="utf-8", newline="") as file:
        texts = {row["product_id"]: row["description"] for row in csv.DictReader(file)}
    for name, wrong in (("before", 3), ("after", 7)):
        rows = []
        for at, item in enumerate(golden):
            source = item.get("source") or "P001"
            said = item.get("answer") or " ".join(texts[source].split()[:12])
            if at % wrong == 1:
                said = "It weighs 999 kg."
            elif at % 11 == 5:
                said = "I don't know."
            shown = [
                {"id": one, "document_id": one, "text": texts[one]}
                for one in (source, "P005" if source != "P005" else "P006")
            ]
            rows.append({
                "query_id": item["id"], "query": item["text"], "answer": said, "sources": shown,
                "cited": [source] if at % 4 else [], "seconds": 0.25 + at % 5 / 4, "cost": 0.001,
            })  # fmt: skip
        write_lines(given / f"{name}.jsonl", rows)


def labels(given: Path) -> None:
    """Answers that three people labelled, with another tool's score."""
    rows = []
    for n in range(60):
        supported = n % 2 == 0
        votes = ["yes" if supported else "no"] * 3
        if n % 5 == 0:
            votes[0] = "no" if supported else "yes"
        rows.append({
            "id": f"q{n}", "query": f"What is stone {n}?", "answer": f"Stone {n} is {'grey' if supported else 'red'}.",
            "contexts": [f"Stone {n} is grey. Rain falls."], "document": f"d{n // 2}", "votes": votes,
            "lang": "en" if n < 30 else "de", "own_score": 0.9 if supported and n % 8 else 0.1,
        })  # fmt: skip
    write_lines(given / "labels.jsonl", rows)


def predictions(work: Path, given: Path) -> None:
    """Two submissions: the truth with its first rows spoilt and its last left out."""
    with (work / ENERGY / "train_QA.csv").open(encoding="utf-8-sig", newline="") as file:
        truth = list(csv.DictReader(file))
    for name, wrong, left_out in (("good", 4, 0), ("bad", 20, 3)):
        rows = [{**row, "answer_value": "7777"} if at < wrong else row for at, row in enumerate(truth)]
        with (given / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(truth[0]))
            writer.writeheader()
            writer.writerows(rows[: len(rows) - left_out])


def squad(work: Path) -> None:
    """Two articles of SQuAD 2.0."""
    whole = json.loads((SHARED / "squad2" / "dev-v2.0.json").read_text(encoding="utf-8"))
    part = {**whole, "data": [{**one, "paragraphs": one["paragraphs"][:8]} for one in whole["data"][:2]]}
    (work / "in" / "squad").mkdir()
    (work / "in" / "squad" / "dev.json").write_text(json.dumps(part), encoding="utf-8")


def records(path: Path) -> Iterator[dict[str, str]]:
    """Records of the form ``.I``, ``.T``, ``.W``."""
    record: dict[str, str] = {}
    field = ""
    for line in path.read_text(encoding="latin-1").splitlines():
        if line.startswith(".I"):
            if record:
                yield record
            record, field = {"I": line[2:].strip()}, "I"
        elif re.fullmatch(r"\.[A-Z]\s*", line):
            field = line[1]
            record.setdefault(field, "")
        else:
            record[field] = f"{record[field]} {line}".strip()
    yield record


def smart(out: Path, texts: Path, queries: Path, labelled: Path) -> None:
    """A collection of the Glasgow form as a BEIR folder; queries are numbered by their place."""
    write_lines(
        out / "corpus.jsonl",
        ({"_id": one["I"], "title": one.get("T", ""), "text": one.get("W", "")} for one in records(texts)),
    )
    write_lines(
        out / "queries.jsonl", ({"_id": str(n), "text": one["W"]} for n, one in enumerate(records(queries), start=1))
    )
    grades: dict[tuple[str, str], int] = {}
    for line in labelled.read_text(encoding="latin-1").splitlines():
        if cells := line.split():
            med = labelled.name.startswith("MED")
            grade = int(cells[3]) if med else max(0, 5 - int(cells[2])) if int(cells[2]) > 0 else 0
            key = (cells[0], cells[2] if med else cells[1])
            grades[key] = max(grade, grades.get(key, 0))
    (out / "qrels").mkdir()
    rows = "".join(f"{query}\t{document}\t{grade}\n" for (query, document), grade in grades.items())
    (out / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + rows, encoding="utf-8")


def cacm(work: Path) -> None:
    """The pages of CACM under the names that its labels use."""
    rows = []
    with tarfile.open(SHARED / "cacm" / "cacm.tar.gz") as archive:
        for member in archive:
            handle = archive.extractfile(member)
            if handle is not None:
                text = html.unescape(re.sub(r"<[^>]*>", "", handle.read().decode("latin-1"))).strip()
                rows.append({"id": re.sub(r"-0+", "-", Path(member.name).stem), "text": text})
    write_lines(work / "in" / "cacm.jsonl", rows)


def fill_review(work: Path) -> None:
    """Decide on the exported table as a person would, by place."""
    path = work / "out" / "review.csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    for at, row in enumerate(rows):
        row["decision"] = ("accept", "accept", "reject", "edit")[at % 4]
        if row["decision"] == "edit":
            row["edited_text"] = f"edited {at}"
        if at % 3 == 0:
            row["grade"] = str(1 + at % 3)
    with (work / "in" / "filled.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def keep_ab(work: Path) -> None:
    """The events' analysis as a file, for the report."""
    shutil.copy(work / "printed" / "ab-json.txt", work / "in" / "ab.json")


# What is run


def commands() -> list[Command]:
    """Every command, in the order in which they need each other's files."""
    few, fewer = ["--resamples", "500"], ["--resamples", "2000"]
    settings = ["--retriever", "bm25", "--retriever", "bm25:k1=1.5,b=0.75", "--retriever", "bm25:stem=false"]
    helped = (
        "", "eval", "compare", "ab", "answer", "chunk", "generate", "demo", "export", "gate", "load", "plan",
        "export labels", "export pairs", "export triplets",
        "plugins", "probe", "report", "score", "view", "batch submit", "batch status", "batch fetch",
        "baseline set", "baseline list", "baseline show", "baseline history", "data check", "data list", "data get",
        "ingest traces",
        "doctor", "drift", "endpoint check", "experiments", "golden audit", "golden corpus", "golden review export",
        "golden review import", "embed", "index", "jobs submit", "jobs status", "jobs logs", "jobs fetch", "jobs stop",
        "judge check", "judge sheet", "metrics", "prefer", "seeds", "shadow", "train fusion", "wattbot run",
        "wattbot score",
    )  # fmt: skip
    found = [Command("help" + "-".join(["", *one.split()]), [*one.split(), "--help"]) for one in helped]

    def add(name: str, *words: str, **more: Any) -> None:
        found.append(Command(name, list(words), **more))

    # Small things
    add("version", "--version")
    add("plugins", "plugins")
    add("plugins-json", "plugins", "--json")
    add("data-list", "data", "list")
    add("data-list-json", "data", "list", "--json")
    # Evaluations
    add("eval-default", "eval", *SHOP, "--out", "out/shop")
    add("eval-stored-json", "eval", *SHOP, *few, "--k", "5,10", "--json")
    add("eval-settings", "eval", *SHOP, *settings, "--k", "1,5,10", *few, "--out", "out/settings")
    add("eval-config", "eval", "--config", "in/eval.yaml")
    add("eval-config-overridden", "eval", "--config", "in/eval.yaml", "--k", "3", "--seed", "4", "--json")
    add("eval-chunks", "eval", *SHOP, "--retriever", "bm25", "--chunker", "recursive:size=200,overlap=40",
        "--level", "chunk", "--ties", "expected", *few, "--json", "--out", "out/chunked")  # fmt: skip
    add("eval-run-file", "eval", *SHOP, "--retriever", "bm25", "--retriever", "run:path=out/shop/runs/dense.trec",
        *few, "--json")  # fmt: skip
    add("eval-fusion-json", "eval", *SHOP, "--retriever", "bm25", "--retriever",
        "hybrid:of=['bm25:stem=false','bm25'],fusion=minmax", "--metric", "ndcg@10", *few, "--json")  # fmt: skip
    add("eval-by-json", "eval", *SHOP, "--retriever", "bm25", "--by", "category", *few, "--out", "out/by", "--json")
    add("experiments", "experiments", "out/shop", "--metric", "ndcg@10")
    add("experiments-json", "experiments", "out/shop", "--metric", "ndcg@10", "--json")
    # Comparisons and plans
    add("compare", "compare", "out/shop", "--by", "type", "--margin", ".02", "--out", "out/compare.md")
    add("compare-json", "compare", "out/shop", "--by", "type", "--margin", ".02", *fewer, "--json")
    add("compare-tukey", "compare", "out/shop", "--correction", "tukey", "--metric", "ndcg@10", "--metric", "mrr@10",
        *fewer)  # fmt: skip
    add("compare-two", "compare", "out/shop::bm25", "out/shop::hybrid", "--by", "length", "--test", "t",
        *fewer)  # fmt: skip
    add("compare-run-files", "compare", "out/shop/runs/bm25.trec", "out/shop/runs/dense.trec", "--qrels",
        "out/shop/qrels.trec", *fewer, "--json")  # fmt: skip
    add("plan-pilot", "plan", "out/shop::bm25", "out/shop::hybrid", "--margin", ".02")
    add("plan-pilot-json", "plan", "out/shop::bm25", "out/shop::dense", "--metric", "hit@5", "--seed", "3", "--json")
    add(
        "plan-assumed", "plan", "--sd", ".3", "--icc", ".3", "--per-document", "5", "--queries", "300", "--delta", ".05"
    )
    # The gate
    add("baseline-set", "baseline", "set", "main", "out/shop::bm25")
    add("baseline-set-json", "baseline", "set", "best", "out/shop::rerank", "--json")
    add("baseline-list", "baseline", "list")
    add("baseline-show", "baseline", "show", "main")
    add("baseline-show-json", "baseline", "show", "main", "--json")
    add("gate-pass", "gate", "--baseline", "main", "--candidate", "out/shop::hybrid", "--rules", "in/good.yaml",
        "--out", "out/gate-pass")  # fmt: skip
    add("gate-fail", "gate", "--baseline", "best", "--candidate", "out/shop::bm25", "--rules", "in/strict.yaml",
        "--out", "out/gate-fail", "--junit", "out/junit.xml", "--summary", "out/step.md")  # fmt: skip
    add("gate-fail-json", "gate", "--baseline", "best", "--candidate", "out/shop::bm25", "--rules", "in/strict.yaml",
        "--json")  # fmt: skip
    add("gate-inconclusive", "gate", "--baseline", "out/settings::bm25", "--candidate",
        "out/settings::bm25:k1=1.5,b=0.75", "--rules", "in/open.yaml")  # fmt: skip
    add("gate-options", "gate", "--baseline", "main", "--candidate", "out/shop::hybrid", "--margin", "ndcg@10=.05",
        "--min-ratio", "mrr@10=.9", "--min", "hit@10=.5", "--json")  # fmt: skip
    # Catalogues and live queries
    add("data-check", "data", "check", CATALOG, "--write-schema", "out/schema.yaml")
    add("data-check-json", "data", "check", CATALOG, "--schema", "out/schema.yaml", "--junit", "out/data.xml", "--json")
    live = ["--reference", "datasets/shop/log.csv", "--current", "datasets/shop/log.csv", "--reference-until",
            "2026-05-04", "--since", "2026-05-04", "--permutations", "199"]  # fmt: skip
    add("drift", "drift", *live, "--fail", "--out", "out/drift")
    add("drift-json", "drift", *live, "--json")
    shadow = ["shadow", "bm25:stem=false", "bm25", "--queries", "datasets/shop/seed_queries.txt", "--corpus", CATALOG]
    add("shadow", "shadow", "out/shop/runs/bm25.trec", "out/shop/runs/hybrid.trec", "--queries", "datasets/shop",
        "--out", "out/shadow")  # fmt: skip
    add("shadow-json", *shadow, "--json")
    # Experiments
    add("ab", "ab", EVENTS, "--guardrail", "latency_ms:max_increase=5%", "--over-time", timed=False)
    add("ab-json", "ab", EVENTS, "--guardrail", "latency_ms:max_increase=5%", "--before", "order_value=spend_before",
        "--json", timed=False)  # fmt: skip
    add("ab-final", "ab", EVENTS, "--final", "--control", "treatment", "--effect", "2%", timed=False)
    add("ab-split", "ab", EVENTS, "--split", "control=60,treatment=40", timed=False)
    add("ab-ratio", "ab", EVENTS, "--outcome", "order_value/converted", "--json", timed=False)
    add("ab-runs", "ab", "--runs", "out/shop::bm25", "out/shop::hybrid", "--guardrail", "cost:max_increase=5%")
    add("ab-runs-json", "ab", "--runs", "out/shop::bm25", "out/shop::rerank", "--json")
    # Golden sets
    write = ["generate", "--corpus", CATALOG, "--llm", "none"]
    seeds = ["--seed-queries", "datasets/shop/seed_queries.txt"]
    add("generate-seeds", *write, *seeds, "--out", "out/struck")
    add("generate-again", *write, *seeds, "--out", "out/struck", "--json")
    add("generate-plain", *write, "--sample", "40", "--seed", "5", "--out", "out/plain", "--json")
    add("generate-text", "generate", "--corpus", "in/text", "--llm", "none", "--chunker", "markdown", "--out",
        "out/struck-text")  # fmt: skip
    add("generate-dry-run", *write, *seeds, "--dry-run")
    add("generate-dry-run-model", "generate", "--corpus", CATALOG, *NO_MODEL, "--dry-run", "--json")
    add("golden-corpus", "golden", "corpus", "--corpus", CATALOG, "--golden", "out/struck", "--out", "out/copy")
    add("golden-corpus-json", "golden", "corpus", "--corpus", CATALOG, "--golden", "out/plain", "--out",
        "out/copy-plain", "--json")  # fmt: skip
    add("golden-audit", "golden", "audit", *SHOP, "--out", "out/audit")
    add("golden-audit-json", "golden", "audit", *SHOP, "--retriever", "bm25", "--other", "out/struck", "--depth", "5",
        "--models", "judge=openai:m", "--json")  # fmt: skip
    add("golden-audit-human", "golden", "audit", "--corpus", CATALOG, "--golden", "out/plain", "--human",
        "in/people.jsonl", "--out", "out/validity")  # fmt: skip
    add("golden-audit-plan", "golden", "audit", *SHOP, "--retriever", "bm25", *NO_MODEL, "--dry-run")
    add("golden-review-export", "golden", "review", "export", "--corpus", CATALOG, "--golden", "out/struck",
        "--sample", "24", "--out", "out/review.csv")  # fmt: skip
    add("golden-review-import", "golden", "review", "import", "--decisions", "in/filled.csv", "--golden", "out/struck",
        "--reviewer", "ann", "--out", "out/reviewed", before=fill_review)  # fmt: skip
    add("golden-review-import-json", "golden", "review", "import", "--decisions", "in/filled.csv", "--golden",
        "out/struck", "--out", "out/reviewed-json", "--json")  # fmt: skip
    # Chunks and formats
    add("chunk-jsonl", "chunk", "--corpus", CATALOG, "--out", "out/chunks.jsonl")
    add("chunk-parquet", "chunk", "--corpus", "in/text", "--chunker", "recursive:size=300,overlap=50", "--out",
        "out/chunks.parquet", "--json")  # fmt: skip
    for name in ("markdown", "sentence", "fixed:size=200,overlap=20", "semantic"):
        add(f"chunk-{name.split(':')[0]}", "chunk", "--corpus", "in/text", "--chunker", name, "--json", "--out",
            f"out/{name.split(':')[0]}.jsonl")  # fmt: skip
    for name in ("native", "beir", "trec", "squad", "simple", "hf", "ragas"):
        out = f"out/export/{name}" + {"simple": ".jsonl", "ragas": ".jsonl", "squad": ".json"}.get(name, "")
        more = [] if name in ("native", "trec", "simple", "hf") else ["--corpus", CATALOG]
        add(f"export-{name}", "export", "--golden", "datasets/shop", "--to", name, "--out", out, *more,
            *([] if name in ("beir", "native") else ["--json"]))  # fmt: skip
    training = ("out/export/labels", "--corpus", CATALOG, "--protect", "datasets/shop", "--protect-scope", "queries")
    add("export-labels", "export", "labels", "datasets/shop/log.csv", "--out", "out/export/labels", "--json")
    for kind in ("triplets", "pairs"):
        add(f"export-{kind}", "export", kind, *training, "--out", f"out/export/{kind}", "--json")
    # Answers
    for name in ("before", "after"):
        add(f"answer-{name}", "answer", "--answers", f"in/{name}.jsonl", "--golden", "datasets/shop", "--out",
            f"out/answers/{name}", *(["--json"] if name == "after" else []), timed=False)  # fmt: skip
    add("answer-dry-run", "answer", *SHOP, "--retriever", "bm25", *NO_MODEL, "--dry-run", "--json")
    free = [word for name in ("exact_match", "token_f1", "numeric", "citation", "abstention", "refusal", "length",
                              "grounding:embedder=null") for word in ("--metric", name)]  # fmt: skip
    add("score", "score", "out/answers/before", "--golden", "datasets/shop", *free, *few, "--out", "out/scored/before",
        timed=False)  # fmt: skip
    add("score-json", "score", "in/after.jsonl", "--golden", "datasets/shop", *free, *few, "--out",
        "out/scored/after", "--json", timed=False)  # fmt: skip
    add("score-compare", "compare", "out/scored/before", "out/scored/after", "--metric", "token_f1", "--json")
    add("score-dry-run", "score", "out/answers/after", "--golden", "datasets/shop", "--metric", "faithfulness",
        "--judge", NO_MODEL[1], *NO_MODEL[2:], "--dry-run")  # fmt: skip
    add("prefer-dry-run", "prefer", "out/answers/before", "out/answers/after", "--golden", "datasets/shop", "--judge",
        NO_MODEL[1], *NO_MODEL[2:], "--dry-run", "--json")  # fmt: skip
    add("judge-sheet", "judge", "sheet", "out/answers/before", "--size", "5", "--out", "out/sheet.csv")
    check = ["judge", "check", "--labels", "in/labels.jsonl", "--resamples", "500"]
    add("judge-check", *check, "--metric", "column:own_score", "--slice", "lang", "--out", "out/judge")
    add("judge-check-json", *check, "--metric", "grounding:embedder=null", "--json", "--out", "out/judge-words")
    add("score-calibrated", "score", "out/answers/after", "--golden", "datasets/shop", "--metric",
        "grounding:embedder=null", "--calibration", "out/judge-words/calibration.json", *few, timed=False)  # fmt: skip
    add("probe-documents", "probe", "--write-documents", "out/planted")
    pair = ["--pred", "in/good.csv", "--pred", "in/bad.csv"]
    scored = ["wattbot", "score", "--truth", f"{ENERGY}/train_QA.csv"]
    add("wattbot-score", *scored, *pair, "--metadata", f"{ENERGY}/metadata.csv", "--worst", "3", *few)
    add("wattbot-score-json", *scored, "--pred", "in/bad.csv", "--rows", "out/rows.csv", "--json")
    add("wattbot-score-lesson", *scored, *pair, "--compat", "lesson", "--margin", ".01", *few, "--json")
    add("wattbot-run", "wattbot", "run", "--metadata", f"{ENERGY}/metadata.csv", "--documents", f"{ENERGY}/pdf",
        "--until", "embeddings", "--out", "out/wattbot", "--json")  # fmt: skip
    job = ["jobs", "submit", "--s3", "s3://jobs/all", "--image", "image", "--role",
           "arn:aws:iam::123456789012:role/jobs", "--name", "one", "--dry-run", "--no-install"]  # fmt: skip
    add("jobs-submit", *job, "--price-per-hour", "2", "--max-cost", "3", "--", "wattbot", "run", "--metadata",
        f"{ENERGY}/metadata.csv", "--documents", f"{ENERGY}/pdf", "--until", "embeddings", "--out", "run")  # fmt: skip
    # Reports
    add("report", "report", "out/shop", "--gate", "out/gate-fail", "--ab", "in/ab.json", "--out", "out/report.html",
        "--markdown", "out/comment.md", before=keep_ab)  # fmt: skip
    add("report-figures", "report", "out/settings", "--no-texts", "--title", "Settings", "--metric", "mrr@10", "--out",
        "out/settings.html", "--figures", "out/figures")  # fmt: skip
    add("report-answers", "report", "out/scored/before", "out/scored/after", "--out", "out/answers.html", timed=False)
    add("demo", "demo", "--out", "<tmp>/out/demo", here=True)
    # Wrong use
    add("wrong-command", "evaluate")
    add("wrong-option", "eval", *SHOP, "--retreiver", "bm25")
    add("wrong-eval-retriever", "eval", *SHOP, "--retriever", "bm52", "--retriever", "bm25:k2=1")
    add("wrong-eval-nothing", "eval")
    add("wrong-eval-corpus", "eval", "--corpus", "nowhere.csv", "--golden", "datasets/shop", "--retriever", "bm25")
    add("wrong-eval-metric", "eval", *SHOP, "--retriever", "bm25", "--metric", "ndgc@10")
    add("wrong-eval-arm", "eval", *SHOP, "--retriever", "bm25", "--retriever", "run:path=in/labels.jsonl", "--json")
    add("wrong-compare", "compare", "out/shop::bm52", "out/shop::dense")
    add("wrong-data-check", "data", "check", "in/labels.jsonl", "--schema", "in/wrong.yaml")
    add("wrong-drift", "drift", "--reference", "datasets/shop", "--current", "datasets/shop/log.csv", "--since", "May")
    add("wrong-shadow", "shadow", "bm25", "bm52", "--queries", "datasets/shop/seed_queries.txt", "--corpus", CATALOG)
    add("wrong-plan", "plan", "--sd", "-1")
    add("wrong-gate-rules", "gate", "--baseline", "main", "--candidate", "out/shop::hybrid", "--rules", "in/wrong.yaml")
    add("wrong-gate-baseline", "gate", "--baseline", "mian", "--candidate", "out/shop::hybrid")
    add("wrong-ab", "ab", EVENTS, "--control", "contrl")
    add("wrong-generate", "generate", "--corpus", CATALOG, "--llm", "none", "--mix", "questoin=1", "--out", "out/x")
    add("wrong-generate-model", "generate", "--corpus", CATALOG, "--llm", "openai:gpt-4o-mini", "--out", "out/x")
    add("wrong-batch", "batch", "submit", "--corpus", CATALOG, "--llm", "none", "--out", "out/x")
    add("wrong-batch-status", "batch", "status", "nowhere", "--offline")
    add("wrong-chunk", "chunk", "--corpus", CATALOG, "--chunker", "recursiv", "--out", "out/x.jsonl")
    add("wrong-export", "export", "--golden", "datasets/shop", "--to", "squad", "--out", "out/x")
    add("wrong-answer", "answer", "--out", "out/x", "--answers", "in/after.jsonl", "--llm", "openai:m")
    add("wrong-score", "score", "in/after.jsonl", "--golden", "datasets/shop", "--metric", "token_f2")
    add("wrong-judge-check", *check, "--metric", "column:own_scores")
    add("wrong-probe", "probe", "--category", "harmfull")
    add("wrong-wattbot", *scored, "--pred", f"{ENERGY}/metadata.csv")
    add("wrong-jobs", *job, "--", "chunk", "--corpsu", CATALOG, "--out", "c.jsonl")
    add("wrong-report", "report", "nowhere")
    add("wrong-load", "load", "--url", "http://example.org/ask", "--golden", "datasets/shop")
    add("wrong-audit", "golden", "audit", "--corpus", CATALOG, "--golden", "out/reviewed", "--human", "nowhere")
    # Public collections
    bm25, dev = ["--retriever", "bm25", *few], "in/squad/dev.json"
    add("shared-med", "eval", "--corpus", "in/med", "--golden", "in/med", *bm25, "--out", "out/med", shared=True)
    add("shared-cran-json", "eval", "--corpus", "in/cran", "--golden", "in/cran", "--allow-missing", *bm25, "--metric",
        "map", "--metric", "ndcg@10", "--json", shared=True)  # fmt: skip
    add("shared-cacm", "eval", "--corpus", "in/cacm.jsonl", "--golden", "data/cacm", *bm25, "--metric", "map",
        "--json", shared=True)  # fmt: skip
    add("shared-squad", "eval", "--corpus", dev, "--loader", "squad", "--golden", dev, "--chunker", "sentence", *bm25,
        "--json", shared=True)  # fmt: skip
    add("shared-squad-generate", "generate", "--corpus", dev, "--loader", "squad", "--llm", "none", "--out",
        "out/squad-struck", shared=True)  # fmt: skip
    add("shared-wattbot-score", "wattbot", "score", "--truth", "data/wattbot/train_QA.csv", "--pred",
        "data/wattbot/train_QA.csv", "--metadata", "data/wattbot/metadata.csv", "--json", shared=True)  # fmt: skip
    add("shared-judge-check", "judge", "check", "--labels", "data/qags/data/mturk_xsum.jsonl", "--format", "qags",
        "--metric", "grounding:embedder=null", "--resamples", "200", "--json", shared=True)  # fmt: skip
    add("shared-begin", "judge", "check", "--labels", "data/begin/cmu-dog/begin_dev_cmu.tsv", "--format", "begin",
        "--metric", "grounding:embedder=null", "--resamples", "200", shared=True)  # fmt: skip
    add("shared-ray-docs", "chunk", "--corpus", "data/ray_docs", "--out", "out/ray.jsonl", "--json", shared=True)
    return found


# What is recorded

ALWAYS_VOLATILE = re.compile(r"versions|created.*|ragbench|python|_fingerprint")
VOLATILE_KEYS = re.compile(
    ALWAYS_VOLATILE.pattern + r"|seconds|finished|.*_seconds|latency_ms.*|ms|p(50|95|99)(_low|_high)?|slower"
    r"|latency\.parquet|checksum|\w*qps|peak_memory_mib|elapsed.*"
)
PROGRESS = re.compile(r"[^\n]+: [\d,]+ (?:of [\d,]+|done in [\d.]+ s)")
TIMED_COLUMN = re.compile(r"\b(?:ms|index s|queries/s|MiB)\b")
SECTION = "<ms>"


@dataclass(frozen=True)
class Cleaner:
    """Replaces what two runs of one code do not share."""

    places: tuple[tuple[str, str], ...]
    timed: bool = True

    def text(self, text: str) -> str:
        """Paths, times, dates, versions and progress out of a text."""
        for path, name in self.places:
            text = text.replace(path, name)
        lines = [line.rstrip() for line in text.replace("\r\n", "\n").split("\n") if not PROGRESS.fullmatch(line)]
        text = "\n".join(self._tables(lines) if self.timed else lines)
        if self.timed:
            text = re.sub(r"(?<![\w.])\d[\d,.]* ?(ms|s|seconds|minutes|MB|MiB|kB)\b", r"<some> \1", text)
        text = re.sub(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)", "<time>", text)
        text = re.sub(r"ragbench,? (version )?\d+\.\d+\.\d+\S*", "ragbench <version>", text)
        text = re.sub(rf"\b{date.today().isoformat()}( \d\d:\d\d\b)?", "<today>", text)
        text = re.sub(r"\bragbench(?:\.\w+)+\.(\w+)", r"ragbench...\1", text)
        return re.sub(r"(?<![\w.])-?\d*\.\d{9,}(e[-+]?\d+)?", lambda m: repr(rounded(float(m[0]))), text)

    def _tables(self, lines: list[str]) -> Iterator[str]:
        """Columns of times get a word for their numbers; cells are parted by bars or by two blanks."""
        timed: set[int] = set()
        for line in lines:
            bars = line.startswith("|")
            cells = line.split("|") if bars else re.split(r" {2,}", line)
            if bars or len(cells) > 2:
                named = {at for at, cell in enumerate(cells) if TIMED_COLUMN.search(cell)}
                if named and not any(re.fullmatch(r"\s*[\d.,]+\s*", cells[at]) for at in named):
                    timed = named
                    yield line
                    continue
                if timed:
                    cells = [
                        SECTION if at in timed and re.search(r"\d", c) else c.strip() for at, c in enumerate(cells)
                    ]
                    yield ("|" if bars else "  ").join(cells)
                    continue
            elif not line.strip():
                timed = set()
            yield line

    def value(self, value: Any) -> Any:
        """The same for JSON, where the key says what a time is."""
        if isinstance(value, dict):
            if "fingerprint" in value and ("settings" in value or "asked" in value):
                # Settings are told from others by the module of their class, which may move.
                value = {**value, "fingerprint": "<of settings>"}
            return {self.text(str(key)): self._item(str(key), item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if isinstance(value, float):
            return rounded(value)
        return self.text(value) if isinstance(value, str) else value

    def _item(self, key: str, item: Any) -> Any:
        keys = VOLATILE_KEYS if self.timed else ALWAYS_VOLATILE
        if item is not None and keys.fullmatch(key):
            return f"<{key}>"
        return self.value(item)


def rounded(value: float) -> float:
    """Nine significant digits: more of them are not the same on every machine."""
    return float(f"{value:.9g}")


class Page(html.parser.HTMLParser):
    """Text of a page, a line for each block and a row of cells between bars; scripts and styles left out."""

    BLOCKS = re.compile(r"p|div|section|h[1-5]|li|ul|ol|table|tr|d[td]|summary|details|option|pre|br|text")

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "style"):
            self.hidden += 1
        self.parts.append("\n" if self.BLOCKS.fullmatch(tag) else "|" if tag in ("td", "th") else "")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self.hidden -= 1
        self.parts.append("\n" if self.BLOCKS.fullmatch(tag) else "")

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.parts.append(re.sub(r"\s+", " ", data))

    @property
    def text(self) -> str:
        lines = (line.strip() for line in "".join(self.parts).split("\n"))
        return "\n".join(line for line in lines if line)


def page(raw: str) -> dict[str, Any]:
    """Text of a page and its blocks of data; of the drawings only those that show no time."""
    parser = Page()
    parser.feed(raw)
    found: dict[str, Any] = {"text": parser.text}
    for name, block in re.findall(r'<script type="application/octet-stream" id="block-(\w+)">([^<]*)', raw):
        data = zlib.decompress(base64.b64decode(block), 16 + zlib.MAX_WBITS)
        if name == "vega":
            continue
        (size,) = struct.unpack("<I", data[:4])
        head = json.loads(data[4 : 4 + size])
        for array, (kind, at, count) in head.get("arrays", {}).items():
            values = np.frombuffer(data, np.dtype(kind.lower()), count, 4 + size + at)
            head["arrays"][array] = [kind, count, checksum(values.tobytes())]
        if "charts" in head:
            drawn = (json.dumps(chart) for chart in head["charts"])
            head["charts"] = [json.loads(one) for one in drawn if not re.search(r"\bms\b|latency", one)]
        found[name] = head
    return found


def table(frame: pa.Table) -> dict[str, Any]:
    """A table as columns, with the kinds of them."""
    columns = {name: json.loads(json.dumps(frame.column(name).to_pylist(), default=str)) for name in frame.column_names}
    facts = {
        key.decode(): json_or_text(value.decode("utf-8", "replace"))
        for key, value in (frame.schema.metadata or {}).items()
        if key not in (b"pandas", b"ARROW:schema")
    }
    return {"kinds": {field.name: str(field.type) for field in frame.schema}, "metadata": facts, "columns": columns}


def json_or_text(text: str) -> Any:
    """What the text says as JSON, or the text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def content(path: Path) -> Any:
    """What a file says: JSON, a table or a text; None where its bytes say nothing that can be compared."""
    raw = path.read_bytes()
    if path.suffix == ".parquet":
        return table(pq.read_table(path))
    if path.suffix == ".arrow":
        try:
            return table(pa.ipc.open_stream(raw).read_all())
        except pa.ArrowInvalid:
            return table(pa.ipc.open_file(raw).read_all())
    if path.suffix in (".sqlite", ".npz", ".png", ".lock"):
        return None
    if path.suffix == ".npy":
        array = np.load(path)
        return {"kind": str(array.dtype), "shape": list(array.shape)}
    if path.name == "quality-latency.svg":
        return None
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return {"sha256": checksum(raw)}
    if path.suffix == ".html":
        return page(text)
    if path.suffix == ".json":
        return json_or_text(text)
    if path.suffix == ".jsonl":
        rows = [json_or_text(line) for line in text.split("\n") if line]
        return rows
    return text


def checksum(raw: bytes) -> str:
    """SHA-256, hexadecimal."""
    return hashlib.sha256(raw).hexdigest()


def kept(value: Any) -> dict[str, Any]:
    """Checksums of cleaned content, and the content itself if it is short."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    found = sorted(numbers(text).items())
    facts = {"sha256": checksum(text.encode()), "numbers": checksum(repr(found).encode()), "length": len(text)}
    return {**facts, **({"content": value} if len(text) <= KEPT_TEXT else {})}


def written(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file that a command could write, with what tells that it did."""
    states = ((path, path.stat()) for path in folder.rglob("*") if path.is_file())
    skipped = ("in", "data", "datasets", "cache", "printed")
    return {
        path.relative_to(folder).as_posix(): (state.st_mtime_ns, state.st_size)
        for path, state in states
        if path.relative_to(folder).parts[0] not in skipped
    }


def run(command: Command, work: Path, environment: dict[str, str], cleaner: Cleaner) -> dict[str, Any]:
    """Run one command and tell what came of it."""
    if command.before:
        command.before(work)
    before = written(work)
    words = [word.replace("<tmp>", str(work)) for word in command.words]
    done = subprocess.run(
        [*MAIN, *words], cwd=ROOT if command.here else work, env=environment, capture_output=True, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    out, err = done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")
    (work / "printed" / f"{command.name}.txt").write_text(out, encoding="utf-8")
    after = written(work)
    files = {name: content(work / name) for name, state in sorted(after.items()) if before.get(name) != state}
    printed = json_or_text(out) if "--json" in command.words else out
    return {
        "command": " ".join(["ragbench", *command.words]),
        "exit": done.returncode,
        "stdout": kept(cleaner.value(printed)),
        "options": sorted(set(re.findall(r"--[a-z][\w-]*", out))) if "--help" in command.words else [],
        "stderr": kept(cleaner.text(err)),
        "files": {name: None if value is None else kept(cleaner.value(value)) for name, value in files.items()},
        "gone": sorted(set(before) - set(after)),
    }


def record(folder: Path, only: str) -> None:
    """Run every command and write what came of it."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.json"):
        old.unlink()
    work = Path(tempfile.mkdtemp(prefix="ragbench-")).resolve()
    try:
        prepare(work)
        (work / "printed").mkdir()
        if SHARED.is_dir():
            (work / "data").symlink_to(SHARED.resolve())
        secret = re.compile(r"OPENAI|AWS|AZURE|RAGBENCH|_API_KEY|_PROXY", re.IGNORECASE)
        environment = {key: value for key, value in os.environ.items() if not secret.search(key)}
        source = ROOT / "src" if (ROOT / "src" / "ragbench").is_dir() else ROOT
        environment |= {
            "RAGBENCH_CACHE": str(work / "cache"), "COLUMNS": "100", "NO_COLOR": "1", "PYTHONPATH": str(source),
            "PYTHONHASHSEED": "0", "TERM": "dumb",
        }  # fmt: skip
        roots = {str(work): "<tmp>", str(SHARED.resolve()): "<data>", str(ROOT): "<repo>", str(Path.home()): "<home>"}
        places = tuple(roots.items())
        for command in commands():
            if not re.search(only, command.name):
                continue
            if command.shared and not SHARED.is_dir():
                print(f"{command.name}: left out, the public collections (../shared/data) are not here")
                continue
            began = time.monotonic()
            told = run(command, work, environment, Cleaner(places, command.timed))
            target = folder / f"{command.name}.json"
            target.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
            print(f"{command.name}: exit code {told['exit']}, {time.monotonic() - began:.1f} s", flush=True)
    finally:
        shutil.rmtree(work, ignore_errors=True)


# What differs

NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?")


def numbers(text: str) -> Counter[str]:
    """The numbers of a text, with how often each occurs."""
    return Counter(found.rstrip(",") for found in NUMBER.findall(text))


def is_prose(value: Any) -> bool:
    """Whether a string is a sentence or a phrase rather than a name or a verdict."""
    return isinstance(value, str) and bool(re.search(r"\s", value.strip()))


def differing_numbers(old: str, new: str) -> str:
    """The numbers that only one of two texts has; empty where there are none."""
    before, after = numbers(old), numbers(new)
    gone, come = (sorted(counted.elements()) for counted in (before - after, after - before))
    return f"numbers gone: {', '.join(gone) or 'none'}; new: {', '.join(come) or 'none'}" if gone or come else ""


def differences(old: Any, new: Any, at: str = "") -> Iterator[tuple[bool, str]]:
    """Each difference of two values: whether it is one of words only, and what it is."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in old.keys() - new.keys():
            yield False, f"{at}: key {key!r} is gone"
        for key in new.keys() - old.keys():
            yield False, f"{at}: key {key!r} is new"
        for key in old:
            if key in new:
                yield from differences(old[key], new[key], f"{at}.{key}" if at else key)
    elif isinstance(old, list) and isinstance(new, list):
        if len(old) != len(new):
            yield False, f"{at}: {len(old)} items were, {len(new)} are"
        for place, (one, other) in enumerate(zip(old, new, strict=False)):
            yield from differences(one, other, f"{at}[{place}]")
    elif is_prose(old) and is_prose(new):
        if old != new:
            told = differing_numbers(old, new)
            yield not told, f"{at}: " + "\n".join([*([told] if told else []), *text_difference(old, new)])
    elif old != new or type(old) is not type(new):
        yield False, f"{at}: {old!r} -> {new!r}"


def text_difference(old: str, new: str) -> list[str]:
    """The lines that differ, few of them."""
    lines = [
        line
        for line in difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=0)
        if not line.startswith(("---", "+++", "@@"))
    ]
    return [f"      {line[:300]}" for line in lines[:SHOWN]] + (
        [f"      ... {len(lines) - SHOWN} more lines"] if len(lines) > SHOWN else []
    )


def kept_differences(old: dict[str, Any] | None, new: dict[str, Any] | None) -> Iterator[tuple[bool, str]]:
    """Differences of two recorded contents."""
    if old is None or new is None:
        if old is not new:
            yield False, "its content was or is nothing to compare"
        return
    if old["sha256"] == new["sha256"]:
        return
    if "content" in old and "content" in new:
        before, after = old["content"], new["content"]
        if isinstance(before, str) and isinstance(after, str):
            told = differing_numbers(before, after)
            yield not told, "\n".join([told or "words", *text_difference(before, after)])
        else:
            yield from differences(before, after)
    else:
        words = old["numbers"] == new["numbers"]
        yield words, f"too long to show; {'the numbers are the same' if words else 'numbers differ'}"


def of_command(old: dict[str, Any], new: dict[str, Any]) -> Iterator[tuple[str, bool, str]]:
    """Each difference of one command: its part, whether it is one of words only, and what it is."""
    if old["exit"] != new["exit"]:
        yield "exit code", False, f"{old['exit']} -> {new['exit']}"
    for name in sorted(set(old["options"]) ^ set(new["options"])):
        yield "options", False, f"{name} is {'gone' if name in old['options'] else 'new'}"
    for part in ("stdout", "stderr"):
        for words, told in kept_differences(old[part], new[part]):
            yield part, words, told
    for name in sorted(set(old["files"]) | set(new["files"])):
        if name not in new["files"] or name not in old["files"]:
            yield "files", False, f"{name} is {'no longer' if name in old['files'] else 'newly'} written"
            continue
        for words, told in kept_differences(old["files"][name], new["files"][name]):
            yield f"file {name}", words, told
    if old["gone"] != new["gone"]:
        yield "files", False, f"deleted: {old['gone']} -> {new['gone']}"


def show(told: list[tuple[str, str]]) -> None:
    """Differences by part, the first of each."""
    for part in dict.fromkeys(part for part, _ in told):
        every = [text for one, text in told if one == part]
        print(f"  {part}")
        for text in every[:SHOWN]:
            print(f"    {text}")
        if len(every) > SHOWN:
            print(f"    ... {len(every) - SHOWN} more")


def compare(before: Path, after: Path, no_words: bool) -> int:
    """Print what differs; 1 if anything does."""
    old, new = (
        {path.stem: json.loads(path.read_text("utf-8")) for path in at.glob("*.json")} for at in (before, after)
    )
    if not old or not new:
        print(f"{after if old else before}: no recording")
        return 2
    changed: set[str] = set()
    words: dict[str, list[tuple[str, str]]] = {}
    for name in [*old, *(name for name in new if name not in old)]:
        if name not in old or name not in new:
            print(f"{name}: only in {before if name in old else after}")
            changed.add(name)
            continue
        found = list(of_command(old[name], new[name]))
        if facts := [(part, told) for part, wording, told in found if not wording]:
            print(f"{name}   ({old[name]['command']})")
            show(facts)
            changed.add(name)
        if wording := [(part, told) for part, only_words, told in found if only_words]:
            words[name] = wording
    if words and not no_words:
        print("\nWording only")
        for name, told in words.items():
            print(f"{name}   ({old[name]['command']})")
            show(told)
        changed |= words.keys()
    print(f"{len(old.keys() & new.keys())} commands compared, {len(changed)} differ")
    return bool(changed)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parts = parser.add_subparsers(dest="part", required=True)
    recorded = parts.add_parser("record", help="run every command and write what came of it")
    recorded.add_argument("folder", type=Path)
    recorded.add_argument("--only", default="", help="regular expression of the commands' names")
    compared = parts.add_parser("compare", help="tell what differs between two recordings")
    compared.add_argument("old", type=Path)
    compared.add_argument("new", type=Path)
    compared.add_argument("--no-words", action="store_true", help="leave out differences of wording")
    given = parser.parse_args()
    if given.part == "compare":
        return compare(given.old, given.new, given.no_words)
    record(given.folder, given.only)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
