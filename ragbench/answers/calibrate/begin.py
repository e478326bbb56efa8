"""The labels of BEGIN: responses of dialogue systems, and whether a passage holds them up.

Source: Dziri, Rashkin, Linzen and Reitter 2022, Evaluating Attribution in Dialogue Systems: The BEGIN Benchmark.
"""

import csv
from pathlib import Path

from ragbench.answers.calibrate.label_words import Words
from ragbench.answers.calibrate.labels import Labelled, LabelSet, Vote
from ragbench.core.answers import Answered, Source
from ragbench.core.errors import InputError
from ragbench.core.fingerprint import fingerprint
from ragbench.core.ledger import Ledger, LedgerEntry
from ragbench.io.encoding import read_text

COLUMNS = ("model_name", "data_source", "knowledge", "message", "response", "begin_label")
WORDS = Words(("Fully attributable",), ("Generic",))


def read_begin(path: Path, words: Words) -> LabelSet:
    """An answer per response, one label each; a generic response is left out unless ``words`` says otherwise.

    Raises:
        InputError: the file is no BEGIN file.
    """
    chosen = Words(words.positive or WORDS.positive, words.left_out or WORDS.left_out)
    reader = csv.DictReader(read_text(path)[0].split("\n"), delimiter="\t", quoting=csv.QUOTE_NONE)
    lacking = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
    if lacking:
        raise InputError(f"{path}: no file of BEGIN: it has no column {', '.join(lacking)}")
    items, entries = [], []
    for number, row in enumerate(reader, start=1):
        where = f"{path}:{number + 1}"
        if None in row or None in row.values():
            raise InputError(f"{where}: not as many cells as the header has columns")
        said = chosen.read(where, row["begin_label"])
        if said is None:
            entries.append(LedgerEntry("labels", where, f"labelled {row['begin_label']!r}", "label-left-out"))
            continue
        passage = fingerprint(row["knowledge"])
        metadata = {"model": row["model_name"], "data_source": row["data_source"]}
        source = Source("source", passage, row["knowledge"])
        item = Answered(str(number), row["message"], row["response"], (source,), metadata=metadata)
        items.append(Labelled(item, (Vote("", said),), passage, str(number)))
    return LabelSet(tuple(items), path.stem, Ledger(tuple(entries)), ("model",))
