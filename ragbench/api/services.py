"""Tests of a RAG service: load tests and probes."""

from collections.abc import Sequence
from typing import Any

from ragbench.answers.load.result import SHARES, LoadResult
from ragbench.api.audits import GOLDEN
from ragbench.api.bind import call
from ragbench.api.views import TableView
from ragbench.render.load import notes, summary
from ragbench.render.probe import floor_line
from ragbench.render.probe import notes as probe_notes
from ragbench.workflows import load_test as load_workflow
from ragbench.workflows import probe as probe_workflow

load_test = call("load_test", load_workflow.Options, load_workflow.run, called={"golden": GOLDEN})
probe = call("probe", probe_workflow.Options, probe_workflow.run)


class LoadView(TableView):
    """One row per level."""

    def frame(self, thing: LoadResult) -> Any:
        """Columns ``load``, ``requests``, ``failed``, ``answers_per_second``, ``seconds``, and percentiles in ms."""
        import pandas as pd

        rows = []
        for level in thing.levels:
            times = {} if level.error else {f"{name}_ms": one.value for name, one in level.latency_ms.items()}
            rows.append(
                {"load": level.name, "requests": len(level.exchanges), "failed": level.failed,
                 "answers_per_second": level.per_second, "seconds": level.seconds, **times}
            )  # fmt: skip
        names = ["load", "requests", "failed", "answers_per_second", "seconds", *(f"{name}_ms" for name in SHARES)]
        return pd.DataFrame(rows, columns=names)

    def sentences(self, thing: LoadResult) -> Sequence[str]:
        """The service and the kind of load, errors and notes."""
        errors = [f"error: {level.name}: {level.error}" for level in thing.levels if level.error]
        return [f"{summary(thing)}.", *errors, *(f"note: {note}" for note in notes(thing))]


class ProbeView(TableView):
    """One row per category, and one for all cases."""

    def frame(self, thing: probe_workflow.Probed) -> Any:
        """Columns ``category``, ``cases``, ``pass_rate``, its interval, ``refusal_rate``, ``unscored``, ``idle``."""
        import pandas as pd

        outcome = thing.outcome
        rows = [
            (one.name, one.cases, one.passed.mean, one.passed.low, one.passed.high, one.refused.mean, one.unscored,
             one.idle)
            for one in (*outcome.categories, outcome.overall)
        ]  # fmt: skip
        names = ["category", "cases", "pass_rate", "low", "high", "refusal_rate", "unscored", "idle"]
        return pd.DataFrame(rows, columns=names)

    def sentences(self, thing: probe_workflow.Probed) -> Sequence[str]:
        """The floors, and what you need to know to judge the rates."""
        stopped = [thing.evaluation.stopped] if thing.evaluation.stopped else []
        floors = [floor_line(floor) for floor in thing.outcome.floors]
        return [*stopped, *floors, *(f"note: {note}" for note in probe_notes(thing.outcome, thing.judge))]
