"""Read traces of a running system, and write its queries, rankings, answers and feedback."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from ragbench.core.context import Context
from ragbench.core.errors import SettingError
from ragbench.core.options import option, options
from ragbench.core.traces import Traces
from ragbench.io.answer_files import write_answers
from ragbench.io.files import write_json, write_json_lines
from ragbench.io.run_folder import working_in
from ragbench.io.traces import read_traces
from ragbench.render.traces import answers_of, feedback_rows, log_rows, ranking_of, traces_json

LOG, RUN, ANSWERS, FEEDBACK, SUMMARY = "log.jsonl", "rankings.json", "answers", "feedback.jsonl", "traces.json"


@options
class Options:
    """The options of ``ragbench ingest traces`` and `ragbench.ingest_traces`."""

    traces: Sequence[Path] = option(
        "Files of traces: OTLP JSON, tables of spans (Phoenix), exports of Langfuse or LangSmith. JSON, JSON Lines, "
        "Parquet or CSV.", section="Input", positional=True, metavar="FILE",
    )  # fmt: skip
    out: Path | None = option(
        "Folder for the log of queries, the rankings, the answers and the feedback.", default=None, section="Output",
        writes="folder",
    )  # fmt: skip
    name: str = option("Name of the traced system.", default="production", section="Output")

    def __post_init__(self) -> None:
        if not self.traces:
            raise SettingError("names no file", option="traces")
        if not self.name.strip():
            raise SettingError("is empty", option="name")


def run(options: Options, context: Context) -> Traces:
    """Read traces of a running system: what users asked, what was retrieved and answered, how long it took.

    ``log.jsonl`` of the folder is a search log that `seeds`, `drift` and `shadow` take, ``answers`` is a folder that
    `score_answers` takes, and ``rankings.json`` is a run file. The id of a query is the id of its trace.

    Returns:
        The requests in order of time. ``ledger`` lists what was skipped.

    Raises:
        InputError: a file cannot be read, holds no traces, or no request is in them.
        SettingError: an option is empty.

    Examples:
        >>> from pathlib import Path
        >>> row = '{"trace_id": "t1", "span_id": "s1", "attributes": {"input.value": "a light tent"}}'
        >>> written = Path("spans.jsonl").write_text(row, encoding="utf-8")
        >>> rb.ingest_traces(["spans.jsonl"]).requests[0].query
        'a light tent'
    """
    found = read_traces(options.traces)
    if options.out is not None:
        with working_in(options.out):
            write_json_lines(options.out / LOG, log_rows(found))
            write_json(options.out / RUN, ranking_of(found))
            write_json_lines(options.out / FEEDBACK, feedback_rows(found))
            answers = answers_of(found, options.name)
            if answers is not None:
                write_answers(answers, options.out / ANSWERS)
            elif (options.out / ANSWERS / "answers.jsonl").is_file():  # of an earlier run, whose traces had answers
                shutil.rmtree(options.out / ANSWERS)
            write_json(options.out / SUMMARY, traces_json(found))
    return found
