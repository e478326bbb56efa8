"""What ``export labels``, ``export triplets``, ``export pairs`` and ``train fusion`` print, and their help."""

from typing import TYPE_CHECKING

from ragbench.cli.output import Output

if TYPE_CHECKING:
    from ragbench.learning.labelled_log import LabelledLog
    from ragbench.learning.training_data import TrainingData
    from ragbench.render.fusion import TrainedFusion
    from ragbench.workflows.export_labels import Options as LabelsOptions
    from ragbench.workflows.export_training import PairOptions, TripletOptions
    from ragbench.workflows.train_fusion import Options as FusionOptions

HELP_EXPORT_LABELS = """Make graded labels and a golden set from a log of searches and clicks.

Example:
  ragbench export labels datasets/shop/log.csv --out golden/shop-log
  ragbench export labels log.parquet --columns results=shown,purchases=orders
      --weights clicks=1,purchases=5 --out golden/log

Users look at the first positions most. The command estimates this position bias,
prints it, and divides events by the looks that a document probably had. Queries
with personal data are skipped and listed. Without --out, nothing is written.
Exit code 2: an error of usage or input, or fewer than 50 positive labels."""


def show_export_labels(options: "LabelsOptions", found: "LabelledLog", output: Output) -> None:
    """Print the position bias, the labels, and what was skipped."""
    from ragbench.render.blocks import terminal
    from ragbench.render.log_labels import labels_blocks, labels_json

    if output.as_json:
        output.object({**labels_json(found), "out": str(options.out) if options.out else None})
        return
    output.table(terminal(labels_blocks(found)))
    if options.out is not None:
        output.say(f"{len(found.golden)} queries written to {options.out}")


HELP_EXPORT_TRIPLETS = """Write training data for embedders: a query, a relevant chunk and negatives.

Example:
  ragbench export triplets golden/shop-log --corpus datasets/shop/product_catalog.csv
      --protect datasets/shop --protect-scope queries --out training/triplets
  ragbench export triplets golden/masked --corpus docs/ --protect golden/test
      --retriever hybrid --ranks 10:50 --format hf --out training/triplets

Queries of the protected sets, their near-duplicates and paraphrases, and their
documents are dropped and listed. Without --protect, every golden set below the
current folder is protected. Without --out, nothing is written.
Exit code 2: an error of usage or input, or no query is left."""


def show_export_triplets(options: "TripletOptions", data: "TrainingData", output: Output) -> None:
    """Print what was protected and dropped, the negatives and the rows."""
    _show(options, data, output)


HELP_EXPORT_PAIRS = """Write training data for rerankers: a query, a chunk and its label.

Example:
  ragbench export pairs golden/shop-log --corpus datasets/shop/product_catalog.csv
      --protect datasets/shop --protect-scope queries --ratio 4 --out training/pairs

Queries of the protected sets, their near-duplicates and paraphrases, and their
documents are dropped and listed. Without --protect, every golden set below the
current folder is protected. Without --out, nothing is written.
Exit code 2: an error of usage or input, or no query is left."""


def show_export_pairs(options: "PairOptions", data: "TrainingData", output: Output) -> None:
    """Print what was protected and dropped, the negatives and the rows."""
    _show(options, data, output)


def _show(options: "TripletOptions | PairOptions", data: "TrainingData", output: Output) -> None:
    from ragbench.render.blocks import terminal
    from ragbench.render.training import training_blocks, training_json

    if output.as_json:
        output.object({**training_json(data), "out": str(options.out) if options.out else None})
        return
    output.table(terminal(training_blocks(data)))
    if options.out is not None:
        output.say(f"{len(data):,} rows written to {options.out} ({options.format})")


HELP_TRAIN_FUSION = """Learn to weigh the signals of search, and decide whether the model is better.

Example:
  ragbench train fusion --corpus docs/ --golden golden/human --out models/fusion
  ragbench train fusion --corpus docs/ --golden golden/masked --test golden/human
      --out models/fusion --by type

The model reorders the candidates of a retriever by BM25, vectors, ranks, words and
titles. Use its file as rerank:model=fusion:models/fusion/fusion.json. The decision
comes from queries that the model has not learned from: those of --test, or half of
--golden. Queries that are in a protected set are skipped and counted.

Exit code 0: promoted; 1: refused, the model is worse; 3: refused, the queries
cannot decide, or nothing was learned; 2: an error of usage or input."""


def show_train_fusion(options: "FusionOptions", found: "TrainedFusion", output: Output) -> int:
    """Print what was learned, and the decision."""
    from ragbench.render.blocks import terminal
    from ragbench.render.fusion import fusion_blocks, fusion_json

    if output.as_json:
        output.object(fusion_json(found))
    else:
        output.table(terminal(fusion_blocks(found)), highlight=True)
    return found.exit_code
