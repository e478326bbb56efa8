"""What a masked golden set costs: to write it, and to evaluate five wordings of it instead of one."""

import sys
import tempfile
from itertools import islice
from pathlib import Path

from benchmarks.command import main
from benchmarks.commands import processor_seconds, under
from benchmarks.figures import Figure, Options, Section
from benchmarks.startup import installed

DOCUMENTS = 5_000
FEWER = 2_000
"""Documents that are embedded, in each wording."""
HOW = (
    "The figures are processor times of whole commands with all their threads. `ragbench generate --llm none` masks "
    f"sentences of the first {DOCUMENTS:,} documents of SciFact. `ragbench eval` runs bm25, dense, hybrid and rerank "
    f"on a masked set of the first {FEWER:,}, in one wording and in the five that are the default, each with an empty "
    "cache. The sets have the same number of queries. Each wording has a copy of the documents without its masked "
    "sentences. A document that has none is embedded only once."
)


def run(options: Options) -> Section:
    """Write the sets, and evaluate the small ones.

    Raises:
        SystemExit: the collection is missing, or a command failed.
    """
    source = options.data / "scifact" / "corpus.jsonl"
    if not source.is_file():
        sys.exit(f"there is no file {source}; say where the public collections are: --data DIR")
    command = installed()
    with tempfile.TemporaryDirectory() as name, source.open(encoding="utf-8") as file:
        folder = Path(name)
        lines = list(islice(file, 60 if options.small else DOCUMENTS))
        (folder / "all.jsonl").write_text("".join(lines), encoding="utf-8")
        (folder / "fewer.jsonl").write_text("".join(lines[:FEWER]), encoding="utf-8")
        options.say("  generate")
        generate = [command, "generate", "--llm", "none"]
        written = processor_seconds([*generate, "--corpus", "all.jsonl", "--out", "all"], folder)
        processor_seconds([*generate, "--corpus", "fewer.jsonl", "--out", "five"], folder)
        queries = sum(1 for _ in (folder / "five" / "golden.jsonl").open(encoding="utf-8"))
        one = [*generate, "--corpus", "fewer.jsonl", "--wordings", "paraphrase", "--sample", str(queries)]
        processor_seconds([*one, "--out", "one"], folder)
        seconds = {}
        for wordings in ("one", "five"):
            options.say(f"  eval, wordings: {wordings}")
            arms = [word for arm in ("bm25", "dense", "hybrid", "rerank") for word in ("--retriever", arm)]
            evaluate = [command, "eval", "--corpus", "fewer.jsonl", "--golden", wordings, *arms]
            seconds[wordings] = processor_seconds([*evaluate, "--cache", f"cache-{wordings}"], folder)
    ratio = seconds["five"] / seconds["one"]
    return Section(
        "masked_cost",
        "Cost of a masked set",
        HOW,
        (
            under(f"generate --llm none, {len(lines):,} documents", written, 60),
            Figure(
                f"eval, {len(lines[:FEWER]):,} documents", "processor time, five wordings / one", ratio, "x",
                target="at most 1.5 x", met=ratio <= 1.5,
                peer=f"one {seconds['one']:.1f} s, five {seconds['five']:.1f} s, {queries} queries",
            ),
        ),
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(only="masked_cost"))
