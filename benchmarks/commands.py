"""What whole commands cost, from start to exit, beside pytrec_eval on the same files."""

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from benchmarks.command import main
from benchmarks.figures import Figure, Options, Section
from benchmarks.startup import installed

RUNS, QUERIES, DEPTH, LABELS, VOCABULARY = 17, 90, 980, 300, 500_000
MILLION = 1_000
"""Queries of the large run file, with as many items each."""
ROUNDS = 5
DOCUMENTS = 1_460
PEER = """
import sys, pytrec_eval
with open(sys.argv[1]) as file:
    qrels = pytrec_eval.parse_qrel(file)
asked = {"ndcg_cut.10", "map", "recip_rank", "Rprec", "bpref", "P.10", "success.10", "recall.100,1000"}
for path in sys.argv[2:]:
    with open(path) as file:
        run = pytrec_eval.parse_run(file)
    found = pytrec_eval.RelevanceEvaluator(qrels, asked).evaluate(run)
    for measure in next(iter(found.values())):
        print(path, measure, sum(one[measure] for one in found.values()) / len(found))
"""
"""The measures that ``ragbench metrics`` prints by default, which has one more (judged@10)."""
HOW = (
    "The figures are processor times of whole processes with all their threads, from start to exit. The commands take "
    f"turns, and the least of {ROUNDS} rounds counts, after a round that does not. The run files are synthetic: {RUNS} "
    f"with {QUERIES} queries and {DEPTH} items each (1.5 million lines), and one of 1,000,000 lines. Each query has "
    f"{LABELS} labels. pytrec_eval reads the same files with its own parser and computes the measures that `ragbench "
    "metrics` prints. `ragbench eval` computes 26 metrics of each run with intervals, tests against the first run, and "
    "ranks. `ragbench gate` compares two systems of its folder. `ragbench golden audit` has its vectors stored."
)


def write_run(path: Path, queries: int, depth: int, near: int, seed: int) -> None:
    """A run whose items come from the judged ones (``near``) and from the whole vocabulary, with some equal scores."""
    rng = np.random.default_rng(seed)
    with path.open("w") as file:
        for query in range(queries):
            items = np.unique(np.concatenate((rng.choice(near, depth), rng.choice(VOCABULARY, depth))))
            items = rng.permutation(items)[:depth]
            scores = np.sort(rng.normal(10, 1, len(items)))[::-1]
            rows = zip(items.tolist(), scores.tolist(), strict=True)
            file.writelines(
                f"{query} Q0 doc{i:07d} {rank} {score:.4f} run{seed}\n" for rank, (i, score) in enumerate(rows, 1)
            )


def write_labels(path: Path, queries: int, near: int) -> None:
    """Labels from 0 to 3."""
    rng = np.random.default_rng(0)
    with path.open("w") as file:
        for query in range(queries):
            items = rng.choice(near, min(LABELS, near), replace=False)
            file.writelines(
                f"{query} 0 doc{i:07d} {label}\n"
                for i, label in zip(items, rng.integers(0, 4, len(items)), strict=True)
            )


def compiled(folder: Path) -> dict[str, str]:
    """An environment in which a command finds its modules compiled from its second run on, as users do."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return environment | {"PYTHONPYCACHEPREFIX": str(folder / "bytecode")}


def processor_seconds(command: Sequence[str], folder: Path, fine: Collection[int] = (0,)) -> float:
    """User and system time of a command and its threads. Its modules are compiled, as they are once installed.

    Args:
        command: the words of the command.
        folder: where it runs, and where its caches are.
        fine: exit codes that are no failure.

    Raises:
        SystemExit: it failed.
    """
    environment = compiled(folder) | {"RAGBENCH_CACHE": str(folder / "cache")}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in fine:
        sys.exit(f"{' '.join(command)[:200]} failed:\n{done.stderr.strip()}")
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def least(commands: Mapping[str, Sequence[str]], folder: Path, rounds: int) -> dict[str, float]:
    """The least processor time of each command over rounds in which they take turns."""
    times: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, command in commands.items():
            seconds = processor_seconds(command, folder)
            if number:
                times[name].append(seconds)
    return {name: min(seconds) for name, seconds in times.items()}


def run(options: Options) -> Section:
    """The commands on run files, and the audit of a masked set."""
    queries, runs, rounds = (5, 2, 1) if options.small else (QUERIES, RUNS, ROUNDS)
    command = installed()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        options.say("  write the run files")
        write_labels(folder / "qrels.txt", queries, 20_000)
        files = [f"run{i:02d}.txt" for i in range(runs)]
        for seed, file in enumerate(files):
            write_run(folder / file, queries, DEPTH, 20_000, seed)
        write_run(folder / "million.txt", *((10, 10) if options.small else (MILLION, MILLION)), 20_000, 99)
        systems = [word for file in files for word in ("--retriever", f"run:path={file}")]
        evaluate = [command, "eval", "--golden", "qrels.txt"]
        processor_seconds([*evaluate, *systems[:4], "--out", "evaluated"], folder)
        baseline, candidate = (f"evaluated::run:path={file}" for file in files[:2])
        peer = [sys.executable, "-c", PEER, "qrels.txt"]
        options.say("  commands on run files")
        seconds = least(
            {
                "pytrec_eval": [*peer, *files],
                "metrics": [command, "metrics", "qrels.txt", *files],
                "eval": [*evaluate, *systems],
                "pytrec_eval, one file": [*peer, "million.txt"],
                "one file": [command, "metrics", "qrels.txt", "million.txt"],
                "compare": [command, "compare", *files[:2], "--qrels", "qrels.txt"],
                "gate": [command, "gate", "--baseline", baseline, "--candidate", candidate],
                "help": [command, "--help"],
                "import": [sys.executable, "-c", "import ragbench"],
            },
            folder,
            rounds,
        )
        options.say("  golden audit")
        audit = audit_seconds(options, command, folder)
    lines = f"{runs} run files, {runs * queries * DEPTH / 1e6:.1f} million lines"
    figures = (
        beside(f"ragbench metrics, {lines}", seconds["metrics"], seconds["pytrec_eval"], 1.0),
        beside(f"ragbench eval, {lines}", seconds["eval"], seconds["pytrec_eval"], 1.5),
        under("ragbench metrics, a run file of 1,000,000 lines", seconds["one file"], 1.5,
              f"pytrec_eval {seconds['pytrec_eval, one file']:.2f} s"),
        under("ragbench compare, two run files", seconds["compare"], 1.5),
        under("ragbench gate", seconds["gate"], 1.0),
        under("ragbench --help", seconds["help"], 0.3),
        under("import ragbench", seconds["import"], 0.2),
        under(f"ragbench golden audit, {DOCUMENTS:,} documents, vectors stored", audit, 30.0),
    )  # fmt: skip
    return Section("commands", "Whole commands", HOW, figures)


def audit_seconds(options: Options, command: str, folder: Path) -> float:
    """Processor time of the audit of masked queries, when a first audit has stored the vectors.

    Raises:
        SystemExit: the collection is missing, or a command failed.
    """
    source = options.data / "scifact" / "corpus.jsonl"
    if not source.is_file():
        sys.exit(f"there is no file {source}; say where the public collections are: --data DIR")
    with source.open(encoding="utf-8") as file:
        lines = list(islice(file, 60 if options.small else DOCUMENTS))
    (folder / "corpus.jsonl").write_text("".join(lines), encoding="utf-8")
    processor_seconds([command, "generate", "--corpus", "corpus.jsonl", "--out", "golden"], folder)
    audit = [command, "golden", "audit", "--golden", "golden", "--corpus", "corpus.jsonl"]
    return [processor_seconds(audit, folder, fine=(0, 1)) for _ in range(2)][1]


def beside(what: str, seconds: float, peer: float, most: float) -> Figure:
    """A command beside pytrec_eval."""
    ratio = seconds / peer
    return Figure(
        what, "processor time / pytrec_eval", ratio, "x", target=f"at most {most:g} x", met=ratio <= most,
        peer=f"pytrec_eval {peer:.2f} s, here {seconds:.2f} s",
    )  # fmt: skip


def under(what: str, seconds: float, most: float, peer: str = "") -> Figure:
    """A command with a limit."""
    return Figure(
        what, "processor time", seconds, "s", target=f"under {most:g} s", met=seconds < most, peer=peer
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(only="commands"))
