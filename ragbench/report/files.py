"""The files of one evaluation, under one folder.

results.json      the documented JSON object
summary.md        the tables, for a pull request
scores.parquet    one row per arm and query, a column per metric
queries.parquet   one row per query: text, type, resampling unit, metadata
ledger.jsonl      everything without a score, with its reason
runs/ARM.trec     each arm's rankings, for any TREC tool
qrels.trec        the labels they were scored with

In both TREC files blanks and ``%`` of ids are written as ``%20`` and so on.
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from ragbench.core.errors import InputError
from ragbench.core.ledger import Ledger
from ragbench.harness.results import Arm, Evaluation
from ragbench.io.atomic import replacing, write_text
from ragbench.io.inputs import INPUTS, Input, recorded
from ragbench.io.scored_runs import QUERIES, RESULTS, SCORES, write_queries
from ragbench.io.trec import write_qrels, write_trec_run
from ragbench.report.json import results_json
from ragbench.report.markdown import evaluation_markdown


def file_name(arm: str) -> str:
    """An arm's name as a file name; different arms of one evaluation never share one."""
    return re.sub(r"[^A-Za-z0-9._=+-]+", "_", arm).strip("_.") or "arm"


class ReportFolder:
    """Writes the files, arm by arm, so that whatever is finished is readable.

    Args:
        folder: it is made if it is not there.
        inputs: where ``corpus`` and ``golden`` come from, for reports on the evaluation.

    Raises:
        InputError: the folder cannot be made.
    """

    def __init__(self, folder: Path, inputs: Mapping[str, Input] | None = None) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"--out {folder}: the folder cannot be made: {error.strerror or error}") from error
        self.folder = folder
        self._inputs = {INPUTS: recorded(inputs, folder)} if inputs else {}
        self._done: list[Arm] = []
        self._names: dict[str, str] = {}

    def arm(self, arm: Arm) -> None:
        """Write a finished arm and the results so far."""
        if not self._done:
            self._clear()
        self._done.append(arm)
        name = file_name(arm.name)
        while name in self._names.values():
            name += "_"
        self._names[arm.name] = name
        if arm.run is not None:
            write_trec_run(arm.run, self.folder / "runs" / f"{name}.trec", name, escape=True)
        self._scores(self._done)
        self._results(results_json(self._done, (), Ledger(), {"complete": False, "runs": self._names}))

    def _clear(self) -> None:
        """Take away what an earlier evaluation left here, so that nothing of it is taken for this one's."""
        try:
            runs = json.loads((self.folder / RESULTS).read_text(encoding="utf-8"))["manifest"]["runs"]
            old = [f"runs/{file_name(name)}.trec" for name in runs.values()]
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return
        for name in (*old, "qrels.trec", "ledger.jsonl", "summary.md", SCORES, QUERIES):
            (self.folder / name).unlink(missing_ok=True)

    def finish(self, evaluation: Evaluation) -> None:
        """Write everything."""
        self._scores(evaluation.arms)
        write_queries(evaluation.queries, self.folder / QUERIES)
        write_qrels(evaluation.task.judgements, self.folder / "qrels.trec", escape=True)
        lines = [json.dumps(entry._asdict(), ensure_ascii=False) for entry in evaluation.ledger.entries]
        write_text(self.folder / "ledger.jsonl", "".join(line + "\n" for line in lines))
        write_text(self.folder / "summary.md", evaluation_markdown(evaluation))
        manifest = {**evaluation.manifest, **self._inputs, "complete": True, "runs": self._names}
        self._results(results_json(evaluation.arms, evaluation.comparisons, evaluation.ledger, manifest))

    def _results(self, content: dict[str, object]) -> None:
        write_text(self.folder / RESULTS, json.dumps(content, indent=1, ensure_ascii=False) + "\n")

    def _scores(self, arms: Sequence[Arm]) -> None:
        import pandas as pd

        frames = []
        for arm in arms:
            if arm.scores is None:
                continue
            frame = pd.DataFrame(arm.scores.values, columns=list(arm.scores.metrics))
            frame.insert(0, "query_id", list(arm.scores.query_ids))
            frame.insert(0, "arm", arm.name)
            frames.append(frame)
        if frames:
            with replacing(self.folder / SCORES) as path:
                pd.concat(frames, ignore_index=True).to_parquet(path, index=False)
