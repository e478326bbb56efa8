"""Tests of a RAG service: load tests and probes."""

from collections.abc import Sequence
from typing import Any

from ragbench.answers.load.result import SHARES, LoadResult
from ragbench.api.audits import GOLDEN
from ragbench.api.bind import call
from ragbench.api.views import TableView
from ragbench.render.load import notes, summary
from ragbench.workflows import load_test as load_workflow

load_test = call("load_test", load_workflow.Options, load_workflow.run, called={"golden": GOLDEN})


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
