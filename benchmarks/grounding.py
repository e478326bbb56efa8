"""The judge-free grounding signal against people's labels: QAGS and BEGIN."""

import asyncio
import csv
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.command import main
from benchmarks.figures import Figure, Options, Section
from ragbench.answers.metrics.base import ScoringContext
from ragbench.answers.metrics.grounding import Grounding
from ragbench.core.answers import Answered, AnswerSet, Source
from ragbench.core.seeds import generator
from ragbench.stats.clusters import cluster_index

RESAMPLES = 2_000
SMALL = 40
CHOSEN_ON = "qags cnndm"
HOW = (
    "ROC AUC of `grounding` as it ships and of its words alone (`grounding:embedder=null`), with 95% percentile "
    "intervals, resampled by source text. QAGS: sentences of summaries, supported where most of three people say yes. "
    "BEGIN (development sets): responses, fully attributable against not fully attributable; generic ones are left "
    f"out. The way to combine words and embeddings was chosen on {CHOSEN_ON} alone, whose figure is therefore "
    "flattered; nothing was chosen on the others."
)
BEGIN_SETS = {"begin wow": "wow/begin_dev_wow.tsv", "begin topicalchat": "topicalchat/begin_dev_tc.tsv",
              "begin cmu": "cmu-dog/begin_dev_cmu.tsv"}  # fmt: skip


@dataclass(frozen=True)
class Labelled:
    """Answers with people's labels.

    Attributes:
        answers: one source each.
        supported: (n,) what people say.
        clusters: (n,) the source text of each.
    """

    answers: AnswerSet
    supported: npt.NDArray[np.bool_]
    clusters: npt.NDArray[np.int64]

    @classmethod
    def of(cls, rows: Sequence[tuple[str, str, bool]]) -> "Labelled":
        """From source, text and label."""
        items = tuple(
            Answered(str(at), "", text, (Source("source", "source", source),))
            for at, (source, text, _) in enumerate(rows)
        )
        return cls(AnswerSet(items), np.array([row[2] for row in rows]), cluster_index([row[0] for row in rows]))


def qags(path: Path, limit: int | None) -> Labelled:
    """Sentences of summaries and the vote of most."""
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines()[:limit]:
        found = json.loads(line)
        for sentence in found["summary_sentences"]:
            votes = [response["response"] == "yes" for response in sentence["responses"]]
            rows.append((found["article"], sentence["sentence"], sum(votes) * 2 > len(votes)))
    return Labelled.of(rows)


def begin(path: Path, limit: int | None) -> Labelled:
    """Responses that are fully attributable, and those that are not."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))[:limit]
    kept = [row for row in rows if row["begin_label"] != "Generic"]
    return Labelled.of([(row["knowledge"], row["response"], row["begin_label"].startswith("Fully")) for row in kept])


def auc(scores: npt.NDArray[np.float64], labels: npt.NDArray[np.bool_]) -> float:
    """Chance that a supported one scores higher than one that is not, ties by half (Mann and Whitney 1947)."""
    from scipy.stats import rankdata

    ranks = rankdata(scores)
    yes = int(labels.sum())
    return float((ranks[labels].sum() - yes * (yes + 1) / 2) / (yes * (len(labels) - yes)))


def interval(scores: npt.NDArray[np.float64], labelled: Labelled, rng: np.random.Generator) -> tuple[float, float]:
    """95% percentile interval of the AUC, by source text."""
    order = np.argsort(labelled.clusters, kind="stable")
    c = int(labelled.clusters.max()) + 1
    bounds = np.searchsorted(labelled.clusters[order], np.arange(c + 1))
    found: list[float] = []
    while len(found) < RESAMPLES:
        drawn = rng.integers(0, c, c)
        rows = np.concatenate([order[bounds[one] : bounds[one + 1]] for one in drawn])
        labels = labelled.supported[rows]
        if 0 < labels.sum() < len(labels):
            found.append(auc(scores[rows], labels))
    low, high = np.percentile(found, [2.5, 97.5])
    return float(low), float(high)


def score(labelled: Labelled, metric: Grounding) -> npt.NDArray[np.float64]:
    """The signal of every answer; 0 where it has none (an answer without a word, or one that says it has none)."""
    context = ScoringContext([None] * len(labelled.answers))
    (column,) = asyncio.run(metric.score(labelled.answers, context))
    return np.nan_to_num(column.values)


def collections(data: Path, limit: int | None) -> dict[str, Labelled]:
    """Every set by its name."""
    if not (data / "qags").is_dir():
        sys.exit(f"there is no folder {data / 'qags'}; say where the public collections are: --data DIR")
    found = {f"qags {name}": qags(data / "qags" / "data" / f"mturk_{name}.jsonl", limit) for name in ("cnndm", "xsum")}
    return found | {name: begin(data / "begin" / path, limit) for name, path in BEGIN_SETS.items()}


def run(options: Options) -> Section:
    """The AUC of the signal, with and without embeddings."""
    figures = []
    for name, labelled in collections(options.data, SMALL if options.small else None).items():
        options.say(f"{name}: {len(labelled.answers)} answers, {labelled.supported.mean():.0%} supported")
        for what, metric in (("grounding", Grounding()), ("words alone", Grounding(embedder=None))):
            values = score(labelled, metric)
            figures.append(
                Figure(
                    f"{name}, {what}",
                    "ROC AUC",
                    auc(values, labelled.supported),
                    interval=interval(values, labelled, generator(0, "grounding", name)),
                )
            )
    return Section("grounding", "Grounding without a judge, against people", HOW, tuple(figures))


if __name__ == "__main__":
    sys.exit(main(only="grounding"))
