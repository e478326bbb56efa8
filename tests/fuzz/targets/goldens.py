"""Golden sets in every format, labels, questions, and the tables of annotators."""

from pathlib import Path
from tempfile import TemporaryDirectory

from ragbench.answers.judge_check.calibration import Calibration
from ragbench.answers.judge_check.label_files import read_labels as read_judge_labels
from ragbench.core.goldens import GoldenItem, GoldenSet
from ragbench.golden.annotators.sheet import read_decisions
from ragbench.golden.drafting import read_seeds
from ragbench.io.golden_files import read_golden, write_golden
from ragbench.io.human_labels import read_human_labels
from ragbench.io.live_queries import read_live_queries, with_text
from ragbench.io.public_collections import public_collections
from ragbench.io.qrels_files import read_judgements
from ragbench.io.question_files import read_questions
from ragbench.io.trec import read_intents
from ragbench.io.trec_eval_files import read_preferences, read_zscores
from ragbench.view.reviews import read_rows
from ragbench.workflows.replay import read_labelled
from tests.fuzz.target import add, also, desk, placed, target
from tests.fuzz.targets.documents import unpacked


def whole(golden: GoldenSet) -> None:
    """What was read can be written, and is the same when it is read again."""
    path = desk() / "written.jsonl"
    write_golden(golden, path)
    assert read_golden(path).fingerprint == golden.fingerprint


def golden(name: str, file: str, *tokens: str) -> None:
    """Declare a format of one file."""

    def read(data: bytes) -> None:
        whole(read_golden(placed(f"golden/{file}", data), name))

    add(f"golden.{name}", read, *tokens)


golden("native", "a.jsonl", '"start": 5', '"grade": 2', '"evidence"', '"masked"', '"struck"', '"metadata"', '"exclude"')
golden("simple", "b.jsonl", '"query"', '"relevant_product_id"', '"source_chunk_id"')
golden("squad", "c.json", '"answers"', '"answer_start": 0', '"is_impossible": true')
golden("table", "d.csv", "query", "document", "label", '"', ";")


def golden_folder(name: str, *tokens: str) -> None:
    """Declare a format of a folder, which is a ZIP archive here."""

    def read(data: bytes) -> None:
        with TemporaryDirectory(dir=desk()) as folder:
            unpacked(data, Path(folder))
            whole(read_golden(Path(folder)))

    add(f"golden.{name}", read, *tokens)


golden_folder("beir", "query-id\tcorpus-id\tscore\n", "\t", "1")
golden_folder("trec", "<top>", "<num> Number: 1", "<title>", "</top>", "<desc>", "\t", "0")
golden_folder("folder", '"fingerprint"', '"format_version"')


@target("golden.detect")
def detect_golden(data: bytes) -> None:
    """A file whose format is found by its content."""
    read_golden(placed("golden/e.jsonl", data))


@target("golden.labelled")
def read_set_or_labels(data: bytes) -> None:
    """A file for ``eval`` of run files: a set or labels alone."""
    for file in ("a.json", "a.tsv", "a.qrels"):
        also(read_labelled, placed(f"labelled/{file}", data))


@target("labels.qrels", " 0 ", "\t", "1", "#")
def read_qrels(data: bytes) -> None:
    """TREC qrels, plain or gzipped, or those of BEIR."""
    found = read_judgements(placed("labels/a.qrels", data))
    found.to_dict()


@target("labels.intents", " 1 ", "\t")
def read_diversity(data: bytes) -> None:
    """Qrels with intents."""
    read_intents(placed("labels/b.qrels", data))


@target("labels.json")
def read_json_labels(data: bytes) -> None:
    """Labels as nested JSON."""
    read_judgements(placed("labels/a.json", data)).to_dict()


@target("labels.parquet")
def read_parquet_labels(data: bytes) -> None:
    """Labels as Parquet."""
    read_judgements(placed("labels/a.parquet", data)).to_dict()


@target("labels.preferences", "\t", "1.5")
def read_trec_eval_preferences(data: bytes) -> None:
    """Preferences of trec_eval."""
    read_preferences(placed("labels/prefs", data), subgroups=True)


@target("labels.zscores", "\t", "1.5")
def read_trec_eval_zscores(data: bytes) -> None:
    """Means and deviations of trec_eval."""
    read_zscores(placed("labels/zscores", data))


@target("labels.human-csv", '"', "query_id", "item_id", "label", "chance", ";")
def read_human_csv(data: bytes) -> None:
    """A filled sheet of labels."""
    read_human_labels(placed("labels/sheet.csv", data))


@target("labels.human-jsonl", '"label": 1')
def read_human_lines(data: bytes) -> None:
    """Labels of annotators as JSON Lines."""
    read_human_labels(placed("labels/sheet.jsonl", data))


@target("labels.human-xlsx", '<c r="A1" t="s"><v>0</v></c>', '<row r="1">', "<si><t>", 't="inlineStr"')
def read_human_workbook(data: bytes) -> None:
    """A filled sheet of labels as a workbook."""
    read_human_labels(placed("labels/sheet.xlsx", data))


ITEMS = {f"q{n}": GoldenItem(f"q{n}", f"what is {n}?") for n in range(1, 4)}


@target("labels.review", '"', "accept", "edit", "reject", ";", "decision", "labels", "2 a [0:4]")
def read_review(data: bytes) -> None:
    """A filled table of decisions on queries, for the command and for the viewer."""
    path = placed("review/a.csv", data)
    read_decisions(path, ITEMS)
    read_rows(path)


@target("labels.review-viewer", '"', "accept", ";", "decision")
def read_review_in_viewer(data: bytes) -> None:
    """The same table as the viewer keeps it."""
    read_rows(placed("review/b.csv", data))


def judged(format: str, file: str, *tokens: str) -> None:
    """Declare a file of labels for judges."""

    def read(data: bytes) -> None:
        read_judge_labels([placed(f"judge/{file}", data)], format=format)

    add(f"labels.judge-{format}", read, *tokens)


judged("table", "a.csv", "label", "votes", '["yes", "no"]', "yes;no", "annotator")
judged("qags", "b.jsonl", '"responses"', '"summary_sentences"')
judged("qags-summary", "c.jsonl", '"responses"', '"summary_sentences"')
judged("begin", "d.tsv", "\t", "Fully attributable", "Generic")


@target("labels.judge-lines", '"votes": {"a": "yes"}', '"label"')
def read_judge_lines(data: bytes) -> None:
    """Labels for judges as JSON Lines."""
    read_judge_labels([placed("judge/e.jsonl", data)])


@target("labels.calibration", '"n_positive"', '"known"')
def read_calibration(data: bytes) -> None:
    """The calibration of a judge."""
    Calibration.read(placed("judge/calibration.json", data))


@target("questions.lines")
def read_question_lines(data: bytes) -> None:
    """Questions, one a line; and queries of real users."""
    path = placed("questions/a.txt", data)
    read_seeds(path)
    read_questions(path)


@target("questions.table", "question", "id", '"')
def read_question_table(data: bytes) -> None:
    """A table of questions."""
    whole(read_questions(placed("questions/a.csv", data)))


@target("questions.objects", '"question"', '"id"')
def read_question_objects(data: bytes) -> None:
    """Questions as JSON Lines."""
    whole(read_questions(placed("questions/a.jsonl", data)))


@target("logs.csv", "query", "session_id", "timestamp", "position", "clicks", '"', ";", "[")
def read_log_table(data: bytes) -> None:
    """A search log, or another table of live queries."""
    with_text(read_live_queries(placed("logs/a.csv", data)))


@target("logs.jsonl", '"query"', '"session_id"', '"time"', '"results"', '"evidence"')
def read_log_lines(data: bytes) -> None:
    """Live queries as JSON Lines."""
    with_text(read_live_queries(placed("logs/a.jsonl", data)))


@target("questions.parquet")
def read_question_parquet(data: bytes) -> None:
    """Questions as Parquet."""
    read_questions(placed("questions/a.parquet", data))


@target("collections.list", "collections:", "name:", "url:", "sha256:")
def read_collections(data: bytes) -> None:
    """A user's list of public collections."""
    public_collections(placed("collections.yaml", data))
