"""One module per job: a frozen ``Options`` and ``run(options, context) -> result``. Nothing here prints.

`WORKFLOWS` lists the jobs. The command line and `ragbench.api` are bound from it, so every command is a call and every
call is a command.
"""

import importlib
from dataclasses import dataclass
from typing import Any

GROUPS = ("Build a golden set", "Evaluate", "Decide", "Answers", "Train", "Tools")


@dataclass(frozen=True)
class Workflow:
    """A job.

    Attributes:
        call: its name in Python, ``rb.<call>``; may have a dot, ``wattbot.score``.
        command: its name on the command line, ``ragbench <command>``; may be two words, ``golden audit``.
        group: the heading it stands under in ``ragbench --help``, one of `GROUPS`.
        summary: one line for lists of commands.
        module: the module in this package.
        options: the name of its class of options there.
        run: the name of its function there.
    """

    call: str
    command: str
    group: str
    summary: str
    module: str
    options: str = "Options"
    run: str = "run"

    def load(self) -> tuple[type[Any], Any]:
        """The class of options and the function; imports the module."""
        module = importlib.import_module(f"{__name__}.{self.module}")
        return getattr(module, self.options), getattr(module, self.run)


WORKFLOWS = (
    Workflow("generate", "generate", "Build a golden set", "Write a golden set from documents.", "generate"),
    Workflow(
        "batch.submit", "batch submit", "Build a golden set", "Send what is missing for a golden set as batches.",
        "batch", "SubmitOptions", "run_submit",
    ),
    Workflow(
        "batch.status", "batch status", "Build a golden set", "Show the batches of a run and their states.",
        "batch", "StatusOptions", "run_status",
    ),
    Workflow(
        "batch.fetch", "batch fetch", "Build a golden set", "Get the answers of the batches that have ended.",
        "batch", "FetchOptions", "run_fetch",
    ),
    Workflow("seeds", "seeds", "Build a golden set", "Make seed queries from a search log.", "seeds"),
    Workflow(
        "ingest_traces", "ingest traces", "Build a golden set", "Read queries, rankings and answers from traces.",
        "ingest_traces",
    ),
    Workflow("chunk", "chunk", "Build a golden set", "Cut documents into chunks and write them to a file.", "chunk"),
    Workflow("embed", "embed", "Tools", "Embed a corpus and write its vectors to Parquet files.", "embed"),
    Workflow("index", "index", "Tools", "Write chunks and their vectors into a vector database.", "index"),
    Workflow("audit", "golden audit", "Build a golden set", "Look for what makes a golden set misleading.", "audit"),
    Workflow(
        "review.export", "golden review export", "Build a golden set", "Write a sample of queries for annotators.",
        "review", "ExportOptions", "run_export",
    ),
    Workflow(
        "review.apply", "golden review import", "Build a golden set", "Apply the decisions of annotators.",
        "review", "ApplyOptions", "run_apply",
    ),
    Workflow(
        "without_masked", "golden corpus", "Build a golden set", "Write a copy of the corpus without masked text.",
        "without_masked",
    ),
    Workflow("evaluate", "eval", "Evaluate", "Evaluate retrievers on a golden set.", "evaluate"),
    Workflow("score_runs", "metrics", "Evaluate", "Score run files against relevance labels.", "metrics"),
    Workflow("report", "report", "Evaluate", "Write evaluations as one HTML page to send.", "report"),
    Workflow("experiments", "experiments", "Evaluate", "List every evaluation in one table.", "experiments"),
    Workflow("compare", "compare", "Decide", "Say whether one system is better than another.", "compare"),
    Workflow("gate", "gate", "Decide", "Decide in CI whether a run may replace the baseline.", "gate"),
    Workflow("ab", "ab", "Decide", "Analyse an A/B test: promote, roll back, or go on.", "ab"),
    Workflow("drift", "drift", "Decide", "Compare live queries with a golden set or an earlier log.", "drift"),
    Workflow("shadow", "shadow", "Decide", "Compare two systems on live queries, without labels.", "shadow"),
    Workflow("plan", "plan", "Decide", "Find out how many queries a golden set needs.", "plan"),
    Workflow(
        "baseline.set", "baseline set", "Decide", "Store a run under a name.", "baseline", "SetOptions", "run_set"
    ),
    Workflow(
        "baseline.list", "baseline list", "Decide", "List every stored baseline.", "baseline", "ListOptions", "run_list"
    ),
    Workflow(
        "baseline.history", "baseline history", "Decide", "Show the runs of a baseline over time.", "baseline",
        "HistoryOptions", "run_history",
    ),
    Workflow("baseline.show", "baseline show", "Decide", "Show one baseline.", "baseline", "ShowOptions", "run_show"),
    Workflow("answer", "answer", "Answers", "Answer the questions of a golden set.", "answer"),
    Workflow("score_answers", "score", "Answers", "Score answers against a golden set.", "score"),
    Workflow("prefer", "prefer", "Answers", "Let a judge compare the answers of two systems.", "prefer"),
    Workflow(
        "check_judge", "judge check", "Answers", "Compare a judge with the labels of annotators.", "check_judge"
    ),
    Workflow(
        "judge_sheet", "judge sheet", "Answers", "Write a sheet for annotators of answers.", "judge_sheet"
    ),
    Workflow("probe", "probe", "Answers", "Test the robustness of a RAG service or a model.", "probe"),
    Workflow(
        "endpoint.check", "endpoint check", "Answers", "Show what a RAG service is sent, and how its reply is read.",
        "endpoint", "CheckOptions", "run_check",
    ),
    Workflow("load_test", "load", "Answers", "Measure how a RAG service answers under load.", "load_test"),
    Workflow(
        "wattbot.run", "wattbot run", "Answers", "Answer WattBot questions from reports.", "wattbot", "RunOptions",
        "run_task",
    ),
    Workflow(
        "wattbot.score", "wattbot score", "Answers", "Score WattBot submissions.", "wattbot", "ScoreOptions",
        "run_score",
    ),
    Workflow(
        "jobs.submit", "jobs submit", "Tools", "Run a command on a machine in the cloud.", "jobs", "SubmitOptions",
        "run_submit",
    ),
    Workflow(
        "jobs.status", "jobs status", "Tools", "Show the jobs that were started.", "jobs", "StatusOptions",
        "run_status",
    ),
    Workflow(
        "jobs.logs", "jobs logs", "Tools", "Show the last lines that a job printed.", "jobs", "LogsOptions", "run_logs"
    ),
    Workflow(
        "jobs.fetch", "jobs fetch", "Tools", "Download what a job wrote.", "jobs", "FetchOptions", "run_fetch"
    ),
    Workflow("jobs.stop", "jobs stop", "Tools", "Stop a job.", "jobs", "StopOptions", "run_stop"),
    Workflow(
        "export_labels", "export labels", "Train", "Make graded labels from a search log.", "export_labels"
    ),
    Workflow(
        "export_triplets", "export triplets", "Train", "Write training data for embedders.", "export_training",
        "TripletOptions", "run_triplets",
    ),
    Workflow(
        "export_pairs", "export pairs", "Train", "Write training data for rerankers.", "export_training",
        "PairOptions", "run_pairs",
    ),
    Workflow(
        "train_fusion", "train fusion", "Train", "Learn to weigh the signals of search.", "train_fusion"
    ),
    Workflow("doctor", "doctor", "Tools", "Look for damaged files, and repair them.", "doctor"),
    Workflow("export", "export", "Tools", "Write a golden set in another format, or training data.", "export"),
    Workflow("data.check", "data check", "Tools", "Check the rows of a catalogue against a schema.", "check_data"),
    Workflow(
        "data.list", "data list", "Tools", "List public test collections.", "data", "ListOptions", "run_list"
    ),
    Workflow(
        "data.fetch", "data get", "Tools", "Fetch a public test collection.", "data", "FetchOptions", "run_fetch"
    ),
)  # fmt: skip
