"""Read published collections of labels: BEGIN (is a response supported by a passage?) and QAGS.

Source: Dziri, Rashkin, Linzen and Reitter 2022, Evaluating Attribution in Dialogue Systems: The BEGIN Benchmark.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ragbench.answers.judge_check.labels import Labelled, LabelSet, Vote, Words
from ragbench.core.answers import Answered, Source
from ragbench.core.errors import InputError
from ragbench.core.fingerprint import fingerprint
from ragbench.core.ledger import Ledger, LedgerEntry
from ragbench.io.tables import read_csv, read_objects

COLUMNS = ("model_name", "data_source", "knowledge", "message", "response", "begin_label")
BEGIN_WORDS = Words(positive=("Fully attributable",), leave_out=("Generic",))


def read_begin(path: Path, words: Words) -> LabelSet:
    """Read one answer with one label per response. Generic responses are skipped unless ``words`` says otherwise.

    Raises:
        InputError: the file is not a BEGIN file.
    """
    chosen = Words(positive=words.positive or BEGIN_WORDS.positive, leave_out=words.leave_out or BEGIN_WORDS.leave_out)

    def check(header: Sequence[str]) -> None:
        lacking = [name for name in COLUMNS if name not in header]
        if lacking:
            raise InputError(f"{path}: no file of BEGIN: it has no column {', '.join(lacking)}")

    table = read_csv(path, delimiters="\t", exact=True, quotes=False, check=check)
    items, entries = [], []
    for number, (where, cells) in enumerate(table.rows(), start=1):
        row = {key: str(value) for key, value in cells.items()}
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


QAGS_WORDS = Words()


def read_sentences(path: Path) -> LabelSet:
    """Read one answer per sentence, with its three votes.

    Raises:
        InputError: the file is not a QAGS file.
    """
    items = []
    for number, (where, row) in enumerate(read_objects(path), start=1):
        for at, sentence in enumerate(_sentences(where, row), start=1):
            items.append(_labelled(f"{number}.{at}", row, sentence["sentence"], _votes(where, sentence)))
    return LabelSet(tuple(items), path.stem)


def read_summaries(path: Path) -> LabelSet:
    """Read one answer per summary. It is supported if the majority finds each of its sentences supported.

    This is the label of the TRUE benchmark. It is a single label, since annotators
    differ from sentence to sentence.

    Raises:
        InputError: the file is not a QAGS file.
    """
    items = []
    for number, (where, row) in enumerate(read_objects(path), start=1):
        sentences = _sentences(where, row)
        votes = [_votes(where, sentence) for sentence in sentences]
        held = all(2 * sum(vote.positive for vote in said) > len(said) for said in votes)
        text = " ".join(str(sentence["sentence"]) for sentence in sentences)
        items.append(_labelled(str(number), row, text, (Vote("", held),)))
    return LabelSet(tuple(items), path.stem)


def _sentences(where: str, row: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = row.get("summary_sentences")
    listed = found if isinstance(found, list) else []
    whole = all(isinstance(one, dict) and isinstance(one.get("sentence"), str) for one in listed)
    if not (listed and whole and isinstance(row.get("article"), str)):
        raise InputError(f"{where}: no line of QAGS: it has 'article' and 'summary_sentences' with 'sentence' each")
    return listed


def _votes(where: str, sentence: Mapping[str, Any]) -> tuple[Vote, ...]:
    return QAGS_WORDS.votes(where, sentence.get("responses", [])) or ()


def _labelled(id_: str, row: Mapping[str, Any], text: str, votes: tuple[Vote, ...]) -> Labelled:
    article = fingerprint(row["article"])
    return Labelled(Answered(id_, "", text, (Source("source", article, row["article"]),)), votes, article, id_)
