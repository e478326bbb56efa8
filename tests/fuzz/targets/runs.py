"""Run files, evaluations, baselines, answers and events."""

import math
import os
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from ragbench.answers.wattbot.inputs import ExtractedLoader, read_metadata
from ragbench.answers.wattbot.inputs import read_questions as read_wattbot_questions
from ragbench.answers.wattbot.run import read_ledger
from ragbench.answers.wattbot.score.lesson import read_lesson_frame
from ragbench.answers.wattbot.score.sheet import read_sheet
from ragbench.answers.wattbot.score.values import read_value
from ragbench.answers.wattbot.search import read_page_chunks
from ragbench.comparison.ab.analyse import analyse
from ragbench.comparison.ab.settings import AbSettings
from ragbench.core.runs import Run
from ragbench.io.answer_files import read_answers, with_timings
from ragbench.io.baselines import read_baseline, read_history
from ragbench.io.evaluation_cards import read_evaluations, refuse_other
from ragbench.io.run_files import read_run
from ragbench.io.scored_runs import read_scored
from ragbench.io.trec import write_trec_run
from ragbench.render.ab import read_ab
from ragbench.render.gate import read_gate
from ragbench.view.runs import Runs
from tests.fuzz.target import also, desk, placed, target, text_of
from tests.fuzz.targets.documents import documents, unpacked


def whole(run: Run) -> None:
    """The rankings are in order, and can be written and read again."""
    assert not np.isnan(run.scores).any()
    for at in range(len(run)):
        scores = run.scores[run.offsets[at] : run.offsets[at + 1]]
        assert (scores[1:] <= scores[:-1]).all()
    path = desk() / "written.trec"
    write_trec_run(run, path, escape=True)
    assert run.repeated or read_run(path).repeated == 0


@target("runs.trec", " Q0 ", "\t", "#", "1e5", "nan", "inf")
def read_trec(data: bytes) -> None:
    """A run file of TREC, plain or gzipped."""
    whole(read_run(placed("runs/a.trec", data)))


@target("runs.trec-single")
def read_trec_single(data: bytes) -> None:
    """The same with scores of single precision."""
    whole(read_run(placed("runs/b.trec", data), precision="single"))


@target("runs.json")
def read_json_run(data: bytes) -> None:
    """A run as ranx writes it."""
    also(read_run, placed("runs/a.json.gz", data))
    whole(read_run(placed("runs/a.json", data)))


@target("runs.parquet")
def read_parquet_run(data: bytes) -> None:
    """A run as Parquet."""
    whole(read_run(placed("runs/a.parquet", data)))


@target("evaluation.folder", '"arms"', '"manifest"', '"complete": true', '"status": "ok"', '"metrics"')
def read_evaluation(data: bytes) -> None:
    """The folder of an evaluation (a ZIP archive here), as ``compare``, ``gate`` and the viewer read it."""
    with TemporaryDirectory(dir=desk()) as folder:
        unpacked(data, Path(folder))
        Runs(Path(folder)).find()
        read_scored(folder)


@target(
    "evaluation.card", '"arms"', '"manifest"', '"complete": true', '"finished"', '"metrics"', '"setup"', '"checksum"'
)
def read_card(data: bytes) -> None:
    """The results and the card of an evaluation, for the list of all: damage costs its folder only."""
    with TemporaryDirectory(dir=desk()) as folder:
        for place, name in (("results", "results.json"), ("card", "evaluation.json")):
            (Path(folder) / place).mkdir()
            (Path(folder) / place / name).write_bytes(data)
        (Path(folder) / "card" / "results.json").write_bytes(b"{}")
        os.utime(Path(folder) / "card" / "results.json", (0, 0))
        found, ledger = read_evaluations(Path(folder))
        assert len(found) + len(ledger) == 2
        also(refuse_other, Path(folder) / "results", {"systems": "x"})


@target("evaluation.baseline", '"files"', '"checksum"')
def read_stored_baseline(data: bytes) -> None:
    """A store of baselines (a ZIP archive here) and the history of one."""
    with TemporaryDirectory(dir=desk()) as folder:
        unpacked(data, Path(folder))
        also(read_history, "main", Path(folder))
        read_baseline("main", Path(folder))


@target("evaluation.history", '"metrics"', '"checksum"')
def read_baseline_history(data: bytes) -> None:
    """The history of a baseline."""
    placed("store/main.history.jsonl", data)
    read_history("main", desk() / "store")


@target("results.gate", '"schema_version"', '"rules"')
def read_gate_result(data: bytes) -> None:
    """The output of ``gate --json``."""
    read_gate(placed("results/gate.json", data))


@target("results.ab", '"version"', '"decision"', '"comparisons"')
def read_ab_result(data: bytes) -> None:
    """The output of ``ab --json``."""
    read_ab(placed("results/ab.json", data))


@target("answers.jsonl", '"sources"', '"abstained"', '"cited"', '"run": 2', '"contexts"')
def read_answer_lines(data: bytes) -> None:
    """Answers as JSON Lines, and the file of their times."""
    path = placed("answers/a.jsonl", data)
    found = read_answers(path)
    for item in found:
        for value in (item.seconds, item.cost):
            assert value is None or math.isfinite(value)
    with_timings(found.items, path)


@target("answers.timings", '"seconds"', '"input_tokens"')
def read_answer_times(data: bytes) -> None:
    """The file of the times of answers."""
    with_timings([], placed("answers/timings.jsonl", data))


@target("answers.csv", '"', "['a' 'b']", '["a", "b"]', "(a;b)", "abstained")
def read_answer_table(data: bytes) -> None:
    """Answers as CSV, with lists in cells."""
    read_answers(placed("answers/a.csv", data))


@target("answers.parquet")
def read_answer_parquet(data: bytes) -> None:
    """Answers as Parquet."""
    read_answers(placed("answers/a.parquet", data))


@target("answers.folder", '"format_version"', '"prompt"')
def read_answer_folder(data: bytes) -> None:
    """A folder of answers (a ZIP archive here)."""
    with TemporaryDirectory(dir=desk()) as folder:
        unpacked(data, Path(folder))
        read_answers(Path(folder))


@target("events.csv", "user_id", "variant", "converted", "timestamp", "2026-01-31", '"')
def read_events(data: bytes) -> None:
    """Events of an online test."""
    analyse(placed("events/a.csv", data), AbSettings())


@target("events.parquet")
def read_event_table(data: bytes) -> None:
    """Events as Parquet."""
    analyse(placed("events/a.parquet", data), AbSettings())


@target("wattbot.questions", '"', "id", "question", "answer_unit")
def read_competition(data: bytes) -> None:
    """The tables of the competition: questions, metadata, submissions."""
    path = placed("wattbot/a.csv", data)
    for read in (read_wattbot_questions, read_metadata, read_sheet, read_lesson_frame):
        also(read, path)


@target("wattbot.pages", '"page"', '"content"')
def read_extracted(data: bytes) -> None:
    """Pages that were extracted from documents, chunks of them, and an issue log."""
    also(documents, ExtractedLoader(), placed("wattbot/a_chunks.json", data))
    for read in (read_page_chunks, read_ledger):
        also(read, placed("wattbot/chunks.jsonl", data))


@target("wattbot.value", "[", ",", "%", "is_blank", "e", "million")
def read_answer_value(data: bytes) -> None:
    """A value of an answer."""
    read_value(text_of(data))
