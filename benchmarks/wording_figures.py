"""Per-query figures of masked sets and of human queries on public collections: measured once, analysed often.

``python -m benchmarks.wording_figures`` measures them (an hour on one core) and stores a file for each collection.
"""

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks import public_collections
from benchmarks.command import DATA
from benchmarks.public_collections import Collection
from ragbench.core.context import Context, generator
from ragbench.core.documents import Chunks, Corpus
from ragbench.core.goldens import GoldenItem, GoldenSet
from ragbench.corpus.chunk import choose_chunker, chunk
from ragbench.golden.claims import PerQuery
from ragbench.golden.corpus_words import CorpusWords
from ragbench.golden.drafts import Draft
from ragbench.golden.lead import Leads
from ragbench.golden.masked import styles_of_wordings, write
from ragbench.golden.validity import POOL, drawn, measured
from ragbench.golden.wordings import WORDINGS, Style, queries_for
from ragbench.io.places import cache_folder

METRIC = "ndcg@10"
FOLDER = Path(__file__).resolve().parent / "wording_figures"
HUMAN, WRITTEN = 1000, 700
"""The most human queries of a collection, and queries of a written set."""
SEEDS, MOST_OF, DRAWS = 20, 3, 20
"""Human queries that become seeds, at most one in so many of them, and how often they are drawn."""
STEPS = 65_535
"""Values from 0 to 1 are stored as whole numbers up to this one."""


@dataclass(frozen=True)
class Named:
    """A collection: the name in tables, its folder, and what reads it."""

    name: str
    folder: str
    read: Callable[[Path], Collection]

    @property
    def file(self) -> Path:
        """Where its figures are stored."""
        return FOLDER / f"{self.read.__name__}.npz"


COLLECTIONS = (
    Named("ADI", "classic/adi", public_collections.adi),
    Named("MED", "classic/med", public_collections.med),
    Named("Cranfield", "classic/cran", public_collections.cranfield),
    Named("CACM", "cacm", public_collections.cacm),
    Named("SciFact", "scifact", public_collections.scifact),
    Named("SQuAD 2 paragraphs", "squad2", public_collections.squad2),
    Named("course FAQ", "faq_zoomcamp", public_collections.faq),
    Named("manual", "cookbook_docs", public_collections.manual),
    Named("source code", "cookbook_docs", public_collections.code),
    Named("passages of five texts", "chunk_spans", public_collections.chunk_spans),
)


@dataclass(frozen=True)
class SeedDraws:
    """Draws of human queries as seeds.

    Attributes:
        rows: (draws, seeds) rows of the human queries.
        styles, errors: (draws, 2) mean lead and length of each draw, and their standard errors.
    """

    rows: npt.NDArray[np.int64]
    styles: npt.NDArray[np.float64]
    errors: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Figures:
    """What was measured on one collection.

    Attributes:
        name: the collection.
        human: the human queries.
        paraphrases: as many masked sentences of least overlap as the other set has queries.
        wordings: the set in five wordings, in equal shares.
        styles: mean lead and length of masked text by wording.
        seeds: draws of seeds.
    """

    name: str
    human: PerQuery
    paraphrases: PerQuery
    wordings: PerQuery
    styles: Mapping[str, Style]
    seeds: SeedDraws

    def write(self, path: Path) -> None:
        """Store them."""
        columns: dict[str, npt.NDArray[np.generic]] = {
            "styles": np.array(list(self.styles.values())),
            "style_names": np.array(list(self.styles)),
            "seed_rows": self.seeds.rows.astype(np.int16),
            "seed_styles": self.seeds.styles,
            "seed_errors": self.seeds.errors,
        }
        for part in SETS:
            one: PerQuery = getattr(self, part)
            columns[f"{part}_values"] = np.round(one.values * STEPS).astype(np.uint16)
            columns[f"{part}_clusters"] = one.clusters.astype(np.int16)
            columns[f"{part}_wordings"] = one.wordings
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, **columns)  # type: ignore[arg-type]

    @classmethod
    def read(cls, name: str, path: Path) -> "Figures":
        """Read what `write` stored."""
        with np.load(path) as found:
            sets = [
                PerQuery(
                    found[f"{part}_values"] / STEPS, found[f"{part}_clusters"].astype(np.int64),
                    found[f"{part}_wordings"],
                )
                for part in SETS
            ]  # fmt: skip
            names = found["style_names"].tolist()
            styles = {one: Style(*row) for one, row in zip(names, found["styles"].tolist(), strict=True)}
            seeds = SeedDraws(found["seed_rows"].astype(np.int64), found["seed_styles"], found["seed_errors"])
        return cls(name, *sets, styles, seeds)


SETS = ("human", "paraphrases", "wordings")


def stored() -> list[Figures]:
    """The figures of every collection that has been measured.

    Raises:
        SystemExit: there are none.
    """
    found = [Figures.read(one.name, one.file) for one in COLLECTIONS if one.file.is_file()]
    if not found:
        sys.exit(f"no figures in {FOLDER}: run 'python -m benchmarks.wording_figures'")
    return found


def measure(name: str, corpus: Corpus, people: GoldenSet, most: int = WRITTEN) -> Figures:
    """Write both sets, and measure them and the human queries."""
    context = Context(cache=cache_folder())
    cutter = choose_chunker("whole", passages=True).chunker
    chunks, _ = chunk(corpus, cutter)
    there = (item for item in people if any(e.grade > 0 and e.document_id in corpus.by_id for e in item.evidence))
    human = drawn(GoldenSet(tuple(there), people.name), HUMAN, 0)

    def figures(golden: GoldenSet) -> PerQuery:
        return measured(corpus, golden, POOL, METRIC, cutter, context)

    theirs = figures(human)
    written = write(corpus, chunks, count=min(most, queries_for(len(corpus), 5)))
    count = len(written.drafts)
    alone = write(corpus, chunks, count=count, wordings={"paraphrase": 1.0})
    return Figures(
        name,
        theirs,
        figures(as_golden(alone.drafts)),
        figures(as_golden(written.drafts)),
        *styles_and_seeds(name, corpus, chunks, [item.text for item in human]),
    )


def styles_and_seeds(
    name: str, corpus: Corpus, chunks: Chunks, texts: Sequence[str]
) -> tuple[dict[str, Style], SeedDraws]:
    """Style by wording, and draws of seeds from the human queries with theirs."""
    words = CorpusWords.of(corpus, "english")
    leads = Leads.of(words)
    size, rng = min(SEEDS, len(texts) // MOST_OF), generator(0, "wording figures", name)
    rows = np.array([np.sort(rng.choice(len(texts), size=size, replace=False)) for _ in range(DRAWS)])
    found = [leads.of_seeds([texts[row] for row in one], "english") for one in rows.tolist()]
    known = [at for at, one in enumerate(found) if one is not None]
    styles, errors = (np.array([getattr(found[at], part) for at in known]) for part in ("style", "errors"))
    return styles_of_wordings(corpus, chunks, words, list(WORDINGS)), SeedDraws(rows[known], styles, errors)


def as_golden(drafts: Sequence[Draft]) -> GoldenSet:
    """Drafts without review."""
    return GoldenSet(
        tuple(
            GoldenItem(d.id, d.text, d.type, None, d.evidence, d.masked, (), str(d.provenance["source"]), d.provenance)
            for d in drafts
        ),
        "masked",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure masked sets and human queries on the public collections.")
    parser.add_argument("names", nargs="*", help="collections to measure (default: those without stored figures)")
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the public collections")
    given = parser.parse_args()
    for one in COLLECTIONS:
        if one.read.__name__ in given.names or (not given.names and not one.file.is_file()):
            began = time.perf_counter()
            figures = measure(one.name, *one.read(given.data / one.folder))
            figures.write(one.file)
            sizes = ", ".join(f"{len(getattr(figures, part).values):,} {part}" for part in SETS)
            print(f"{one.name}: {sizes}; {time.perf_counter() - began:,.0f} s", flush=True)


if __name__ == "__main__":
    main()
