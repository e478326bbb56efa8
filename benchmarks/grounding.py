"""The judge-free grounding signal against the labels of annotators: QAGS and BEGIN."""

import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.command import main
from benchmarks.figures import Figure, Options, Section
from ragbench.answers.judge_check.check import CheckSettings, JudgeCheck, check_judge
from ragbench.answers.judge_check.label_files import read_labels
from ragbench.answers.judge_check.labels import LabelSet
from ragbench.answers.judge_check.signal import Signal, signal_of
from ragbench.core.context import generator
from ragbench.core.evaluations import Estimate

RESAMPLES = 2_000
SMALL = 40
CHOSEN_ON = "qags cnndm"
SIGNALS = {"grounding": "grounding", "words alone": "grounding:embedder=null"}
QAGS = {f"qags {name}": f"qags/data/mturk_{name}.jsonl" for name in ("cnndm", "xsum")}
BEGIN = {"begin wow": "begin/wow/begin_dev_wow.tsv", "begin topicalchat": "begin/topicalchat/begin_dev_tc.tsv",
         "begin cmu": "begin/cmu-dog/begin_dev_cmu.tsv"}  # fmt: skip
ACCURACY = {
    "qags cnndm": "DAE .846, FactCC .773, ChatGPT of 2023 .849 (Gao et al. 2023, Table 5)",
    "qags xsum": "DAE .636, FactCC .494, ChatGPT of 2023 .757 (Gao et al. 2023, Table 5)",
}
CORRELATION = {
    "qags cnndm": "AlignScore-large .739, G-Eval with GPT-4 .685, GPTScore .644 (table of the AlignScore repository)",
    "qags xsum": "AlignScore-large .572, G-Eval with GPT-4 .537, GPTScore .227 (table of the AlignScore repository)",
}
HOW = (
    "The signals are `grounding` with its defaults and its words alone (`grounding:embedder=null`). The functions of "
    "`ragbench judge check` compute the figures, with 95% intervals by source text. QAGS has sentences of summaries; "
    "a sentence is supported if most of three annotators say yes. BEGIN (development sets) has responses that are "
    "fully attributable or not; generic ones are excluded. For accuracy, thresholds are chosen by cross-validation, "
    "so that the comparison with trained classifiers is fair. Spearman compares, per summary, the mean score of its "
    f"sentences with the share that is supported. The way to combine words and embeddings was chosen on {CHOSEN_ON} "
    "alone, whose figures are therefore optimistic; nothing was chosen on the other sets. An answer without a value "
    "(without a word, or one that says it has none) counts as 0."
)


def collections(data: Path, limit: int | None) -> dict[str, LabelSet]:
    """Every set by its name."""
    if not (data / "qags").is_dir():
        sys.exit(f"there is no folder {data / 'qags'}; say where the public collections are: --data DIR")
    found = {name: read_labels([data / path], format="qags") for name, path in QAGS.items()}
    found |= {name: read_labels([data / path], format="begin") for name, path in BEGIN.items()}
    return found if limit is None else {name: labels.select(np.arange(limit)) for name, labels in found.items()}


def check(labels: LabelSet, written: str) -> JudgeCheck:
    """The signal against people, an answer without a value at 0."""
    found = signal_of(labels, written)
    signal = Signal(written, found.column, np.nan_to_num(found.values), settings=found.settings)
    return check_judge(labels, signal, CheckSettings(resamples=RESAMPLES))


def correlation(found: JudgeCheck, seed_of: str) -> tuple[float, tuple[float, float]]:
    """Spearman's, per source text, with a 95% percentile interval."""
    from scipy.stats import spearmanr

    clusters = found.labels.clusters
    supported = (found.labels.shares > 0.5).astype(np.float64)
    pairs = np.column_stack([_means(found.signal.values, clusters), _means(supported, clusters)])
    rng = generator(0, "correlation", seed_of)
    drawn = [spearmanr(pairs[rng.integers(0, len(pairs), len(pairs))]).statistic for _ in range(RESAMPLES)]
    low, high = np.nanpercentile(drawn, [2.5, 97.5])
    return float(spearmanr(pairs).statistic), (float(low), float(high))


def _means(values: npt.NDArray[np.float64], clusters: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    means: npt.NDArray[np.float64] = np.bincount(clusters, values) / np.bincount(clusters)
    return means


def _figure(what: str, measure: str, value: Estimate, peers: Mapping[str, str], name: str) -> Figure:
    assert value.mean is not None
    interval = None if value.low is None or value.high is None else (value.low, value.high)
    return Figure(what, measure, value.mean, interval=interval, peer=peers.get(name, ""))


def run(options: Options) -> Section:
    """Area, accuracy and correlation of the signal, with and without embeddings."""
    figures = []
    for name, labels in collections(options.data, SMALL if options.small else None).items():
        options.say(f"{name}: {len(labels)} answers, {(labels.shares > 0.5).mean():.0%} supported")
        for what, written in SIGNALS.items():
            found = check(labels, written)
            title = f"{name}, {what}"
            figures.append(_figure(title, "ROC AUC", found.figures.auc, {}, name))
            if name not in QAGS:
                continue
            figures.append(_figure(title, "accuracy", found.figures.accuracy, ACCURACY, name))
            value, interval = correlation(found, name)
            figures.append(Figure(title, "Spearman", value, interval=interval, peer=CORRELATION[name]))
    return Section("grounding", "Grounding without a judge, against annotators", HOW, tuple(figures))


if __name__ == "__main__":
    sys.exit(main(only="grounding"))
