"""The documented, versioned JSON object of an evaluation (docs/reference/results-json.md)."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from ragbench.core.errors import InputError
from ragbench.core.evaluations import SCHEMA_VERSION, Arm, Comparison, Evaluation
from ragbench.core.fingerprint import plain
from ragbench.core.ledger import Ledger
from ragbench.core.scored import MEDIAN, known_intervals
from ragbench.io.encoding import read_text
from ragbench.io.files import replacing, write_text
from ragbench.io.inputs import INPUTS, Input, recorded
from ragbench.io.scored_runs import QUERIES, RESULTS, SCORES, write_queries
from ragbench.io.trec import write_qrels, write_trec_run
from ragbench.render.tables import fraction, headline, llm_lines, p_value, summary, with_interval

JSON = dict[str, object]


def evaluation_json(evaluation: Evaluation) -> JSON:
    """The whole object."""
    return results_json(evaluation.arms, evaluation.comparisons, evaluation.ledger, evaluation.manifest)


def results_json(
    arms: Sequence[Arm], comparisons: Sequence[Comparison], ledger: Ledger, manifest: Mapping[str, object]
) -> JSON:
    """The object from its parts; also of an evaluation that was interrupted."""
    return {
        "schema_version": SCHEMA_VERSION,
        "arms": [arm_json(arm) for arm in arms],
        "comparisons": [comparison_json(comparison) for comparison in comparisons],
        "ledger": {"counts": ledger.counts(), "entries": [entry._asdict() for entry in ledger.entries]},
        "manifest": plain(manifest),
    }


def arm_json(arm: Arm) -> JSON:
    """One arm; ``arms[].metrics["ndcg@10"].mean``."""
    if arm.status == "error" or arm.cost is None:
        return {"name": arm.name, "status": "error", "error": arm.error}
    latency = arm.cost.latency_ms
    known = known_intervals({MEDIAN: (latency.p50_low, latency.p50_high)})
    return {
        "name": arm.name,
        "status": "ok",
        "metrics": {name: asdict(value) for name, value in arm.metrics.items()},
        "directions": {} if arm.scores is None else dict(arm.scores.directions),
        "latency_ms": {name: getattr(latency, name) for name in ("p50", "p95", "p99", "n")},
        "latency_ms_intervals": {MEDIAN: interval_json(known, MEDIAN)},
        "qps": arm.cost.qps,
        "index_seconds": arm.cost.index_seconds,
        "search_seconds": arm.cost.search_seconds,
        "peak_memory_mib": arm.cost.peak_memory_mib,
        "cost_per_query": arm.cost.cost_per_query,
        "tie_rate": arm.tie_rate,
        "failed_queries": arm.failed,
        "empty_queries": arm.empty,
        "degraded_queries": len(arm.degraded),
        "from_store": arm.from_store,
        "notes": plain(arm.notes),
        "warnings": list(arm.warnings),
    }


def interval_json(known: Mapping[str, Sequence[float]], name: str) -> list[float] | None:
    """Its two ends; None where they are not known."""
    return list(known[name]) if name in known else None


def comparison_json(comparison: Comparison) -> JSON:
    """One paired difference."""
    return {
        "baseline": comparison.baseline,
        "candidate": comparison.candidate,
        "metric": comparison.metric,
        "difference": asdict(comparison.difference),
        "p": comparison.p,
        "wins": comparison.wins,
        "ties": comparison.ties,
        "losses": comparison.losses,
    }


def evaluation_markdown(evaluation: Evaluation) -> str:
    """Leaderboard, metrics and cost as Markdown tables."""
    ran = [arm for arm in evaluation.arms if arm.status == "ok"]
    parts = ["# Evaluation", summary(evaluation) + "."]
    if ran:
        metric = headline(list(ran[0].metrics))
        found = {c.candidate: c for c in evaluation.comparisons if c.metric == metric}
        rows = []
        for arm in ran:
            c = found.get(arm.name)
            difference = (
                [with_interval(c.difference, signed=True), p_value(c.p), f"{c.wins}/{c.ties}/{c.losses}"]
                if c
                else [""] * 3
            )
            rows.append([arm.name, with_interval(arm.metrics[metric]), *difference])
        first = f"difference to {ran[0].name}"
        parts.append(table(["retriever", f"{metric} [95% interval]", first, "p", "win/tie/loss"], rows))
        parts.append(
            table(
                ["metric", *(arm.name for arm in ran)],
                [[name, *(with_interval(arm.metrics[name]) for arm in ran)] for name in ran[0].metrics],
            )
        )
        cost = [
            [
                arm.name + (" (stored)" if arm.from_store else ""),
                f"{arm.cost.index_seconds:.2f}",
                f"{arm.cost.qps:.1f}",
                f"{arm.cost.latency_ms.p50:.2f} / {arm.cost.latency_ms.p95:.2f} / {arm.cost.latency_ms.p99:.2f}",
                f"{arm.cost.peak_memory_mib:.0f}",
                fraction(arm.tie_rate),
            ]
            for arm in ran
            if arm.cost is not None
        ]
        parts.append(table(["retriever", "index s", "queries/s", "p50 / p95 / p99 ms", "peak MiB", "tie rate"], cost))
    warnings = [f"- {arm.name}: {warning}" for arm in evaluation.arms for warning in arm.warnings]
    warnings += [f"- **{arm.name} did not run**: {arm.error}" for arm in evaluation.failed]
    warnings += [f"- {escaped(line)}" for arm in evaluation.arms for line in llm_lines(arm)]
    warnings += [f"- {count} x {code}" for code, count in evaluation.ledger.counts().items() if code != "arm-failed"]
    if warnings:
        parts.append("\n".join(["## To know", "", *warnings]))
    return "\n\n".join(parts) + "\n"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; what would break a cell is escaped."""

    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(escaped(cell) for cell in cells) + " |"

    return "\n".join([line(head), "|" + " --- |" * len(head), *(line(row) for row in rows)])


def escaped(text: str) -> str:
    """Text that stays text inside a Markdown cell."""
    for sign in "\\|<>`*_":
        text = text.replace(sign, "\\" + sign)
    # Intervals stay readable; of brackets only the middle of a link is taken apart.
    return text.replace("](", "]\\(").replace("\n", " ")


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


T = TypeVar("T")


def read_object(path: Path, command: str) -> dict[str, Any]:
    """The JSON object of a file.

    Args:
        path: the file.
        command: that wrote it, for messages.

    Raises:
        InputError: it is not there, or holds something else.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; '{command} > FILE' writes one")
    try:
        content = json.loads(read_text(path)[0])
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: is not what '{command}' writes ({error})") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: is not what '{command}' writes: it holds no JSON object")
    return content


def checked(kind: type[T], content: Mapping[str, Any], where: str, command: str) -> T:
    """The dataclass that the object stands for; what it holds beyond is passed over.

    Raises:
        InputError: something is missing or of another kind.
    """
    import pydantic

    try:
        found: T = pydantic.TypeAdapter(kind).validate_python(content)
    except pydantic.ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(map(str, fault["loc"]))
        raise InputError(f"{where}: is not what '{command}' writes: {place}: {fault['msg']}") from error
    return found
