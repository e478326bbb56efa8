"""Views of documents, golden sets, rankings, scores and answers."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ragbench.api.views import TableView
from ragbench.core.answers import AnswerSet
from ragbench.core.documents import Chunks, Corpus
from ragbench.core.goldens import GoldenSet
from ragbench.core.judgements import Judgements
from ragbench.core.ledger import Ledger, issue_lines
from ragbench.core.runs import Run
from ragbench.core.scored import ScoredRun
from ragbench.core.scores import Scores


def skipped(ledger: Ledger) -> list[str]:
    """Report what was skipped in one sentence, if anything was."""
    return [f"{line}; see .ledger" for line in issue_lines(ledger.entries)]


class CorpusView(TableView):
    """A view with a row per document; metadata has its own columns."""

    def frame(self, thing: Corpus) -> Any:
        """Return the columns ``id``, ``title``, ``text`` and metadata."""
        import pandas as pd

        rows = [{"id": d.id, "title": d.title, "text": d.text, **_free(d.metadata)} for d in thing]
        return pd.DataFrame(rows, columns=None if rows else ["id", "title", "text"])

    def sentences(self, thing: Corpus) -> Sequence[str]:
        """Return the number of rows."""
        return [f"Corpus of {len(thing):,} documents", *skipped(thing.ledger)]


class ChunksView(TableView):
    """A view with a row per chunk."""

    def frame(self, thing: Chunks) -> Any:
        """Return the columns ``id``, ``document_id``, ``start``, ``end``, ``title``, ``text``."""
        import pandas as pd

        return pd.DataFrame(
            {
                "id": list(thing.ids),
                "document_id": list(thing.document_ids),
                "start": thing.starts,
                "end": thing.ends,
                "title": list(thing.titles),
                "text": list(thing.texts),
            }
        )

    def sentences(self, thing: Chunks) -> Sequence[str]:
        """Return the numbers of chunks and documents."""
        documents = len(np.unique(thing.document_index))
        return [f"{len(thing):,} chunks of {documents:,} documents", *skipped(thing.ledger)]


class GoldenView(TableView):
    """A view with a row per query."""

    def frame(self, thing: GoldenSet) -> Any:
        """Return the columns ``id``, ``text``, ``type``, ``answer``, ``documents`` (of the evidence), ``unit`` and
        metadata.
        """
        import pandas as pd

        rows = [
            {
                "id": item.id,
                "text": item.text,
                "type": item.type,
                "answer": item.answer,
                "documents": list(dict.fromkeys(e.document_id for e in item.evidence if e.grade > 0)),
                "unit": item.unit,
                **_free(item.metadata),
            }
            for item in thing
        ]
        return pd.DataFrame(rows)

    def sentences(self, thing: GoldenSet) -> Sequence[str]:
        """Return the number of queries by type."""
        types: dict[str, int] = {}
        for item in thing:
            types[item.type or "untyped"] = types.get(item.type or "untyped", 0) + 1
        listed = ", ".join(f"{count} {name}" for name, count in sorted(types.items()))
        return [f"Golden set {thing.name}: {len(thing):,} queries ({listed})", *skipped(thing.ledger)]


class RunView(TableView):
    """A view with a row per retrieved item."""

    def frame(self, thing: Run) -> Any:
        """Return the columns ``query_id``, ``item_id``, ``rank`` (from 1), ``score``."""
        import pandas as pd

        counts = np.diff(thing.offsets)
        ranks = np.arange(len(thing.items)) - np.repeat(thing.offsets[:-1], counts) + 1
        items = np.array(list(thing.item_ids), dtype=object)
        return pd.DataFrame(
            {
                "query_id": np.repeat(np.array(list(thing.query_ids), dtype=object), counts),
                "item_id": items[thing.items] if len(thing.items) else [],
                "rank": ranks,
                "score": thing.scores,
            }
        )

    def sentences(self, thing: Run) -> Sequence[str]:
        """Return the number of rows."""
        failed = f"; {len(thing.failures)} could not be answered" if thing.failures else ""
        return [f"Rankings of {len(thing):,} queries, {len(thing.items):,} {thing.unit}s{failed}"]


class JudgementsView(TableView):
    """A view with a row per label."""

    def frame(self, thing: Judgements) -> Any:
        """Return the columns ``query_id``, ``item_id``, ``label``."""
        import pandas as pd

        items = np.array(list(thing.item_ids), dtype=object)
        return pd.DataFrame(
            {
                "query_id": np.repeat(np.array(list(thing.query_ids), dtype=object), np.diff(thing.offsets)),
                "item_id": items[thing.items] if len(thing.items) else [],
                "label": thing.labels,
            }
        )

    def sentences(self, thing: Judgements) -> Sequence[str]:
        """Return the number of rows."""
        return [f"{len(thing.items):,} labels of {len(thing):,} queries"]


class ScoresView(TableView):
    """A view with a row per query and a column per metric."""

    def frame(self, thing: Scores) -> Any:
        """Return the columns ``query_id`` and the metrics; undefined values are missing."""
        import pandas as pd

        frame = pd.DataFrame(thing.values, columns=list(thing.metrics))
        frame.insert(0, "query_id", list(thing.query_ids))
        return frame

    def sentences(self, thing: Scores) -> Sequence[str]:
        """Return the means."""
        means = ", ".join(f"{name} {value:.3f}" for name, value in thing.means().items())
        return [f"{len(thing.query_ids):,} queries; means: {means}", *skipped(thing.ledger)]


class ScoredRunView(TableView):
    """A view with a row per query: its attributes and its scores."""

    def frame(self, thing: ScoredRun) -> Any:
        """Return the columns ``query_id``, ``text``, ``type``, ``unit``, metadata and the metrics."""
        import pandas as pd

        table = thing.queries
        known: dict[str, Any] = {"query_id": list(table.ids), "text": list(table.texts), "type": list(table.types),
                 "unit": list(table.units)}  # fmt: skip
        taken = {*known, *thing.scores.metrics}
        known |= {name: list(column) for name, column in table.columns.items() if name not in taken}
        metrics = {name: thing.scores.column(name) for name in thing.scores.metrics}
        return pd.DataFrame({**known, **metrics})

    def sentences(self, thing: ScoredRun) -> Sequence[str]:
        """Return the means, or the reason why the system did not run."""
        if thing.error is not None:
            return [f"{thing.name} did not run: {thing.error}"]
        means = ", ".join(f"{name} {value:.3f}" for name, value in thing.scores.means().items())
        return [f"{thing.name}: {len(thing.queries):,} queries; means: {means}"]


class AnswersView(TableView):
    """A view with a row per answer."""

    def frame(self, thing: AnswerSet) -> Any:
        """Return the columns of `ragbench.core.answers.Answered`, ``sources`` as ids, and metadata under its names."""
        import pandas as pd

        rows = [
            {
                "query_id": a.query_id, "query": a.query, "answer": a.answer, "sources": [s.id for s in a.sources],
                "cited": list(a.cited), "abstained": a.abstained, "failure": a.failure, "seconds": a.seconds,
                "first_token_seconds": a.first_token_seconds, "retrieval_seconds": a.retrieval_seconds,
                "input_tokens": a.input_tokens, "output_tokens": a.output_tokens, "cost": a.cost, **_free(a.metadata),
            }
            for a in thing
        ]  # fmt: skip
        return pd.DataFrame(rows)

    def shown(self, thing: AnswerSet) -> Any:
        """Return question, answer and sources."""
        frame = self.frame(thing)
        return frame[["query_id", "query", "answer", "cited", "abstained"]] if len(frame) else frame

    def sentences(self, thing: AnswerSet) -> Sequence[str]:
        """Return the number of rows."""
        return [f"{thing.name}: {len(thing):,} answers", *skipped(thing.ledger)]


def _free(metadata: Any) -> dict[str, object]:
    """Select metadata with plain values for columns. A name that a column has already is skipped."""
    own = {"id", "title", "text", "type", "answer", "documents", "unit", "query_id", "query"}
    return {
        name: value
        for name, value in metadata.items()
        if name not in own and (value is None or isinstance(value, str | int | float | bool))
    }
