"""Validity of the no-LLM writer: its ranking of retriever settings beside that of people's queries.

``python -m benchmarks.validity --data DIR --out docs/validity.md`` writes the page.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks import public_collections
from benchmarks.command import DATA
from benchmarks.document import table
from benchmarks.figures import Figure, Options, Section
from benchmarks.public_collections import Collection
from ragbench.core.context import Context
from ragbench.core.goldens import GoldenItem, GoldenSet
from ragbench.core.progress import Advance
from ragbench.corpus.chunk import choose_chunker, chunk
from ragbench.golden.drafts import Draft
from ragbench.golden.struck import write
from ragbench.golden.validity import POOL, Validity, validity
from ragbench.io.atomic import write_text
from ragbench.io.cache import cache_folder
from ragbench.models.embed.base import TextKind
from ragbench.models.embed.minilm import MiniLM

TITLE = "Validity of the no-LLM writer"
HOW = (
    f"A pool of {len(POOL)} retriever settings is ranked by nDCG@10, once by struck sentences (one a document, all "
    "documents), once by people's queries; whole documents are indexed, at most 1,000 queries a set. Kendall's tau-b "
    "of the two rankings, 95% interval by resampling both sets; ceiling: mean tau of 1,000 random halves of the "
    "people's queries against each other. The best setting counts as right if it is the same, or if the people's "
    "queries do not tell it from their best (paired 95% interval). How the sentence is chosen was decided on "
    "Cranfield and MED alone."
)


@dataclass(frozen=True)
class Named:
    """A collection, and whether the writer's settings were chosen on it."""

    name: str
    folder: str
    read: Callable[[Path], Collection]
    chosen_on: bool = False


COLLECTIONS = (
    Named("Cranfield", "classic/cran", public_collections.cranfield, True),
    Named("MED", "classic/med", public_collections.med, True),
    Named("CACM", "cacm", public_collections.cacm),
    Named("SQuAD 2 paragraphs", "squad2", public_collections.squad2),
    Named("SciFact", "scifact", public_collections.scifact),
)


@dataclass(frozen=True)
class Measured:
    """What was found on one collection, and how fast its queries were written."""

    collection: Named
    found: Validity
    per_second: float


def run(options: Options) -> Section:
    """Every collection that is there; MED alone where the work is to be small."""
    rows = list(measured(options))
    figures = [figure for row in rows for figure in figures_of(row)]
    unseen = [row for row in rows if not row.collection.chosen_on]
    if unseen:
        ours, ceiling = means(unseen)
        figures.append(
            Figure(
                "mean of the collections not chosen on",
                "tau",
                ours,
                target=f"at least {ceiling:.3f}",
                met=ours >= ceiling,
            )
        )
    return Section("validity", TITLE, HOW, tuple(figures))


def measured(options: Options) -> Iterator[Measured]:
    """Write queries for each collection and compare."""
    there = False
    for collection in COLLECTIONS[1:2] if options.small else COLLECTIONS:
        if not (options.data / collection.folder).is_dir():
            options.say(f"  {collection.name}: left out, {options.data / collection.folder} is not there")
            continue
        options.say(f"  {collection.name}")
        corpus, human = collection.read(options.data / collection.folder)
        chunks, _ = chunk(corpus, choose_chunker("whole", passages=True).chunker)
        began = time.perf_counter()
        drafts = write(corpus, chunks, count=50 if options.small else None)
        seconds = time.perf_counter() - began
        with queries_remembered():
            found = validity(corpus, as_golden(drafts), human, context=Context(cache=cache_folder()))
        there = True
        yield Measured(collection, found, len(drafts) / seconds)
    if not there:
        sys.exit(f"no collection in {options.data}; say where they are: --data DIR")


@contextmanager
def queries_remembered() -> Iterator[None]:
    """Encode each query once, not nine times: every setting with a dense part asks for the same vectors."""
    encode = MiniLM.encode
    known: dict[tuple[str, str], npt.NDArray[np.float32]] = {}

    def remembering(
        self: MiniLM, texts: Sequence[str], kind: TextKind, advance: Advance | None = None
    ) -> npt.NDArray[np.float32]:
        if kind != "query":
            return encode(self, texts, kind, advance)
        model = self.fingerprint()
        new = [text for text in dict.fromkeys(texts) if (model, text) not in known]
        known.update(((model, text), row) for text, row in zip(new, encode(self, new, kind), strict=True))
        return np.stack([known[model, text] for text in texts])

    MiniLM.encode = remembering
    try:
        yield
    finally:
        MiniLM.encode = encode


def as_golden(drafts: Sequence[Draft]) -> GoldenSet:
    """Drafts without review."""
    return GoldenSet(
        tuple(
            GoldenItem(d.id, d.text, d.type, None, d.evidence, d.struck, (), str(d.provenance["source"]))
            for d in drafts
        ),
        "struck",
    )


def figures_of(row: Measured) -> list[Figure]:
    """The lines of one collection."""
    name, found = row.collection.name, row.found
    ceiling = (
        f"{found.ceiling.tau:.2f} [{found.ceiling.low:.2f}, {found.ceiling.high:.2f}] (halves of people's queries)"
    )
    best = f"{found.best_human} (people's queries)"
    return [
        Figure(name, "tau", found.tau.tau, interval=(found.tau.low, found.tau.high), peer=ceiling),
        Figure(name, "people's best less ours", found.shortfall.tau, target="0 in its interval",
               interval=(found.shortfall.low, found.shortfall.high), met=found.best_is_right,
               peer=f"{found.best_synthetic}; {best}"),
        Figure(name, "queries written", row.per_second, "a second"),
    ]  # fmt: skip


def means(rows: Sequence[Measured]) -> tuple[float, float]:
    """Mean tau and mean ceiling."""
    return sum(r.found.tau.tau for r in rows) / len(rows), sum(r.found.ceiling.tau for r in rows) / len(rows)


def page(rows: Sequence[Measured]) -> str:
    """``docs/validity.md``; nothing in it depends on the machine's speed."""
    lines = [
        (
            row.collection.name + (" (chosen on)" if row.collection.chosen_on else ""),
            f"**{row.found.tau.tau:.2f}** [{row.found.tau.low:.2f}, {row.found.tau.high:.2f}]",
            f"{row.found.ceiling.tau:.2f} [{row.found.ceiling.low:.2f}, {row.found.ceiling.high:.2f}]",
            f"`{row.found.best_synthetic}`",
            f"`{row.found.best_human}`",
            "yes" if row.found.best_is_right else "no",
            f"{row.found.queries[0]:,} / {row.found.queries[1]:,}",
        )
        for row in rows
    ]
    header = ("collection", "tau [95%]", "ceiling", "best by struck sentences", "best by people's queries", "right",
              "queries")  # fmt: skip
    parts = [
        f"# {TITLE}\n\nWritten by `python -m benchmarks.validity`; do not edit it.\n\n{HOW}\n",
        table(header, lines),
    ]
    unseen = [row for row in rows if not row.collection.chosen_on]
    if unseen:
        ours, ceiling = means(unseen)
        word = "met" if ours >= ceiling else "missed"
        parts.append(
            f"Mean on the {len(unseen)} collections that nothing was chosen on: **{ours:.2f}**, ceiling {ceiling:.2f} "
            f"(aim: at least the ceiling: {word}).\n"
        )
    for row in rows:
        scores = zip(row.found.settings, row.found.synthetic, row.found.human, strict=True)
        ordered = sorted(scores, key=lambda each: (-each[2], each[0]))
        cells = [(f"`{name}`", f"{ours:.3f}", f"{theirs:.3f}") for name, ours, theirs in ordered]
        parts.append(f"## {row.collection.name}\n")
        parts.append(table(("setting", "nDCG@10, struck sentences", "nDCG@10, people's queries"), cells))
    return "\n".join(parts).rstrip() + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="Write docs/validity.md.")
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the public collections")
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[1] / "docs" / "validity.md")
    given = parser.parse_args()
    rows = []
    for row in measured(Options(given.data, say=lambda text: print(text, file=sys.stderr, flush=True))):
        rows.append(row)
        write_text(given.out, page(rows))  # after each, so that what is done survives an interrupt
        print(f"{row.collection.name}: tau {row.found.tau.tau:.3f}, {row.per_second:,.0f} queries a second", flush=True)


if __name__ == "__main__":
    main()
